"""What would be wrong with a pack for everybody: a fixing that is absent whole, or more missing closes than a policy lets. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from config.counts import number_of
from pricing.archive.contents import EARLIEST, ArchiveReading, Codes, Dates
from pricing.calendars import Calendar
from pricing.packs.point_in_time import Grid, Listed, NewestRows, active_grid, last_before, listed_spans, session_ages


@dataclass(frozen=True, slots=True)
class Missing:
    """What has no usable observation: `key` is a symbol, or the name of a fixing."""

    kind: Literal["price", "rate"]
    key: str
    asof_date: date
    last_known_date: date | None
    reason: str

    def __str__(self) -> str:
        note = f", last known {self.last_known_date}" if self.last_known_date else ""
        return f"{self.kind} {self.key} on {self.asof_date}: {self.reason}{note}"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many closes may lack, of the securities whose sources deliver, before a pack is of no use to anybody."""

    share: float
    count: int

    def most(self, population: int) -> int:
        return max(self.count, int(self.share * population))


def find_absent_fixings(
    fixing: str, reading: ArchiveReading, rates: NewestRows, days: Dates, *, max_stale_fixings: int
) -> list[Missing]:
    """The days on which no rate of the fixing at all can be used, though the archive has rates."""
    if not reading.rates.pairs:
        return []
    absent = []
    for day in np.flatnonzero(~rates.usable.any(axis=0)).tolist():
        withheld = sorted({why for (_, on), why in rates.withheld.items() if on == day})
        rows = rates.row[:, day]
        dates = reading.rates.date[rows[rows >= 0]]
        reason = withheld[0] if withheld else f"no rate of this fixing is at most {max_stale_fixings} fixings old"
        absent.append(Missing("rate", fixing, days[day].item(), dates.max().item() if len(dates) else None, reason))
    return absent


def find_outages(
    reading: ArchiveReading,
    calendar: Calendar,
    securities: Sequence[Listed],
    closes: NewestRows,
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
    came, when = last_before(*delivered, codes, days, not_before=spans[0])
    fresh = (came >= 0) & (session_ages(calendar, securities, when, days) <= max_stale_sessions)
    fresh &= active_grid(spans, days)
    live = np.zeros(expected.shape, bool)
    for numbers in of_source.values():
        live[numbers] = fresh[numbers].any(axis=0)
    population = expected & live
    lacking = population & ~closes.usable
    most = np.array([tolerance.most(int(each)) for each in population.sum(axis=0)], dtype=np.int64)
    outages = lacking & (lacking.sum(axis=0) > most)
    return find_missing(
        [security.symbol for security in securities],
        outages,
        closes,
        dates=reading.closes.date,
        days=days,
        max_stale=max_stale_sessions,
    )


def delisted_from(reading: ArchiveReading) -> dict[str, date]:
    """By symbol, the first day without a listing."""
    ex_dates: dict[str, date] = {}
    for action in reading.actions:
        if action.action == "delisting":
            ex_dates[action.symbol] = min(action.ex_date, ex_dates.get(action.symbol, date.max))
    return ex_dates


def find_missing(
    symbols: Sequence[str], mask: Grid, observed: NewestRows, *, dates: Dates, days: Dates, max_stale: int
) -> list[Missing]:
    """The closes that are wanted and not usable, by day, then symbol. `dates` are those of the archive's rows."""
    gaps = []
    for number, day in np.argwhere(mask & ~observed.usable).tolist():
        row, age = int(observed.row[number, day]), int(observed.age[number, day])
        if (number, day) in observed.withheld:
            reason = observed.withheld[number, day]
        elif row < 0:
            reason = "never observed"
        elif observed.split_between[number, day]:
            reason = "a split has happened since the last close"
        elif age > max_stale:
            reason = f"{number_of(age, 'session')} old"
        else:
            reason = "not listed on that day"
        last = dates[row].item() if row >= 0 else None
        gaps.append(Missing("price", symbols[number], days[day].item(), last, reason))
    return sorted(gaps, key=lambda missing: (missing.asof_date, missing.key))
