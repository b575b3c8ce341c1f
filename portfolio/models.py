"""Rows of what is owned. All of them belong to a portfolio and are closed to everybody who may not see it (forced RLS).

Transactions, lots and daily values are derived from the ledger and the packs: jobs write them, nobody edits them.
"""

import uuid

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now

from config.fields import FiniteNumeric, PositiveNumeric
from pricing.models import IN_BULK, Factor, PricingPack, PricingPolicy, Security, Series


class BookingMethod(models.TextChoices):
    FIFO = "FIFO", "first in, first out"
    LIFO = "LIFO", "last in, first out"
    HIFO = "HIFO", "highest cost first"
    AVERAGE = "AVERAGE", "average cost"
    NAMED = "NAMED", "the lots that the ledger names"


class FlowTiming(models.TextChoices):
    IN_START_OUT_END = "in_start_out_end", "money in at the start of the day, out at its end"
    START = "start", "at the start of the day"
    END = "end", "at the end of the day"


class Accrual(models.TextChoices):
    CASH = "cash", "dividends count when they are paid"
    ACCRUAL = "accrual", "dividends count from their ex-date, net of withholding"


class TradeFx(models.TextChoices):
    LEDGER = "ledger", "the rate that the ledger carries for the deal, else the fixing of its day"
    FIXING = "fixing", "the fixing of the deal's day"


class Rebalance(models.TextChoices):
    MONTHLY = "monthly", "at the first close of a month"
    DAILY = "daily", "daily"
    QUARTERLY = "quarterly", "at the first close of a quarter"
    NEVER = "never", "never"


class Benchmark(models.Model):
    """What portfolios are measured against: one security, or a composite of several at fixed weights.

    It has no currency: each portfolio takes it in its own base currency, at the rates of its own packs.
    """

    name = models.CharField(max_length=200, unique=True)
    rebalance = models.CharField(
        max_length=10,
        choices=Rebalance.choices,
        default=Rebalance.MONTHLY,
        help_text="When the components are brought back to their weights; of a single one it changes nothing.",
    )

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="benchmark_has_a_name"),
            models.CheckConstraint(condition=Q(rebalance__in=Rebalance.values), name="benchmark_rebalance_known"),
        ]

    def __str__(self) -> str:
        return self.name


class BenchmarkComponent(models.Model):
    """One security of a benchmark. The weights of a benchmark sum to 1 when its transaction ends; the database sees to it."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="components", db_index=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    weight = PositiveNumeric(help_text="Share of the whole: 0.6 is sixty percent.")

    class Meta:
        ordering = ("benchmark", "security")
        constraints = [
            models.UniqueConstraint(fields=("benchmark", "security"), name="benchmark_component_once"),
            models.CheckConstraint(condition=Q(weight__lte=1), name="benchmark_weight_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.weight} of security {self.security_id}"


class OneMonthRate(models.Model):
    """Which series is the one-month rate of a currency: two of them make the forward premium of a hedge."""

    currency = models.CharField(primary_key=True, max_length=3)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("currency",)

    def __str__(self) -> str:
        return f"{self.currency}: {self.series_id}"


class Portfolio(models.Model):
    NOT_SETTINGS = frozenset({"id", "slug", "name", "owner", "created_at"})
    """Whose it is and how it is called. Every other field is a setting that figures are computed by."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(
        max_length=64,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$")],
        help_text="Also its ledger folder.",
    )
    name = models.CharField(max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="portfolios")
    base_currency = models.CharField(max_length=3)
    policy = models.ForeignKey(PricingPolicy, on_delete=models.PROTECT, related_name="+")
    booking_method = models.CharField(
        max_length=8,
        choices=BookingMethod.choices,
        default=BookingMethod.FIFO,
        help_text="Of accounts that the ledger opens without a booking method of their own.",
    )
    fees_in_cost = models.BooleanField(
        default=True, help_text="Buy fees in cost, sell fees off proceeds; or fees apart."
    )
    flow_timing = models.CharField(max_length=16, choices=FlowTiming.choices, default=FlowTiming.IN_START_OUT_END)
    accrual = models.CharField(
        max_length=8,
        choices=Accrual.choices,
        default=Accrual.CASH,
        help_text="What series, returns and bridges count as value; books are reconciled on cash basis either way.",
    )
    trade_fx = models.CharField(
        max_length=8,
        choices=TradeFx.choices,
        default=TradeFx.LEDGER,
        help_text="The rate that a purchase, sale, dividend or charge is converted at.",
    )
    created_at = models.DateTimeField(db_default=Now())
    benchmark = models.ForeignKey(
        Benchmark, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="Empty: none."
    )

    class Meta:
        ordering = ("name", "slug")
        constraints = [
            models.CheckConstraint(condition=Q(accrual__in=Accrual.values), name="portfolio_accrual_known"),
            models.CheckConstraint(condition=Q(trade_fx__in=TradeFx.values), name="portfolio_trade_fx_known"),
        ]

    def __str__(self) -> str:
        return self.slug


