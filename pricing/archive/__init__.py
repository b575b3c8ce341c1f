"""The archive provider: a market data folder (DESIGN §8), read whole or refused whole.

Columns by file (any may be gzipped as `<file>.gz`; more columns are allowed and ignored):

    securities.csv         symbol,name,currency,type,exchange,source[,price_basis,first_date,last_date,quote_unit,
                           multiplier,expiry,maturity]              quote_unit empty or percent_of_nominal
    prices.csv             date,symbol,close,currency,source
    fx.csv                 date,base,quote,rate,source                      1 base = rate quote
    macro.csv              date,series_id,value,source[,known_at,vintage]
    macro_series.csv       id (or series_id),title,unit,frequency,source    frequency D, W, M, Q or A
    corporate_actions.csv  ex_date,pay_date,symbol,action,ratio,amount,currency,source[,announced,quality]
                           action split (has a ratio), dividend (has an amount) or delisting (has neither)
    sources.csv            source,attribution

The first three must be there. Without `macro_series.csv` a series has its id as title and the frequency its dates show.
Prices in a minor unit (GBp) are converted here, once, exactly. A day may have the figures of several sources: the first
source's are the folder's, the others' are what they are compared with.
"""

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import filterfalse, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from config.errors import TieoutError
from pricing import fx

Dates = npt.NDArray[np.datetime64]
Codes = npt.NDArray[np.int32]
Texts = npt.NDArray[np.bytes_]
Floats = npt.NDArray[np.float64]

LISTED_FINDINGS = 100
BLOCK_ROWS = 10_000
FREQUENCIES = ("D", "W", "M", "Q", "A")
PRICE_BASES = ("raw", "split_adjusted", "total_return_adjusted", "price_index")
QUOTE_UNITS = ("", "percent_of_nominal")
ACTIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "split": (("ratio",), ("amount",)),
    "dividend": (("amount",), ("ratio",)),
    "delisting": ((), ("ratio", "amount")),
}
"""By action, the numbers that it has, and those that it has not."""

