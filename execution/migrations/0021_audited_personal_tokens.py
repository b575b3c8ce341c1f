"""Personal tokens are audited: who made which, for what, until when, and when it was revoked; not each use."""

from django.db import migrations

from config.guards import audited


class Migration(migrations.Migration):
    dependencies = [("config", "0003_personal_tokens"), ("execution", "0020_pattern_lifecycle")]

    operations = [
        audited(
            "config_personaltoken",
            columns=("id", "user_id", "name", "prefix", "digest", "scopes", "created_at", "expires_at", "revoked_at"),
        )
    ]
