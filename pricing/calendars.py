"""Which days are pack days, and how old a close or a rate is in the calendar of its own exchange or fixing. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from pricing.providers import archive
from pricing.providers.archive import Dates

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


def of_archive(
    reading: archive.ArchiveReading, *, pivot: str, exchange_of: Mapping[str, str] | None = None
) -> Calendar:
    """The calendar an archive shows: an exchange is open on the days with a close of a security listed that day, the
    fixing on the days with a rate from or to the pivot.

    exchange_of  symbol -> exchange; the archive's own securities unless given
    """
    first, last = reading.listed
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
    seen = np.zeros(int((days.max() - begin).astype(np.int64)) + 1, dtype=bool)
    seen[(days - begin).astype(np.int64)] = True
    distinct: Dates = begin + np.nonzero(seen)[0]
    return distinct


def listed(days: Dates, first_date: date, last_date: date | None) -> Dates:
    """Those of `days` on which a security is active."""
    return days[is_listed(days, first_date, last_date)]


def is_listed(days: Dates, first_date: date, last_date: date | None) -> npt.NDArray[np.bool_]:
    active = days >= np.datetime64(first_date, "D")
    return active if last_date is None else active & (days <= np.datetime64(last_date, "D"))


def ages(open_days: Dates, *, observed: Dates, on: Dates) -> Counts:
    """How many open days lie after `observed` up to and including `on`: 0 is current."""
    return np.searchsorted(open_days, on, "right") - np.searchsorted(open_days, observed, "right")


def as_days(days: Iterable[date]) -> Dates:
    return (np.array(list(map(date.toordinal, days)), dtype=np.int64) - _EPOCH).view("datetime64[D]")