_REQUIRED: dict[str, tuple[str, ...]] = {
    "securities.csv": ("symbol", "name", "currency", "type", "exchange", "source"),
    "prices.csv": ("date", "symbol", "close", "currency", "source"),
    "fx.csv": ("date", "base", "quote", "rate", "source"),
    "macro.csv": ("date", "series_id", "value", "source"),
    "macro_series.csv": ("title", "unit", "frequency", "source"),
    "corporate_actions.csv": ("ex_date", "pay_date", "symbol", "action", "ratio", "amount", "currency", "source"),
    "sources.csv": ("source", "attribution"),
}
_OBLIGATORY = ("securities.csv", "prices.csv", "fx.csv")
LONGEST: Mapping[str, int] = {
    "symbol": 32, "name": 200, "type": 32, "exchange": 12, "source": 64, "id": 32, "series_id": 32, "title": 200,
    "unit": 64, "vintage": 32, "attribution": 400,
}  # fmt: skip
"""Characters that there is room for, by column."""
RIGHTS: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    ("display", "export_csv", "export_pdf", "redistribute"), ("", "yes", "no", "ask")
)
_NUMBER = re.compile(r"[+-]?\d{1,24}(?:\.\d{1,24})?", re.ASCII)
_ABOVE_ZERO = re.compile(r"(?=[0.]*[1-9])\d{1,24}(?:\.\d{1,24})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
EARLIEST = date(1800, 1, 1)
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that can't be read. `line` counts from 1 (the header); 0 speaks of the whole file."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(filter(None, (place, self.column if self.line else "", self.reason)))


class ArchiveRefused(TieoutError):
    """Nothing of the folder was taken. `findings` lists the first hundred, `total` counts all."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings, self.total = tuple(findings[:LISTED_FINDINGS]), len(findings)
        more = f"\nand {self.total - LISTED_FINDINGS} more" if self.total > LISTED_FINDINGS else ""
        super().__init__("\n".join(map(str, self.findings)) + more)


@dataclass(frozen=True, slots=True)
class SecurityRow:
    symbol: str
    name: str
    currency: str
    price_unit: str
    kind: str
    exchange: str
    price_basis: str
    first_date: date
    last_date: date | None
    source: str
    quote_unit: str = ""
    multiplier: Decimal = Decimal(1)
    expiry: date | None = None
    maturity: date | None = None


@dataclass(frozen=True, slots=True)
class SeriesRow:
    id: str
    title: str
    unit: str
    frequency: str
    source: str


@dataclass(frozen=True, slots=True)
class ActionRow:
    """Ratio: new shares per old. Amount: per share, in `currency`. A delisting has neither; its ex-date is the first day
    without a listing."""

    symbol: str
    action: str
    ex_date: date
    ratio: Decimal | None
    amount: Decimal | None
    currency: str
    pay_date: date | None
    announced: date | None
    source: str
    quality: str = "ok"


@dataclass(frozen=True, slots=True)
class SourceTerms:
    """One row of sources.csv; `columns` is all of it, for whoever keeps the rights."""

    source: str
    attribution: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Closes:
    """R closes by (security, date). `close` is the exact decimal text, in the trading currency."""

    security: Codes  # (R,) index into ArchiveReading.securities
    date: Dates  # (R,)
    close: Texts  # (R,)
    source: Codes  # (R,) index into ArchiveReading.source_names

    @cached_property
    def number(self) -> Floats:
        """(R,) of `close`; read once for all builds of a folder."""
        return as_numbers(self.close)


@dataclass(frozen=True)
class Rates:
    """R published rates by (pair, date)."""

    pairs: tuple[tuple[str, str], ...]
    pair: Codes
    date: Dates
    rate: Texts
    source: Codes

    @cached_property
    def number(self) -> Floats:
        """(R,) of `rate`."""
        return as_numbers(self.rate)


@dataclass(frozen=True, slots=True)
class Observations:
    """R observations by (series, date, known_at). `known_at` is NaT where the source does not say."""

    series: Codes
    date: Dates
    value: Texts
    known_at: Dates
    vintage: tuple[str, ...]
    source: Codes


def _no_closes() -> Closes:
    days, codes = np.empty(0, "datetime64[D]"), np.empty(0, np.int32)
    return Closes(codes, days, np.empty(0, "S1"), codes)


def _no_rates() -> Rates:
    days, codes = np.empty(0, "datetime64[D]"), np.empty(0, np.int32)
    return Rates((), codes, days, np.empty(0, "S1"), codes)


@dataclass(frozen=True, eq=False)
class ArchiveReading:
    """A whole folder, typed. Arrays are not writeable.

    Of a day with several sources `closes` holds the row of the security's own source (else of the first in the file), and
    `rates` that of the source which comes first in the file; `other_closes` and `other_rates` hold the rest, by the same
    codes. `quarantined` are the actions whose source itself doubts them.
    """

    path: str
    digest: str
    archive_end: date
    """The last date with a close or a rate."""
    securities: tuple[SecurityRow, ...]
    series: tuple[SeriesRow, ...]
    source_names: tuple[str, ...]
    closes: Closes
    rates: Rates
    observations: Observations
    actions: tuple[ActionRow, ...]
    quarantined: tuple[ActionRow, ...]
    sources: tuple[SourceTerms, ...]
    other_closes: Closes = field(default_factory=_no_closes)
    other_rates: Rates = field(default_factory=_no_rates)

    @cached_property
    def code_of(self) -> Mapping[str, int]:
        """By symbol, its index into `securities`."""
        return {row.symbol: code for code, row in enumerate(self.securities)}

    @cached_property
    def listed(self) -> tuple[Dates, Dates]:
        """(N,) the first and the last day of each security."""
        return (
            _frozen(np.array([row.first_date for row in self.securities], "datetime64[D]")),
            _frozen(np.array([row.last_date or date.max for row in self.securities], "datetime64[D]")),
        )


def as_numbers(texts: Texts) -> Floats:
    """Floats of decimal texts; NaN for what is none, infinite for what is too large. Not writeable."""
    try:
        numbers = texts.astype(np.float64)
    except ValueError:
        numbers = np.array([_as_number(text.decode(errors="replace")) for text in texts.tolist()], dtype=np.float64)
    return _frozen(numbers)


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def digest(folder: str | Path) -> str:
    """SHA-256 over names and bytes of the files that are read. Raises ArchiveRefused when the folder can't be read."""
    total = hashlib.sha256()
    for name, path in sorted(_files(Path(folder)).items()):
        data = _bytes(path)
        total.update(f"{name}\0{path.name}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()


def read(folder: str | Path, *, today: date | None = None, has_digest: str | None = None) -> ArchiveReading:
    """The folder, whole. Raises ArchiveRefused with every row that can't be read, by file, line, column and reason.

    today       no date may lie after it; the clock's (UTC) unless given
    has_digest  the digest of the folder, by who has just asked for it
    """
    return _read(str(Path(folder).resolve()), has_digest or digest(folder), today or datetime.now(UTC).date())


@lru_cache(maxsize=1)
def _read(folder: str, folder_digest: str, today: date) -> ArchiveReading:
    findings: list[Finding] = []
    tables = {name: _Table.of(name, path, findings) for name, path in _files(Path(folder)).items()}
    usable = {name: table for name, table in tables.items() if table is not None}
    if len(usable) < len(tables):  # without its columns a file can't be judged, nor what refers to it
        raise ArchiveRefused(findings)
    reading = _Reader(usable, today, findings).reading(folder, folder_digest)
    if findings:
        order = {name: number for number, name in enumerate(_REQUIRED)}
        raise ArchiveRefused(sorted(findings, key=lambda f: (order[f.file.removesuffix(".gz")], f.line, f.column)))
    return reading


def _files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "not found"
        raise ArchiveRefused([Finding(folder.name or str(folder), 0, "", what)])
    found: dict[str, Path] = {}
    findings = []
    for name in _REQUIRED:
        there = [path for path in (folder / name, folder / f"{name}.gz") if path.exists() or path.is_symlink()]
        if len(there) == 2:
            findings.append(Finding(name, 0, "", "is there twice, plain and gzipped"))
        elif there and not there[0].is_file():
            findings.append(Finding(there[0].name, 0, "", "is no file"))
        elif there:
            found[name] = there[0]
        elif name in _OBLIGATORY:
            findings.append(Finding(name, 0, "", f"not found in {folder.name or folder}"))
    if findings:
        raise ArchiveRefused(findings)
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArchiveRefused([Finding(path.name, 0, "", f"can't be read: {error.strerror}")]) from error


class _Cells:
    """The cells of a file by column. Of a cell that stands in a column a thousand times one text is kept."""

    def __init__(self, width: int) -> None:
        self.columns: list[list[str]] = [[] for _ in range(width)]
        self.ragged: list[tuple[int, int]] = []  # (number of the row, from 1; its fields)
        self.rows = 0
        self._kept: list[dict[str, str]] = [{} for _ in range(width)]

    def take(self, block: Sequence[Sequence[str]]) -> None:
        width = len(self.columns)
        if set(map(len, block)) != {width}:
            self.ragged += [
                (number, len(row)) for number, row in enumerate(block, start=self.rows + 1) if len(row) != width
            ]
        self.rows += len(block)
        if not self.ragged:
            for column, kept, cells in zip(self.columns, self._kept, zip(*block, strict=True), strict=True):
                column.extend(map(kept.setdefault, cells, cells))


@dataclass(slots=True)
class _Table:
    """One file's cells by column, with enough to say which line a row stood on."""

    file: str
    columns: Mapping[str, Sequence[str]]
    rows: int
    lines: Callable[[], list[int]]
    findings: list[Finding]
    _lines: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, path: Path, findings: list[Finding]) -> "_Table | None":
        def refuse(line: int, column: str, reason: str) -> None:
            findings.append(Finding(path.name, line, column, reason))

        data = _bytes(path)
        try:
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            refuse(data.count(b"\n", 0, error.start) + 1, "", f"is not UTF-8 (byte {error.start})")
            return None
        except (OSError, EOFError, zlib.error):
            refuse(0, "", "is no complete gzip file")
            return None
        if b"\0" in data:
            refuse(data.count(b"\n", 0, data.index(b"\0")) + 1, "", "holds a NUL byte")
            return None

        def rows() -> Any:
            """Line by line: the file as one text of csv's takes four times its bytes."""
            return csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline=""), strict=True)

        reader = rows()
        filled = filter(None, reader)
        try:
            header: list[str] = next(filled, [])
            needed = _REQUIRED[name]
            if name == "macro_series.csv" and "id" not in header:
                needed = ("series_id", *needed)
            missing = [column for column in needed if column not in header]
            twice = sorted({column for column in header if column and header.count(column) > 1})
            for column in missing:
                refuse(1, column, "column missing from the header")
            for column in twice:
                refuse(1, column, "column twice in the header")
            if missing or twice:
                return None
            cells = _Cells(len(header))
            while block := list(islice(filled, BLOCK_ROWS)):
                cells.take(block)
        except csv.Error as error:
            refuse(reader.line_num, "", f"is no CSV: {error}")
            return None

        def lines() -> list[int]:
            """Line numbers of header and rows, found only when there is something to report."""
            reader = rows()
            found, begun = [], 1
            for row in reader:
                if row:
                    found.append(begun)
                begun = reader.line_num + 1
            return found

        if cells.ragged:
            at = lines()
            for number, fields in cells.ragged:
                refuse(at[number], "", f"has {fields} fields, the header {len(header)}")
            return None
        return cls(path.name, dict(zip(header, cells.columns, strict=True)), cells.rows, lines, findings)

    def __getitem__(self, column: str) -> Sequence[str]:
        return self.columns[column]

    def optional(self, column: str, default: str = "") -> Sequence[str]:
        return self.columns.get(column) or (default,) * self.rows

    def refuse(self, row: int, column: str, reason: str) -> None:
        self._lines = self._lines or self.lines()
        self.findings.append(Finding(self.file, self._lines[row + 1], column, reason))

    def refuse_values(self, column: str, reasons: Mapping[str, str]) -> None:
        """Name each row whose cell is one of those that a check of the distinct values refused."""
        if reasons:
            for row, value in enumerate(self[column]):
                if value in reasons:
                    self.refuse(row, column, reasons[value])


