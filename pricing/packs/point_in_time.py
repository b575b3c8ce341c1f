"""What of an archive belongs into the pack of a day: the deciding half of a build. Pure; no Django.

Axis 0 of every grid is what is observed (securities or legs, in the order given), axis 1 the days.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from typing import Generic, Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from pricing import calendars
from pricing.archive import EARLIEST, ActionRow, ArchiveReading, Codes, Dates
from pricing.calendars import Calendar
from pricing.quality.acceptance import Left
from pricing.quality.rules import ACCEPTED

Grid = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

ASSUMED_RELEASE_DATE = "assumed_release_date"
"""The flag of an observation whose known_at is a lag rule's, not its source's."""

WITHDRAWN = "withdrawn"
"""The flag of a series' or an action's row that says: what packs before said of this key is no longer so."""


class Listed(NamedTuple):
    """A security as the build needs it; active from its first to its last date."""

    id: int
    symbol: str
    currency: str
    exchange: str
    price_basis: str
    first_date: date
    last_date: date | None  # the last listed one, or that of expiry or maturity, whichever comes first
    factor: Decimal = Decimal(1)
    quotable: bool = True  # not a bond of which nobody has said what its price is of


@dataclass(frozen=True, slots=True)
class Missing:
    """What has no usable observation: `key` is a symbol, or the name of a fixing."""

    kind: Literal["price", "rate"]
    key: str
    asof_date: date
    last_known_date: date | None
    reason: str

    def __str__(self) -> str:
        known = f", last known {self.last_known_date}" if self.last_known_date else ""
        return f"{self.kind} {self.key} on {self.asof_date}: {self.reason}{known}"


@dataclass(frozen=True, slots=True)
class Observed:
    """For each of N things and D days: the row last observed, its age in open days, whether it may be used."""

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
    spans: tuple[Dates, Dates] | None = None,
    left: Left | None = None,
) -> Observed:
    """The last close of each security on or before each day, within its listed dates.

    spans  listed_spans of the securities, if they are known
    left   what the quality rules took out of the archive: while a newer row waits for a decision, the older is not usable
    """
    quotable = np.array([security.quotable for security in securities], dtype=bool)
    spans = listed_spans(securities) if spans is None else spans
    codes = np.array([reading.code_of.get(security.symbol, -1) for security in securities], dtype=np.int64)
    held = reading.closes
    rows, observed = _last_before(held.security, held.date, codes, days, not_before=spans[0])
    age, between = _session_ages(calendar, securities, observed, days), np.zeros(rows.shape, bool)
    splits = [action for action in reading.actions if action.action == "split"]
    number_of = {row.symbol: n for n, row in enumerate(securities) if splits and row.price_basis == "raw"}
    for action in splits:
        if action.symbol in number_of:
            number, ex_date = number_of[action.symbol], np.datetime64(action.ex_date, "D")
            between[number] |= (observed[number] < ex_date) & (ex_date <= days)
    usable = active_grid(spans, days) & quotable[:, None] & (rows >= 0) & (age <= max_stale_sessions) & ~between
    withheld = _withhold(left, codes, reading.closes.date, rows, usable, days)
    return Observed(rows, age, usable, between & (rows >= 0), withheld)


def _session_ages(calendar: Calendar, securities: Sequence[Listed], observed: Dates, days: Dates) -> Counts:
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
    left: Left | None = None,
) -> Observed:
    """The last published rate of each pair on or before each day; `left` as for closes."""
    code_of = {pair: code for code, pair in enumerate(reading.rates.pairs)}
    codes = np.array([code_of.get(pair, -1) for pair in pairs], dtype=np.int64)
    rows, observed = _last_before(reading.rates.pair, reading.rates.date, codes, days)
    age = calendars.ages(calendar.fixings, observed=observed, on=days)
    usable = (rows >= 0) & (age <= max_stale_fixings)
    withheld = _withhold(left, codes, reading.rates.date, rows, usable, days)
    return Observed(rows, age, usable, np.zeros(rows.shape, bool), withheld)


def _withhold(
    left: Left | None, codes: Counts, dates: Dates, rows: Counts, usable: Grid, days: Dates
) -> dict[tuple[int, int], str]:
    """Where a row newer than the observed one was left out: why. Takes `usable` away where it waits for a decision."""
    withheld: dict[tuple[int, int], str] = {}
    if left is None or not left.out.any():
        return withheld
    number_of = {code: number for number, code in enumerate(codes.tolist()) if code >= 0}
    for row in np.flatnonzero(left.out).tolist():
        number = number_of.get(int(left.key[row]))
        if number is None:
            continue
        at = rows[number]
        older = (at < 0) | (dates[np.maximum(at, 0)] <= left.date[row]) if len(dates) else at < 0
        for day in np.flatnonzero(older & (days >= left.date[row])).tolist():
            withheld[number, day] = left.reason[row]
            usable[number, day] &= not left.pending[row]
    return withheld


def _last_before(
    key: Codes, dates: Dates, codes: Counts, days: Dates, *, not_before: Dates | None = None
) -> tuple[Counts, Dates]:
    """Per code and day the last row on or before it (-1: none), and its date (the day itself: none).

    key, dates  (R,) of the rows, in this order of sorting
    codes       (N,) what is asked for; -1 is found nowhere
    not_before  (N,) rows before it don't count
    """
    if not len(dates):
        return np.full((len(codes), len(days)), -1), np.broadcast_to(days, (len(codes), len(days)))
    sorted_by = _by_code_and_day(key, dates)
    begin = _by_code_and_day(codes, np.datetime64("0000-01-01", "D") if not_before is None else not_before)
    first = np.searchsorted(sorted_by, begin)
    found = np.searchsorted(sorted_by, _by_code_and_day(codes[:, None], days), "right") - 1
    there = (found >= first[:, None]) & (codes >= 0)[:, None]
    return np.where(there, found, -1), np.where(there, dates[np.maximum(found, 0)], days)


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


# --- what would be wrong with a pack for everybody


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many closes may lack, of the securities whose sources deliver, before a pack is of no use to anybody."""

    share: float
    count: int

    def most(self, counted: int) -> int:
        return max(self.count, int(self.share * counted))


