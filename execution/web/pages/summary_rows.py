"""Rows of the list of portfolios: what each shows of its summary, or why it shows nothing; and the total below them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

from django.urls import reverse

from config.decimals import plain
from config.errors import TieoutError
from config.strict_json import pointer_to
from execution import executor, figures
from execution.figures import Figure
from execution.operations import portfolio_summaries, shown_values
from execution.operations.portfolio_summaries import Refused, Summary
from execution.web import problems
from execution.web.limits import LimitReached
from execution.web.pages import figure, navigation
from execution.web.pages.pattern import doubt
from execution.web.pages.table_panels import Cell, is_change, sparkline
from portfolio.models import Portfolio
from pricing.packs import PackWarming

NOTHING_BOOKED: Final = "nothing is booked yet"
NOT_COMPARED: Final = "the books are compared with the next pricing pack; until then there are no figures"
BOOKS_DIFFER: Final = "the books do not tie out, so that there are no figures; the reconciliation says where"
NO_PACK: Final = "there are no prices yet: the first nightly run makes them ready"
WARMING: Final = "the prices of this day are being made ready; its figures come when the ledger ties out with them"


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one portfolio, or the reason why there are none. `notes` are the warnings of its result."""

    portfolio: Portfolio
    address: str
    """Of the page that tells more."""
    value: Figure | None = None
    converted: Figure | None = None
    gain: Figure | None = None
    """Of the last pack day, without flows, in base currency."""
    today: Figure | None = None
    year: Figure | None = None
    """Time-weighted returns of that day and of the year to date."""
    line: Cell | None = None
    doubt: Figure | None = None
    asof: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    figure_page: str = ""
    """Address of the page of a figure of the result, to which its path is added."""


@dataclass(frozen=True, slots=True)
class Rate:
    text: str
    asof: str
    source: str


@dataclass(frozen=True, slots=True)
class TotalRow:
    value: Figure
    asof: str
    packs: tuple[str, ...]
    rates: tuple[Rate, ...]
    counted: int
    left_out: tuple[Portfolio, ...]


SORTED_BY: Final[Mapping[str, Callable[[Row], Figure | None]]] = {
    "value": lambda row: row.converted,
    "today": lambda row: row.today,
    "year": lambda row: row.year,
}


def draw(summary: Summary, query: Mapping[str, str]) -> Row:
    """The row of one portfolio; its links carry `query` on."""
    portfolio = summary.portfolio
    overview = navigation.address(portfolio, navigation.OVERVIEW, query)
    if isinstance(summary, Refused):
        reason, page = _reason(summary.failure)
        elsewhere = navigation.with_query(reverse(page, args=[portfolio.slug]), query) if page else overview
        return Row(portfolio, elsewhere, reason=reason)
    result, metadata, base = summary.result, summary.served.metadata, portfolio.base_currency
    notes, refusing = tuple(metadata["warnings"]), metadata["rights"]["withheld"].get("valued_positions")
    if refusing:
        return Row(portfolio, overview, reason=shown_values.explain(refusing), notes=notes)
    return Row(
        portfolio,
        overview,
        value=_figure(result, "valued_positions", "total_value", "currency", base),
        converted=_figure(result, "converted", "value", "currency", result["converted"].get("currency", "")),
        gain=_figure(result, "today", "gain", "currency", base),
        today=_figure(result, "perf_metrics", "twr_1d", "percentage", base),
        year=_figure(result, "perf_metrics", "twr_ytd", "percentage", base),
        line=sparkline(result["line"].get("returns")),
        doubt=doubt(result),
        asof=metadata["asof_date"],
        notes=notes,
        figure_page=figure.address_before_path(portfolio, summary.served.execution_id, query),
    )


def _figure(result: Mapping[str, Any], output: str, key: str, kind: str, currency: str) -> Figure:
    """A figure of an output, with its place; of one that is unavailable, the reason of that."""
    answer = result[output]
    value = answer if answer.get("status") == "unavailable" else answer[key]
    figure = figures.from_value(value, kind, currency=currency, signed=is_change(key, kind))
    return figure if value is None else replace(figure, path=pointer_to(output, key))


def _reason(failure: TieoutError) -> tuple[str, str]:
    """Why a portfolio has no figures, in words, and the name of the page that says more where it is not the overview."""
    if isinstance(failure, executor.NothingBooked):
        return NOTHING_BOOKED, "portfolio-imports"
    if isinstance(failure, executor.LedgerNotReconciled):
        return NOT_COMPARED, "reconciliation"
    if isinstance(failure, executor.ReconciliationFailed):
        return BOOKS_DIFFER, "reconciliation"
    if isinstance(failure, PackWarming):
        return WARMING if failure.pack_id else NO_PACK, ""
    if isinstance(failure, LimitReached):
        return str(failure), ""
    problem = problems.describe(failure)
    return (
        problem.detail if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR else f"{problem.title}: {problem.detail}",
        "",
    )


def arrange(rows: Sequence[Row], by: str, *, descending: bool) -> list[Row]:
    """Rows by one of their figures; those without it are last. By name they come in order already."""
    figure_of = SORTED_BY.get(by)
    if figure_of is None:
        return list(rows)

    def size(row: Row) -> Decimal | None:
        figure = figure_of(row)
        return None if figure is None else figure.exact

    with_value = [row for row in rows if size(row) is not None]
    with_value.sort(key=lambda row: size(row) or Decimal(0), reverse=descending)
    return [*with_value, *(row for row in rows if size(row) is None)]


def draw_total(total: portfolio_summaries.Total) -> TotalRow:
    return TotalRow(
        value=figures.from_value(plain(total.value), "currency", currency=total.currency),
        asof=" to ".join(dict.fromkeys((total.dates[0], total.dates[-1]))) if total.dates else "",
        packs=total.packs,
        rates=tuple(
            Rate(
                f"1 {each['base']} = {figures.number(Decimal(each['rate']))} {each['quote']}",
                each["observed_date"],
                each["source"],
            )
            for each in total.fixings
        ),
        counted=total.counted,
        left_out=total.left_out,
    )