class PortfolioAccess(models.Model):
    """Somebody besides the owner who may read a portfolio."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="portfolio_grants")
    granted_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "portfolio access"
        constraints = [models.UniqueConstraint(fields=("portfolio", "user"), name="portfolio_access_once")]

    def __str__(self) -> str:
        return f"{self.user_id} reads {self.portfolio_id}"


class PortfolioRow(models.Model):
    """A row that belongs to one portfolio."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        abstract = True


class RevisionStatus(models.TextChoices):
    READ = "read", "read"
    RECONCILED = "reconciled", "reconciled"
    BROKEN = "broken", "broken"


class LedgerRevision(PortfolioRow):
    """One state of a portfolio's ledger folder. A commit that leaves the folder as it was makes no new revision."""

    number = models.PositiveIntegerField()
    commit = models.CharField(max_length=40)
    tree_hash = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=RevisionStatus.choices, default=RevisionStatus.READ)
    reason = models.TextField(blank=True, default="")
    read_at = models.DateTimeField(db_default=Now())
    settings = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        help_text="What its lots were derived by: booking method, fees in cost, rate of deals. Empty: by an older release.",
    )

    class Meta:
        ordering = ("portfolio", "-number")
        constraints = [
            models.UniqueConstraint(fields=("portfolio", "number"), name="revision_number_once"),
            models.CheckConstraint(condition=Q(status__in=RevisionStatus.values), name="revision_status_known"),
            models.CheckConstraint(
                condition=Q(commit__regex=r"^[0-9a-f]{40}$", tree_hash__regex=r"^[0-9a-f]{40}$"),
                name="revision_hashes_are_sha1",
            ),
            models.CheckConstraint(condition=~Q(status="broken", reason=""), name="revision_broken_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} revision {self.number}"


class RevisionedRow(PortfolioRow):
    """Belongs to the revisions [introduced_in, removed_in) of its portfolio."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    introduced_in = models.PositiveIntegerField()
    removed_in = models.PositiveIntegerField(null=True)

    class Meta:
        abstract = True


class Transaction(RevisionedRow):
    """A dated event of the ledger. Amounts are in the transaction's own currency; money in is positive."""

    entry_id = models.CharField(max_length=64)
    ordinal = models.PositiveIntegerField(help_text="Order within the ledger.")
    date = models.DateField()
    kind = models.CharField(max_length=24)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, null=True, related_name="+", **IN_BULK)
    account = models.CharField(max_length=200)
    quantity = FiniteNumeric(null=True)
    unit_price = FiniteNumeric(null=True)
    amount = FiniteNumeric(null=True, help_text="Net change of cash, in the currency.")
    currency = models.CharField(max_length=3, blank=True, default="")
    fee = FiniteNumeric(null=True)
    fee_kind = models.CharField(max_length=12, blank=True, default="")
    tax = FiniteNumeric(null=True)
    counter_amount = FiniteNumeric(null=True, help_text="The other cash leg of a conversion.")
    counter_currency = models.CharField(max_length=3, blank=True, default="")
    fx_to_base = PositiveNumeric(null=True, help_text="Base currency for one of the currency, on the trade date.")
    ratio = PositiveNumeric(null=True)
    acquired = models.DateField(null=True)
    to_security = models.ForeignKey(
        Security,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="What a spin-off or merger gives.",
        **IN_BULK,
    )
    to_account = models.CharField(max_length=200, blank=True, default="", help_text="Where lots go on.")
    settle_date = models.DateField(null=True)
    ex_date = models.DateField(null=True)
    pay_date = models.DateField(null=True)
    per_share = FiniteNumeric(null=True)
    note = models.TextField(blank=True, default="")
    file = models.CharField(max_length=400)
    line = models.PositiveIntegerField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of what it says; an unchanged entry keeps its row.")
    cost_share = FiniteNumeric(
        null=True, help_text="Of a spin-off: the part of the old lots' cost that the new ones take, 0 to 1."
    )
    inferred = models.BooleanField(
        default=False, db_default=False, help_text="A deposit that no entry tells: cash would have been below zero."
    )

    class Meta:
        ordering = ("portfolio", "date", "ordinal", "id")
        constraints = [
            models.UniqueConstraint(
                fields=("portfolio", "entry_id"), condition=Q(removed_in__isnull=True), name="transaction_entry_once"
            ),
            models.CheckConstraint(
                condition=Q(removed_in__isnull=True) | Q(removed_in__gt=F("introduced_in")),
                name="transaction_revisions_in_order",
            ),
        ]
        indexes = [models.Index(fields=("portfolio", "date", "ordinal"), name="transaction_by_date")]

    def __str__(self) -> str:
        return f"{self.date} {self.kind} {self.entry_id}"


class Lot(RevisionedRow):
    """One state of an open parcel, from the close of valid_from until valid_to takes it over."""

    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    account = models.CharField(max_length=200)
    acquired = models.DateField()
    quantity = PositiveNumeric()
    unit_cost = FiniteNumeric(help_text="Trade currency, fees apart.")
    cost = FiniteNumeric(help_text="Trade currency, whole parcel, by the portfolio's fee setting.")
    currency = models.CharField(max_length=3)
    fx_to_base = PositiveNumeric(null=True, help_text="Locked at the trade date; empty where the ledger names no rate.")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    opened_by = models.CharField(max_length=80, blank=True, default="", help_text="Entry id of what opened it.")
    layers = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        help_text="What each purchase adds to the cost, where they have rates of their own; empty where there is one.",
    )

    class Meta:
        ordering = ("portfolio", "security", "acquired", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="lot_valid_in_order"
            ),
            models.CheckConstraint(
                condition=Q(removed_in__isnull=True) | Q(removed_in__gt=F("introduced_in")),
                name="lot_revisions_in_order",
            ),
        ]
        indexes = [models.Index(fields=("portfolio", "valid_from"), name="lot_by_date")]

    def __str__(self) -> str:
        return f"{self.quantity} of security {self.security_id} acquired {self.acquired}"


