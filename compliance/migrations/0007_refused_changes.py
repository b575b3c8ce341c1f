"""Tries to change the audit log are counted where the triggers refuse them, and there is an event of them."""

from django.db import migrations, models

from config.guards import ASKING, ORIGIN

TABLES = ("compliance_auditentry", "compliance_auditseal")
REFUSED = "change of the log refused"
BEFORE = ("log-in", "log-in failed", "log-out", "token issued", "token renewed", "token revoked")


def event_function(events):
    """As of migration 0004, with these events."""
    known = ", ".join(f"'{each}'" for each in events)
    return f"""
CREATE OR REPLACE FUNCTION audit_event(happened text, about bigint, details jsonb) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    IF happened NOT IN ({known}) THEN
        RAISE EXCEPTION 'the audit log knows no event %', happened USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO compliance_auditentry (at, transaction, server, user_id, account, role, door, via, request_id, reason,
                                       action, table_name, row_key, of_portfolio, before, after)
    SELECT clock_timestamp(), pg_current_xact_id()::text::bigint, (SELECT system_identifier FROM pg_control_system()), {ASKING},
           coalesce({ORIGIN} ->> 'account', ''), session_user::text, coalesce({ORIGIN} ->> 'door', ''),
           coalesce({ORIGIN} ->> 'via', ''), coalesce({ORIGIN} ->> 'request_id', ''), coalesce({ORIGIN} ->> 'reason', ''),
           happened, '', coalesce(about::text, ''), NULL, NULL, details;
END $$;
"""


COUNTED = """
CREATE SEQUENCE compliance_auditrefusals;
GRANT SELECT ON SEQUENCE compliance_auditrefusals TO job;
CREATE FUNCTION count_audit_refusal() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM nextval('compliance_auditrefusals');  -- which no rollback takes back
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION count_audit_refusal() FROM PUBLIC;
""" + "".join(
    f"CREATE TRIGGER {table}_counts_refusals BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION count_audit_refusal();"
    for table in TABLES
)
UNCOUNTED = (
    "".join(f"DROP TRIGGER {table}_counts_refusals ON {table};" for table in TABLES)
    + "DROP FUNCTION count_audit_refusal(); DROP SEQUENCE compliance_auditrefusals;"
)


class Migration(migrations.Migration):
    dependencies = [("compliance", "0006_rights_decisions")]

    operations = [
        migrations.RunSQL(event_function((*BEFORE, REFUSED)), event_function(BEFORE)),
        migrations.RunSQL(COUNTED, UNCOUNTED),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("action", REFUSED)), fields=["-id"], name="audit_of_refused_changes"
            ),
        ),
    ]