def find_absent_fixings(
    fixing: str, reading: ArchiveReading, rates: Observed, days: Dates, *, max_stale_fixings: int
) -> list[Missing]:
    """The days on which no rate of the fixing at all can be used, though the archive has rates."""
    if not reading.rates.pairs:
        return []
    found = []
    for day in np.flatnonzero(~rates.usable.any(axis=0)).tolist():
        withheld = sorted({why for (_, on), why in rates.withheld.items() if on == day})
        rows = rates.row[:, day]
        dates = reading.rates.date[rows[rows >= 0]]
        reason = withheld[0] if withheld else f"no rate of this fixing is at most {max_stale_fixings} fixings old"
        found.append(Missing("rate", fixing, days[day].item(), dates.max().item() if len(dates) else None, reason))
    return found


def find_outages(
    reading: ArchiveReading,
    calendar: Calendar,
    securities: Sequence[Listed],
    closes: Observed,
    days: Dates,
    *,
    delivered: tuple[Codes, Dates],
    max_stale_sessions: int,
    tolerance: Tolerance,
) -> list[Missing]:
    """By day all missing closes, on the days on which more lack than the tolerance.

    Only securities count whose source delivers: of some security of it a close of the last sessions has come. One that was
    never observed counts where it is said since when it is listed; what has ended, or was delisted, does not.

    delivered  the (security, date) of all closes of the archive, in this order, those too that packs may not take
    """
    spans = listed_spans(securities)
    expected = active_grid(spans, days)
    delisted = delisted_from(reading)
    of_source: dict[str, list[int]] = {}
    for number, security in enumerate(securities):
        code = reading.code_of.get(security.symbol)
        if code is not None and security.quotable:
            of_source.setdefault(reading.securities[code].source, []).append(number)
        if security.symbol in delisted:
            expected[number] &= days < np.datetime64(delisted[security.symbol], "D")
        if security.first_date == EARLIEST:
            expected[number] &= closes.row[number] >= 0
    codes = np.array([reading.code_of.get(security.symbol, -1) for security in securities], dtype=np.int64)
    came, when = _last_before(*delivered, codes, days, not_before=spans[0])
    fresh = (came >= 0) & (_session_ages(calendar, securities, when, days) <= max_stale_sessions)
    fresh &= active_grid(spans, days)
    live = np.zeros(expected.shape, bool)
    for numbers in of_source.values():
        live[numbers] = fresh[numbers].any(axis=0)
    counted = expected & live
    lacking = counted & ~closes.usable
    most = np.array([tolerance.most(int(each)) for each in counted.sum(axis=0)], dtype=np.int64)
    refused = lacking & (lacking.sum(axis=0) > most)
    return find_missing(
        [security.symbol for security in securities],
        refused,
        closes,
        dates=reading.closes.date,
        days=days,
        max_stale=max_stale_sessions,
    )


