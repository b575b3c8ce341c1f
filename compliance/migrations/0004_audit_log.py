"""The audit log: its rows, the functions by which alone rows come into it, and who may read it.

Nobody may insert: the functions run as their owner. What `app` sees of it is said where portfolios are known.
"""

import django.db.models.functions.datetime
from django.db import migrations, models

from config.guards import ASKING, ORIGIN, grant, never_changes

ENTRY, SEAL = "compliance_auditentry", "compliance_auditseal"
EVENTS = "'log-in', 'log-in failed', 'log-out', 'token issued', 'token renewed', 'token revoked'"
WHO = "at, transaction, server, user_id, account, role, door, via, request_id, reason"
IS_ASKED = f"""
    clock_timestamp(), pg_current_xact_id()::text::bigint, (SELECT system_identifier FROM pg_control_system()), {ASKING},
    coalesce({ORIGIN} ->> 'account', ''), session_user::text, coalesce({ORIGIN} ->> 'door', ''), coalesce({ORIGIN} ->> 'via', ''),
    coalesce({ORIGIN} ->> 'request_id', ''), coalesce({ORIGIN} ->> 'reason', '')
"""
WHAT = "action, table_name, row_key, of_portfolio, before, after"
# Values are written as text, so that each session has to write them alike.
AS_OWNER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC'"

