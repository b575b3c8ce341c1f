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
from pricing.calendars import Calendar
from pricing.judging import Left
from pricing.providers.archive import ActionRow, ArchiveReading, Codes, Dates
from pricing.quality import ACCEPTED

Grid = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

ASSUMED_RELEASE_DATE = "assumed_release_date"
"""The flag of an observation whose known_at is a lag rule's, not its source's."""

WITHDRAWN = "withdrawn"
"""The flag of a series' or an action's row that says: what packs before said of this key is no longer so."""


class Listed(NamedTuple):
    """A security as the build needs it; active from its first to its last listed date."""

    id: int
    symbol: str
    currency: str
    exchange: str
    price_basis: str
    first_date: date
    last_date: date | None


@dataclass(frozen=True, slots=True)
class RequiredSecurity:
    """Held or benchmarked from `first_date` to `last_date` (open: None)."""

    security_id: int
    first_date: date
    last_date: date | None = None


@dataclass(frozen=True, slots=True)
class RequiredCurrency:
    """Needed to convert from `first_date` to `last_date` (open: None)."""

    currency: str
    first_date: date = date.min
    last_date: date | None = None


@dataclass(frozen=True, slots=True)
class Required:
    """What a pack can't be sealed without. The currency of a required security is required with it."""

    securities: tuple[RequiredSecurity, ...] = ()
    currencies: tuple[RequiredCurrency, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """Something required that has no usable observation: `key` is a symbol or a pair such as EUR/USD."""

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
    spans = listed_spans(securities) if spans is None else spans
    codes = np.array([reading.code_of.get(security.symbol, -1) for security in securities], dtype=np.int64)
    held = reading.closes
    rows, observed = _last_before(held.security, held.date, codes, days, not_before=spans[0])
    age, between = np.zeros(rows.shape, np.int64), np.zeros(rows.shape, bool)
    of_exchange: dict[str, list[int]] = {}
    for number, security in enumerate(securities):
        of_exchange.setdefault(security.exchange, []).append(number)
    for exchange, numbers in of_exchange.items():
        sessions = calendar.sessions.get(exchange, days[:0])
        age[numbers] = calendars.ages(sessions, observed=observed[numbers], on=days)
    splits = [action for action in reading.actions if action.action == "split"]
    number_of = {row.symbol: n for n, row in enumerate(securities) if splits and row.price_basis == "raw"}
    for action in splits:
        if action.symbol in number_of:
            number, ex_date = number_of[action.symbol], np.datetime64(action.ex_date, "D")
            between[number] |= (observed[number] < ex_date) & (ex_date <= days)
    usable = active_grid(spans, days) & (rows >= 0) & (age <= max_stale_sessions) & ~between
    withheld = _withhold(left, codes, reading.closes.date, rows, usable, days)
    return Observed(rows, age, usable, between & (rows >= 0), withheld)


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


def required_grid(required: Required, securities: Sequence[Listed], days: Dates) -> Grid:
    grid = np.zeros((len(securities), len(days)), bool)
    number_of = {security.id: number for number, security in enumerate(securities)}
    for need in required.securities:
        grid[number_of[need.security_id]] |= calendars.is_listed(days, need.first_date, need.last_date)
    return grid


@dataclass(frozen=True, slots=True)
class Legs:
    """The published pairs that convert the needed currencies to the pivot; `required` are those nothing may lack."""

    pairs: tuple[tuple[str, str], ...]  # (L,)
    needed: Grid  # (L, D)
    required: Grid  # (L, D)


def find_legs(
    reading: ArchiveReading,
    *,
    pivot: str,
    securities: Sequence[Listed],
    active: Grid,
    held: Grid,
    required: Required,
    days: Dates,
) -> Legs:
    """A currency is needed while a security in it is active, required while one is held or it is asked for."""
    codes: dict[str, int] = {}
    code = np.array([codes.setdefault(security.currency, len(codes)) for security in securities], dtype=np.int64)
    order = np.argsort(code, kind="stable")
    begins = np.searchsorted(code[order], np.arange(len(codes)))
    wanted: dict[str, Grid] = {}
    needed: dict[str, Grid] = {}
    for by_currency, grid in ((wanted, held), (needed, active | held)) if codes else ():
        by_currency.update(zip(codes, np.logical_or.reduceat(grid[order], begins, axis=0), strict=True))
    for need in required.currencies:
        on = calendars.is_listed(days, need.first_date, need.last_date)
        needed[need.currency] = needed.get(need.currency, False) | on
        wanted[need.currency] = wanted.get(need.currency, False) | on
    currencies = sorted(needed.keys() - {pivot})
    published = set(reading.rates.pairs)
    pairs = [(c, pivot) if (c, pivot) in published and (pivot, c) not in published else (pivot, c) for c in currencies]
    none = np.zeros((0, len(days)), bool)
    return Legs(
        tuple(pairs),
        np.array([needed[c] for c in currencies]) if currencies else none,
        np.array([wanted[c] for c in currencies]) if currencies else none,
    )


def find_missing(
    kind: Literal["price", "rate"],
    keys: Sequence[str],
    required: Grid,
    observed: Observed,
    *,
    dates: Dates,
    days: Dates,
    max_stale: int,
) -> list[Missing]:
    """Whatever is required and not usable, by day, then key. `dates` are those of the archive's rows."""
    found = []
    for number, day in np.argwhere(required & ~observed.usable).tolist():
        row, age = int(observed.row[number, day]), int(observed.age[number, day])
        if (number, day) in observed.withheld:
            reason = observed.withheld[number, day]
        elif row < 0:
            reason = "never observed"
        elif observed.split_between[number, day]:
            reason = "a split has happened since the last close"
        elif age > max_stale:
            reason = f"{age} {'sessions' if kind == 'price' else 'fixings'} old"
        else:
            reason = "not listed on that day"
        last = dates[row].item() if row >= 0 else None
        found.append(Missing(kind, keys[number], days[day].item(), last, reason))
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