def delisted_from(reading: ArchiveReading) -> dict[str, date]:
    """By symbol, the first day without a listing."""
    found: dict[str, date] = {}
    for action in reading.actions:
        if action.action == "delisting":
            found[action.symbol] = min(action.ex_date, found.get(action.symbol, date.max))
    return found


def find_missing(
    symbols: Sequence[str], wanted: Grid, observed: Observed, *, dates: Dates, days: Dates, max_stale: int
) -> list[Missing]:
    """The closes that are wanted and not usable, by day, then symbol. `dates` are those of the archive's rows."""
    found = []
    for number, day in np.argwhere(wanted & ~observed.usable).tolist():
        row, age = int(observed.row[number, day]), int(observed.age[number, day])
        if (number, day) in observed.withheld:
            reason = observed.withheld[number, day]
        elif row < 0:
            reason = "never observed"
        elif observed.split_between[number, day]:
            reason = "a split has happened since the last close"
        elif age > max_stale:
            reason = f"{age} sessions old"
        else:
            reason = "not listed on that day"
        last = dates[row].item() if row >= 0 else None
        found.append(Missing("price", symbols[number], days[day].item(), last, reason))
    return sorted(found, key=lambda missing: (missing.asof_date, missing.key))


# --- series and actions: what became known when


@dataclass(frozen=True, slots=True)
class LagRule:
    """`days_from_month_start` or `business_days`, and how many."""

    rule: str
    days: int


def release_dates(dates: Dates, lag: LagRule) -> Dates:
    """The day each figure is taken to be public, where its source does not say."""
    if lag.rule == "business_days":
        return np.busday_offset(dates, lag.days, roll="backward")
    months: Dates = dates.astype("datetime64[M]").astype("datetime64[D]")
    return months + np.timedelta64(lag.days, "D")


class KnownObservation(NamedTuple):
    series: str
    observation_date: date
    value: Decimal
    known_at: date
    vintage: str
    source: str
    flags: str

    @property
    def key(self) -> tuple[str, date]:
        return self.series, self.observation_date

    @property
    def is_withdrawal(self) -> bool:
        return self.flags == WITHDRAWN


class KnownAction(NamedTuple):
    """Actions are known when announced, at the latest at their ex-date."""

    symbol: str
    action: str
    ex_date: date
    ratio: Decimal | None
    amount: Decimal | None
    currency: str
    pay_date: date | None
    announced: date | None
    source: str
    flags: str = ""

    @property
    def key(self) -> tuple[str, date, str]:
        return self.symbol, self.ex_date, self.action

    @property
    def known_at(self) -> date:
        return self.announced or self.ex_date

    @property
    def is_withdrawal(self) -> bool:
        return self.flags == WITHDRAWN


Known = TypeVar("Known", KnownObservation, KnownAction)


def known_observations(
    reading: ArchiveReading, lags: Mapping[str, LagRule], flags: Mapping[int, str] | None = None
) -> list[KnownObservation]:
    """All observations of the archive in the order in which they became known.

    flags  of rows, by their number in the archive
    """
    noted = flags or {}
    held = reading.observations
    known = held.known_at.copy()
    for code, series in enumerate(reading.series):
        silent = (held.series == code) & np.isnat(known)
        known[silent] = release_dates(held.date[silent], lags[series.id])
    order = np.lexsort((held.date, held.series, known))
    rows, ids = order.tolist(), [series.id for series in reading.series]
    own = [ASSUMED_RELEASE_DATE if assumed else "" for assumed in np.isnat(held.known_at)[order].tolist()]
    columns = (
        map(ids.__getitem__, held.series[order].tolist()),
        held.date[order].tolist(),
        map(Decimal, b"\n".join(held.value[order].tolist()).decode().split("\n")),
        known[order].tolist(),
        map(held.vintage.__getitem__, rows) if held.vintage else repeat("", len(rows)),
        map(reading.source_names.__getitem__, held.source[order].tolist()),
        [joined(flag, noted[row]) if row in noted else flag for row, flag in zip(rows, own, strict=True)],
    )
    return list(map(KnownObservation._make, zip(*columns, strict=True))) if rows else []


