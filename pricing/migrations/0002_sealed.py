"""Packs are sealed: what the database refuses, and what each role may do.

What a pack's rows refer to is looked at once a statement. Measured: the foreign keys of 260,000 rows take four times as long
as their COPY.
"""

from django.db import migrations

from config.guards import grant, never_changes, refers

ROWS = ("pricing_packprice", "pricing_packrate", "pricing_packobservation", "pricing_packaction")
REFERENCE = (
    "pricing_security",
    "pricing_series",
    "pricing_pricingpolicy",
    "pricing_marketarchive",
)
CHOICES = ("pricing_riskfreerate", "pricing_factorseries")
SYMBOLS = ("pricing_securityalias", "pricing_symboloverride")
DECIDED = ("decision", "decided_by", "decided_at", "decision_reason")

CONTENT = ("content_id", "pricing_packcontent")
SECURITY = ("security_id", "pricing_security")
SERIES = ("series_id", "pricing_series")
REFERENCES = {
    "pricing_packprice": (CONTENT, SECURITY),
    "pricing_packrate": (CONTENT,),
    "pricing_packobservation": (CONTENT, SERIES),
    "pricing_packaction": (CONTENT, SECURITY),
}


def closed_once_sealed(table):
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {table}_closed_once_sealed AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_rows_of_sealed_content();
        """,
        f"DROP TRIGGER {table}_closed_once_sealed ON {table};",
    )


def stays(table):
    """What rows refer to keeps its key and never goes, as behind a foreign key."""
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {table}_keeps_its_key BEFORE UPDATE OF id ON {table} FOR EACH ROW
            WHEN (NEW.id IS DISTINCT FROM OLD.id) EXECUTE FUNCTION refuse_removal();
        CREATE TRIGGER {table}_never_goes BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_removal();
        CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
        """,
        f"""
        DROP TRIGGER {table}_never_emptied ON {table};
        DROP TRIGGER {table}_never_goes ON {table};
        DROP TRIGGER {table}_keeps_its_key ON {table};
        """,
    )


def one_meaning_at_a_time(table):
    """No two rows of a provider's symbol overlap. A symbol is compared by its hash as a range of one number, because equality
    of texts in an exclusion would need an extension."""
    return migrations.RunSQL(
        f"""
        ALTER TABLE {table} ADD CONSTRAINT {table}_one_meaning EXCLUDE USING gist (
            numrange(hashtextextended(provider || '|' || symbol, 0), hashtextextended(provider || '|' || symbol, 0), '[]')
                WITH &&,
            daterange(valid_from, valid_to, '[]') WITH &&
        );
        """,
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_one_meaning;",
    )


class Migration(migrations.Migration):
    dependencies = [("pricing", "0001_initial"), ("config", "0001_foundations")]

    operations = [
        migrations.RunSQL(
            """
            CREATE FUNCTION refuse_rows_of_sealed_content() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT FROM (SELECT DISTINCT content_id FROM added) AS touched
                           JOIN pricing_pricingpack AS pack USING (content_id)) THEN
                    RAISE EXCEPTION '%: the pack is sealed, no row can be added', TG_TABLE_NAME
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NULL;
            END $$;

            CREATE FUNCTION guard_pricing_pack() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                moving text[] := ARRAY['status', 'updated_at', 'failed_job', 'reason'];
                sealing text[] := ARRAY['sequence', 'content_id', 'chain_hash', 'sealed_at'];
            BEGIN
                IF OLD.sealed_at IS NULL THEN
                    moving := moving || sealing;
                END IF;
                IF to_jsonb(NEW) - moving IS DISTINCT FROM to_jsonb(OLD) - moving THEN
                    RAISE EXCEPTION 'pricing pack % is sealed', OLD.id USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                IF NEW.status <> OLD.status AND NOT (
                    (OLD.status = 'building' AND NEW.status IN ('warming', 'error'))
                    OR (OLD.status = 'warming' AND NEW.status IN ('fresh', 'error'))
                    OR (OLD.status = 'error' AND NEW.status = 'warming' AND OLD.sealed_at IS NOT NULL)
                ) THEN
                    RAISE EXCEPTION 'pricing pack % can not go from % to %', OLD.id, OLD.status, NEW.status
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NEW;
            END $$;

            CREATE TRIGGER pricing_pricingpack_guard BEFORE UPDATE ON pricing_pricingpack
                FOR EACH ROW EXECUTE FUNCTION guard_pricing_pack();
            CREATE TRIGGER pricing_pricingpack_never_goes BEFORE DELETE ON pricing_pricingpack
                FOR EACH ROW EXECUTE FUNCTION refuse_removal();
            CREATE TRIGGER pricing_pricingpack_never_emptied BEFORE TRUNCATE ON pricing_pricingpack
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
            """,
            """
            DROP TRIGGER pricing_pricingpack_never_emptied ON pricing_pricingpack;
            DROP TRIGGER pricing_pricingpack_never_goes ON pricing_pricingpack;
            DROP TRIGGER pricing_pricingpack_guard ON pricing_pricingpack;
            DROP FUNCTION guard_pricing_pack();
            DROP FUNCTION refuse_rows_of_sealed_content();
            """,
        ),
        never_changes("pricing_packcontent"),
        *(never_changes(table) for table in ROWS),
        *(closed_once_sealed(table) for table in ROWS),
        *(refers(table, column, to) for table, references in REFERENCES.items() for column, to in references),
        stays("pricing_security"),
        stays("pricing_series"),
        never_changes("pricing_quarantinedrow", except_columns=DECIDED),
        *(one_meaning_at_a_time(table) for table in SYMBOLS),
        grant(REFERENCE, app="SELECT", job="SELECT, INSERT, UPDATE"),
        grant((*CHOICES, *SYMBOLS), app="SELECT, INSERT, UPDATE, DELETE", job="SELECT, INSERT, UPDATE"),
        grant(("pricing_packcontent", *ROWS), app="SELECT", job="SELECT, INSERT"),
        grant(
            ("pricing_pricingpack",),
            app="SELECT",
            job="SELECT, INSERT, UPDATE (sequence, status, content_id, chain_hash, sealed_at, updated_at, failed_job, reason)",
        ),
        grant(("pricing_quarantinedrow",), app=f"SELECT, UPDATE ({', '.join(DECIDED)})", job="SELECT, INSERT"),
    ]
