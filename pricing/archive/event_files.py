"""macro.csv, macro_series.csv, corporate_actions.csv and sources.csv: figures, actions, terms. A folder may lack any of them."""

from datetime import date
from decimal import Decimal

import numpy as np

from pricing import fx
from pricing.archive import cells
from pricing.archive.columns import ACTIONS, FREQUENCIES, REQUIRED, RIGHTS
from pricing.archive.contents import EARLIEST, ActionRow, Dates, Observations, SeriesRow, SourceTerms, frozen
from pricing.archive.tables import Table


def observations(
    table: Table | None, series_table: Table | None, today: date, source_codes: dict[str, int]
) -> tuple[tuple[SeriesRow, ...], Observations]:
    """The series that macro.csv has, and their figures by (series, observation date). What is wrong goes to the table's faults."""
    if table is None:
        days = np.empty(0, "datetime64[D]")
        codes, texts = np.empty(0, np.int32), np.empty(0, "S1")
        return described_series(series_table), Observations(codes, days, texts, days.copy(), (), codes.copy())
    described = {row.id: row for row in described_series(series_table)}
    if series_table is not None:
        unknown = set(table["series_id"]) - described.keys()
        table.refuse_values("series_id", {s: f"unknown series {s!r}: not in macro_series.csv" for s in unknown})
    cells.require_filled(table, "series_id")
    cells.require_fitting(table, "vintage")
    days = cells.dates(table, "date", today)
    value = cells.numbers(table, "value", positive=False)
    source = cells.codes(table, "source", source_codes)
    ids = dict.fromkeys((*described, *table["series_id"]))
    codes_of = {series_id: code for code, series_id in enumerate(ids)}
    series = np.array([codes_of[series_id] for series_id in table["series_id"]], dtype=np.int32)
    known_at_of = cells.optional_dates(table, "known_at", today)
    known_at_texts = table.optional("known_at")
    known_at: Dates = np.array([known_at_of.get(text) for text in known_at_texts], dtype="datetime64[D]")
    early = np.flatnonzero(known_at < days)  # NaT compares false
    for row in early.tolist():
        table.refuse(row, "known_at", f"{known_at_texts[row]} lies before the observation, {table['date'][row]}")
    cells.require_once_by(
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
        series=frozen(series[order]),
        date=frozen(days[order]),
        value=frozen(value[order]),
        known_at=frozen(known_at[order]),
        vintage=tuple(vintage[row] for row in order.tolist()) if "vintage" in table.columns else (),
        source=frozen(source[order]),
    )


def described_series(table: Table | None) -> tuple[SeriesRow, ...]:
    """The rows of macro_series.csv. What is wrong goes to the table's faults."""
    if table is None:
        return ()
    ids = "id" if "id" in table.columns else "series_id"
    for column in (ids, "source"):
        cells.require_filled(table, column)
    for column in ("title", "unit"):
        cells.require_fitting(table, column)
    cells.require_once(table, ids)
    unknown = set(table["frequency"]) - set(FREQUENCIES)
    table.refuse_values("frequency", {f: f"{f!r} is none of {', '.join(FREQUENCIES)}" for f in unknown})
    columns = (table[c] for c in (ids, "title", "unit", "frequency", "source"))
    return tuple(SeriesRow(*cells) for cells in zip(*columns, strict=True))


def _frequency_of(dates: Dates) -> str:
    """The frequency that ascending observation dates show, by their middle gap in days."""
    gap = float(np.median(np.diff(np.unique(dates)).astype(int))) if len(np.unique(dates)) > 1 else 1.0
    return "D" if gap <= 4 else "W" if gap <= 10 else "M" if gap <= 45 else "Q" if gap <= 135 else "A"


def actions(table: Table | None, symbols: set[str], today: date, source_codes: dict[str, int]) -> list[ActionRow]:
    """The rows of corporate_actions.csv. What is wrong goes to the table's faults."""
    if table is None:
        return []
    table.refuse_values(
        "symbol", {s: f"unknown symbol {s!r}: not in securities.csv" for s in set(table["symbol"]) - symbols}
    )
    table.refuse_values("currency", cells.unknown_units(set(table["currency"]) - {""}))
    days = cells.dates(table, "ex_date", None)
    cells.codes(table, "source", source_codes)
    pay, announced = cells.optional_dates(table, "pay_date", None), cells.optional_dates(table, "announced", today)
    qualities, announcements = table.optional("quality", "ok"), table.optional("announced")
    rows = []
    earlier_keys: set[tuple[str, str, str]] = set()
    for row, (ex_date, pay_date, symbol, action, ratio, amount, unit, source) in enumerate(
        zip(*(table[c] for c in REQUIRED["corporate_actions.csv"]), strict=True)
    ):
        quality = qualities[row] or "ok"
        numbers = {"ratio": ratio, "amount": amount}
        if action not in ACTIONS:
            table.refuse(row, "action", f"{action!r} is none of {', '.join(ACTIONS)}")
            continue
        number_columns, empty = ACTIONS[action]
        faults = {column: cells.number_fault(numbers[column], positive=True) for column in number_columns}
        for column, reason in faults.items():
            if reason:
                table.refuse(row, column, reason)
        if any(faults.values()):
            continue
        for column in empty:
            if numbers[column]:
                table.refuse(row, column, f"a {action} has none")
        if action == "dividend" and not unit:
            table.refuse(row, "currency", "is empty")
        if announced.get(announcements[row], EARLIEST) > days[row].item():
            table.refuse(row, "announced", f"lies after the ex-date, {ex_date}")
        # A quarantined row may well be the doubtful twin of a good one.
        if quality == "ok" and (key := (ex_date, symbol, action)) in earlier_keys:
            table.refuse(row, "symbol", f"second {action} of {symbol} on {ex_date}")
        elif quality == "ok":
            earlier_keys.add(key)
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


def source_terms(table: Table | None) -> tuple[SourceTerms, ...]:
    """The rows of sources.csv: what each source allows and wants said. What is wrong goes to the table's faults."""
    if table is None:
        return ()
    cells.require_filled(table, "source")
    table.refuse_values("attribution", {cell: "is empty" for cell in set(table["attribution"]) if not cell.strip()})
    for column in ("name", "attribution"):
        cells.require_fitting(table, column)
    for column, words in RIGHTS.items():
        if column in table.columns:
            unknown = {cell: f"{cell!r} is none of yes, no, ask" for cell in set(table[column]) - set(words)}
            table.refuse_values(column, unknown)
    cells.require_once(table, "source")
    return tuple(
        SourceTerms(
            table["source"][row],
            table["attribution"][row],
            {name: cells[row] for name, cells in table.columns.items()},
        )
        for row in range(table.rows)
    )
