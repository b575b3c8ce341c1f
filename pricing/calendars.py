"""Which days are pack days, and how old a close or a rate is in the calendar of its own exchange or fixing. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from pricing.archive.contents import ArchiveReading, Dates

Counts = npt.NDArray[np.int64]

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Calendar:
    """The open days of a fixing and of exchanges, each rising and without repeats; nothing after `end`."""

    fixings: Dates
    sessions: Mapping[str, Dates]
    end: date

    def pack_days(self, first: date, last: date) -> list[date]:
        """Days from `first` to `last` on which the fixing or any of the exchanges is open."""
        days = np.unique(np.concatenate([self.fixings, *self.sessions.values()]))
        begin, end = np.datetime64(first, "D"), np.datetime64(min(last, self.end), "D")
        return [day.item() for day in days[(days >= begin) & (days <= end)]]


def from_archive(reading: ArchiveReading, *, pivot: str, exchange_of: Mapping[str, str] | None = None) -> Calendar:
    """The calendar an archive shows: an exchange is open on the days with a close of a security listed that day, the
    fixing on the days with a rate from or to the pivot.

    exchange_of  symbol -> exchange; the archive's own securities unless given
    """
    first, last = reading.listing_days
    security, days = reading.closes.security, reading.closes.date
    exchanges = [(exchange_of or {}).get(each.symbol, each.exchange) for each in reading.securities]
    codes = {exchange: code for code, exchange in enumerate(dict.fromkeys(exchanges))}
    exchange = np.array([codes[each] for each in exchanges], dtype=np.int32)[security]
    active = (days >= first[security]) & (days <= last[security])
    fixes = np.array([pivot in pair for pair in reading.rates.pairs], dtype=bool)[reading.rates.pair]
    return Calendar(
        fixings=_distinct(reading.rates.date[fixes]),
        sessions={name: _distinct(days[active & (exchange == code)]) for name, code in codes.items()},
        end=reading.archive_end,
    )


def _distinct(days: Dates) -> Dates:
    """Each day once, rising; for many rows of few days, which sorting takes long for."""
    if not len(days):
        return days
    begin: np.datetime64 = days.min()
    has_day = np.zeros(int((days.max() - begin).astype(np.int64)) + 1, dtype=bool)
    has_day[(days - begin).astype(np.int64)] = True
    distinct: Dates = begin + np.nonzero(has_day)[0]
    return distinct


def is_listed(days: Dates, first_date: date, last_date: date | None) -> npt.NDArray[np.bool_]:
    active = days >= np.datetime64(first_date, "D")
    return active if last_date is None else active & (days <= np.datetime64(last_date, "D"))


LONGEST_HOLIDAY = 14
"""Calendar days from one open day to the next that holidays explain (the longest regular ones, of the lunar new year, are 11)."""


def ages(open_days: Dates, *, observed: Dates, on: Dates) -> Counts:
    """How many open days lie after `observed`, itself an open day, up to and including `on`: 0 is current.

    An archive shows open days by what was published on them, so that of a feed that ended no day would follow: of a silence
    longer than holidays explain the weekdays count as open ones, from the day on that it is.
    """
    last = np.searchsorted(open_days, on, "right")
    age: Counts = last - np.searchsorted(open_days, observed, "right")
    if not len(open_days):
        return age
    longest = np.timedelta64(LONGEST_HOLIDAY, "D")
    silent = np.flatnonzero(np.diff(open_days) > longest)
    if len(silent):
        ends = open_days[silent + 1]
        weekdays = np.concatenate([[0], np.cumsum(np.busday_count(open_days[silent] + 1, ends))])
        age = age + weekdays[np.searchsorted(ends, on, "right")] - weekdays[np.searchsorted(ends, observed, "right")]
    since = open_days[np.maximum(last - 1, 0)]
    still = (last > 0) & (on - since > longest)
    if still.any():
        lasting = np.where(still, np.busday_count(since + 1, np.maximum(on, since) + 1), 0)
        age = age + np.where(observed <= since, lasting, 0)
    return age


def as_days(days: Iterable[date]) -> Dates:
    return (np.array(list(map(date.toordinal, days)), dtype=np.int64) - _EPOCH).view("datetime64[D]")
