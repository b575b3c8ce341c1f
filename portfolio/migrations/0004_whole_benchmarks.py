"""The weights of a benchmark sum to one, and a component stays where it is."""

from django.db import migrations

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
    dependencies = [("portfolio", "0003_evidence")]

    operations = [migrations.RunSQL(WHOLE, NO_WHOLE)]
