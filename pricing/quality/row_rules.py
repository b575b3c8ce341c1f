"""Rules for closes and rates that need no event: a row by itself, against another source, or in a run of equal ones. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from pricing.archive.contents import Codes, Dates, Floats
from pricing.quality.suspects import Mask, Quotes

USUAL_PER_EUR: Mapping[str, float] = {
    "EUR": 1, "USD": 1.2, "GBP": 0.8, "CHF": 1.2, "JPY": 130, "CAD": 1.45, "AUD": 1.6, "NZD": 1.75, "SEK": 9.5, "NOK": 8.5,
    "DKK": 7.45, "ISK": 130, "PLN": 4.2, "CZK": 27, "HUF": 290, "RON": 4.4, "BGN": 1.956, "ILS": 4.5, "ZAR": 12, "MXN": 16,
    "BRL": 3.3, "INR": 70, "CNY": 8.2, "HKD": 9.2, "SGD": 1.75, "KRW": 1_350, "THB": 42, "IDR": 13_000, "MYR": 4.6, "PHP": 58,
}  # fmt: skip
"""About the middle of what the ECB has published of each since 1999. Whoever quotes a hundred yen for one, from the first rate
on, is found by it: none of these rates jumps."""

MAX_FROM_USUAL = 10.0
"""Of a rate to the usual one of its pair. The furthest in the ECB's history used here is 1.46 (JPY)."""

STALE_CLOSES, STALE_RATES = 6, 7
"""So many equal values in a row are a feed that stands still: with six closes a week of sessions has passed. The longest run
that is true is 5 closes (VOD.L, 2004-12-28) and 6 fixings (EUR/CHF, 2012-07-30, at its floor); three shares of one exchange
stood still together for 6 and 7 closes up to 2000-10-20."""

USUALLY_MOVES, STEPS_KNOWN = 0.1, 20
"""Of what repeats in a larger share of so many steps before (a peg, a share that hardly trades), repeating says nothing."""

TWO_SOURCE_TOLERANCE = 0.01
"""Two sources of one day's close or rate may differ by their snapshots, by hours of a fixing, not by more than this share."""


def not_a_number(value: Floats) -> Mask:
    return ~np.isfinite(value)


def not_positive(value: Floats) -> Mask:
    """NaN is another rule's."""
    return value <= 0


def future_date(day: Dates, today: date) -> Mask:
    return day > np.datetime64(today, "D")


def wrong_currency(key: Codes, quoted: Sequence[str], traded: Sequence[str]) -> Mask:
    """Rows of keys that are quoted in another currency than they trade in."""
    return np.array([one != other for one, other in zip(quoted, traded, strict=True)], dtype=bool)[key]


def far_from_usual(quotes: Quotes) -> dict[int, tuple[float, float]]:
    """Rates, by pair and date, that are out of reach of the usual one of their pair: row -> how many times it, and it.

    Closes have no usual level, nor have pairs of a currency that is not in the table.
    """
    if quotes.kind != "rate" or not len(quotes.key):
        return {}
    sides = [[USUAL_PER_EUR.get(currency, np.nan) for currency in pair.split("/")] for pair in quotes.keys]
    usual = np.array([quote / base for base, quote in sides])[quotes.key]
    times = quotes.value / usual
    far = (times > MAX_FROM_USUAL) | ((times > 0) & (times < 1 / MAX_FROM_USUAL))
    return {row: (float(times[row]), float(usual[row])) for row in np.flatnonzero(far & np.isfinite(times)).tolist()}


def two_values(key: Codes, day: Dates, value: Floats) -> Mask:
    """Every row of a (key, date) that has more than one value. Rows by (key, date)."""
    again = (key[1:] == key[:-1]) & (day[1:] == day[:-1])
    twice = np.zeros(len(key), dtype=bool)
    for run in np.flatnonzero(again & (value[1:] != value[:-1])).tolist():
        same = slice(*(int(np.searchsorted(key, key[run], side)) for side in ("left", "right")))
        twice[same] |= day[same] == day[run]
    return twice


def compared(rows: Quotes, others: Quotes) -> Floats:
    """(R,) relative difference to the nearest other source's value of the same key and date; NaN where there is none."""
    nearest = np.full(len(rows.key), np.nan)
    if len(others.key) == 0 or len(rows.key) == 0:
        return nearest
    width = int(max(rows.date.max().astype(int), others.date.max().astype(int))) + 1
    low = int(min(rows.date.min().astype(int), others.date.min().astype(int)))
    place = rows.key.astype(np.int64) * (width - low) + rows.date.astype(np.int64)
    other_place = others.key.astype(np.int64) * (width - low) + others.date.astype(np.int64)
    at = np.minimum(np.searchsorted(place, other_place), len(place) - 1)
    comparable = (
        (place[at] == other_place) & np.isfinite(others.value) & np.isfinite(rows.value[at]) & (rows.value[at] > 0)
    )
    with np.errstate(invalid="ignore"):
        apart = np.abs(others.value[comparable] / rows.value[at[comparable]] - 1)
    np.fmin.at(nearest, at[comparable], apart)
    return nearest


def stale_runs(key: Codes, value: Floats, *, limit: int) -> dict[int, int]:
    """Rows, by (key, date), from the `limit`-th equal value in a row on, of keys that usually move: row -> first row of its run."""
    if not len(key):
        return {}
    repeats = np.zeros(len(key), dtype=bool)
    repeats[1:] = (key[1:] == key[:-1]) & (value[1:] == value[:-1])
    begin = np.maximum.accumulate(np.where(repeats, 0, np.arange(len(key))))
    late = np.flatnonzero(np.arange(len(key)) - begin >= limit - 1)
    if not len(late):
        return {}
    repeats_up_to, first = np.cumsum(repeats), np.searchsorted(key, key[late])
    steps = begin[late] - first
    moves = (steps >= STEPS_KNOWN) & (repeats_up_to[begin[late]] - repeats_up_to[first] <= USUALLY_MOVES * steps)
    return dict(zip(late[moves].tolist(), begin[late[moves]].tolist(), strict=True))