class MatchedLot(RevisionedRow):
    """What one transaction took from one lot: a sale, or a transfer out, which realises nothing.

    Cost, proceeds and fees are kept apart and in the trade currency, so that a gain can be told either way.
    """

    entry_id = models.CharField(max_length=64, help_text="Of the transaction that took it.")
    opened_by = models.CharField(max_length=80, help_text="As of the lot: entry id of what opened it.")
    date = models.DateField()
    kind = models.CharField(max_length=24)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    account = models.CharField(max_length=200)
    acquired = models.DateField()
    quantity = FiniteNumeric(help_text="Taken from the lot; 0 for a return of capital.")
    cost = FiniteNumeric(help_text="Fees apart.")
    proceeds = FiniteNumeric(help_text="Fees apart.")
    entry_fee = FiniteNumeric()
    exit_fee = FiniteNumeric()
    currency = models.CharField(max_length=3)
    fx_in = PositiveNumeric(null=True, help_text="Locked in the lot; empty where the ledger names no rate.")
    fx_out = PositiveNumeric(null=True, help_text="Of the deal; empty where the ledger names no rate.")
    cost_currency = models.CharField(
        max_length=3, blank=True, default="", db_default="", help_text="Of cost and entry fee, where it is another one."
    )
    layers = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        help_text="As of the lot: what of each purchase's cost was taken.",
    )

    class Meta:
        ordering = ("portfolio", "date", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(removed_in__isnull=True) | Q(removed_in__gt=F("introduced_in")),
                name="matched_lot_revisions_in_order",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="matched_lot_not_negative"),
        ]
        indexes = [models.Index(fields=("portfolio", "date"), name="matched_lot_by_date")]

    def __str__(self) -> str:
        return f"{self.quantity} of security {self.security_id} taken by {self.entry_id}"


