"""Finite numbers as column types; the functions behind rows that never change and behind references without a key; and what
the web and the jobs may do with the tables of the libraries."""

from django.db import migrations

from config.guards import grant

EDITED = "SELECT, INSERT, UPDATE, DELETE"


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

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
        grant(("auth_user",), app=EDITED, job="SELECT, INSERT, UPDATE"),
        grant(("auth_user_groups", "auth_user_user_permissions"), app=EDITED, job="SELECT, INSERT"),
        grant(("auth_group", "auth_group_permissions"), app=EDITED, job="SELECT, INSERT"),
        grant(("auth_permission", "django_content_type", "django_migrations"), app="SELECT", job="SELECT"),
        grant(("django_session",), app=EDITED),
        grant(("django_admin_log",), app="SELECT, INSERT"),
        grant(
            (
                "django_celery_beat_clockedschedule",
                "django_celery_beat_crontabschedule",
                "django_celery_beat_intervalschedule",
                "django_celery_beat_periodictask",
                "django_celery_beat_periodictasks",
                "django_celery_beat_solarschedule",
            ),
            app=EDITED,
            job=EDITED,
        ),
    ]