FORMS = """
CREATE FUNCTION audit_form(whole jsonb, columns text[], hashed text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_object_agg(name, CASE WHEN name = ANY(hashed)
                                       THEN to_jsonb(encode(sha256(convert_to(value::text, 'UTF8')), 'hex')) ELSE value END)
    FROM jsonb_each(whole) AS cell (name, value) WHERE name = ANY(columns) OR name = ANY(hashed)
$$;
CREATE FUNCTION audit_changed(form jsonb, other jsonb, secret text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_object_agg(name, CASE WHEN name = ANY(secret) THEN '"not recorded"' ELSE value END)
    FROM jsonb_each(form) AS cell (name, value)
    WHERE other IS NULL OR value::text IS DISTINCT FROM (other -> name)::text
$$;
"""
CHANGE = f"""
CREATE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
#variable_conflict use_variable
DECLARE
    key_column text := TG_ARGV[0];
    portfolio_column text := nullif(TG_ARGV[1], '');
    audited_columns text[] := TG_ARGV[2]::text[];
    secret_columns text[] := TG_ARGV[4]::text[];
    hashed_columns text[] := TG_ARGV[3]::text[] || secret_columns;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO {ENTRY} ({WHO}, {WHAT}) SELECT {IS_ASKED}, 'truncate', TG_TABLE_NAME, '', NULL, NULL, NULL;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO {ENTRY} ({WHO}, {WHAT})
        SELECT {IS_ASKED}, 'insert', TG_TABLE_NAME, whole ->> key_column, (whole ->> portfolio_column)::uuid,
               NULL, audit_changed(audit_form(whole, audited_columns, hashed_columns), NULL, secret_columns)
        FROM (SELECT to_jsonb(new_rows) AS whole FROM new_rows) AS added;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {ENTRY} ({WHO}, {WHAT})
        SELECT {IS_ASKED}, 'delete', TG_TABLE_NAME, whole ->> key_column, (whole ->> portfolio_column)::uuid,
               audit_changed(audit_form(whole, audited_columns, hashed_columns), NULL, secret_columns), NULL
        FROM (SELECT to_jsonb(old_rows) AS whole FROM old_rows) AS removed;
    ELSE
        INSERT INTO {ENTRY} ({WHO}, {WHAT})
        SELECT {IS_ASKED}, 'update', TG_TABLE_NAME, key_of_row, coalesce(now.portfolio_of_row, was.portfolio_of_row),
               audit_changed(was.form, now.form, secret_columns), audit_changed(now.form, was.form, secret_columns)
        FROM (SELECT whole ->> key_column AS key_of_row, (whole ->> portfolio_column)::uuid AS portfolio_of_row,
                     audit_form(whole, audited_columns, hashed_columns) AS form
              FROM (SELECT to_jsonb(old_rows) AS whole FROM old_rows) AS rows_before) AS was
        -- A key that changed is a row that went and one that came.
        FULL JOIN (SELECT whole ->> key_column AS key_of_row, (whole ->> portfolio_column)::uuid AS portfolio_of_row,
                          audit_form(whole, audited_columns, hashed_columns) AS form
                   FROM (SELECT to_jsonb(new_rows) AS whole FROM new_rows) AS rows_after) AS now
            USING (key_of_row)
        WHERE was.form::text IS DISTINCT FROM now.form::text;
    END IF;
    RETURN NULL;
END $$;
"""
EVENT = f"""
CREATE FUNCTION audit_event(happened text, about bigint, details jsonb) RETURNS void LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    IF happened NOT IN ({EVENTS}) THEN
        RAISE EXCEPTION 'the audit log knows no event %', happened USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO {ENTRY} ({WHO}, {WHAT})
    SELECT {IS_ASKED}, happened, '', coalesce(about::text, ''), NULL, NULL, details;
END $$;
"""
WHAT_IS_THERE = f"""
CREATE FUNCTION audit_what_is_there(
    audited text, key text, portfolio text, columns text[], hashed text[], secret text[]
) RETURNS void LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
    EXECUTE format($statement$
        INSERT INTO {ENTRY} ({WHO}, {WHAT})
        SELECT {IS_ASKED}, 'found', $1, whole ->> $2, (whole ->> $3)::uuid,
               NULL, audit_changed(audit_form(whole, $4, $5), NULL, $6)
        FROM (SELECT to_jsonb(each) AS whole FROM %I AS each) AS there $statement$, audited)
    USING audited, key, nullif(portfolio, ''), columns, hashed || secret, secret;
END $$;
"""
WALL = f"""
ALTER TABLE {ENTRY} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {ENTRY} FORCE ROW LEVEL SECURITY;
CREATE POLICY {ENTRY}_job ON {ENTRY} FOR SELECT TO job USING (true);
CREATE POLICY {ENTRY}_functions ON {ENTRY} FOR INSERT TO CURRENT_USER WITH CHECK (true);
REVOKE ALL ON FUNCTION audit_change(), audit_event(text, bigint, jsonb),
    audit_what_is_there(text, text, text, text[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_event(text, bigint, jsonb) TO app, job;
"""
GONE = f"""
DROP POLICY {ENTRY}_functions ON {ENTRY};
DROP POLICY {ENTRY}_job ON {ENTRY};
DROP FUNCTION audit_what_is_there(text, text, text, text[], text[], text[]);
DROP FUNCTION audit_event(text, bigint, jsonb);
DROP FUNCTION audit_change();
DROP FUNCTION audit_changed(jsonb, jsonb, text[]);
DROP FUNCTION audit_form(jsonb, text[], text[]);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0003_own_ledger"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField()),
                ("entries", models.PositiveBigIntegerField(help_text="Sealed ones that were verified.")),
                ("rows", models.PositiveBigIntegerField(help_text="Compared with their newest entries.")),
                ("count", models.PositiveIntegerField(help_text="What differs.")),
                ("differences", models.JSONField(help_text="Where, without values.")),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("server", models.BigIntegerField()),
                ("from_transaction", models.BigIntegerField()),
                ("to_transaction", models.BigIntegerField(help_text="The first that it does not cover.")),
                ("entries", models.TextField(help_text="Id and SHA-256 of each entry, as JSON.")),
                ("previous", models.CharField(blank=True, help_text="Signature of the seal before.", max_length=64)),
                ("signature", models.CharField(help_text="HMAC-SHA-256 with AUDIT_KEY.", max_length=64)),
                ("sealed_at", models.DateTimeField()),
            ],
            options={
                "ordering": ("-number",),
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "transaction",
                    models.BigIntegerField(help_text="Number of the transaction; seals cover ranges of them."),
                ),
                ("server", models.BigIntegerField(help_text="Which PostgreSQL numbered it.")),
                ("user_id", models.BigIntegerField(help_text="Who was logged in.", null=True)),
                ("account", models.TextField(help_text="Of the machine: who ran the command or the worker.")),
                ("role", models.TextField(help_text="Of the database.")),
                ("door", models.TextField(help_text="page, api, admin, command, task; empty: the database itself.")),
                ("via", models.TextField(help_text="The address, the command or the task.")),
                ("request_id", models.TextField(help_text="Of the request, or of the task.")),
                ("reason", models.TextField()),
                ("action", models.TextField(help_text="insert, update, delete, truncate, found; or an event.")),
                ("table_name", models.TextField(help_text="Empty for an event.")),
                ("row_key", models.TextField(help_text="Of the row; of an event, the user that it is about.")),
                ("of_portfolio", models.UUIDField(null=True)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["server", "transaction"], name="audit_by_transaction"),
                    models.Index(fields=["table_name", "row_key", "id"], name="audit_by_row"),
                    models.Index(
                        condition=models.Q(("of_portfolio__isnull", False)),
                        fields=["of_portfolio", "-id"],
                        name="audit_by_portfolio",
                    ),
                    models.Index(fields=["-at"], name="audit_by_time"),
                ],
            },
        ),
        migrations.RunSQL(FORMS + CHANGE + EVENT + WHAT_IS_THERE + WALL, GONE),
        never_changes(ENTRY),
        never_changes(SEAL),
        grant((ENTRY,), app="SELECT", job="SELECT"),
        grant((SEAL, "compliance_auditcheck"), app="SELECT", job="SELECT, INSERT"),
    ]
