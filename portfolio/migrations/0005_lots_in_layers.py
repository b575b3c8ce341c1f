"""What each purchase adds to a lot's cost, deposits that are inferred, and the settings that lots were derived by.

Rows that an older release derived have none of it: their revisions have empty settings, and are read anew.
"""

from django.db import migrations, models

import config.fields


class Migration(migrations.Migration):
    dependencies = [
        ("portfolio", "0004_whole_benchmarks"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="matchedlot",
            name="matched_lot_not_negative",
        ),
        migrations.AddField(
            model_name="ledgerrevision",
            name="settings",
            field=models.JSONField(
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="What its lots were derived by: booking method, fees in cost, rate of deals. Empty: by an older release.",
            ),
        ),
        migrations.AddField(
            model_name="lot",
            name="layers",
            field=models.JSONField(
                db_default=models.Value([], models.JSONField()),
                default=list,
                help_text="What each purchase adds to the cost, where they have rates of their own; empty where there is one.",
            ),
        ),
        migrations.AddField(
            model_name="matchedlot",
            name="cost_currency",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of cost and entry fee, where it is another one.",
                max_length=3,
            ),
        ),
        migrations.AddField(
            model_name="matchedlot",
            name="layers",
            field=models.JSONField(
                db_default=models.Value([], models.JSONField()),
                default=list,
                help_text="As of the lot: what of each purchase's cost was taken.",
            ),
        ),
        migrations.AddField(
            model_name="transaction",
            name="cost_share",
            field=config.fields.FiniteNumeric(
                help_text="Of a spin-off: the part of the old lots' cost that the new ones take, 0 to 1.", null=True
            ),
        ),
        migrations.AddField(
            model_name="transaction",
            name="inferred",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="A deposit that no entry tells: cash would have been below zero.",
            ),
        ),
        migrations.AddConstraint(
            model_name="matchedlot",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 0)), name="matched_lot_not_negative"
            ),
        ),
    ]
