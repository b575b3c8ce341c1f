"""A permission of its own to publish patterns; and counts of who asked one, for staff that may see none of the executions.

The owner of the tables, whose function counts, sees rows inside that function alone.
"""

from django.db import migrations

from config.guards import ASKING

OWNER_READS = "execution_execution_counted"


class Migration(migrations.Migration):
    dependencies = [("execution", "0021_audited_personal_tokens")]

    operations = [
        migrations.AlterModelOptions(
            name="pattern",
            options={"ordering": ("id",), "permissions": [("publish_pattern", "Can publish, retire and bring back")]},
        ),
        migrations.RunSQL(
            f"""
            CREATE POLICY {OWNER_READS} ON execution_execution FOR SELECT TO CURRENT_USER
                USING (current_setting('app.counts', true) = 'on');
            CREATE FUNCTION pattern_use(pattern text, since timestamptz, OUT users bigint, OUT executions bigint)
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
            BEGIN
                PERFORM set_config('app.counts', 'on', true);
                SELECT count(DISTINCT execution.user_id), count(*) INTO users, executions
                FROM execution_execution AS execution
                JOIN execution_patternversion AS version ON version.id = execution.pattern_version_id
                WHERE version.pattern_id = pattern AND execution.started_at >= since
                  AND EXISTS (SELECT FROM auth_user WHERE id = {ASKING} AND is_active AND is_staff);
                PERFORM set_config('app.counts', '', true);
            END $$;
            REVOKE ALL ON FUNCTION pattern_use(text, timestamptz) FROM PUBLIC;
            GRANT EXECUTE ON FUNCTION pattern_use(text, timestamptz) TO app;
            """,
            f"""
            DROP FUNCTION pattern_use(text, timestamptz);
            DROP POLICY {OWNER_READS} ON execution_execution;
            """,
        ),
    ]
