"""Securities, what a provider calls them, and what their prices are of."""

from datetime import date
from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from config.fields import NameField, PositiveNumeric, visible


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

    symbol = NameField(max_length=32, unique=True)
    name = NameField(max_length=200)
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
            visible("security", "name"),
            visible("security", "symbol"),
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


class SecurityAlias(models.Model):
    """What a provider calls a security, and from when to when. A symbol means one security at a time."""

    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="aliases")
    provider = models.CharField(max_length=64)
    symbol = NameField(max_length=32)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True, help_text="The last day; empty while it is in use.")

    class Meta:
        verbose_name_plural = "security aliases"
        ordering = ("provider", "symbol", "valid_from")
        constraints = [
            visible("security_alias", "symbol"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="alias_valid_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.symbol} is {self.security_id} from {self.valid_from}"


class SymbolOverride(models.Model):
    """What staff say a provider's symbol means, whatever aliases and names suggest; it goes before them."""

    provider = models.CharField(max_length=64)
    symbol = NameField(max_length=32)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True, help_text="The last day; empty while it holds.")
    reason = models.CharField(max_length=400)

    class Meta:
        ordering = ("provider", "symbol", "valid_from")
        constraints = [
            visible("symbol_override", "symbol"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="override_valid_in_order"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="override_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.symbol} is {self.security_id} from {self.valid_from}"
