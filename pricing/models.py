"""Rows of the market: reference data that may be edited, and packs, which are evidence and never change once sealed."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from config.fields import FiniteNumeric, PositiveNumeric


class PriceBasis(models.TextChoices):
    RAW = "raw", "as traded"
    SPLIT_ADJUSTED = "split_adjusted", "adjusted for splits"
    TOTAL_RETURN_ADJUSTED = "total_return_adjusted", "adjusted for splits and dividends"
    PRICE_INDEX = "price_index", "price index"


class QuoteUnit(models.TextChoices):
    PER_UNIT = "", "per unit"
    PERCENT_OF_NOMINAL = "percent_of_nominal", "percent of nominal"


BOND = "bond"
PERCENT = Decimal("0.01")


class Security(models.Model):
    """A thing with a price. The unit of its price keeps its own case: GBp is pence, GBP is pounds."""

    symbol = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3, help_text="Trading currency, ISO 4217.")
    price_unit = models.CharField(
        max_length=3, help_text="Unit of the published price: a currency, or GBp, GBX, ILA, ZAc."
    )
    quote_unit = models.CharField(
        max_length=24,
        choices=QuoteUnit.choices,
        blank=True,
        default="",
        db_default="",
        help_text="What a price is of; empty: of a unit.",
    )
    multiplier = PositiveNumeric(
        default=Decimal(1), db_default=Decimal(1), help_text="Units of the underlying that one contract stands for."
    )
    kind = models.CharField(max_length=32)
    exchange = models.CharField(max_length=12, help_text="Market identifier code (ISO 10383).")
    price_basis = models.CharField(max_length=24, choices=PriceBasis.choices, default=PriceBasis.RAW)
    first_date = models.DateField(help_text="First listed date: no price is expected before it.")
    last_date = models.DateField(null=True, blank=True, help_text="Last listed date; empty while it is listed.")
    expiry = models.DateField(null=True, blank=True, help_text="Last day of a contract: it has no price after it.")
    maturity = models.DateField(null=True, blank=True, help_text="Last day of a bond: it has no price after it.")
    source = models.CharField(max_length=64, help_text="Provider of its closes.")

    class Meta:
        verbose_name_plural = "securities"
        ordering = ("symbol",)
        constraints = [
            models.CheckConstraint(
                condition=Q(last_date__isnull=True) | Q(last_date__gte=F("first_date")), name="security_listed_in_order"
            ),
            models.CheckConstraint(condition=Q(price_basis__in=PriceBasis.values), name="security_price_basis_known"),
            models.CheckConstraint(condition=Q(quote_unit__in=QuoteUnit.values), name="security_quote_unit_known"),
            models.CheckConstraint(
                condition=Q(expiry__isnull=True) | Q(expiry__gte=F("first_date")),
                name="security_expires_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(maturity__isnull=True) | Q(maturity__gte=F("first_date")),
                name="security_matures_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return self.symbol

    @property
    def factor(self) -> Decimal:
        """What a close is multiplied by for the value of one unit held: 0.01 in percent of nominal, 100 of a contract."""
        multiplier: Decimal = self.multiplier
        return multiplier * PERCENT if self.quote_unit == QuoteUnit.PERCENT_OF_NOMINAL else multiplier

    @property
    def ends(self) -> date | None:
        """The last day on which it can have a price: of a contract its expiry, of a bond its maturity; None: none is known."""
        return min(filter(None, (self.expiry, self.maturity)), default=None)

    @property
    def lacks_quote_unit(self) -> bool:
        """A bond of which nobody has said what its price is of: taken as it stands it could be a hundred times its value."""
        return self.kind.casefold() == BOND and not self.quote_unit


class SeriesLag(models.TextChoices):
    """How long after its observation date a figure is taken to be public, where the source does not say."""

    DAYS_FROM_MONTH_START = "days_from_month_start", "days from the first of its month"
    BUSINESS_DAYS = "business_days", "business days"


class Series(models.Model):
    """A macro series: a yield, an index, a rate of unemployment."""

    id = models.CharField(primary_key=True, max_length=32)
    title = models.CharField(max_length=200)
    unit = models.CharField(max_length=64)
    frequency = models.CharField(max_length=1, help_text="D, W, M, Q or A.")
    source = models.CharField(max_length=64)
    lag_rule = models.CharField(max_length=24, choices=SeriesLag.choices)
    lag_days = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name_plural = "series"
        ordering = ("id",)

    def __str__(self) -> str:
        return self.id


class RiskFreeRate(models.Model):
    """Which yield series stands for the risk-free rate of a base currency."""

    base_currency = models.CharField(primary_key=True, max_length=3)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+")
    series_currency = models.CharField(
        max_length=3, help_text="Another currency than the base makes the figures degraded(risk_free_currency)."
    )

    def __str__(self) -> str:
        return f"{self.base_currency}: {self.series_id}"


class Factor(models.TextChoices):
    REAL_RATE = "real_rate", "real rate"
    INFLATION = "inflation", "inflation"
    CREDIT = "credit", "credit"
    USD = "usd", "US dollar"
    EQUITY = "equity", "equity risk premium"


class FactorSeries(models.Model):
    """One choice in a factor's ordered list: the first whose data the pack holds stands for the factor."""

    factor = models.CharField(max_length=12, choices=Factor.choices)
    rank = models.PositiveSmallIntegerField(help_text="1 is the first choice; every later one is a proxy.")
    series_id = models.CharField(max_length=32, help_text="A macro series, or fx_basket for the pack's own rates.")
    minus_trailing = models.CharField(
        max_length=32, blank=True, help_text="A price index whose twelve-month change is taken off (a real rate)."
    )
    change = models.CharField(max_length=10, choices=[("difference", "first difference"), ("return", "return")])
    degraded = models.CharField(
        max_length=64, blank=True, help_text="What the figure is degraded by; empty if it is not."
    )

    class Meta:
        verbose_name_plural = "factor series"
        ordering = ("factor", "rank")
        constraints = [models.UniqueConstraint(fields=("factor", "rank"), name="factor_rank_once")]

    def __str__(self) -> str:
        return f"{self.factor} {self.rank}: {self.series_id}"


