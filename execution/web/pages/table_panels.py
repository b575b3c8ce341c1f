"""Panels that are drawn as figures in rows: a grid of metrics, a table, the shares of a whole."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from execution import figures
from execution.figures import FORMATS, Figure, reason_words
from execution.patterns.templating import Scope
from execution.web.pages.panel_values import NothingToDrawError, base_currency, resolve, resolve_list

RETURNS: Final = re.compile(r"(twr|mwr)_.+|.+_return|local|fx|interaction|total")
"""Names of percentages that are written with their sign: returns and contributions, not weights or risks."""

PRICED: Final = frozenset({"price", "market_value", "observed_date"})
"""Columns that carry the status of a row that has one."""


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    unit: str
    is_numeric: bool


def draw_metrics_grid(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """`items` (label, figure) and `notes` on them. A grid without any value has one reason, the most frequent one."""
    items = _items(document, scope)
    reasons = Counter(figure.note for _, figure in items if figure.status == "unavailable")
    if len(items) > 1 and reasons.total() == len(items):
        raise NothingToDrawError(reasons.most_common(1)[0][0])
    return {"items": items, "notes": _notes(items)}


def draw_table(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    currency, columns = base_currency(scope), document["columns"]
    return {
        "columns": [
            Column(
                column["label"],
                currency if column["format"] == "currency" else "",
                column["format"] not in ("text", "date"),
            )
            for column in columns
        ],
        "rows": [_row(row, columns, currency) for row in resolve_list(document["rows"], scope)],
    }


def draw_shares(document: Mapping[str, Any], scope: Scope) -> list[tuple[str, Figure, str]]:
    """Label, figure and percent of the longest bar of each part of a whole; the longest is the greatest, whatever its sign.

    Either `items`, or `rows` of which the first column names a part and the first column of numbers measures it.
    """
    if "items" in document:
        parts = _items(document, scope)
    else:
        columns, currency = document["columns"], base_currency(scope)
        measure = next(column for column in columns if column["format"] in FORMATS)
        parts = [
            (_cell(row, columns[0], currency).text, _cell(row, measure, currency))
            for row in resolve_list(document["rows"], scope)
        ]
    greatest = max((abs(part.exact) for _, part in parts if part.exact is not None), default=Decimal(0))
    return [
        (label, part, f"{100 * abs(part.exact) / greatest:.2f}" if part.exact is not None and greatest else "0")
        for label, part in parts
    ]


def _items(document: Mapping[str, Any], scope: Scope) -> list[tuple[str, Figure]]:
    """Label and figure of each item; one without a value says why, and the others are not affected."""
    return [(item["label"], _item(item, scope)) for item in document["items"]]


def _item(item: Mapping[str, Any], scope: Scope) -> Figure:
    try:
        value = resolve(item["value"], scope)
    except NothingToDrawError as absent:
        return figures.missing(item["format"], absent.reason)
    signed = bool(RETURNS.fullmatch(item["value"].strip("{} ").rsplit(".", 1)[-1]))
    return figures.from_value(value, item["format"], currency=base_currency(scope), signed=signed)


def _notes(items: Sequence[tuple[str, Figure]]) -> list[tuple[str, Figure]]:
    """Subject with verb, and a figure with the reason why it is not ok. Items of one reason share a note."""
    alike: dict[tuple[str, str], list[tuple[str, Figure]]] = {}
    for label, figure in items:
        if figure.note:
            alike.setdefault((figure.status, figure.note), []).append((label, figure))
    return [
        (f"{', '.join(label for label, _ in group)} {'is' if len(group) == 1 else 'are'}", group[0][1])
        for group in alike.values()
    ]


def _row(row: Any, columns: Sequence[Mapping[str, Any]], currency: str) -> list[Figure]:
    cells = [_cell(row, column, currency) for column in columns]
    if cells and isinstance(row, Mapping) and isinstance(row.get("security_id"), int):
        cells[0] = replace(cells[0], security_id=row["security_id"])
    return cells


def _cell(row: Any, column: Mapping[str, Any], currency: str) -> Figure:
    value = row
    for name in column["key"].split("."):
        if not isinstance(value, Mapping) or name not in value:
            return figures.missing(column["format"], reason_words("not_in_result"))
        value = value[name]
    signed = bool(RETURNS.fullmatch(column["key"].rsplit(".", 1)[-1]))
    figure = figures.from_value(value, column["format"], currency=currency, signed=signed)
    age = row.get("age_sessions")
    if column["key"] == "observed_date" and age:
        return replace(figure, status="degraded", note=f"{age} session{'s' if age > 1 else ''} old")
    if column["key"] in PRICED and row.get("status") == "degraded" and row.get("reason"):
        return replace(figure, status="degraded", note=reason_words(row["reason"]))
    return figure
