"""Which rows of an archive belong into the packs of some days: of each security and each pair the newest one. Pure; no Django.

Axis 0 of every grid is what is observed (securities or pairs, in the order given), axis 1 the days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from pricing import calendars
from pricing.archive.contents import ArchiveReading, Codes, Dates
from pricing.calendars import Calendar
from pricing.quality.quote_acceptance import LeftOut

Grid = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Listed:
    """A security as the build needs it; active from its first to its last date."""

    id: int
    symbol: str
    currency: str
    exchange: str
    price_basis: str
    first_date: date
    last_date: date | None  # the last listed one, or that of expiry or maturity, whichever comes first
    factor: Decimal = Decimal(1)
    quotable: bool = True  # False for a bond of which nobody has said what its price is of


@dataclass(frozen=True, slots=True)
class NewestRows:
    """For each of N things and D days: the row observed last, its age in open days, and whether a pack may use it."""

    row: Counts  # (N, D) index into the archive's columns; -1 where nothing was ever observed
    age: Counts  # (N, D) open days since; 0 is current
    usable: Grid  # (N, D)
    split_between: Grid  # (N, D) the close is older than a split that has happened: missing, not stale
    withheld: Mapping[tuple[int, int], str] = field(default_factory=dict)  # (n, d) -> why a newer row was left out


def find_closes(
    reading: ArchiveReading,
    calendar: Calendar,
    securities: Sequence[Listed],
    days: Dates,
    *,
    max_stale_sessions: int,
    left_out: LeftOut | None = None,
) -> NewestRows:
    """The last close of each security on or before each day, within its listed dates.

    left_out  rows that the quality rules took out of the archive: while a newer row waits for a decision, the older is not usable
    """
    quotable = np.array([security.quotable for security in securities], dtype=bool)
    spans = listed_spans(securities)
    codes = np.array([reading.code_of.get(security.symbol, -1) for security in securities], dtype=np.int64)
    rows, observed = last_before(reading.closes.security, reading.closes.date, codes, days, not_before=spans[0])
    age, between = session_ages(calendar, securities, observed, days), np.zeros(rows.shape, bool)
    splits = [action for action in reading.actions if action.action == "split"]
    number_of = {row.symbol: n for n, row in enumerate(securities) if row.price_basis == "raw"}
    for action in splits:
        if action.symbol in number_of:
            number, ex_date = number_of[action.symbol], np.datetime64(action.ex_date, "D")
            between[number] |= (observed[number] < ex_date) & (ex_date <= days)
    usable = active_grid(spans, days) & quotable[:, None] & (rows >= 0) & (age <= max_stale_sessions) & ~between
    withheld = _withhold(left_out, codes, reading.closes.date, rows, usable, days)
    return NewestRows(rows, age, usable, between & (rows >= 0), withheld)


def session_ages(calendar: Calendar, securities: Sequence[Listed], observed: Dates, days: Dates) -> Counts:
    """(N, D) how many sessions of its own exchange lie between each security's observation and the day."""
    age = np.zeros(observed.shape, np.int64)
    of_exchange: dict[str, list[int]] = {}
    for number, security in enumerate(securities):
        of_exchange.setdefault(security.exchange, []).append(number)
    for exchange, numbers in of_exchange.items():
        sessions = calendar.sessions.get(exchange, days[:0])
        age[numbers] = calendars.ages(sessions, observed=observed[numbers], on=days)
    return age


def find_rates(
    reading: ArchiveReading,
    calendar: Calendar,
    pairs: Sequence[tuple[str, str]],
    days: Dates,
    *,
    max_stale_fixings: int,
    left_out: LeftOut | None = None,
) -> NewestRows:
    """The last published rate of each pair on or before each day; `left_out` as for closes."""
    code_of = {pair: code for code, pair in enumerate(reading.rates.pairs)}
    codes = np.array([code_of.get(pair, -1) for pair in pairs], dtype=np.int64)
    rows, observed = last_before(reading.rates.pair, reading.rates.date, codes, days)
    age = calendars.ages(calendar.fixings, observed=observed, on=days)
    usable = (rows >= 0) & (age <= max_stale_fixings)
    withheld = _withhold(left_out, codes, reading.rates.date, rows, usable, days)
    return NewestRows(rows, age, usable, np.zeros(rows.shape, bool), withheld)