class DailyValue(PortfolioRow):
    """A portfolio at the close of one pack. The numbers hold a float64 exactly (its shortest decimal form)."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    revision = models.ForeignKey(LedgerRevision, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    pack = models.ForeignKey(PricingPack, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    date = models.DateField()
    value = FiniteNumeric(help_text="Base currency, cash basis.")
    cash = FiniteNumeric(help_text="The part of it that is cash.")
    inflow = FiniteNumeric(help_text="External money in, at the pack's rates; not negative.")
    outflow = FiniteNumeric(help_text="External money out, at the pack's rates; not negative.")
    receivable = FiniteNumeric(help_text="Dividends between ex-date and pay date, beside the value.")

    class Meta:
        ordering = ("portfolio", "date", "id")
        constraints = [
            models.UniqueConstraint(fields=("portfolio", "revision", "pack"), name="daily_value_once"),
            models.CheckConstraint(condition=Q(inflow__gte=0, outflow__gte=0), name="daily_value_gross_flows"),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.date}"


class PackFigure(PortfolioRow):
    """A figure of one portfolio as one pack and one ledger revision have it."""

    revision = models.ForeignKey(LedgerRevision, on_delete=models.PROTECT, related_name="+", db_index=False)
    pack = models.ForeignKey(PricingPack, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        abstract = True


class PortfolioMetrics(PackFigure):
    """The whole metrics record as the job computed it: each entry {value, status, reason, basis}.

    Evidence, and not what is served: an answer is computed by the choices of its own time. What staff and owner may change
    (benchmark and its definition, risk-free series) is named in the record; after an edit the next pack's has the new one.
    """

    record = models.JSONField(encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name_plural = "portfolio metrics"
        constraints = [models.UniqueConstraint(fields=("portfolio", "revision", "pack"), name="metrics_once")]

    def __str__(self) -> str:
        return f"{self.portfolio_id} metrics of {self.pack_id}"


class FactorExposure(PackFigure):
    """The exposure to one factor; unavailable ones say why."""

    factor = models.CharField(max_length=12, choices=Factor.choices)
    series_id = models.CharField(max_length=32, blank=True, default="")
    status = models.CharField(
        max_length=12, choices=[("ok", "ok"), ("degraded", "degraded"), ("unavailable", "unavailable")]
    )
    reason = models.CharField(max_length=200, blank=True, default="")
    beta = models.FloatField(null=True)
    standard_error = models.FloatField(null=True)
    t_statistic = models.FloatField(null=True)
    variance_share = models.FloatField(null=True)
    observations = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ("portfolio", "pack", "factor")
        constraints = [
            models.UniqueConstraint(fields=("portfolio", "revision", "pack", "factor"), name="exposure_once"),
            models.CheckConstraint(
                condition=Q(status="unavailable", beta__isnull=True)
                | (~Q(status="unavailable") & Q(beta__isnull=False)),
                name="exposure_missing_is_no_number",
            ),
            models.CheckConstraint(condition=Q(status="ok") | ~Q(reason=""), name="exposure_doubt_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.factor} of {self.pack_id}"


class Reconciliation(PortfolioRow):
    """Whether the books of the ledger and of the database agreed at one pack."""

    revision = models.ForeignKey(
        LedgerRevision,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Empty: there was none.",
    )
    pack = models.ForeignKey(PricingPack, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=4, choices=[("pass", "pass"), ("fail", "fail")])
    compared = models.PositiveIntegerField(help_text="Balances compared: the union of both sides.")
    ledger_value = FiniteNumeric(null=True, help_text="Base currency; empty where it could not be computed.")
    database_value = FiniteNumeric(null=True)
    error_bp = FiniteNumeric(null=True, help_text="|difference| / ledger value; empty where undefined.")
    price_differences = models.JSONField(
        default=list, help_text="Prices that the ledger carries for the day, more than 1 bp off the pack's. Not breaks."
    )
    run = models.UUIDField()
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("portfolio", "-made_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=("portfolio", "revision", "pack", "run"), name="reconciliation_once_a_run"),
            models.CheckConstraint(condition=Q(status__in=("pass", "fail")), name="reconciliation_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.status} at {self.pack_id}"


class Break(PortfolioRow):
    """One difference between the two books, with both values."""

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="breaks")
    kind = models.CharField(max_length=24)
    account = models.CharField(max_length=200, blank=True, default="")
    commodity = models.CharField(max_length=32, blank=True, default="")
    ledger_value = FiniteNumeric(null=True)
    database_value = FiniteNumeric(null=True)
    difference = FiniteNumeric(null=True)
    error_bp = FiniteNumeric(null=True)
    detail = models.CharField(max_length=400, blank=True, default="")

    class Meta:
        ordering = ("reconciliation", "id")

    def __str__(self) -> str:
        return f"{self.kind} {self.account} {self.commodity}"
