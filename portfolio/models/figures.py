"""Figures that a night stores of a portfolio, by ledger revision and pack. They are evidence; an answer is computed anew."""

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from config.fields import FiniteNumeric
from pricing.models import Factor, PricingPack

from .ledger_rows import LedgerRevision
from .portfolios import Portfolio, PortfolioRow

IN_BULK: Any = {"db_index": False, "db_constraint": False}
"""Options of references that a trigger checks once a statement (docs/decisions/daily-values-by-pack.md)."""


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
    (benchmark and its definition, risk-free series) is named in the record; after an edit the next record has the
    new one.
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
