"""What sales took from which lots, the lineage of lots, and how a portfolio counts dividends and converts deals."""

import importlib

import django.db.models.deletion
from django.db import migrations, models

import config.fields
from config.guards import grant, never_changes, row_security

tenancy = importlib.import_module("portfolio.migrations.0002_tenancy")
owners = importlib.import_module("portfolio.migrations.0004_owners_write")
TABLE = "portfolio_matchedlot"


class Migration(migrations.Migration):
    dependencies = [
        ("portfolio", "0004_owners_write"),
        ("pricing", "0005_quarantine_and_symbols"),
    ]

    operations = [
        migrations.CreateModel(
            name="MatchedLot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("introduced_in", models.PositiveIntegerField()),
                ("removed_in", models.PositiveIntegerField(null=True)),
                ("entry_id", models.CharField(help_text="Of the transaction that took it.", max_length=64)),
                (
                    "opened_by",
                    models.CharField(help_text="As of the lot: entry id of what opened it.", max_length=80),
                ),
                ("date", models.DateField()),
                ("kind", models.CharField(max_length=24)),
                ("account", models.CharField(max_length=200)),
                ("acquired", models.DateField()),
                ("quantity", config.fields.FiniteNumeric(help_text="Taken from the lot; 0 for a return of capital.")),
                ("cost", config.fields.FiniteNumeric(help_text="Fees apart.")),
                ("proceeds", config.fields.FiniteNumeric(help_text="Fees apart.")),
                ("entry_fee", config.fields.FiniteNumeric()),
                ("exit_fee", config.fields.FiniteNumeric()),
                ("currency", models.CharField(max_length=3)),
                (
                    "fx_in",
                    config.fields.PositiveNumeric(
                        help_text="Locked in the lot; empty where the ledger names no rate.", null=True
                    ),
                ),
                (
                    "fx_out",
                    config.fields.PositiveNumeric(
                        help_text="Of the deal; empty where the ledger names no rate.", null=True
                    ),
                ),
            ],
            options={
                "ordering": ("portfolio", "date", "id"),
            },
        ),
        migrations.AddField(
            model_name="transaction",
            name="to_security",
            field=models.ForeignKey(
                db_index=False,
                help_text="What a spin-off or merger gives.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="pricing.security",
            ),
        ),
        migrations.AddField(
            model_name="transaction",
            name="to_account",
            field=models.CharField(blank=True, default="", help_text="Where lots go on.", max_length=200),
        ),
        migrations.AddField(
            model_name="lot",
            name="opened_by",
            field=models.CharField(blank=True, default="", help_text="Entry id of what opened it.", max_length=80),
        ),
        migrations.AddField(
            model_name="portfolio",
            name="accrual",
            field=models.CharField(
                choices=[
                    ("cash", "dividends count when they are paid"),
                    ("accrual", "dividends count from their ex-date, net of withholding"),
                ],
                default="cash",
                help_text="What series, returns and bridges count as value; books are reconciled on cash basis either way.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="portfolio",
            name="trade_fx",
            field=models.CharField(
                choices=[
                    ("ledger", "the rate that the ledger carries for the deal, else the fixing of its day"),
                    ("fixing", "the fixing of the deal's day"),
                ],
                default="ledger",
                help_text="The rate that a purchase, sale, dividend or charge is converted at.",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="portfolio",
            name="booking_method",
            field=models.CharField(
                choices=[
                    ("FIFO", "first in, first out"),
                    ("LIFO", "last in, first out"),
                    ("HIFO", "highest cost first"),
                    ("AVERAGE", "average cost"),
                    ("NAMED", "the lots that the ledger names"),
                ],
                default="FIFO",
                help_text="Of accounts that the ledger opens without a booking method of their own.",
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="portfolio",
            constraint=models.CheckConstraint(
                condition=models.Q(("accrual__in", ["cash", "accrual"])), name="portfolio_accrual_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="portfolio",
            constraint=models.CheckConstraint(
                condition=models.Q(("trade_fx__in", ["ledger", "fixing"])), name="portfolio_trade_fx_known"
            ),
        ),
        migrations.AddField(
            model_name="matchedlot",
            name="portfolio",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portfolio.portfolio"
            ),
        ),
        migrations.AddField(
            model_name="matchedlot",
            name="security",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pricing.security"
            ),
        ),
        migrations.AddIndex(
            model_name="matchedlot",
            index=models.Index(fields=["portfolio", "date"], name="matched_lot_by_date"),
        ),
        migrations.AddConstraint(
            model_name="matchedlot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("removed_in__isnull", True), ("removed_in__gt", models.F("introduced_in")), _connector="OR"
                ),
                name="matched_lot_revisions_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="matchedlot",
            constraint=models.CheckConstraint(
                condition=models.Q(("entry_fee__gte", 0), ("exit_fee__gte", 0), ("quantity__gte", 0)),
                name="matched_lot_not_negative",
            ),
        ),
        row_security(TABLE, visible=tenancy.THROUGH_THE_PORTFOLIO),
        never_changes(TABLE, except_columns=("removed_in",), only_while="OLD.removed_in IS NULL"),
        tenancy.closed_with_its_revision(TABLE),
        owners.written_by_its_owner(TABLE),
        grant((TABLE,), app="SELECT, INSERT, UPDATE (removed_in)", job="SELECT, INSERT, UPDATE (removed_in)"),
    ]
