"""Packs hold the whole market: what a price is of is sealed with it, ends are on record, and a build says how much may lack.

What was called the quote unit of a security is the unit of its price (GBp, USD); its quote unit now says what a price is of.
"""

from decimal import Decimal

from django.db import migrations, models
from django.db.models import F, Q

import config.fields


class Migration(migrations.Migration):
    dependencies = [("pricing", "0003_choices")]

    operations = [
        migrations.RenameField("security", "quote_unit", "price_unit"),
        migrations.AddField(
            model_name="security",
            name="quote_unit",
            field=models.CharField(
                blank=True,
                choices=[("", "per unit"), ("percent_of_nominal", "percent of nominal")],
                db_default="",
                default="",
                help_text="What a price is of; empty: of a unit.",
                max_length=24,
            ),
        ),
        migrations.AddField(
            model_name="security",
            name="multiplier",
            field=config.fields.PositiveNumeric(
                db_default=Decimal(1),
                default=Decimal(1),
                help_text="Units of the underlying that one contract stands for.",
            ),
        ),
        migrations.AddField(
            model_name="security",
            name="expiry",
            field=models.DateField(
                blank=True, help_text="Last day of a contract: it has no price after it.", null=True
            ),
        ),
        migrations.AddField(
            model_name="security",
            name="maturity",
            field=models.DateField(blank=True, help_text="Last day of a bond: it has no price after it.", null=True),
        ),
        migrations.AddConstraint(
            model_name="security",
            constraint=models.CheckConstraint(
                condition=Q(quote_unit__in=["", "percent_of_nominal"]), name="security_quote_unit_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="security",
            constraint=models.CheckConstraint(
                condition=Q(expiry__isnull=True) | Q(expiry__gte=F("first_date")),
                name="security_expires_after_it_begins",
            ),
        ),
        migrations.AddConstraint(
            model_name="security",
            constraint=models.CheckConstraint(
                condition=Q(maturity__isnull=True) | Q(maturity__gte=F("first_date")),
                name="security_matures_after_it_begins",
            ),
        ),
        migrations.AddField(
            model_name="pricingpolicy",
            name="max_missing_share",
            field=models.DecimalField(
                db_default=Decimal("0.05"),
                decimal_places=3,
                default=Decimal("0.05"),
                help_text="Share of the securities with a live source that may lack a close before a pack is refused.",
                max_digits=4,
            ),
        ),
        migrations.AddField(
            model_name="pricingpolicy",
            name="max_missing_count",
            field=models.PositiveSmallIntegerField(db_default=10, default=10, help_text="So many may always lack one."),
        ),
        migrations.AddField(
            model_name="packprice",
            name="factor",
            field=config.fields.PositiveNumeric(
                db_default=Decimal(1),
                default=Decimal(1),
                help_text="Close times factor is the value of one unit held.",
            ),
        ),
        migrations.RemoveConstraint(model_name="packaction", name="pack_action_split_has_ratio_dividend_has_amount"),
        migrations.AlterField(
            model_name="packaction",
            name="action",
            field=models.CharField(
                choices=[("split", "split"), ("dividend", "dividend"), ("delisting", "delisting")], max_length=16
            ),
        ),
        migrations.AddConstraint(
            model_name="packaction",
            constraint=models.CheckConstraint(
                condition=Q(action="split", ratio__isnull=False, amount__isnull=True)
                | Q(action="dividend", amount__isnull=False, ratio__isnull=True)
                | Q(action="delisting", amount__isnull=True, ratio__isnull=True),
                name="pack_action_has_what_its_kind_needs",
            ),
        ),
    ]
