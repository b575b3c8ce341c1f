"""Portfolios, what their ledgers say, what is computed from it, and what they are measured against."""

import uuid

import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import config.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("config", "0001_foundations"),
        ("pricing", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Benchmark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                (
                    "rebalance",
                    models.CharField(
                        choices=[
                            ("monthly", "at the first close of a month"),
                            ("daily", "daily"),
                            ("quarterly", "at the first close of a quarter"),
                            ("never", "never"),
                        ],
                        default="monthly",
                        help_text="When the components are brought back to their weights; of a single one it changes nothing.",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="benchmark_has_a_name"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rebalance__in", ["monthly", "daily", "quarterly", "never"])),
                        name="benchmark_rebalance_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BenchmarkComponent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("weight", config.fields.PositiveNumeric(help_text="Share of the whole: 0.6 is sixty percent.")),
                (
                    "benchmark",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="components",
                        to="portfolio.benchmark",
                    ),
                ),
                (
                    "security",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pricing.security"
                    ),
                ),
            ],
            options={
                "ordering": ("benchmark", "security"),
                "constraints": [
                    models.UniqueConstraint(fields=("benchmark", "security"), name="benchmark_component_once"),
                    models.CheckConstraint(condition=models.Q(("weight__lte", 1)), name="benchmark_weight_is_a_share"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OneMonthRate",
            fields=[
                ("currency", models.CharField(max_length=3, primary_key=True, serialize=False)),
                (
                    "series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pricing.series"
                    ),
                ),
            ],
            options={
                "ordering": ("currency",),
            },
        ),
        migrations.CreateModel(
            name="Portfolio",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "slug",
                    models.SlugField(
                        help_text="Also its ledger folder.",
                        max_length=64,
                        unique=True,
                        validators=[django.core.validators.RegexValidator("^[a-z0-9][a-z0-9-]*$")],
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("base_currency", models.CharField(max_length=3)),
                (
                    "booking_method",
                    models.CharField(
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
                (
                    "fees_in_cost",
                    models.BooleanField(
                        default=True, help_text="Buy fees in cost, sell fees off proceeds; or fees apart."
                    ),
                ),
                (
                    "flow_timing",
                    models.CharField(
                        choices=[
                            ("in_start_out_end", "money in at the start of the day, out at its end"),
                            ("start", "at the start of the day"),
                            ("end", "at the end of the day"),
                        ],
                        default="in_start_out_end",
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="portfolios",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pricing.pricingpolicy"
                    ),
                ),
                (
                    "accrual",
                    models.CharField(
                        choices=[
                            ("cash", "dividends count when they are paid"),
                            ("accrual", "dividends count from their ex-date, net of withholding"),
                        ],
                        default="cash",
                        help_text="What series, returns and bridges count as value; books are reconciled on cash basis either way.",
                        max_length=8,
                    ),
                ),
                (
                    "trade_fx",
                    models.CharField(
                        choices=[
                            ("ledger", "the rate that the ledger carries for the deal, else the fixing of its day"),
                            ("fixing", "the fixing of the deal's day"),
                        ],
                        default="ledger",
                        help_text="The rate that a purchase, sale, dividend or charge is converted at.",
                        max_length=8,
                    ),
                ),
                (
                    "benchmark",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: none.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.benchmark",
                    ),
                ),
            ],
            options={
                "ordering": ("name", "slug"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("accrual__in", ["cash", "accrual"])), name="portfolio_accrual_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("trade_fx__in", ["ledger", "fixing"])), name="portfolio_trade_fx_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PortfolioAccess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("granted_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "portfolio",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="grants", to="portfolio.portfolio"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="portfolio_grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "portfolio access",
                "constraints": [models.UniqueConstraint(fields=("portfolio", "user"), name="portfolio_access_once")],
            },
        ),
        migrations.CreateModel(
            name="LedgerRevision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("commit", models.CharField(max_length=40)),
                ("tree_hash", models.CharField(max_length=40)),
                (
                    "status",
                    models.CharField(
                        choices=[("read", "read"), ("reconciled", "reconciled"), ("broken", "broken")],
                        default="read",
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField(blank=True, default="")),
                ("read_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
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
                "ordering": ("portfolio", "-number"),
                "constraints": [
                    models.UniqueConstraint(fields=("portfolio", "number"), name="revision_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["read", "reconciled", "broken"])),
                        name="revision_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("commit__regex", "^[0-9a-f]{40}$"), ("tree_hash__regex", "^[0-9a-f]{40}$")),
                        name="revision_hashes_are_sha1",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), ("status", "broken"), _negated=True),
                        name="revision_broken_has_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transaction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("introduced_in", models.PositiveIntegerField()),
                ("removed_in", models.PositiveIntegerField(null=True)),
                ("entry_id", models.CharField(max_length=64)),
                ("ordinal", models.PositiveIntegerField(help_text="Order within the ledger.")),
                ("date", models.DateField()),
                ("kind", models.CharField(max_length=24)),
                ("account", models.CharField(max_length=200)),
                ("quantity", config.fields.FiniteNumeric(null=True)),
                ("unit_price", config.fields.FiniteNumeric(null=True)),
                ("amount", config.fields.FiniteNumeric(help_text="Net change of cash, in the currency.", null=True)),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                ("fee", config.fields.FiniteNumeric(null=True)),
                ("fee_kind", models.CharField(blank=True, default="", max_length=12)),
                ("tax", config.fields.FiniteNumeric(null=True)),
                (
                    "counter_amount",
                    config.fields.FiniteNumeric(help_text="The other cash leg of a conversion.", null=True),
                ),
                ("counter_currency", models.CharField(blank=True, default="", max_length=3)),
                (
                    "fx_to_base",
                    config.fields.PositiveNumeric(
                        help_text="Base currency for one of the currency, on the trade date.", null=True
                    ),
                ),
                ("ratio", config.fields.PositiveNumeric(null=True)),
                ("acquired", models.DateField(null=True)),
                ("settle_date", models.DateField(null=True)),
                ("ex_date", models.DateField(null=True)),
                ("pay_date", models.DateField(null=True)),
                ("per_share", config.fields.FiniteNumeric(null=True)),
                ("note", models.TextField(blank=True, default="")),
                ("file", models.CharField(max_length=400)),
                ("line", models.PositiveIntegerField()),
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 of what it says; an unchanged entry keeps its row.", max_length=64
                    ),
                ),
                (
                    "portfolio",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.portfolio",
                    ),
                ),
                (
                    "security",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pricing.security",
                    ),
                ),
                (
                    "to_security",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="What a spin-off or merger gives.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pricing.security",
                    ),
                ),
                ("to_account", models.CharField(blank=True, default="", help_text="Where lots go on.", max_length=200)),
            ],
            options={
                "ordering": ("portfolio", "date", "ordinal", "id"),
                "indexes": [models.Index(fields=["portfolio", "date", "ordinal"], name="transaction_by_date")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("removed_in__isnull", True)),
                        fields=("portfolio", "entry_id"),
                        name="transaction_entry_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("removed_in__isnull", True), ("removed_in__gt", models.F("introduced_in")), _connector="OR"
                        ),
                        name="transaction_revisions_in_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Lot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("introduced_in", models.PositiveIntegerField()),
                ("removed_in", models.PositiveIntegerField(null=True)),
                ("account", models.CharField(max_length=200)),
                ("acquired", models.DateField()),
                ("quantity", config.fields.PositiveNumeric()),
                ("unit_cost", config.fields.FiniteNumeric(help_text="Trade currency, fees apart.")),
                (
                    "cost",
                    config.fields.FiniteNumeric(
                        help_text="Trade currency, whole parcel, by the portfolio's fee setting."
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                (
                    "fx_to_base",
                    config.fields.PositiveNumeric(
                        help_text="Locked at the trade date; empty where the ledger names no rate.", null=True
                    ),
                ),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(null=True)),
                (
                    "security",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pricing.security",
                    ),
                ),
                (
                    "portfolio",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.portfolio",
                    ),
                ),
                (
                    "opened_by",
                    models.CharField(blank=True, default="", help_text="Entry id of what opened it.", max_length=80),
                ),
            ],
            options={
                "ordering": ("portfolio", "security", "acquired", "id"),
                "indexes": [models.Index(fields=["portfolio", "valid_from"], name="lot_by_date")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                        ),
                        name="lot_valid_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("removed_in__isnull", True), ("removed_in__gt", models.F("introduced_in")), _connector="OR"
                        ),
                        name="lot_revisions_in_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MatchedLot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("introduced_in", models.PositiveIntegerField()),
                ("removed_in", models.PositiveIntegerField(null=True)),
                ("entry_id", models.CharField(help_text="Of the transaction that took it.", max_length=64)),
                ("opened_by", models.CharField(help_text="As of the lot: entry id of what opened it.", max_length=80)),
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
                (
                    "portfolio",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.portfolio",
                    ),
                ),
                (
                    "security",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pricing.security",
                    ),
                ),
            ],
            options={
                "ordering": ("portfolio", "date", "id"),
                "indexes": [models.Index(fields=["portfolio", "date"], name="matched_lot_by_date")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("removed_in__isnull", True), ("removed_in__gt", models.F("introduced_in")), _connector="OR"
                        ),
                        name="matched_lot_revisions_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("entry_fee__gte", 0), ("exit_fee__gte", 0), ("quantity__gte", 0)),
                        name="matched_lot_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DailyValue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("date", models.DateField()),
                ("value", config.fields.FiniteNumeric(help_text="Base currency, cash basis.")),
                ("cash", config.fields.FiniteNumeric(help_text="The part of it that is cash.")),
                (
                    "inflow",
                    config.fields.FiniteNumeric(help_text="External money in, at the pack's rates; not negative."),
                ),
                (
                    "outflow",
                    config.fields.FiniteNumeric(help_text="External money out, at the pack's rates; not negative."),
                ),
                (
                    "receivable",
                    config.fields.FiniteNumeric(help_text="Dividends between ex-date and pay date, beside the value."),
                ),
                (
                    "pack",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pricing.pricingpack",
                    ),
                ),
                (
                    "revision",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.ledgerrevision",
                    ),
                ),
                (
                    "portfolio",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.portfolio",
                    ),
                ),
            ],
            options={
                "ordering": ("portfolio", "date", "id"),
                "constraints": [
                    models.UniqueConstraint(fields=("portfolio", "revision", "pack"), name="daily_value_once"),
                    models.CheckConstraint(
                        condition=models.Q(("inflow__gte", 0), ("outflow__gte", 0)), name="daily_value_gross_flows"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PortfolioMetrics",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("record", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
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
                (
                    "revision",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.ledgerrevision",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "portfolio metrics",
                "constraints": [models.UniqueConstraint(fields=("portfolio", "revision", "pack"), name="metrics_once")],
            },
        ),
        migrations.CreateModel(
            name="FactorExposure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "factor",
                    models.CharField(
                        choices=[
                            ("real_rate", "real rate"),
                            ("inflation", "inflation"),
                            ("credit", "credit"),
                            ("usd", "US dollar"),
                            ("equity", "equity risk premium"),
                        ],
                        max_length=12,
                    ),
                ),
                ("series_id", models.CharField(blank=True, default="", max_length=32)),
                (
                    "status",
                    models.CharField(
                        choices=[("ok", "ok"), ("degraded", "degraded"), ("unavailable", "unavailable")], max_length=12
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=200)),
                ("beta", models.FloatField(null=True)),
                ("standard_error", models.FloatField(null=True)),
                ("t_statistic", models.FloatField(null=True)),
                ("variance_share", models.FloatField(null=True)),
                ("observations", models.PositiveIntegerField(null=True)),
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
                    "revision",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.ledgerrevision",
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
                "ordering": ("portfolio", "pack", "factor"),
                "constraints": [
                    models.UniqueConstraint(fields=("portfolio", "revision", "pack", "factor"), name="exposure_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("beta__isnull", True), ("status", "unavailable")),
                            models.Q(models.Q(("status", "unavailable"), _negated=True), ("beta__isnull", False)),
                            _connector="OR",
                        ),
                        name="exposure_missing_is_no_number",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status", "ok"), models.Q(("reason", ""), _negated=True), _connector="OR"),
                        name="exposure_doubt_has_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("status", models.CharField(choices=[("pass", "pass"), ("fail", "fail")], max_length=4)),
                ("compared", models.PositiveIntegerField(help_text="Balances compared: the union of both sides.")),
                (
                    "ledger_value",
                    config.fields.FiniteNumeric(
                        help_text="Base currency; empty where it could not be computed.", null=True
                    ),
                ),
                ("database_value", config.fields.FiniteNumeric(null=True)),
                (
                    "error_bp",
                    config.fields.FiniteNumeric(
                        help_text="|difference| / ledger value; empty where undefined.", null=True
                    ),
                ),
                ("run", models.UUIDField()),
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
                (
                    "revision",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Empty: there was none.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.ledgerrevision",
                    ),
                ),
                (
                    "price_differences",
                    models.JSONField(
                        default=list,
                        help_text="Prices that the ledger carries for the day, more than 1 bp off the pack's. Not breaks.",
                    ),
                ),
            ],
            options={
                "ordering": ("portfolio", "-made_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("portfolio", "revision", "pack", "run"), name="reconciliation_once_a_run"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ("pass", "fail"))), name="reconciliation_status_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Break",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=24)),
                ("account", models.CharField(blank=True, default="", max_length=200)),
                ("commodity", models.CharField(blank=True, default="", max_length=32)),
                ("ledger_value", config.fields.FiniteNumeric(null=True)),
                ("database_value", config.fields.FiniteNumeric(null=True)),
                ("difference", config.fields.FiniteNumeric(null=True)),
                ("error_bp", config.fields.FiniteNumeric(null=True)),
                ("detail", models.CharField(blank=True, default="", max_length=400)),
                (
                    "portfolio",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolio.portfolio",
                    ),
                ),
                (
                    "reconciliation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="breaks",
                        to="portfolio.reconciliation",
                    ),
                ),
            ],
            options={
                "ordering": ("reconciliation", "id"),
            },
        ),
    ]
