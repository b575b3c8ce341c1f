"""The panels of a pattern as tables: what a page draws of a result, as columns and rows of plain values."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from execution.figures import reason_words
from execution.patterns import panel_parts, panel_values
from execution.patterns.panel_values import NoPanelValueError
from execution.patterns.templating import Scope

NUMERIC: Final = ("number", "currency", "percentage", "decimal_2")

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class TableColumn:
    """key: the field of a row that it shows; format: as panels have it."""

    key: str
    header: str
    format: str

    @property
    def is_numeric(self) -> bool:
        return self.format in NUMERIC


@dataclass(frozen=True, slots=True)
class PanelTable:
    """One panel. `rows` can be walked once or more, `count` says how many there are; with `reason` there are none.

    A row has a cell for each column; a last column `notes`, where any figure is not ok, says of which and why.
    """

    id: str
    title: str
    columns: tuple[TableColumn, ...]
    rows: Iterable[Sequence[Cell]]
    count: int
    reason: str = ""
    is_series: bool = False
    """Its first column are days, and the others lines over them."""


def tabulate(panel: Mapping[str, Any], scope: Scope) -> list[PanelTable]:
    """The tables of a panel, one for each plain panel that it is made of."""
    if reason := panel_parts.why_undrawn(panel):
        return [PanelTable(panel["id"], panel["title"], (), (), 0, reason)]
    return [_tabulate_plain(plain, scope) for plain in panel_parts.plain_panels(panel)]


def _tabulate_plain(panel: Mapping[str, Any], scope: Scope) -> PanelTable:
    try:
        if "items" in panel:
            return _grid(panel, scope)
        return _table(panel, scope) if "rows" in panel else _lines(panel, scope)
    except NoPanelValueError as absent:
        return PanelTable(panel["id"], panel["title"], (), (), 0, reason_words(absent.reason))


def _grid(panel: Mapping[str, Any], scope: Scope) -> PanelTable:
    currency = panel_values.base_currency(scope)
    columns = tuple(TableColumn(name, name, "text") for name in ("figure", "value", "unit", "status", "reason"))
    rows = []
    for item in panel["items"]:
        try:
            value, status, reason = _figure(panel_values.resolve(item["value"], scope))
        except NoPanelValueError as absent:
            value, status, reason = None, "unavailable", reason_words(absent.reason)
        unit = {"currency": currency, "percentage": "fraction"}.get(item["format"], "")
        cell = _Number(value) if item["format"] in NUMERIC and value is not None else value
        rows.append((item["label"], cell, unit, status, reason))
    return PanelTable(panel["id"], panel["title"], columns, rows, len(rows))


class _Number(str):
    """A number in a column of texts."""

    __slots__ = ()

    def __new__(cls, value: Cell) -> "_Number":
        return super().__new__(cls, value)


def is_numeric(value: Cell, column: TableColumn) -> bool:
    """Whether a cell is to be written as a number, where it can be read as one."""
    return column.is_numeric or isinstance(value, _Number)


def _table(panel: Mapping[str, Any], scope: Scope) -> PanelTable:
    source_rows = panel_values.resolve_list(panel["rows"], scope)
    currency = panel_values.base_currency(scope)
    # a sparkline is a picture of a list, which no cell holds
    columns = _with_headers([each for each in panel["columns"] if each["format"] != "sparkline"], currency)
    paths = [tuple(column.key.split(".")) for column in columns]
    if all(_is_plain(row, paths) for row in source_rows):
        rows = _Rows(source_rows, paths, is_plain=True)
    elif not _any_note(source_rows, paths):
        rows = _Rows(source_rows, paths)
    else:
        columns += (TableColumn("notes", "Notes", "text"),)
        rows = _Rows(source_rows, paths, with_notes=True)
    return PanelTable(panel["id"], panel["title"], columns, rows, len(source_rows))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows that are made as they are walked, so that a long table is not held twice."""

    source_rows: Sequence[Any]
    paths: Sequence[Sequence[str]]
    with_notes: bool = False
    is_plain: bool = False
    """Every cell is a value without a status: the quick way, as nearly all rows are so."""

    def __iter__(self) -> Iterator[Sequence[Cell]]:
        if self.is_plain:
            names = [path[0] for path in self.paths]
            yield from ([row[name] for name in names] for row in self.source_rows)
            return
        for row in self.source_rows:
            figures = [_figure(_at(row, path)) for path in self.paths]
            cells = [value for value, _, _ in figures]
            if self.with_notes:
                notes = (
                    f"{'.'.join(path)}: {reason or status}"
                    for path, (_, status, reason) in zip(self.paths, figures, strict=True)
                    if status != "ok"
                )
                cells.append("; ".join(notes))
            yield cells


def _any_note(source_rows: Sequence[Any], paths: Sequence[Sequence[str]]) -> bool:
    return any(_figure(_at(row, path))[1] != "ok" for row in source_rows for path in paths)


def _is_plain(row: Any, paths: Sequence[Sequence[str]]) -> bool:
    return isinstance(row, dict) and all(
        len(path) == 1 and path[0] in row and not isinstance(row[path[0]], dict | list) for path in paths
    )


def _lines(panel: Mapping[str, Any], scope: Scope) -> PanelTable:
    x = panel_values.resolve_list(panel["x"], scope)
    currency = panel_values.base_currency(scope)
    series = [{**each, "key": each["label"]} for each in panel["series"]]
    columns = (TableColumn("x", "Date", "date"), *_with_headers(series, currency))
    # a series without any value, of a benchmark that there is not, say, is empty cells
    values = [panel_values.resolve_list(each["values"], scope) or [None] * len(x) for each in panel["series"]]
    if any(len(each) != len(x) for each in values):
        raise NoPanelValueError(panel_values.UNEVEN)
    return PanelTable(panel["id"], panel["title"], columns, _Zipped((x, *values)), len(x), is_series=True)


@dataclass(frozen=True, slots=True)
class _Zipped:
    lists: tuple[Sequence[Any], ...]

    def __iter__(self) -> Iterator[Sequence[Cell]]:
        return zip(*self.lists, strict=True)


def _with_headers(columns: Sequence[Mapping[str, Any]], currency: str) -> tuple[TableColumn, ...]:
    """A header is the label, with the currency; where two are alike, the key parts them."""
    often = Counter(column["label"] for column in columns)
    headings = []
    for column in columns:
        header = column["label"] or column["key"]
        if often[column["label"]] > 1 and header != column["key"]:
            header += f" ({column['key']})"
        unit = f" {currency}" if column["format"] == "currency" and currency else ""
        headings.append(TableColumn(column["key"], header + unit, column["format"]))
    return tuple(headings)


def _at(row: Any, path: Sequence[str]) -> Any:
    value = row
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return {"value": None, "status": "unavailable", "reason": "not_in_result"}
        value = value[name]
    return value


def _figure(value: Any) -> tuple[Cell, str, str]:
    """Value, status and reason in words of what a result holds where a figure stands."""
    if isinstance(value, Mapping):
        inner = value.get("value")
        plain = None if isinstance(inner, Mapping | list) else inner
        return plain, str(value.get("status") or "ok"), reason_words(str(value.get("reason") or ""))
    return (None if isinstance(value, list) else value), "ok", ""
