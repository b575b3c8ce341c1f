"""Portfolios that a job of the night could not do at a pack; seen as all that belongs to a portfolio."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from config.guards import grant, row_security


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0002_evidence"),
        ("portfolio", "0004_whole_benchmarks"),
        ("pricing", "0003_choices"),
    ]

    operations = [
        migrations.CreateModel(
            name="BlockedPortfolio",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("job", models.CharField(max_length=32)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("missing-price", "a price is missing"),
                            ("missing-rate", "an exchange rate is missing"),
                            ("reconciliation-failed", "ledger and database differ"),
                            ("no-ledger", "the ledger has no folder of it"),
                            ("ledger-unreadable", "its folder of the ledger can't be read"),
                            ("not-compared", "the comparison of its books broke"),
                            ("figures-failed", "its figures can't be computed"),
                        ],
                        max_length=24,
                    ),
                ),
                ("reason", models.TextField(help_text="As its owner reads it.")),
                ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "pack",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pricing.pricingpack",
                    ),
                ),
                (
                    "portfolio",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.portfolio",
                    ),
                ),
            ],
            options={
                "ordering": ("-made_at", "-id"),
                "indexes": [models.Index(fields=["portfolio", "-made_at"], name="blocked_by_portfolio")],
                "constraints": [
                    models.UniqueConstraint(fields=("pack", "portfolio", "job"), name="blocked_once_a_job"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "missing-price",
                                    "missing-rate",
                                    "reconciliation-failed",
                                    "no-ledger",
                                    "ledger-unreadable",
                                    "not-compared",
                                    "figures-failed",
                                ],
                            )
                        ),
                        name="blocked_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="blocked_has_a_reason"
                    ),
                ],
            },
        ),
        row_security(
            "execution_blockedportfolio",
            visible="portfolio_id IN (SELECT id FROM portfolio_portfolio)",
            writable="false",
        ),
        grant(("execution_blockedportfolio",), app="SELECT", job="SELECT, INSERT, DELETE"),
    ]
