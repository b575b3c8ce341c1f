"""Panels that are drawn as figures in rows: a grid of metrics, a table."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from config.counts import number_of
from execution import figures
from execution.figures import FORMATS, Figure, reason_words
from execution.figures.formats import MOST_DIGITS
from execution.patterns.panel_values import NoPanelValueError, Place, base_currency, locate, locate_rows, pointer_of
from execution.patterns.templating import Scope
from execution.web.pages import shapes
from execution.web.pages.placed_figures import figure_at

RETURNS: Final = re.compile(
    r"(\w+_)?(twr|mwr)(_.+)?|.+_return|local|fx|interaction|total|contribution|whole|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
)
"""Names of percentages that are written with their sign: returns and contributions, not weights or risks."""

GAINS: Final = re.compile(
    r"gains?|losses|(un)?realised(_price)?|unrealized_pnl|(cash_)?fx|fx_dealing|(total_)?delta_pl"
)
"""Names of money that is a gain or a loss."""

PRICED: Final = frozenset({"price", "market_value", "observed_date"})
"""Columns that carry the status of a row that has one."""


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    unit: str
    is_numeric: bool


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A cell that is a line through a list of numbers. `text` says it in words."""

    path: str
    text: str
    kind: str = "sparkline"
    status: str = "ok"
    security_id: int | None = None


Cell = Any
"""A Figure or a Sparkline."""


def draw_metrics_grid(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """`items` (label, figure) and `notes` on them. A grid without any value has one reason, the most frequent one."""
    labelled = items(document, scope)
    reasons = Counter(figure.note for _, figure in labelled if figure.status == "unavailable")
    if len(labelled) > 1 and reasons.total() == len(labelled):
        raise NoPanelValueError(reasons.most_common(1)[0][0])
    return {"items": labelled, "notes": notes(labelled)}


def draw_table(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    currency, columns = base_currency(scope), document["columns"]
    return {
        "columns": headings(columns, currency),
        "rows": [row_cells(row, columns, currency) for row in locate_rows(document["rows"], scope)],
    }


def headings(columns: Sequence[Mapping[str, Any]], currency: str) -> list[Column]:
    return [
        Column(
            column["label"],
            currency if column["format"] == "currency" else "",
            column["format"] in FORMATS,
        )
        for column in columns
    ]


def items(document: Mapping[str, Any], scope: Scope) -> list[tuple[str, Figure]]:
    """Label and figure of each item; one without a value says why, and the others are not affected."""
    return [(item["label"], _item_figure(item, scope)) for item in document["items"]]


def _item_figure(item: Mapping[str, Any], scope: Scope) -> Figure:
    try:
        place = locate(item["value"], scope)
    except NoPanelValueError as absent:
        path = pointer_of(item["value"]) if item["format"] in FORMATS else ""
        return replace(figures.missing(item["format"], reason_words(absent.reason)), path=path)
    signed = is_change(item["value"].strip("{} "), item["format"])
    return figure_at(place, item["format"], currency=base_currency(scope), signed=signed)


def notes(items: Sequence[tuple[str, Figure]]) -> list[tuple[str, Figure]]:
    """Subject with verb, and a figure with the reason why it is not ok. Items of one reason share a note."""
    alike: dict[tuple[str, str], list[tuple[str, Figure]]] = {}
    for label, figure in items:
        if figure.note:
            alike.setdefault((figure.status, figure.note), []).append((label, figure))
    return [
        (f"{', '.join(label for label, _ in group)} {'is' if len(group) == 1 else 'are'}", group[0][1])
        for group in alike.values()
    ]


def row_cells(row: Place, columns: Sequence[Mapping[str, Any]], currency: str) -> list[Cell]:
    """A cell for each column; the first knows the security that the row is about."""
    cells = [_cell(row, column, currency) for column in columns]
    values = row.value
    if cells and isinstance(values, Mapping) and isinstance(values.get("security_id"), int):
        cells[0] = replace(cells[0], security_id=values["security_id"])
    return cells


def is_change(path: str, kind: str) -> bool:
    """Whether what a path ends in is a gain or a loss, by its name."""
    names = GAINS if kind == "currency" else RETURNS
    return bool(names.fullmatch(path.rsplit(".", 1)[-1]))


def _cell(row: Place, column: Mapping[str, Any], currency: str) -> Cell:
    place = row
    for name in column["key"].split("."):
        if not isinstance(place.value, Mapping) or name not in place.value:
            return figures.missing(column["format"], reason_words("not_in_result"))
        place = place.below(name, place.value[name])
    if column["format"] == "sparkline":
        return sparkline(place.value)
    signed = is_change(column["key"], column["format"])
    figure = figure_at(place, column["format"], currency=currency, signed=signed)
    age = row.value.get("age_sessions")
    if column["key"] == "observed_date" and age:
        return replace(figure, status="degraded", note=f"{number_of(age, 'session')} old")
    if column["key"] in PRICED and row.value.get("status") == "degraded" and row.value.get("reason"):
        return replace(figure, status="degraded", note=reason_words(row.value["reason"]))
    return figure


def sparkline(value: Any) -> Cell:
    """A line through a list of numbers; what is no number is a gap."""
    numbers = [
        each if isinstance(each, int | float) and not isinstance(each, bool) and abs(each) < 10**MOST_DIGITS else None
        for each in (value if isinstance(value, list) else ())
    ]
    path = shapes.spark(numbers)
    if not path:
        return figures.missing("text", reason_words("not_given"))
    values_there = [each for each in numbers if each is not None]
    way = (
        "higher"
        if values_there[-1] > values_there[0]
        else "lower"
        if values_there[-1] < values_there[0]
        else "no higher"
    )
    return Sparkline(path, f"{way} at its end than at its begin")
