"""Log-outs, by which tokens end; and what the web and the jobs may do with the tables of the second factor."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from config.guards import grant

SECOND_FACTOR = ("otp_totp_totpdevice", "otp_static_staticdevice", "otp_static_statictoken")


class Migration(migrations.Migration):
    dependencies = [
        ("config", "0001_foundations"),
        ("otp_static", "0003_add_timestamps"),
        ("otp_totp", "0003_add_timestamps"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LogOuts",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("count", models.PositiveIntegerField(default=0)),
            ],
            options={"verbose_name_plural": "log-outs"},
        ),
        grant(("config_logouts",), app="SELECT, INSERT, UPDATE", job="SELECT"),
        grant(SECOND_FACTOR, app="SELECT, INSERT, UPDATE, DELETE", job="SELECT, DELETE"),
    ]