def _withhold(
    left_out: LeftOut | None, codes: Counts, dates: Dates, rows: Counts, usable: Grid, days: Dates
) -> dict[tuple[int, int], str]:
    """Where a row newer than the observed one was left out: why. Takes `usable` away where it waits for a decision."""
    withheld: dict[tuple[int, int], str] = {}
    if left_out is None or not left_out.out.any():
        return withheld
    number_of = {code: number for number, code in enumerate(codes.tolist()) if code >= 0}
    for row in np.flatnonzero(left_out.out).tolist():
        number = number_of.get(int(left_out.key[row]))
        if number is None:
            continue
        at = rows[number]
        older = (at < 0) | (dates[np.maximum(at, 0)] <= left_out.date[row]) if len(dates) else at < 0
        for day in np.flatnonzero(older & (days >= left_out.date[row])).tolist():
            withheld[number, day] = left_out.reason[row]
            usable[number, day] &= not left_out.pending[row]
    return withheld


def last_before(
    key: Codes, dates: Dates, codes: Counts, days: Dates, *, not_before: Dates | None = None
) -> tuple[Counts, Dates]:
    """Per code and day the last row on or before it (-1: none), and its date (the day itself: none).

    key, dates  (R,) of the rows, in this order of sorting
    codes       (N,) of which the last row is looked for; -1 has none
    not_before  (N,) rows before it don't count
    """
    if not len(dates):
        return np.full((len(codes), len(days)), -1), np.broadcast_to(days, (len(codes), len(days)))
    sorted_by = _by_code_and_day(key, dates)
    begin = _by_code_and_day(codes, np.datetime64("0000-01-01", "D") if not_before is None else not_before)
    first = np.searchsorted(sorted_by, begin)
    last = np.searchsorted(sorted_by, _by_code_and_day(codes[:, None], days), "right") - 1
    exists = (last >= first[:, None]) & (codes >= 0)[:, None]
    return np.where(exists, last, -1), np.where(exists, dates[np.maximum(last, 0)], days)


def _by_code_and_day(codes: Codes | Counts, days: Dates | np.datetime64) -> Counts:
    """One number that sorts by code, then day."""
    since_1970: Counts = np.asarray(days, "datetime64[D]").astype(np.int64)
    return (codes.astype(np.int64) << 32) + since_1970 + (1 << 31)


def listed_spans(securities: Sequence[Listed]) -> tuple[Dates, Dates]:
    """(N,) the first and the last day of each."""
    return (
        calendars.as_days(security.first_date for security in securities),
        calendars.as_days(security.last_date or date.max for security in securities),
    )


def active_grid(spans: tuple[Dates, Dates], days: Dates) -> Grid:
    """(N, D) within their listed dates."""
    first, last = spans
    return (first[:, None] <= days) & (days <= last[:, None])


def find_legs(reading: ArchiveReading, pivot: str) -> tuple[tuple[str, str], ...]:
    """The published pairs that convert any currency of the archive to the pivot or back, by currency.

    Where a pair is published in both directions, the one that begins with the pivot.
    """
    published = set(reading.rates.pairs)
    currencies = {currency for pair in published if pivot in pair for currency in pair} - {pivot}
    return tuple((pivot, c) if (pivot, c) in published else (c, pivot) for c in sorted(currencies))


def fix_instants(days: Sequence[date], fix_time: time, zone: str) -> dict[date, datetime]:
    """The instant of the fixing of each day, in UTC."""
    place = ZoneInfo(zone)
    return {day: datetime.combine(day, fix_time, place).astimezone(UTC) for day in days}
