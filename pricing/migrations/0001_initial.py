"""Reference data, packs and their rows, rows under suspicion, and what providers call our securities."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import config.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("config", "0001_foundations"),
    ]

    operations = [
        migrations.CreateModel(
            name="MarketArchive",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.CharField(max_length=4096)),
                ("digest", models.CharField(help_text="SHA-256 over the folder's files.", max_length=64)),
                ("archive_end", models.DateField(help_text="Pack days end here.")),
                ("loaded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "ordering": ("-loaded_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="PricingPolicy",
            fields=[
                ("code", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("fixing", models.CharField(max_length=12)),
                ("pivot", models.CharField(max_length=3)),
                ("fix_time", models.TimeField(help_text="Local time of the fixing.")),
                ("fix_timezone", models.CharField(max_length=40)),
                ("max_stale_sessions", models.PositiveSmallIntegerField(default=5)),
                ("max_stale_fixings", models.PositiveSmallIntegerField(default=5)),
            ],
            options={
                "verbose_name_plural": "pricing policies",
                "ordering": ("code",),
            },
        ),
        migrations.CreateModel(
            name="Series",
            fields=[
                ("id", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=200)),
                ("unit", models.CharField(max_length=64)),
                ("frequency", models.CharField(help_text="D, W, M, Q or A.", max_length=1)),
                ("source", models.CharField(max_length=64)),
                (
                    "lag_rule",
                    models.CharField(
                        choices=[
                            ("days_from_month_start", "days from the first of its month"),
                            ("business_days", "business days"),
                        ],
                        max_length=24,
                    ),
                ),
                ("lag_days", models.PositiveSmallIntegerField()),
            ],
            options={
                "verbose_name_plural": "series",
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="FactorSeries",
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
                (
                    "rank",
                    models.PositiveSmallIntegerField(help_text="1 is the first choice; every later one is a proxy."),
                ),
                (
                    "series_id",
                    models.CharField(help_text="A macro series, or fx_basket for the pack's own rates.", max_length=32),
                ),
                (
                    "minus_trailing",
                    models.CharField(
                        blank=True,
                        help_text="A price index whose twelve-month change is taken off (a real rate).",
                        max_length=32,
                    ),
                ),
                (
                    "change",
                    models.CharField(choices=[("difference", "first difference"), ("return", "return")], max_length=10),
                ),
                (
                    "degraded",
                    models.CharField(
                        blank=True, help_text="What the figure is degraded by; empty if it is not.", max_length=64
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "factor series",
                "ordering": ("factor", "rank"),
                "constraints": [models.UniqueConstraint(fields=("factor", "rank"), name="factor_rank_once")],
            },
        ),
        migrations.CreateModel(
            name="PackContent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content_hash", models.CharField(max_length=64, unique=True)),
                ("rows", models.PositiveIntegerField()),
                (
                    "line_checks",
                    models.BinaryField(
                        default=b"",
                        help_text="CRC-32 of each canonical line, in their order: which row differs, where the hash does.",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("content_hash__regex", "^[0-9a-f]{64}$")), name="content_hash_is_sha256"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Security",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("symbol", models.CharField(max_length=32, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("currency", models.CharField(help_text="Trading currency, ISO 4217.", max_length=3)),
                (
                    "quote_unit",
                    models.CharField(
                        help_text="Unit of the published price: a currency, or GBp, GBX, ILA, ZAc.", max_length=3
                    ),
                ),
                ("kind", models.CharField(max_length=32)),
                ("exchange", models.CharField(help_text="Market identifier code (ISO 10383).", max_length=12)),
                (
                    "price_basis",
                    models.CharField(
                        choices=[
                            ("raw", "as traded"),
                            ("split_adjusted", "adjusted for splits"),
                            ("total_return_adjusted", "adjusted for splits and dividends"),
                            ("price_index", "price index"),
                        ],
                        default="raw",
                        max_length=24,
                    ),
                ),
                ("first_date", models.DateField(help_text="First listed date: no price is expected before it.")),
                (
                    "last_date",
                    models.DateField(blank=True, help_text="Last listed date; empty while it is listed.", null=True),
                ),
                ("source", models.CharField(help_text="Provider of its closes.", max_length=64)),
            ],
            options={
                "verbose_name_plural": "securities",
                "ordering": ("symbol",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("last_date__isnull", True), ("last_date__gte", models.F("first_date")), _connector="OR"
                        ),
                        name="security_listed_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("price_basis__in", ["raw", "split_adjusted", "total_return_adjusted", "price_index"])
                        ),
                        name="security_price_basis_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RiskFreeRate",
            fields=[
                ("base_currency", models.CharField(max_length=3, primary_key=True, serialize=False)),
                (
                    "series_currency",
                    models.CharField(
                        help_text="Another currency than the base makes the figures degraded(risk_free_currency).",
                        max_length=3,
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pricing.series"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PackRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=64)),
                ("flags", models.CharField(blank=True, default="", help_text="Such as stale:2.", max_length=64)),
                ("base", models.CharField(max_length=3)),
                ("quote", models.CharField(max_length=3)),
                (
                    "rate",
                    config.fields.PositiveNumeric(help_text="Units of the quote currency for exactly one of the base."),
                ),
                ("observed_date", models.DateField()),
                ("fix_at", models.DateTimeField()),
                (
                    "content",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rates",
                        to="pricing.packcontent",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("content", "base", "quote"), name="pack_rate_once"),
                    models.CheckConstraint(
                        condition=models.Q(("base", models.F("quote")), _negated=True), name="pack_rate_two_currencies"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PricingPack",
            fields=[
                (
                    "id",
                    models.CharField(
                        help_text="PP_<date>_<policy>_r<n>", max_length=48, primary_key=True, serialize=False
                    ),
                ),
                ("asof_date", models.DateField()),
                ("release", models.PositiveIntegerField()),
                ("sequence", models.PositiveIntegerField(help_text="Order of sealing within the policy.", null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("building", "building"),
                            ("warming", "warming"),
                            ("fresh", "fresh"),
                            ("error", "error"),
                        ],
                        default="building",
                        max_length=8,
                    ),
                ),
                ("chain_hash", models.CharField(blank=True, default="", max_length=64)),
                ("run", models.UUIDField(help_text="The nightly run that built it.")),
                (
                    "restates",
                    models.CharField(blank=True, default="", help_text="Why this release was made.", max_length=400),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("sealed_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("failed_job", models.CharField(blank=True, default="", max_length=32)),
                ("reason", models.TextField(blank=True, default="", help_text="Why it is in error.")),
                (
                    "content",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="packs",
                        to="pricing.packcontent",
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="packs",
                        to="pricing.pricingpolicy",
                    ),
                ),
            ],
            options={
                "ordering": ("policy", "-asof_date", "-release"),
                "indexes": [models.Index(fields=["policy", "-asof_date", "-sequence"], name="pack_by_date")],
                "constraints": [
                    models.UniqueConstraint(fields=("policy", "asof_date", "release"), name="pack_release_once"),
                    models.UniqueConstraint(fields=("policy", "sequence"), name="pack_sequence_once"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["building", "warming", "fresh", "error"])),
                        name="pack_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("chain_hash", ""),
                                ("content__isnull", True),
                                ("sealed_at__isnull", True),
                                ("sequence__isnull", True),
                                ("status__in", ("building", "error")),
                            ),
                            models.Q(
                                ("chain_hash__regex", "^[0-9a-f]{64}$"),
                                ("content__isnull", False),
                                ("sealed_at__isnull", False),
                                ("sequence__isnull", False),
                                models.Q(("status", "building"), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="pack_sealed_whole_or_not_at_all",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "error"), models.Q(("reason", ""), _negated=True)),
                            models.Q(models.Q(("status", "error"), _negated=True), ("failed_job", ""), ("reason", "")),
                            _connector="OR",
                        ),
                        name="pack_error_has_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PackPrice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=64)),
                ("flags", models.CharField(blank=True, default="", help_text="Such as stale:2.", max_length=64)),
                ("close", config.fields.PositiveNumeric(help_text="In the trading currency.")),
                ("currency", models.CharField(max_length=3)),
                ("observed_date", models.DateField()),
                (
                    "price_basis",
                    models.CharField(
                        choices=[
                            ("raw", "as traded"),
                            ("split_adjusted", "adjusted for splits"),
                            ("total_return_adjusted", "adjusted for splits and dividends"),
                            ("price_index", "price index"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "content",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="prices",
                        to="pricing.packcontent",
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
                "constraints": [models.UniqueConstraint(fields=("content", "security"), name="pack_price_once")],
            },
        ),
        migrations.CreateModel(
            name="PackAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=64)),
                ("flags", models.CharField(blank=True, default="", help_text="Such as stale:2.", max_length=64)),
                ("ex_date", models.DateField()),
                ("action", models.CharField(choices=[("split", "split"), ("dividend", "dividend")], max_length=16)),
                ("ratio", config.fields.PositiveNumeric(help_text="New shares per old.", null=True)),
                ("amount", config.fields.PositiveNumeric(help_text="Per share.", null=True)),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                ("pay_date", models.DateField(null=True)),
                ("announced", models.DateField(null=True)),
                (
                    "content",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="pricing.packcontent",
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("content", "security", "ex_date", "action"), name="pack_action_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("action", "split"), ("amount__isnull", True), ("ratio__isnull", False)),
                            models.Q(("action", "dividend"), ("amount__isnull", False), ("ratio__isnull", True)),
                            _connector="OR",
                        ),
                        name="pack_action_split_has_ratio_dividend_has_amount",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PackObservation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=64)),
                ("flags", models.CharField(blank=True, default="", help_text="Such as stale:2.", max_length=64)),
                ("observation_date", models.DateField()),
                ("value", config.fields.FiniteNumeric()),
                ("known_at", models.DateField()),
                ("vintage", models.CharField(blank=True, default="", max_length=32)),
                (
                    "content",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="observations",
                        to="pricing.packcontent",
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pricing.series",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("content", "series", "observation_date"), name="pack_observation_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("known_at__gte", models.F("observation_date"))),
                        name="pack_observation_known_after_it_happened",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="QuarantinedRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("price", "price"),
                            ("rate", "rate"),
                            ("observation", "observation"),
                            ("action", "action"),
                        ],
                        max_length=12,
                    ),
                ),
                ("key", models.CharField(help_text="A symbol, EUR/USD, a series, or OAK/split.", max_length=64)),
                ("date", models.DateField(help_text="Observed on, or ex-date.")),
                ("value", models.CharField(help_text="As published.", max_length=64)),
                ("rule", models.CharField(max_length=16)),
                ("reason", models.CharField(max_length=400)),
                ("source", models.CharField(max_length=64)),
                ("first_seen", models.UUIDField(help_text="The run that met it first.")),
                ("seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "decision",
                    models.CharField(
                        choices=[("pending", "pending"), ("accepted", "accepted"), ("rejected", "rejected")],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("decided_by", models.BigIntegerField(blank=True, help_text="The id of a user.", null=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decision_reason", models.CharField(blank=True, default="", max_length=400)),
            ],
            options={
                "ordering": ("-date", "kind", "key", "rule"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "key", "date", "value", "rule"), name="quarantined_row_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decision__in", ["pending", "accepted", "rejected"])),
                        name="quarantine_decision_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at__isnull", True),
                                ("decided_by__isnull", True),
                                ("decision", "pending"),
                                ("decision_reason", ""),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("decision__in", ("accepted", "rejected")),
                                models.Q(("decision_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="quarantine_decided_with_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SecurityAlias",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=64)),
                ("symbol", models.CharField(max_length=32)),
                ("valid_from", models.DateField()),
                (
                    "valid_to",
                    models.DateField(blank=True, help_text="The last day; empty while it is in use.", null=True),
                ),
                (
                    "security",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="aliases", to="pricing.security"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "security aliases",
                "ordering": ("provider", "symbol", "valid_from"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="alias_valid_in_order",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SymbolOverride",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=64)),
                ("symbol", models.CharField(max_length=32)),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(blank=True, help_text="The last day; empty while it holds.", null=True)),
                ("reason", models.CharField(max_length=400)),
                (
                    "security",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pricing.security"
                    ),
                ),
            ],
            options={
                "ordering": ("provider", "symbol", "valid_from"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="override_valid_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="override_has_a_reason"
                    ),
                ],
            },
        ),
    ]
