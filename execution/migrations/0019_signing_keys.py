"""Public keys that bundles are signed by; facts, for everybody to read."""

from django.db import migrations, models

from config.guards import audited, grant, never_changes

TABLE = "execution_signingkey"


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0018_dropped_executions"),
    ]

    operations = [
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("keyid", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("public_key", models.CharField(help_text="32 bytes of Ed25519, base64.", max_length=44)),
                ("valid_from", models.DateTimeField()),
            ],
            options={
                "ordering": ("valid_from", "keyid"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("keyid__regex", "^[0-9a-f]{16}$")), name="signing_key_has_its_number"
                    )
                ],
            },
        ),
        never_changes(TABLE),
        audited(TABLE, key="keyid", columns=("keyid", "public_key", "valid_from")),
        grant((TABLE,), app="SELECT, INSERT", job="SELECT, INSERT"),
    ]
