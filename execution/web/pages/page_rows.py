"""How the rows of a page's tables are shown: sorted, filtered, panels on demand. The query says it; nothing of it is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from execution import figures
from execution.figures import Figure
from execution.patterns.panel_values import NoPanelValueError, base_currency, locate
from execution.patterns.templating import Scope
from execution.web.pages import table_panels
from execution.web.pages.placed_figures import figure_at
from execution.web.pages.table_panels import Cell, Column, draw_table

SORT: Final = "sort"
FIND: Final = "find"
LONGEST: Final = 100
"""Characters of a filter that count."""


@dataclass(frozen=True, slots=True)
class PageRows:
    """What the query of a page says of its rows. `query` is all of it, which each link of the page keeps."""

    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def find(self) -> str:
        return self.query.get(FIND, "").replace("\0", "").strip()[:LONGEST]

    @property
    def key(self) -> str:
        """The column to sort by; empty for the order of the result."""
        return self.query.get(SORT, "").removeprefix("-")

    @property
    def falls(self) -> bool:
        return self.query.get(SORT, "").startswith("-")

    def is_asked_for(self, panel: Mapping[str, Any]) -> bool:
        """Whether a panel is drawn: each that is not on demand, and one that is where `?<its id>=1` asks for it."""
        return panel.get("on_demand") is not True or self.query.get(panel["id"]) == "1"

    def link(self, panel_id: str, **changes: str) -> str:
        """The same page with other values of the query; an empty one is left out."""
        parameters = {name: text for name, text in {**self.query, **changes}.items() if text}
        return f"?{urlencode(parameters)}#{panel_id}"


def parameters(document: Mapping[str, Any]) -> frozenset[str]:
    """The parameters of a pattern's page that are of its rows, and no inputs of the pattern."""
    panels = document["panels"]
    names = {each["id"] for each in panels if each.get("on_demand") is True}
    if any(each.get("sortable") is True for each in panels):
        names |= {SORT, FIND}
    return frozenset(names - document["inputs"].keys())


@dataclass(frozen=True, slots=True)
class Heading:
    column: Column
    link: str
    """To the rows sorted by it, or the other way round; empty where it has no order."""
    order: str
    """ascending or descending where the rows are sorted by it."""


def draw_sortable(document: Mapping[str, Any], scope: Scope, page_rows: PageRows) -> dict[str, Any]:
    """A table sorted and filtered by the query: headings that lead to each order, rows, and their total."""
    table = draw_table(document, scope)
    keys = [column["key"] for column in document["columns"]]
    every: Sequence[Sequence[Cell]] = table["rows"]
    rows = [row for row in every if _matches(row, page_rows.find)]
    if page_rows.key in keys and not _is_picture(document["columns"][keys.index(page_rows.key)]):
        rows = _sort(rows, keys.index(page_rows.key), falls=page_rows.falls)
    hidden = {name: text for name, text in page_rows.query.items() if text and name != FIND}
    is_whole = len(rows) == len(every)
    return {
        "headings": [
            _heading(document, column, heading, page_rows)
            for column, heading in zip(document["columns"], table["columns"], strict=True)
        ],
        "rows": [list(zip(table["columns"], row, strict=True)) for row in rows],
        "total": _total(document, rows, scope, is_whole=is_whole),
        "total_of": "Total" if is_whole else "Sum of the rows",
        "all": len(every),
        "find": page_rows.find,
        "unfiltered": page_rows.link(document["id"], **{FIND: ""}),
        "hidden": hidden,
    }


def _is_picture(column: Mapping[str, Any]) -> bool:
    return bool(column["format"] == "sparkline")


def _matches(row: Sequence[Cell], find: str) -> bool:
    return not find or any(cell.kind == "text" and find.casefold() in cell.text.casefold() for cell in row)


def _sort(rows: Sequence[Sequence[Cell]], place: int, *, falls: bool) -> list[Sequence[Cell]]:
    """By one column, rows without a value last either way; rows that are alike in it keep their order."""
    with_value = [row for row in rows if row[place].status != "unavailable"]
    unknown = [row for row in rows if row[place].status == "unavailable"]
    return [*sorted(with_value, key=lambda row: _order(row[place]), reverse=falls), *unknown]


def _order(cell: Cell) -> tuple[Decimal, str]:
    return (Decimal(0) if cell.exact is None else cell.exact, "" if cell.is_numeric else cell.text.casefold())


def _heading(document: Mapping[str, Any], column: Mapping[str, Any], heading: Column, page_rows: PageRows) -> Heading:
    """A first click puts the greatest number, and the first name, on top; another turns it round."""
    key = column["key"]
    if _is_picture(column):
        return Heading(heading, "", "")
    is_current = page_rows.key == key
    falls = not page_rows.falls if is_current else heading.is_numeric
    order = ("descending" if page_rows.falls else "ascending") if is_current else ""
    return Heading(heading, page_rows.link(document["id"], **{SORT: f"-{key}" if falls else key}), order)


def _total(
    document: Mapping[str, Any], rows: Sequence[Sequence[Cell]], scope: Scope, *, is_whole: bool
) -> list[tuple[Column, Figure | None]]:
    """A cell below each column: of all rows the result's own total where the panel names it, else the sum of the rows."""
    totals: Mapping[str, str] = document.get("totals") or {}
    if not totals or not rows:
        return []
    cells: list[tuple[Column, Figure | None]] = []
    for place, column in enumerate(document["columns"]):
        cell = None
        if column["key"] in totals:
            template = totals[column["key"]] if is_whole else ""
            cell = (
                _template_figure(template, column, scope)
                if template
                else _sum([row[place] for row in rows], column, scope)
            )
        cells.append((Column(column["label"], "", column["format"] in figures.FORMATS), cell))
    return cells


def _template_figure(template: str, column: Mapping[str, Any], scope: Scope) -> Figure:
    try:
        signed = table_panels.is_change(column["key"], column["format"])
        return figure_at(locate(template, scope), column["format"], currency=base_currency(scope), signed=signed)
    except NoPanelValueError as absent:
        return figures.missing(column["format"], figures.reason_words(absent.reason))


def _sum(cells: Sequence[Cell], column: Mapping[str, Any], scope: Scope) -> Figure:
    numbers = [cell.exact for cell in cells if cell.exact is not None]
    if len(numbers) < len(cells):
        return figures.missing(column["format"], "one of the rows has none")
    signed = table_panels.is_change(column["key"], column["format"])
    total = str(sum(numbers, Decimal(0)))
    return figures.from_value(total, column["format"], currency=base_currency(scope), signed=signed)
