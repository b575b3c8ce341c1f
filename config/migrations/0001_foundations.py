"""Finite numbers as column types, and the functions behind rows that never change and behind references without a key."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.RunSQL(
            # NaN sorts above every number, so "below Infinity" is what keeps it out.
            """
            CREATE DOMAIN finite_number AS numeric CHECK (VALUE > '-Infinity' AND VALUE < 'Infinity');
            CREATE DOMAIN positive_number AS numeric CHECK (VALUE > 0 AND VALUE < 'Infinity');
            """,
            "DROP DOMAIN positive_number; DROP DOMAIN finite_number;",
        ),
        migrations.RunSQL(
            """
            CREATE FUNCTION refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE excepted text[] := TG_ARGV[0]::text[];
            BEGIN
                -- As text, because 1.0 and 1.00 are equal as numbers and are not the same evidence.
                IF (to_jsonb(NEW) - excepted)::text <> (to_jsonb(OLD) - excepted)::text THEN
                    RAISE EXCEPTION '% is evidence: its rows never change', TG_TABLE_NAME
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NEW;
            END $$;
            CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '% is evidence: its rows never go', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
            END $$;
            """,
            "DROP FUNCTION refuse_removal(); DROP FUNCTION refuse_update();",
        ),
        migrations.RunSQL(
            # An empty reference is none, and must not stand before one that is unknown.
            """
            CREATE FUNCTION refuse_unknown_reference() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE unknown text;
            BEGIN
                EXECUTE format(
                    'SELECT touched.key FROM (SELECT DISTINCT %1$I AS key FROM added WHERE %1$I IS NOT NULL) AS touched'
                    ' WHERE NOT EXISTS (SELECT FROM %2$I AS there WHERE there.id = touched.key) LIMIT 1',
                    TG_ARGV[0], TG_ARGV[1]) INTO unknown;
                IF unknown IS NOT NULL THEN
                    RAISE EXCEPTION '%.%: there is no % %', TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1], unknown
                        USING ERRCODE = 'foreign_key_violation';
                END IF;
                RETURN NULL;
            END $$;
            """,
            "DROP FUNCTION refuse_unknown_reference();",
        ),
    ]
