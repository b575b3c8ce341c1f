"""XLSX: a sheet for each panel with typed cells, live formulas that hold our number, and a sheet that says what it ties out to."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any, BinaryIO, Final

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from config import dates, plain_text
from execution.exports import neutral
from execution.exports.content import ExportContent, Report
from execution.exports.panel_tables import Cell, PanelTable, TableColumn, is_numeric

NUMBER_FORMATS: Final[Mapping[str, str]] = {
    "currency": "#,##0.00",
    "percentage": "0.00%",
    "decimal_2": "0.00",
    "number": "#,##0.########",
    "date": "yyyy-mm-dd",
}
DIFFERENCES: Final[Mapping[str, tuple[str, str]]] = {
    "excess_twr": ("twr", "benchmark_twr"),
    "excess_mwr": ("mwr", "benchmark_mwr"),
    "amount": ("gross", "tax"),
}
"""Column -> the two that it is the difference of."""
SUMS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "total": (("local", "fx", "interaction"), ("realised", "unrealised", "income")),
    "market_value": (("securities", "cash"),),
}
"""Column -> those that it is the sum of, where a table has them."""
PARTS: Final = frozenset({"symbol", "currency"})
"""What the first column of a table names whose rows are parts of a whole."""
ADDED_UP: Final = frozenset({"weight", "local", "fx", "interaction", "total", "contribution"})
"""Columns that may be added up beside those of money in one currency."""
SHEET_NAME: Final = 31
_NOT_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\']")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def write(file: BinaryIO, content: ExportContent, report: Report) -> None:
    tables = content.tables()
    manifest = content.manifest
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    workbook = BytesIO()  # whole before the disk is met: a workbook leaves its zip open where a write fails
    with xlsxwriter.Workbook(workbook, options) as book:
        at = manifest.reader.at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        book.set_properties({"title": manifest.title, "author": "Tieout", "created": at})
        styles = {name: book.add_format({"num_format": code}) for name, code in NUMBER_FORMATS.items()}
        bold = book.add_format({"bold": True})
        _write_manifest(book.add_worksheet("Manifest"), manifest.lines(), bold)
        for number, (table, name) in enumerate(zip(tables, _names(tables), strict=True), start=1):
            _Sheet(book.add_worksheet(name), styles, bold).write(table)
            report(number, len(tables) + 1)
    file.write(workbook.getbuffer())
    report(1, 1)


def _write_manifest(sheet: Worksheet, lines: Iterator[str], bold: Any) -> None:
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    for row, line in enumerate(lines):
        name, _, value = line.partition(": ")
        sheet.write_string(row, 0, plain_text.printable(name), bold)
        sheet.write_string(row, 1, plain_text.printable(value))


@dataclass(frozen=True, slots=True)
class _Sheet:
    sheet: Worksheet
    styles: Mapping[str, Any]
    bold: Any

    def write(self, table: PanelTable) -> None:
        self.sheet.write_string(0, 0, plain_text.printable(table.title), self.bold)
        if table.reason:
            self.sheet.write_string(1, 0, f"No rows: {plain_text.printable(table.reason)}")
        for place, column in enumerate(table.columns):
            self.sheet.write_string(1, place, plain_text.printable(column.header), self.bold)
            self.sheet.set_column(place, place, 16)
        places = {column.key: place for place, column in enumerate(table.columns)}
        totals: dict[int, Decimal | None] = {
            place: Decimal(0) for place, column in enumerate(table.columns) if _is_added_up(table, column)
        }
        last = 1
        for last, cells in enumerate(table.rows, start=2):
            numbers = [_number(value, column) for value, column in zip(cells, table.columns, strict=True)]
            for place, column in enumerate(table.columns):
                self._write_cell(last, place, column, cells[place], numbers, places)
                if place in totals:
                    totals[place] = _add(totals[place], numbers[place])
        if totals and last > 1:
            self._write_totals(table, last, totals)
        self.sheet.freeze_panes(2, 1)

    def _write_cell(
        self,
        row: int,
        place: int,
        column: TableColumn,
        value: Cell,
        numbers: Sequence[Decimal | None],
        places: Mapping[str, int],
    ) -> None:
        number, style = numbers[place], self.styles.get(column.format)
        if number is not None:
            formula = _formula(column.key, row, numbers, places)
            if formula:
                self.sheet.write_formula(row, place, formula, style, float(number))
            else:
                self.sheet.write_number(row, place, float(number), style)
        elif isinstance(value, bool):
            self.sheet.write_boolean(row, place, value)
        elif isinstance(value, str) and column.format == "date" and _DATE.fullmatch(value):
            self.sheet.write_datetime(row, place, _midnight(value), style)
        elif value is not None:
            self.sheet.write_string(row, place, plain_text.printable(str(value)))

    def _write_totals(self, table: PanelTable, last: int, totals: Mapping[int, Decimal | None]) -> None:
        """A sum is there where every row has its number: of some rows alone it would be no total."""
        self.sheet.write_string(last + 1, 0, "Total of these rows", self.bold)
        for place, total in totals.items():
            column = f"{xl_rowcol_to_cell(2, place)}:{xl_rowcol_to_cell(last, place)}"
            style = self.styles.get(table.columns[place].format)
            if total is None:
                self.sheet.write_string(last + 1, place, "a row has no number")
                continue
            self.sheet.write_formula(last + 1, place, f"=SUM({column})", style, float(total))


def _add(total: Decimal | None, number: Decimal | None) -> Decimal | None:
    return None if total is None or number is None else total + number


def _midnight(day: str) -> datetime:
    return datetime.combine(dates.parse(day), datetime.min.time())  # Excel's dates know no zone


def _number(value: Cell, column: TableColumn) -> Decimal | None:
    """The number of a cell; None where it holds none."""
    if value is None or isinstance(value, bool) or not (isinstance(value, int | float) or is_numeric(value, column)):
        return None
    text = str(value)
    return Decimal(text) if neutral.is_number(text) else None


def _is_added_up(table: PanelTable, column: TableColumn) -> bool:
    are_parts = bool(table.columns) and table.columns[0].key in PARTS
    return are_parts and (column.format == "currency" or (column.format == "percentage" and column.key in ADDED_UP))


def _formula(key: str, row: int, numbers: Sequence[Decimal | None], places: Mapping[str, int]) -> str:
    """The formula of a cell by the other cells of its row; empty where they do not give its number."""
    own = numbers[places[key]]
    assert own is not None
    candidates = [(sum_of, "+") for sum_of in SUMS.get(key, ())]
    if key in DIFFERENCES:
        candidates.append((DIFFERENCES[key], "-"))
    for keys, sign in candidates:
        parts = [numbers[places[each]] if each in places else None for each in keys]
        first, *others = parts
        if first is None or any(each is None for each in others):
            continue
        more = sum((each for each in others if each is not None), Decimal(0))
        if abs((first + more if sign == "+" else first - more) - own) <= Decimal("1e-10"):
            return "=" + sign.join(xl_rowcol_to_cell(row, places[each]) for each in keys)
    return ""


def _names(tables: Sequence[PanelTable]) -> list[str]:
    """A name for each sheet, of those that the format allows, and no two alike; Excel looks at no case."""
    lower_names, names = {"manifest", "history"}, []
    for table in tables:
        plain = _NOT_IN_NAMES.sub(" ", plain_text.printable(table.title)).strip() or table.id
        name, number = plain[:SHEET_NAME].strip(), 2
        while name.lower() in lower_names:
            end = f" {number}"
            name, number = plain[: SHEET_NAME - len(end)].strip() + end, number + 1
        lower_names.add(name.lower())
        names.append(name)
    return names
