"""Reconciliations of the ledger's books with the database's, and every difference between them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from config.fields import FiniteNumeric
from pricing.models import PricingPack

from .ledger_rows import LedgerRevision
from .portfolios import PortfolioRow


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