def _date_of(text: str, today: date | None) -> date | str:
    """The date, or the reason why it is none. `today` None: the future is allowed (an announced pay date)."""
    if not _DATE.fullmatch(text):
        return f"{text!r} is no date (YYYY-MM-DD)" if text else "is empty"
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return f"{text!r} is no date of the calendar"
    if day < EARLIEST:
        return f"{text} lies before {EARLIEST}"
    if today is not None and day > today:
        return f"{text} lies in the future"
    return day


def _number_refused(text: str, *, positive: bool) -> str:
    """Why `text` is no number here; empty when it is one."""
    if not _NUMBER.fullmatch(text):
        if "," in text:
            return f"{text!r} holds a comma: decimals have '.', thousands nothing"
        if text.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
            return f"{text!r} is not finite"
        return f"{text!r} is no plain decimal number" if text else "is empty"
    if positive and (text.startswith("-") or not text.strip("+0.")):
        return f"{text} is not above zero"
    return ""


def _frequency_of(dates: Dates) -> str:
    """The frequency that ascending observation dates show, by their middle gap in days."""
    gap = float(np.median(np.diff(np.unique(dates)).astype(int))) if len(np.unique(dates)) > 1 else 1.0
    return "D" if gap <= 4 else "W" if gap <= 10 else "M" if gap <= 45 else "Q" if gap <= 135 else "A"


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.flags.writeable = False
    return array


