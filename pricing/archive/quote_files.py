"""securities.csv, prices.csv and fx.csv: what there is, and what it was quoted at."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from pricing import fx
from pricing.archive import cells
from pricing.archive.columns import PRICE_BASES, QUOTE_UNITS, REQUIRED
from pricing.archive.contents import EARLIEST, Closes, Codes, Dates, Rates, SecurityRow, frozen
from pricing.archive.tables import Table


def securities(table: Table, today: date, source_codes: dict[str, int]) -> tuple[SecurityRow, ...]:
    """The rows of securities.csv. What is wrong goes to the table's faults."""
    for column in ("symbol", "name", "type", "exchange"):
        cells.require_filled(table, column)
    cells.codes(table, "source", source_codes)
    cells.require_once(table, "symbol")
    table.refuse_values("currency", cells.unknown_units(table["currency"]))
    basis, first, last = (table.optional(c) for c in ("price_basis", "first_date", "last_date"))
    if "price_basis" in table.columns:
        unknown = {b: f"{b!r} is none of {', '.join(PRICE_BASES)}" for b in set(basis) - {"", *PRICE_BASES}}
        table.refuse_values("price_basis", unknown)
    first_dates, last_dates = (cells.optional_dates(table, c, today) for c in ("first_date", "last_date"))
    unit_of, multiplier, expiry, maturity = (
        table.optional(c) for c in ("quote_unit", "multiplier", "expiry", "maturity")
    )
    if "quote_unit" in table.columns:
        unknown = {u: f"{u!r} is neither empty nor percent_of_nominal" for u in set(unit_of) - {*QUOTE_UNITS}}
        table.refuse_values("quote_unit", unknown)
    multipliers = cells.optional_numbers(table, "multiplier")
    ends = {c: cells.optional_dates(table, c, None) for c in ("expiry", "maturity")}
    rows = []
    for row, (symbol, name, unit, kind, exchange, source) in enumerate(
        zip(*(table[c] for c in REQUIRED["securities.csv"]), strict=True)
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


def closes(
    table: Table, securities: Sequence[SecurityRow], today: date, source_codes: dict[str, int]
) -> tuple[Closes, Closes]:
    code_of = {row.symbol: code for code, row in enumerate(securities)}
    symbols = set(table["symbol"])
    table.refuse_values("symbol", {s: f"unknown symbol {s!r}: not in securities.csv" for s in symbols - code_of.keys()})
    table.refuse_values("currency", cells.unknown_units(table["currency"]))
    days = cells.dates(table, "date", today)
    close = cells.numbers(table, "close", positive=True)
    source = cells.codes(table, "source", source_codes)
    codes = code_of | {symbol: len(code_of) + extra for extra, symbol in enumerate(symbols - code_of.keys())}
    security = np.array([codes[symbol] for symbol in table["symbol"]], dtype=np.int32)
    quoted = dict.fromkeys(zip(table["symbol"], table["currency"], strict=True))
    units = {row.symbol: (row.price_unit, row.currency) for row in securities}
    wrong = {pair for pair in quoted if pair[0] in units and pair[1] not in units[pair[0]]}
    if wrong:
        for row, pair in enumerate(zip(table["symbol"], table["currency"], strict=True)):
            if pair in wrong:
                table.refuse(row, "currency", f"{pair[1]} is not the currency of {pair[0]} ({units[pair[0]][0]})")
    cells.require_once_by(table, "symbol", ("date", "symbol"), security, days.view(np.int64), source)
    if minor := {unit for _, unit in quoted} & fx.MINOR_UNITS.keys():
        close = np.array(
            [
                format(fx.in_trading_currency(Decimal(text.decode()), unit), "f") if unit in minor and text else text
                for text, unit in zip(close.tolist(), table["currency"], strict=True)
            ],
            dtype=np.bytes_,
        )
    own = np.array([source_codes.get(row.source, -1) for row in securities] + [-1] * len(codes), dtype=np.int32)
    main, others = _by_source(security, days, np.where(source == own[security], -1, _first_seen(source)))
    return (
        Closes(*(frozen(column[main]) for column in (security, days, close, source))),
        Closes(*(frozen(column[others]) for column in (security, days, close, source))),
    )


def rates(table: Table, today: date, source_codes: dict[str, int]) -> tuple[Rates, Rates]:
    for column in ("base", "quote"):
        unknown = set(table[column]) - fx.CURRENCIES
        table.refuse_values(column, {c: f"unknown currency {c!r}" for c in unknown})
    days = cells.dates(table, "date", today)
    rate = cells.numbers(table, "rate", positive=True)
    source = cells.codes(table, "source", source_codes)
    quoted = list(zip(table["base"], table["quote"], strict=True))
    pairs = {pair: code for code, pair in enumerate(dict.fromkeys(quoted))}
    if any(base == quote for base, quote in pairs):
        for row, (base, quote) in enumerate(quoted):
            if base == quote:
                table.refuse(row, "quote", f"is the base, {base}")
    pair = np.array([pairs[each] for each in quoted], dtype=np.int32)
    cells.require_once_by(table, "quote", ("date", "base", "quote"), pair, days.view(np.int64), source)
    main, others = _by_source(pair, days, _first_seen(source))
    return (
        Rates(tuple(pairs), *(frozen(column[main]) for column in (pair, days, rate, source))),
        Rates(tuple(pairs), *(frozen(column[others]) for column in (pair, days, rate, source))),
    )


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
