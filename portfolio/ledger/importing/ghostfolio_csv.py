"""A CSV file as Ghostfolio's import takes it: headers by many names, dates in four spellings."""

import re
from collections.abc import Sequence
from datetime import date

from . import cells, ghostfolio_json, near_names
from .cells import Cells
from .rows import FileReading, Row, RowFinding

CODE, TITLE, SUFFIX = "ghostfolio-csv", "Ghostfolio (CSV)", "csv"
ALIASES = {
    "date": ("date", "tradedate"),
    "symbol": ("symbol", "code", "ticker"),
    "currency": ("currency", "ccy", "currencyprimary"),
    "unitPrice": ("unitprice", "price", "tradeprice", "value"),
    "quantity": ("quantity", "qty", "shares", "units"),
    "type": ("type", "action", "buy/sell"),
    "fee": ("fee", "commission", "ibcommission"),
    "comment": ("comment", "note"),
    "accountId": ("account", "accountid"),
    "dataSource": ("datasource",),
}
REQUIRED = ("date", "symbol", "currency", "unitPrice", "quantity", "type", "fee")
_NAMES = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
_DATES = (
    (re.compile(r"([0-9]{2})[-/.]([0-9]{2})[-/.]([0-9]{4})"), (3, 2, 1)),
    (re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})"), (1, 2, 3)),
    (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T.*)?"), (1, 2, 3)),
)


def recognises(name: str, content: bytes) -> bool:
    names = {_NAMES.get(cell) for cell in cells.header(content)}
    return {"date", "type", "symbol"} <= names


def read(content: bytes) -> FileReading:
    findings: list[RowFinding] = []
    rows: list[Row] = []
    try:
        header, lines = cells.table(cells.decode(content))
        columns = [_NAMES.get(name.lower(), name) for name in header]
        findings += _find_header_faults(columns)
        if not findings:
            every = list(lines)
            signs = cells.decimal_signs(columns, every)
            for line, texts in every:
                row = _row(cells.cells_by_header(columns, texts, line, findings, signs))
                rows += [row] if row is not None else []
                if not cells.require_few(len(rows), findings):
                    break
    except cells.Undecodable as fault:
        return FileReading(findings=(*findings, fault.finding))
    ignored = tuple(name for name in columns if name not in ALIASES)
    absent = tuple(alias for alias, name in _NAMES.items() if name not in columns)
    return FileReading(tuple(rows), tuple(findings), ignored, absent=absent)


def _find_header_faults(columns: Sequence[str]) -> list[RowFinding]:
    return [
        RowFinding(
            1,
            name,
            "is missing in the header",
            near_names.rename(name, set(columns) - {*ALIASES}, f"one of {', '.join(ALIASES[name])}"),
        )
        for name in REQUIRED
        if name not in columns
    ] + [RowFinding(1, name, "is in the header twice") for name in ALIASES if columns.count(name) > 1]


def _row(row: Cells) -> Row | None:
    return ghostfolio_json.activity_row(row, "unitPrice", {}, _day(row), has_day=True)


def _day(row: Cells) -> date | None:
    text = row.text("date")
    for pattern, (year, month, day) in _DATES:
        if match := pattern.fullmatch(text):
            return row.calendar("date", match[year], match[month], match[day])
    row.refuse("date", "is not a date with four digits of year" if text else "is missing", "write YYYY-MM-DD")
    return None
