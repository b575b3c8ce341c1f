"""What a night stores of a portfolio, by ledger revision and pack: evidence; an answer is computed anew."""

from typing import Any

from django.db import models
from django.db.models import Q

from config.fields import FiniteNumeric
from pricing.models import PricingPack

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
