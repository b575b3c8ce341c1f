"""Rows read from a portfolio's ledger: its revisions, and the transactions, lots and matched lots that belong to them."""

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now

from config.fields import FiniteNumeric, PositiveNumeric
from pricing.models import Security

from .portfolios import Portfolio, PortfolioRow


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

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+", db_index=False)
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
    security = models.ForeignKey(Security, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
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
        db_index=False,
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

    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", db_index=False)
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

    Cost, proceeds and fees are kept apart and in the trade currency, so that a gain can be stated either way.
    """

    entry_id = models.CharField(max_length=64, help_text="Of the transaction that took it.")
    opened_by = models.CharField(max_length=80, help_text="As of the lot: entry id of what opened it.")
    date = models.DateField()
    kind = models.CharField(max_length=24)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", db_index=False)
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
