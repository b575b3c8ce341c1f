"""What the web and the jobs may do with the tables of the libraries."""

from django.db import migrations

from config.guards import grant

EDITED = "SELECT, INSERT, UPDATE, DELETE"


class Migration(migrations.Migration):
    dependencies = [
        ("config", "0001_foundations"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [
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
