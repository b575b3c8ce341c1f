"""An execution is dropped only where a dropped execution tells of it, and by the role `job` alone."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from config.guards import ASKING, grant, never_changes, row_security

VISIBLE = f"""
    CASE WHEN portfolio_id IS NULL THEN user_id = {ASKING}
         ELSE portfolio_id IN (SELECT id FROM portfolio_portfolio) END
"""


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("execution", "0017_exports"),
    ]

    operations = [
        migrations.CreateModel(
            name="DroppedExecution",
            fields=[
                (
                    "id",
                    models.UUIDField(editable=False, help_text="Of the execution.", primary_key=True, serialize=False),
                ),
                ("portfolio_id", models.UUIDField(help_text="Row-level security reads it.", null=True)),
                ("asof_date", models.DateField()),
                ("key", models.CharField(max_length=64)),
                ("result_hash", models.CharField(blank=True, default="", max_length=64)),
                ("started_at", models.DateTimeField()),
                ("dropped_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("age", "older than answers are stored"),
                            ("quota", "its user had more than are stored"),
                            ("by-hand", "an operator dropped it"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "pattern_version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="execution.patternversion",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-dropped_at", "id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason__in", ["age", "quota", "by-hand"])),
                        name="dropped_execution_says_why",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["user", "-started_at"], name="execution_by_user"),
        ),
        row_security("execution_droppedexecution", visible=VISIBLE, writable="false"),
        never_changes("execution_droppedexecution"),
        grant(("execution_droppedexecution",), app="SELECT", job="SELECT, INSERT"),
        migrations.RunSQL(
            """
            CREATE FUNCTION refuse_untold_removal() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NOT EXISTS (SELECT FROM execution_droppedexecution WHERE id = OLD.id AND key = OLD.key) THEN
                    RAISE EXCEPTION '% is evidence: its rows never go untold', TG_TABLE_NAME
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN OLD;
            END $$;
            DROP TRIGGER execution_execution_never_goes ON execution_execution;
            CREATE TRIGGER execution_execution_never_goes BEFORE DELETE ON execution_execution FOR EACH ROW
                EXECUTE FUNCTION refuse_untold_removal();
            GRANT DELETE ON execution_execution, execution_idempotencykey TO job;
            """,
            """
            REVOKE DELETE ON execution_execution, execution_idempotencykey FROM job;
            DROP TRIGGER execution_execution_never_goes ON execution_execution;
            CREATE TRIGGER execution_execution_never_goes BEFORE DELETE ON execution_execution FOR EACH ROW
                EXECUTE FUNCTION refuse_removal();
            DROP FUNCTION refuse_untold_removal();
            """,
        ),
    ]
