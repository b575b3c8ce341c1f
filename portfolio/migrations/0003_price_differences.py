"""What the ledger's own prices of a day say differently is told beside a reconciliation."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0002_tenancy")]

    operations = [
        migrations.AddField(
            "reconciliation",
            "price_differences",
            models.JSONField(
                default=list,
                help_text="Prices that the ledger carries for the day, more than 1 bp off the pack's. Not breaks.",
            ),
        )
    ]