@lru_cache(maxsize=1_024)
def joined(*flags: str) -> str:
    """The flags of a row as one text, without the empty ones."""
    return ",".join(filter(None, flags))


def known_actions(rows: Sequence[ActionRow], accepted: Collection[tuple[str, str, date]] = ()) -> list[KnownAction]:
    """Actions of the archive in the order in which they became known; `accepted` by (symbol, action, ex-date)."""
    actions = [
        KnownAction(
            symbol=row.symbol,
            action=row.action,
            ex_date=row.ex_date,
            ratio=row.ratio,
            amount=row.amount,
            currency=row.currency,
            pay_date=row.pay_date,
            announced=row.announced,
            source=row.source,
            flags=ACCEPTED if (row.symbol, row.action, row.ex_date) in accepted else "",
        )
        for row in rows
    ]
    return sorted(actions, key=lambda action: (action.known_at, action.key))


def standing(rows: Sequence[Known]) -> list[Known]:
    """Of rows in order of sequence, those that no later withdrawal has taken back, in the same order.

    A withdrawal takes back what was said of its key, and known, up to the day it became known itself.
    """
    withdrawn: dict[object, date] = {}
    stand: list[Known] = []
    for row in reversed(rows):
        upto = withdrawn.get(row.key)
        if row.is_withdrawal:
            withdrawn[row.key] = row.known_at if upto is None else max(upto, row.known_at)
        elif upto is None or row.known_at > upto:
            stand.append(row)
    return stand[::-1]


class Deltas(Generic[Known]):
    """What each sealed pack adds to what the packs before it, in order of sequence, already say.

    sealed    rows of the sealed packs, in order of sequence
    rows      everything there is to know, in order of known_at
    subjects  series or symbols that the archive speaks of: what it no longer says of them is withdrawn
    """

    def __init__(self, sealed: Sequence[Known], rows: Sequence[Known], subjects: Collection[str] = ()) -> None:
        said: dict[object, list[Known]] = {}
        for row in sealed:
            said.setdefault(row.key, []).append(row)
        self.sealed: dict[object, list[Known]] = {key: standing(of_key) for key, of_key in said.items()}
        self.rows: Sequence[Known] = rows
        self.known_dates = [row.known_at for row in rows]
        self.done = 0
        first_known: dict[object, date] = {}
        for row in rows if self.sealed else ():
            first_known.setdefault(row.key, row.known_at)
        self.first_known: dict[object, date] = {
            key: first_known.get(key, date.max)
            for key, of_key in self.sealed.items()
            if of_key
            and of_key[0].key[0] in subjects
            and min(row.known_at for row in of_key) < first_known.get(key, date.max)
        }

    def upto(self, asof_date: date) -> list[Known]:
        """The rows that the pack of `asof_date`, sealed next, has to hold. Called with rising dates."""
        end = bisect_right(self.known_dates, asof_date)
        newest = {row.key: row for row in self.rows[self.done : end]}
        self.done = max(self.done, end)
        added: dict[object, Known] = {key: row for key, row in newest.items() if self._seen(key, asof_date) != row}
        for key, row in added.items():
            self.sealed.setdefault(key, []).append(row)
        return list(added.values()) + self._withdrawn(asof_date)

    def _withdrawn(self, asof_date: date) -> list[Known]:
        gone: list[Known] = []
        for key, first_known in self.first_known.items():
            seen = self._seen(key, asof_date)
            if seen is not None and first_known > asof_date:
                withdrawal = seen._replace(flags=WITHDRAWN)
                gone.append(withdrawal)
                self.sealed[key] = [row for row in self.sealed[key] if row.known_at > withdrawal.known_at]
        return gone

    def _seen(self, key: object, asof_date: date) -> Known | None:
        said = self.sealed.get(key)
        return next((row for row in reversed(said) if row.known_at <= asof_date), None) if said else None


# --- fixings


def fix_instants(days: Sequence[date], fix_time: time, zone: str) -> dict[date, datetime]:
    """The instant of the fixing of each day, in UTC."""
    place = ZoneInfo(zone)
    return {day: datetime.combine(day, fix_time, place).astimezone(UTC) for day in days}
