"""A portfolio with its settings, who may read it, and what every row of one has."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from config.fields import NameField, visible
from pricing.models import PricingPolicy

from .benchmarks import Benchmark


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
    name = NameField(max_length=200)
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
            visible("portfolio", "name"),
            models.CheckConstraint(condition=Q(accrual__in=Accrual.values), name="portfolio_accrual_known"),
            models.CheckConstraint(condition=Q(trade_fx__in=TradeFx.values), name="portfolio_trade_fx_known"),
        ]

    def __str__(self) -> str:
        return self.slug


class AccessRole(models.TextChoices):
    VIEWER = "viewer", "looks"
    ADVISER = "adviser", "looks, and takes results out as files"
    STAFF = "staff", "looks, of the staff, for a reason"


class PortfolioAccess(models.Model):
    """Somebody besides the owner who may see a portfolio: by the owner, or of the staff for a reason that the owner reads."""

    LONGEST_OF_STAFF = timedelta(days=30)

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="portfolio_grants")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        help_text="As the portfolio names it.",
    )
    """The database fills it in, and holds the two together."""
    role = models.CharField(max_length=8, choices=AccessRole.choices, db_default=AccessRole.VIEWER)
    until = models.DateTimeField(null=True, help_text="Empty: until it is taken back.")
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", help_text="Empty: a command."
    )
    granted_at = models.DateTimeField(db_default=Now())
    reason = models.CharField(max_length=400, blank=True, db_default="")

    class Meta:
        verbose_name_plural = "portfolio access"
        constraints = [
            models.UniqueConstraint(fields=("portfolio", "user"), name="portfolio_access_once"),
            models.CheckConstraint(condition=Q(role__in=AccessRole.values), name="portfolio_access_role_known"),
            models.CheckConstraint(
                condition=~Q(role="staff") | Q(until__isnull=False, granted_by__isnull=False) & ~Q(reason=""),
                name="portfolio_access_of_staff_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} reads {self.portfolio_id}"

    @property
    def is_open(self) -> bool:
        """Whether its time is not over."""
        return self.until is None or self.until > timezone.now()


class PortfolioRow(models.Model):
    """A row that belongs to one portfolio."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        abstract = True