class PricingPolicy(models.Model):
    """`<fixing>_<pivot>`: which fixing the rates are, and the currency that they are quoted from."""

    code = models.CharField(primary_key=True, max_length=16)
    fixing = models.CharField(max_length=12)
    pivot = models.CharField(max_length=3)
    fix_time = models.TimeField(help_text="Local time of the fixing.")
    fix_timezone = models.CharField(max_length=40)
    max_stale_sessions = models.PositiveSmallIntegerField(default=5)
    max_stale_fixings = models.PositiveSmallIntegerField(default=5)
    max_missing_share = FiniteNumeric(
        default=Decimal("0.05"),
        db_default=Decimal("0.05"),
        help_text="Share of the securities with a live source that may lack a close before a pack is refused.",
    )
    max_missing_count = models.PositiveSmallIntegerField(
        default=10, db_default=10, help_text="So many may always lack one."
    )

    class Meta:
        verbose_name_plural = "pricing policies"
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(
                condition=Q(max_missing_share__gte=0, max_missing_share__lte=1), name="policy_max_missing_is_a_share"
            )
        ]

    def __str__(self) -> str:
        return self.code


class MarketArchive(models.Model):
    """A market data folder as it was when it was loaded. The newest one is what the archive provider reads."""

    path = models.CharField(max_length=4096)
    digest = models.CharField(max_length=64, help_text="SHA-256 over the folder's files.")
    archive_end = models.DateField(help_text="Pack days end here.")
    loaded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-loaded_at", "-id")

    def __str__(self) -> str:
        return f"archive to {self.archive_end}"


class PackContent(models.Model):
    """The rows of one or more packs, stored once per hash."""

    content_hash = models.CharField(max_length=64, unique=True)
    rows = models.PositiveIntegerField()
    line_checks = models.BinaryField(
        default=b"", help_text="CRC-32 of each canonical line, in their order: which row differs, where the hash does."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(content_hash__regex=r"^[0-9a-f]{64}$"), name="content_hash_is_sha256")
        ]

    def __str__(self) -> str:
        return self.content_hash[:12]


IN_BULK: Any = {"db_index": False, "db_constraint": False}
"""For what the rows of a pack refer to: a trigger checks the distinct keys of a statement, where a foreign key would check each
row (docs/decisions/rows-without-foreign-keys.md)."""


