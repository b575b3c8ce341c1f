"""Rows of the admin whose numbers rest on providers' data: a number that the rights of now withhold is empty.

Added here, because the rooms of packs and portfolios know no rights.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from execution.operations.shown_values import find_denied, find_withheld
from portfolio import admin as portfolio_admin
from portfolio.books.comparison import VALUATION_MISMATCH
from portfolio.models import Break, DailyValue, EconomicPhase, Reconciliation
from pricing import admin as pricing_admin
from pricing.models import PackAction, PackObservation, PackPrice, PackRate, QuarantinedRow
from pricing.packs.rows import series_source

BREAK_NUMBERS = ("ledger_value", "database_value", "difference")


def withheld_breaks(rows: Iterable[Break]) -> list[Break]:
    """Quantities and cash are the ledger's own; only a value rests on prices."""
    valued = [row for row in rows if row.kind == VALUATION_MISMATCH]
    withheld = find_withheld((row.portfolio_id, row.reconciliation.pack_id) for row in valued)
    return [row for row in valued if (row.portfolio_id, row.reconciliation.pack_id) in withheld]


def empty_values(rows: Iterable[Any], names: Iterable[str]) -> None:
    for row in rows:
        for name in names:
            setattr(row, name, None)


class ShownByRight:
    """An admin page that empties `numbers` of the rows that `find_withheld` names, before anything is drawn of them."""

    numbers: ClassVar[tuple[str, ...]]

    def find_withheld(self, rows: Sequence[Any]) -> Iterable[Any]:
        raise NotImplementedError

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist: ChangeList = super().get_changelist_instance(request)  # type: ignore[misc]
        changelist.result_list = list(changelist.result_list)
        empty_values(self.find_withheld(changelist.result_list), self.numbers)
        return changelist

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Model | None:
        row: Model | None = super().get_object(request, object_id, from_field)  # type: ignore[misc]
        if row is not None and request.method in ("GET", "HEAD"):
            empty_values(self.find_withheld([row]), self.numbers)
        return row


class RowOfSource(ShownByRight):
    """Each row names its source."""

    def find_withheld(self, rows: Sequence[Any]) -> Iterable[Any]:
        denied = find_denied({self.source_of(row) for row in rows})
        return [row for row in rows if self.source_of(row) in denied]

    def source_of(self, row: Any) -> str:
        return str(row.source)


class RowOfPortfolio(ShownByRight):
    """Each row is of a portfolio at a pack."""

    def find_withheld(self, rows: Sequence[Any]) -> Iterable[Any]:
        withheld = find_withheld((row.portfolio_id, row.pack_id) for row in rows)
        return [row for row in rows if (row.portfolio_id, row.pack_id) in withheld]


for model in (
    *(PackPrice, PackRate, PackObservation, PackAction, QuarantinedRow),
    *(DailyValue, EconomicPhase, Reconciliation, Break),
):
    admin.site.unregister(model)


@admin.register(PackPrice)
class ShownPriceAdmin(RowOfSource, pricing_admin.PackPriceAdmin):
    numbers = ("close", "factor")


@admin.register(PackRate)
class ShownRateAdmin(RowOfSource, pricing_admin.PackRateAdmin):
    numbers = ("rate",)


@admin.register(PackObservation)
class ShownObservationAdmin(RowOfSource, pricing_admin.PackObservationAdmin):
    numbers = ("value",)

    def source_of(self, row: Any) -> str:
        return series_source(row.source, row.series_id)


@admin.register(PackAction)
class ShownActionAdmin(RowOfSource, pricing_admin.PackActionAdmin):
    numbers = ("ratio", "amount")


@admin.register(QuarantinedRow)
class ShownQuarantinedRowAdmin(RowOfSource, pricing_admin.QuarantinedRowAdmin):
    numbers = ("value",)

    def source_of(self, row: Any) -> str:
        return series_source(row.source, row.key) if row.kind == "observation" else str(row.source)


@admin.register(DailyValue)
class ShownDailyValueAdmin(RowOfPortfolio, portfolio_admin.DailyValueAdmin):
    numbers = ("value", "cash", "inflow", "outflow", "receivable")


@admin.register(EconomicPhase)
class ShownPhaseAdmin(ShownByRight, portfolio_admin.EconomicPhaseAdmin):
    """Each row names the sources of all series that it was judged by."""

    numbers = ("name", "score", "margin", "scores")

    def find_withheld(self, rows: Sequence[Any]) -> Iterable[Any]:
        denied = find_denied({source for row in rows for source in row.sources})
        return [row for row in rows if denied & {*row.sources}]


class ShownBreaks(BaseInlineFormSet):  # type: ignore[type-arg]
    """The breaks on the page of their reconciliation."""

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        empty_values(withheld_breaks(rows), BREAK_NUMBERS)
        return rows


class ShownBreakInline(portfolio_admin.BreakInline):
    formset = ShownBreaks


@admin.register(Reconciliation)
class ShownReconciliationAdmin(RowOfPortfolio, portfolio_admin.ReconciliationAdmin):
    numbers = ("ledger_value", "database_value", "price_differences")
    inlines = (ShownBreakInline,)


@admin.register(Break)
class ShownBreakAdmin(ShownByRight, portfolio_admin.BreakAdmin):
    numbers = BREAK_NUMBERS

    def find_withheld(self, rows: Sequence[Any]) -> Iterable[Any]:
        return withheld_breaks(rows)
