"""Benchmarks: what they are made of, what hedges them, and which one a portfolio has."""

import django.db.models.deletion
from django.db import migrations, models

import config.fields
from config.guards import grant

WHOLE = """
CREATE FUNCTION refuse_benchmark_that_is_no_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE touched bigint; weights numeric;
BEGIN
    IF TG_TABLE_NAME = 'portfolio_benchmark' THEN touched := NEW.id;
    ELSIF TG_OP = 'DELETE' THEN touched := OLD.benchmark_id;
    ELSE touched := NEW.benchmark_id;
    END IF;
    SELECT coalesce(sum(component.weight), 0) INTO weights FROM portfolio_benchmark AS benchmark
        LEFT JOIN portfolio_benchmarkcomponent AS component ON component.benchmark_id = benchmark.id
        WHERE benchmark.id = touched GROUP BY benchmark.id;
    IF abs(weights - 1) > 0.000000001 THEN  -- NULL where the benchmark itself is gone
        RAISE EXCEPTION 'benchmark %: the weights sum to %, not to 1', touched, weights
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER portfolio_benchmark_is_whole AFTER INSERT ON portfolio_benchmark
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_benchmark_that_is_no_whole();
CREATE CONSTRAINT TRIGGER portfolio_benchmarkcomponent_is_whole AFTER INSERT OR UPDATE OR DELETE ON portfolio_benchmarkcomponent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_benchmark_that_is_no_whole();
CREATE FUNCTION refuse_component_of_another_benchmark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a component stays with its benchmark' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER portfolio_benchmarkcomponent_stays BEFORE UPDATE ON portfolio_benchmarkcomponent FOR EACH ROW
    WHEN (NEW.benchmark_id <> OLD.benchmark_id) EXECUTE FUNCTION refuse_component_of_another_benchmark();
"""
NO_WHOLE = """
DROP TRIGGER portfolio_benchmarkcomponent_stays ON portfolio_benchmarkcomponent;
DROP FUNCTION refuse_component_of_another_benchmark();
DROP TRIGGER portfolio_benchmarkcomponent_is_whole ON portfolio_benchmarkcomponent;
DROP TRIGGER portfolio_benchmark_is_whole ON portfolio_benchmark;
DROP FUNCTION refuse_benchmark_that_is_no_whole();
"""


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0006_daily_values_in_bulk"), ("pricing", "0005_quarantine_and_symbols")]

    operations = [
        migrations.CreateModel(
            name="Benchmark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                (
                    "rebalance",
                    models.CharField(
                        choices=[
                            ("monthly", "at the first close of a month"),
                            ("daily", "daily"),
                            ("quarterly", "at the first close of a quarter"),
                            ("never", "never"),
                        ],
                        default="monthly",
                        help_text="When the components are brought back to their weights; of a single one it changes nothing.",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
                "constraints": [
                    models.CheckConstraint(condition=~models.Q(name=""), name="benchmark_has_a_name"),
                    models.CheckConstraint(
                        condition=models.Q(rebalance__in=["monthly", "daily", "quarterly", "never"]),
                        name="benchmark_rebalance_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BenchmarkComponent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("weight", config.fields.PositiveNumeric(help_text="Share of the whole: 0.6 is sixty percent.")),
                (
                    "benchmark",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="components",
                        to="portfolio.benchmark",
                    ),
                ),
                (
                    "security",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pricing.security"
                    ),
                ),
            ],
            options={
                "ordering": ("benchmark", "security"),
                "constraints": [
                    models.UniqueConstraint(fields=("benchmark", "security"), name="benchmark_component_once"),
                    models.CheckConstraint(condition=models.Q(weight__lte=1), name="benchmark_weight_is_a_share"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OneMonthRate",
            fields=[
                ("currency", models.CharField(max_length=3, primary_key=True, serialize=False)),
                (
                    "series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pricing.series"
                    ),
                ),
            ],
            options={"ordering": ("currency",)},
        ),
        migrations.AddField(
            model_name="portfolio",
            name="benchmark",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: none.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="portfolio.benchmark",
            ),
        ),
        migrations.RunSQL(WHOLE, NO_WHOLE),
        grant(
            ("portfolio_benchmark", "portfolio_benchmarkcomponent", "portfolio_onemonthrate"),
            app="SELECT, INSERT, UPDATE, DELETE",
            job="SELECT, INSERT, UPDATE, DELETE",
        ),
        migrations.RunSQL(
            "GRANT UPDATE (benchmark_id) ON portfolio_portfolio TO app",
            "REVOKE UPDATE (benchmark_id) ON portfolio_portfolio FROM app",
        ),
    ]
