"""Executions are evidence and belong to their portfolio; a pack opens to readers only behind its jobs."""

from django.db import migrations

from config.guards import ASKING, grant, never_changes, row_security

VISIBLE = f"""
    CASE WHEN portfolio_id IS NULL THEN user_id = {ASKING}
         ELSE portfolio_id IN (SELECT id FROM portfolio_portfolio) END
"""
OUTCOME = (
    "status", "result", "result_hash", "trace", "sources", "warnings", "provisional", "problem", "finished_at", "duration_ms",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("execution", "0001_initial"), ("portfolio", "0002_tenancy"), ("pricing", "0002_sealed")]

    operations = [
        row_security("execution_execution", visible=VISIBLE, writable=f"user_id = {ASKING} AND {VISIBLE}"),
        row_security("execution_idempotencykey", visible=f"user_id = {ASKING}"),
        never_changes("execution_execution", except_columns=OUTCOME, only_while="OLD.status = 'running'"),
        never_changes("execution_patternversion"),
        migrations.RunSQL(
            """
            CREATE FUNCTION require_jobs_before_fresh() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF (SELECT count(*) FROM execution_jobrun
                    WHERE run_id = NEW.run AND state = 'done'
                      AND name IN ('build_pack', 'reconcile_ledger', 'compute_metrics', 'prewarm_factors')) < 4 THEN
                    RAISE EXCEPTION 'pricing pack % can not be fresh: its jobs are not done', NEW.id
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER pricing_pricingpack_fresh_behind_its_jobs BEFORE INSERT OR UPDATE OF status ON pricing_pricingpack
                FOR EACH ROW WHEN (NEW.status = 'fresh') EXECUTE FUNCTION require_jobs_before_fresh();
            """,
            """
            DROP TRIGGER pricing_pricingpack_fresh_behind_its_jobs ON pricing_pricingpack;
            DROP FUNCTION require_jobs_before_fresh();
            """,
        ),
        grant(("execution_pattern",), app="SELECT, INSERT, UPDATE", job="SELECT, INSERT, UPDATE"),
        grant(("execution_patternversion",), app="SELECT, INSERT", job="SELECT, INSERT"),
        grant(("execution_execution",), app="SELECT, INSERT, UPDATE", job="SELECT, INSERT, UPDATE"),
        grant(("execution_idempotencykey",), app="SELECT, INSERT, UPDATE (execution_id)", job="SELECT"),
        grant(
            ("execution_nightlyrun", "execution_jobrun", "execution_jobchunk"),
            app="SELECT",
            job="SELECT, INSERT, UPDATE",
        ),
    ]
