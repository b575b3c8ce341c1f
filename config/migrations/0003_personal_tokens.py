"""Personal tokens. Each user sees his own; but for its use and its revocation none ever changes, and none goes."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from config.guards import ASKING, grant, never_changes, row_security

TABLE = "config_personaltoken"


class Migration(migrations.Migration):
    dependencies = [
        ("config", "0002_log_outs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PersonalToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "prefix",
                    models.CharField(help_text="Its beginning, by which its user knows it again.", max_length=40),
                ),
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 of the token: 32 random bytes need no more.", max_length=64, unique=True
                    ),
                ),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("read", "read"),
                                ("execute", "execute"),
                                ("import", "import"),
                                ("export", "export"),
                                ("agent", "agent"),
                            ],
                            max_length=7,
                        ),
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("expires_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(help_text="To the minute.", null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("digest__regex", "^[0-9a-f]{64}$")), name="personal_token_has_a_digest"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("scopes__contained_by", ["read", "execute", "import", "export", "agent"]),
                            ("scopes__len__gt", 0),
                        ),
                        name="personal_token_scopes_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))), name="personal_token_ends_later"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="personal_token_has_a_name"
                    ),
                ],
            },
        ),
        row_security(TABLE, visible=f"user_id = {ASKING}"),
        never_changes(TABLE, except_columns=("last_used_at", "revoked_at"), only_while="OLD.revoked_at IS NULL"),
        grant((TABLE,), app="SELECT, INSERT, UPDATE", job="SELECT, INSERT, UPDATE"),
    ]