def _first_seen(source: Codes) -> Codes:
    """(R,) the row on which each row's source came first."""
    _, first, code = np.unique(source, return_index=True, return_inverse=True)
    return first.astype(np.int32)[code]


def _by_source(key: Codes, days: Dates, rank: Codes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows by (key, date): those of the lowest rank on each day, and all others."""
    order = np.lexsort((rank, days, key))
    again = np.zeros(len(order), dtype=bool)
    again[1:] = (key[order][1:] == key[order][:-1]) & (days[order][1:] == days[order][:-1])
    return order[~again], order[again]


class _Reader:
    """Judges the tables column by column: a value that stands a thousand times is judged once."""

    def __init__(self, tables: dict[str, _Table], today: date, findings: list[Finding]) -> None:
        self.tables, self.today, self.findings = tables, today, findings
        self.source_codes: dict[str, int] = {}

    def reading(self, folder: str, folder_digest: str) -> ArchiveReading:
        securities = self.securities()
        closes, other_closes = self.closes(securities)
        rates, other_rates = self.rates()
        series, observations = self.observations()
        actions = self.actions({row.symbol for row in securities})
        ends = [dates.max() for dates in (closes.date, rates.date) if len(dates)]
        if not ends and not self.findings:
            self.tables["prices.csv"].findings.append(Finding("prices.csv", 0, "", "holds no row, nor does fx.csv"))
        return ArchiveReading(
            path=folder,
            digest=folder_digest,
            archive_end=max(ends).item() if ends else EARLIEST,
            securities=securities,
            series=series,
            source_names=tuple(self.source_codes),
            closes=closes,
            rates=rates,
            observations=observations,
            actions=tuple(row for row in actions if row.quality == "ok"),
            quarantined=tuple(row for row in actions if row.quality != "ok"),
            sources=self.sources(),
            other_closes=other_closes,
            other_rates=other_rates,
        )

    def securities(self) -> tuple[SecurityRow, ...]:
        table = self.tables["securities.csv"]
        for column in ("symbol", "name", "type", "exchange"):
            self._filled(table, column)
        self._codes(table, "source", self.source_codes)
        self._once(table, "symbol")
        table.refuse_values("currency", _unknown_units(table["currency"]))
        basis, first, last = (table.optional(c) for c in ("price_basis", "first_date", "last_date"))
        if "price_basis" in table.columns:
            unknown = {b: f"{b!r} is none of {', '.join(PRICE_BASES)}" for b in set(basis) - {"", *PRICE_BASES}}
            table.refuse_values("price_basis", unknown)
        first_dates, last_dates = (self._optional_dates(table, c) for c in ("first_date", "last_date"))
        unit_of, multiplier, expiry, maturity = (
            table.optional(c) for c in ("quote_unit", "multiplier", "expiry", "maturity")
        )
        if "quote_unit" in table.columns:
            unknown = {u: f"{u!r} is neither empty nor percent_of_nominal" for u in set(unit_of) - {*QUOTE_UNITS}}
            table.refuse_values("quote_unit", unknown)
        multipliers = self._optional_numbers(table, "multiplier")
        ends = {c: self._optional_dates(table, c, future=True) for c in ("expiry", "maturity")}
        rows = []
        for row, (symbol, name, unit, kind, exchange, source) in enumerate(
            zip(*(table[c] for c in _REQUIRED["securities.csv"]), strict=True)
        ):
            begin, end = first_dates.get(first[row]), last_dates.get(last[row])
            if begin and end and end < begin:
                table.refuse(row, "last_date", f"{end} lies before first_date {begin}")
            ended = {"expiry": ends["expiry"].get(expiry[row]), "maturity": ends["maturity"].get(maturity[row])}
            for column, day in ended.items():
                if begin and day and day < begin:
                    table.refuse(row, column, f"{day} lies before first_date {begin}")
            rows.append(
                SecurityRow(
                    symbol=symbol,
                    name=name,
                    currency=fx.trading_currency(unit),
                    price_unit=unit,
                    kind=kind,
                    exchange=exchange,
                    price_basis=basis[row] or "raw",
                    first_date=begin or EARLIEST,
                    last_date=end,
                    source=source,
                    quote_unit=unit_of[row],
                    multiplier=multipliers.get(multiplier[row], Decimal(1)),
                    expiry=ended["expiry"],
                    maturity=ended["maturity"],
                )
            )
        return tuple(rows)

    def closes(self, securities: tuple[SecurityRow, ...]) -> tuple[Closes, Closes]:
        table = self.tables["prices.csv"]
        known = {row.symbol: code for code, row in enumerate(securities)}
        symbols = set(table["symbol"])
        table.refuse_values(
            "symbol", {s: f"unknown symbol {s!r}: not in securities.csv" for s in symbols - known.keys()}
        )
        table.refuse_values("currency", _unknown_units(table["currency"]))
        days = self._dates(table, "date")
        close = self._numbers(table, "close", positive=True)
        source = self._codes(table, "source", self.source_codes)
        codes = known | {symbol: len(known) + extra for extra, symbol in enumerate(symbols - known.keys())}
        security = np.array([codes[symbol] for symbol in table["symbol"]], dtype=np.int32)
        quoted = dict.fromkeys(zip(table["symbol"], table["currency"], strict=True))
        units = {row.symbol: (row.price_unit, row.currency) for row in securities}
        wrong = {pair for pair in quoted if pair[0] in units and pair[1] not in units[pair[0]]}
        if wrong:
            for row, pair in enumerate(zip(table["symbol"], table["currency"], strict=True)):
                if pair in wrong:
                    table.refuse(row, "currency", f"{pair[1]} is not the currency of {pair[0]} ({units[pair[0]][0]})")
        self._once_by(table, "symbol", ("date", "symbol"), security, days.view(np.int64), source)
        if minor := {unit for _, unit in quoted} & fx.MINOR_UNITS.keys():
            close = np.array(
                [
                    format(fx.in_trading_currency(Decimal(text.decode()), unit), "f")
                    if unit in minor and text
                    else text
                    for text, unit in zip(close.tolist(), table["currency"], strict=True)
                ],
                dtype=np.bytes_,
            )
        own = np.array(
            [self.source_codes.get(row.source, -1) for row in securities] + [-1] * len(codes), dtype=np.int32
        )
        chosen, others = _by_source(security, days, np.where(source == own[security], -1, _first_seen(source)))
        return (
            Closes(*(_frozen(column[chosen]) for column in (security, days, close, source))),
            Closes(*(_frozen(column[others]) for column in (security, days, close, source))),
        )

    def rates(self) -> tuple[Rates, Rates]:
        table = self.tables["fx.csv"]
        for column in ("base", "quote"):
            unknown = set(table[column]) - fx.CURRENCIES
            table.refuse_values(column, {c: f"unknown currency {c!r}" for c in unknown})
        days = self._dates(table, "date")
        rate = self._numbers(table, "rate", positive=True)
        source = self._codes(table, "source", self.source_codes)
        cells = list(zip(table["base"], table["quote"], strict=True))
        pairs = {pair: code for code, pair in enumerate(dict.fromkeys(cells))}
        if any(base == quote for base, quote in pairs):
            for row, (base, quote) in enumerate(cells):
                if base == quote:
                    table.refuse(row, "quote", f"is the base, {base}")
        pair = np.array([pairs[cell] for cell in cells], dtype=np.int32)
        self._once_by(table, "quote", ("date", "base", "quote"), pair, days.view(np.int64), source)
        chosen, others = _by_source(pair, days, _first_seen(source))
        return (
            Rates(tuple(pairs), *(_frozen(column[chosen]) for column in (pair, days, rate, source))),
            Rates(tuple(pairs), *(_frozen(column[others]) for column in (pair, days, rate, source))),
        )

    def observations(self) -> tuple[tuple[SeriesRow, ...], Observations]:
        table = self.tables.get("macro.csv")
        if table is None:
            days = np.empty(0, "datetime64[D]")
            codes, texts = np.empty(0, np.int32), np.empty(0, "S1")
            return self.described_series(), Observations(codes, days, texts, days.copy(), (), codes.copy())
        described = {row.id: row for row in self.described_series()}
        if "macro_series.csv" in self.tables:
            unknown = set(table["series_id"]) - described.keys()
            table.refuse_values("series_id", {s: f"unknown series {s!r}: not in macro_series.csv" for s in unknown})
        self._filled(table, "series_id")
        self._fitting(table, "vintage")
        days = self._dates(table, "date")
        value = self._numbers(table, "value", positive=False)
        source = self._codes(table, "source", self.source_codes)
        ids = dict.fromkeys((*described, *table["series_id"]))
        codes_of = {series_id: code for code, series_id in enumerate(ids)}
        series = np.array([codes_of[series_id] for series_id in table["series_id"]], dtype=np.int32)
        known = self._optional_dates(table, "known_at")
        given = table.optional("known_at")
        known_at: Dates = np.array([known.get(text) for text in given], dtype="datetime64[D]")
        early = np.flatnonzero(known_at < days)  # NaT compares false
        for row in early.tolist():
            table.refuse(row, "known_at", f"{given[row]} lies before the observation, {table['date'][row]}")
        self._once_by(
            table, "series_id", ("date", "series_id", "known_at"), series, days.view(np.int64), known_at.view(np.int64)
        )
        order = np.lexsort((known_at, days, series))
        rows = tuple(
            described.get(series_id)
            or SeriesRow(
                series_id,
                series_id,
                "",
                _frequency_of(days[series == code]),
                table["source"][int(np.argmax(series == code))],
            )
            for series_id, code in codes_of.items()
        )
        vintage = table.optional("vintage")
        return rows, Observations(
            series=_frozen(series[order]),
            date=_frozen(days[order]),
            value=_frozen(value[order]),
            known_at=_frozen(known_at[order]),
            vintage=tuple(vintage[row] for row in order.tolist()) if "vintage" in table.columns else (),
            source=_frozen(source[order]),
        )

    def described_series(self) -> tuple[SeriesRow, ...]:
        table = self.tables.get("macro_series.csv")
        if table is None:
            return ()
        ids = "id" if "id" in table.columns else "series_id"
        for column in (ids, "source"):
            self._filled(table, column)
        for column in ("title", "unit"):
            self._fitting(table, column)
        self._once(table, ids)
        unknown = set(table["frequency"]) - set(FREQUENCIES)
        table.refuse_values("frequency", {f: f"{f!r} is none of {', '.join(FREQUENCIES)}" for f in unknown})
        columns = (table[c] for c in (ids, "title", "unit", "frequency", "source"))
        return tuple(SeriesRow(*cells) for cells in zip(*columns, strict=True))

    def actions(self, symbols: set[str]) -> list[ActionRow]:
        table = self.tables.get("corporate_actions.csv")
        if table is None:
            return []
        table.refuse_values(
            "symbol", {s: f"unknown symbol {s!r}: not in securities.csv" for s in set(table["symbol"]) - symbols}
        )
        table.refuse_values("currency", _unknown_units(set(table["currency"]) - {""}))
        days = self._dates(table, "ex_date", future=True)
        self._codes(table, "source", self.source_codes)
        pay, announced = self._optional_dates(table, "pay_date", future=True), self._optional_dates(table, "announced")
        qualities, announcements = table.optional("quality", "ok"), table.optional("announced")
        rows = []
        seen: set[tuple[str, str, str]] = set()
        for row, (ex_date, pay_date, symbol, action, ratio, amount, unit, source) in enumerate(
            zip(*(table[c] for c in _REQUIRED["corporate_actions.csv"]), strict=True)
        ):
            quality = qualities[row] or "ok"
            numbers = {"ratio": ratio, "amount": amount}
            if action not in ACTIONS:
                table.refuse(row, "action", f"{action!r} is none of {', '.join(ACTIONS)}")
                continue
            needed, empty = ACTIONS[action]
            refused = {column: _number_refused(numbers[column], positive=True) for column in needed}
            for column, reason in refused.items():
                if reason:
                    table.refuse(row, column, reason)
            if any(refused.values()):
                continue
            for column in empty:
                if numbers[column]:
                    table.refuse(row, column, f"a {action} has none")
            if action == "dividend" and not unit:
                table.refuse(row, "currency", "is empty")
            if announced.get(announcements[row], EARLIEST) > days[row].item():
                table.refuse(row, "announced", f"lies after the ex-date, {ex_date}")
            # A quarantined row may well be the doubtful twin of a good one.
            if quality == "ok" and (key := (ex_date, symbol, action)) in seen:
                table.refuse(row, "symbol", f"second {action} of {symbol} on {ex_date}")
            elif quality == "ok":
                seen.add(key)
            rows.append(
                ActionRow(
                    symbol=symbol,
                    action=action,
                    ex_date=days[row].item(),
                    ratio=Decimal(ratio) if action == "split" else None,
                    amount=fx.in_trading_currency(Decimal(amount), unit) if action == "dividend" else None,
                    currency=fx.trading_currency(unit),
                    pay_date=pay.get(pay_date),
                    announced=announced.get(announcements[row]),
                    source=source,
                    quality=quality,
                )
            )
        return rows

    def sources(self) -> tuple[SourceTerms, ...]:
        table = self.tables.get("sources.csv")
        if table is None:
            return ()
        self._filled(table, "source")
        table.refuse_values("attribution", {cell: "is empty" for cell in set(table["attribution"]) if not cell.strip()})
        for column in ("name", "attribution"):
            self._fitting(table, column)
        for column, words in RIGHTS.items():
            if column in table.columns:
                unknown = {cell: f"{cell!r} is none of yes, no, ask" for cell in set(table[column]) - set(words)}
                table.refuse_values(column, unknown)
        self._once(table, "source")
        return tuple(
            SourceTerms(
                table["source"][row],
                table["attribution"][row],
                {name: cells[row] for name, cells in table.columns.items()},
            )
            for row in range(table.rows)
        )

    def _dates(self, table: _Table, column: str, *, future: bool = False) -> Dates:
        days = {text: _date_of(text, None if future else self.today) for text in set(table[column])}
        table.refuse_values(column, {text: day for text, day in days.items() if isinstance(day, str)})
        # What is no date gets a day of its own before all others, so that it is not reported as a duplicate as well.
        read = {
            text: (1 + extra if isinstance(day, str) else day.toordinal()) - _EPOCH
            for extra, (text, day) in enumerate(days.items())
        }
        return np.array([read[text] for text in table[column]], dtype=np.int64).view("datetime64[D]")

    def _optional_dates(self, table: _Table, column: str, *, future: bool = False) -> dict[str, date]:
        if column not in table.columns:
            return {}
        days = {text: _date_of(text, None if future else self.today) for text in set(table[column]) - {""}}
        table.refuse_values(column, {text: day for text, day in days.items() if isinstance(day, str)})
        return {text: day for text, day in days.items() if not isinstance(day, str)}

    def _numbers(self, table: _Table, column: str, *, positive: bool) -> Texts:
        # Most are plain numbers: only what one expression does not take is looked at closer.
        doubtful = filterfalse((_ABOVE_ZERO if positive else _NUMBER).fullmatch, set(table[column]))
        refused = {text: reason for text in doubtful if (reason := _number_refused(text, positive=positive))}
        table.refuse_values(column, refused)
        if refused:
            return np.array(["" if text in refused else text for text in table[column]], dtype=np.bytes_)
        return np.array(table[column], dtype=np.bytes_)

    def _optional_numbers(self, table: _Table, column: str) -> dict[str, Decimal]:
        """By text, the numbers above zero of a column that may be missing or have empty cells."""
        texts = set(table.optional(column)) - {""}
        refused = {text: reason for text in texts if (reason := _number_refused(text, positive=True))}
        if refused:
            table.refuse_values(column, refused)
        return {text: Decimal(text) for text in texts - refused.keys()}

    def _codes(self, table: _Table, column: str, codes: dict[str, int]) -> Codes:
        self._filled(table, column)
        for text in dict.fromkeys(table[column]):
            codes.setdefault(text, len(codes))
        return np.array([codes[text] for text in table[column]], dtype=np.int32)

    def _filled(self, table: _Table, column: str) -> None:
        blank = {text: "is empty" for text in set(table[column]) if not text.strip()}
        padded = {
            text: f"{text!r} has space around it"
            for text in set(table[column])
            if text.strip() and text != text.strip()
        }
        table.refuse_values(column, blank | padded)
        self._fitting(table, column)

    def _fitting(self, table: _Table, column: str) -> None:
        most = LONGEST[column]
        long = {text for text in set(table.optional(column)) if len(text) > most}
        table.refuse_values(column, dict.fromkeys(long, f"is longer than {most} characters"))

    def _once(self, table: _Table, column: str) -> None:
        codes = {text: code for code, text in enumerate(dict.fromkeys(table[column]))}
        self._once_by(table, column, (column,), np.array([codes[text] for text in table[column]], dtype=np.int64))

    def _once_by(self, table: _Table, column: str, names: tuple[str, ...], *keys: npt.NDArray[Any]) -> None:
        """Name each row that repeats the key of an earlier one."""
        order = np.lexsort(keys)
        same = np.ones(max(len(order) - 1, 0), dtype=bool)
        for key in keys:
            same &= key[order][1:] == key[order][:-1]
        for row in sorted(order[1:][same].tolist()):
            cells = " ".join(cell for name in names if name in table.columns and (cell := table[name][row]))
            table.refuse(row, column, f"duplicate row: {cells}")


def _unknown_units(units: Iterable[str]) -> dict[str, str]:
    known = fx.CURRENCIES | fx.MINOR_UNITS.keys()
    return {unit: f"unknown currency {unit!r}" if unit else "is empty" for unit in set(units) - known}