class PackRow(models.Model):
    """What every row of a pack carries: whose figure it is, and what is odd about it."""

    source = models.CharField(max_length=64)
    flags = models.CharField(max_length=64, blank=True, default="", help_text="Such as stale:2.")

    class Meta:
        abstract = True


class PackPrice(PackRow):
    content = models.ForeignKey(PackContent, on_delete=models.PROTECT, related_name="prices", **IN_BULK)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    close = PositiveNumeric(help_text="In the trading currency.")
    currency = models.CharField(max_length=3)
    observed_date = models.DateField()
    price_basis = models.CharField(max_length=24, choices=PriceBasis.choices)
    factor = PositiveNumeric(
        default=Decimal(1), db_default=Decimal(1), help_text="Close times factor is the value of one unit held."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=("content", "security"), name="pack_price_once")]

    def __str__(self) -> str:
        return f"{self.security_id} {self.close} {self.currency}"


class PackRate(PackRow):
    content = models.ForeignKey(PackContent, on_delete=models.PROTECT, related_name="rates", **IN_BULK)
    base = models.CharField(max_length=3)
    quote = models.CharField(max_length=3)
    rate = PositiveNumeric(help_text="Units of the quote currency for exactly one of the base.")
    observed_date = models.DateField()
    fix_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("content", "base", "quote"), name="pack_rate_once"),
            models.CheckConstraint(condition=~Q(base=F("quote")), name="pack_rate_two_currencies"),
        ]

    def __str__(self) -> str:
        return f"{self.base}/{self.quote} {self.rate}"


class PackObservation(PackRow):
    """A delta: an observation first known, or changed, since the pack before."""

    content = models.ForeignKey(PackContent, on_delete=models.PROTECT, related_name="observations", **IN_BULK)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    observation_date = models.DateField()
    value = FiniteNumeric()
    known_at = models.DateField()
    vintage = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("content", "series", "observation_date"), name="pack_observation_once"),
            models.CheckConstraint(
                condition=Q(known_at__gte=F("observation_date")), name="pack_observation_known_after_it_happened"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series_id} {self.observation_date}"


class PackAction(PackRow):
    """A delta: a corporate action first known, or changed, since the pack before."""

    content = models.ForeignKey(PackContent, on_delete=models.PROTECT, related_name="actions", **IN_BULK)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    ex_date = models.DateField()
    action = models.CharField(
        max_length=16, choices=[("split", "split"), ("dividend", "dividend"), ("delisting", "delisting")]
    )
    ratio = PositiveNumeric(null=True, help_text="New shares per old.")
    amount = PositiveNumeric(null=True, help_text="Per share.")
    currency = models.CharField(max_length=3, blank=True, default="")
    pay_date = models.DateField(null=True)
    announced = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("content", "security", "ex_date", "action"), name="pack_action_once"),
            models.CheckConstraint(
                condition=Q(action="split", ratio__isnull=False, amount__isnull=True)
                | Q(action="dividend", amount__isnull=False, ratio__isnull=True)
                | Q(action="delisting", amount__isnull=True, ratio__isnull=True),
                name="pack_action_has_what_its_kind_needs",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security_id} {self.action} {self.ex_date}"


class PackStatus(models.TextChoices):
    BUILDING = "building", "building"
    WARMING = "warming", "warming"
    FRESH = "fresh", "fresh"
    ERROR = "error", "error"


