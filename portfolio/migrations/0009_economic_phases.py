"""The regime and the cycle phases that a night stores of each pack: evidence, of no portfolio."""

import django.db.models.deletion
from django.db import migrations, models

from config.guards import grant, never_changes


class Migration(migrations.Migration):
    dependencies = [
        ("portfolio", "0008_sharing"),
        ("pricing", "0004_whole_market"),
    ]

    operations = [
        migrations.CreateModel(
            name="EconomicPhase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(help_text="`regime`, or the type of a cycle.", max_length=24)),
                (
                    "method",
                    models.CharField(help_text="Version of the definition that it was judged by.", max_length=24),
                ),
                ("name", models.CharField(max_length=40)),
                ("score", models.FloatField(help_text="0 to 1; no probability.", null=True)),
                ("margin", models.FloatField(help_text="The score less that of the next one.", null=True)),
                ("scores", models.JSONField(default=dict, help_text="How well each regime or phase fits.")),
                ("reason", models.CharField(blank=True, default="", help_text="Why it is unknown.", max_length=200)),
                ("sources", models.JSONField(default=list, help_text="Providers of the series that it was judged by.")),
                (
                    "pack",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pricing.pricingpack",
                    ),
                ),
            ],
            options={
                "ordering": ("pack", "subject"),
                "constraints": [
                    models.UniqueConstraint(fields=("pack", "subject", "method"), name="economic_phase_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("margin__isnull", True),
                                ("name", "unknown"),
                                ("score__isnull", True),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("name", "unknown"), _negated=True),
                                ("margin__isnull", False),
                                ("reason", ""),
                                ("score__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="economic_phase_unknown_says_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("score__isnull", True),
                            models.Q(("margin__gte", 0), ("margin__lte", 1), ("score__gte", 0), ("score__lte", 1)),
                            _connector="OR",
                        ),
                        name="economic_phase_fits_from_0_to_1",
                    ),
                ],
            },
        ),
        never_changes("portfolio_economicphase"),
        grant(("portfolio_economicphase",), app="SELECT", job="SELECT, INSERT"),
    ]