class PricingPack(models.Model):
    """The header of all that was observed for one date under one policy. `superseded` is derived, never stored."""

    id = models.CharField(primary_key=True, max_length=48, help_text="PP_<date>_<policy>_r<n>")
    policy = models.ForeignKey(PricingPolicy, on_delete=models.PROTECT, related_name="packs", db_index=False)
    asof_date = models.DateField()
    release = models.PositiveIntegerField()
    sequence = models.PositiveIntegerField(null=True, help_text="Order of sealing within the policy.")
    status = models.CharField(max_length=8, choices=PackStatus.choices, default=PackStatus.BUILDING)
    content = models.ForeignKey(PackContent, on_delete=models.PROTECT, null=True, related_name="packs")
    chain_hash = models.CharField(max_length=64, blank=True, default="")
    run = models.UUIDField(help_text="The nightly run that built it.")
    restates = models.CharField(max_length=400, blank=True, default="", help_text="Why this release was made.")
    created_at = models.DateTimeField(db_default=Now())
    sealed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())
    failed_job = models.CharField(max_length=32, blank=True, default="")
    reason = models.TextField(blank=True, default="", help_text="Why it is in error.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("policy", "asof_date", "release"), name="pack_release_once"),
            models.UniqueConstraint(fields=("policy", "sequence"), name="pack_sequence_once"),
            models.CheckConstraint(condition=Q(status__in=PackStatus.values), name="pack_status_known"),
            models.CheckConstraint(
                condition=Q(
                    sequence__isnull=True,
                    content__isnull=True,
                    sealed_at__isnull=True,
                    chain_hash="",
                    status__in=("building", "error"),
                )
                | (
                    Q(
                        sequence__isnull=False,
                        content__isnull=False,
                        sealed_at__isnull=False,
                        chain_hash__regex=r"^[0-9a-f]{64}$",
                    )
                    & ~Q(status="building")
                ),
                name="pack_sealed_whole_or_not_at_all",
            ),
            models.CheckConstraint(
                condition=(Q(status="error") & ~Q(reason="")) | (~Q(status="error") & Q(reason="", failed_job="")),
                name="pack_error_has_a_reason",
            ),
        ]
        indexes = [models.Index(fields=("policy", "-asof_date", "-sequence"), name="pack_by_date")]
        ordering = ("policy", "-asof_date", "-release")

    def __str__(self) -> str:
        return self.id


class Decision(models.TextChoices):
    PENDING = "pending", "pending"
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"


class QuarantinedRow(models.Model):
    """A row that a rule of pricing.quality.rules suspects, and what staff have decided. The row itself never changes."""

    kind = models.CharField(
        max_length=12, choices=[(kind, kind) for kind in ("price", "rate", "observation", "action")]
    )
    key = models.CharField(max_length=64, help_text="A symbol, EUR/USD, a series, or OAK/split.")
    date = models.DateField(help_text="Observed on, or ex-date.")
    value = models.CharField(max_length=64, help_text="As published.")
    rule = models.CharField(max_length=16)
    reason = models.CharField(max_length=400)
    source = models.CharField(max_length=64)
    first_seen = models.UUIDField(help_text="The run that met it first.")
    seen_at = models.DateTimeField(db_default=Now())
    decision = models.CharField(max_length=8, choices=Decision.choices, default=Decision.PENDING)
    decided_by = models.BigIntegerField(null=True, blank=True, help_text="The id of a user.")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=400, blank=True, default="")

    class Meta:
        ordering = ("-date", "kind", "key", "rule")
        constraints = [
            models.UniqueConstraint(fields=("kind", "key", "date", "value", "rule"), name="quarantined_row_once"),
            models.CheckConstraint(condition=Q(decision__in=Decision.values), name="quarantine_decision_known"),
            models.CheckConstraint(
                condition=Q(decision="pending", decided_by__isnull=True, decided_at__isnull=True, decision_reason="")
                | (
                    Q(decision__in=("accepted", "rejected"), decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(decision_reason="")
                ),
                name="quarantine_decided_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} {self.value} of {self.date} ({self.rule})"


class SecurityAlias(models.Model):
    """What a provider calls a security, and from when to when. A symbol means one security at a time."""

    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="aliases")
    provider = models.CharField(max_length=64)
    symbol = models.CharField(max_length=32)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True, help_text="The last day; empty while it is in use.")

    class Meta:
        verbose_name_plural = "security aliases"
        ordering = ("provider", "symbol", "valid_from")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="alias_valid_in_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.symbol} is {self.security_id} from {self.valid_from}"


class SymbolOverride(models.Model):
    """What staff say a provider's symbol means, whatever aliases and names suggest; it goes before them."""

    provider = models.CharField(max_length=64)
    symbol = models.CharField(max_length=32)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True, help_text="The last day; empty while it holds.")
    reason = models.CharField(max_length=400)

    class Meta:
        ordering = ("provider", "symbol", "valid_from")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="override_valid_in_order"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="override_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.symbol} is {self.security_id} from {self.valid_from}"
