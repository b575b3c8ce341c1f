"""Where the newest figure of a series stands within its own past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from portfolio.analytics.macro.vintages import Observations

YEARS = 20
"""How far back a series is compared with itself. Of 5, 10, … 30 years it met the recessions best (docs/macro.md)."""


@dataclass(frozen=True, slots=True)
class Frequency:
    """What follows from how often a series is published."""

    per_year: int
    least: int
    """Fewer observations give no standing."""
    stale_days: int
    """An older newest observation says nothing of now: the series ended, or its publication is late."""


FREQUENCIES: Mapping[str, Frequency] = {
    "D": Frequency(252, 252, 10),
    "W": Frequency(52, 104, 24),
    "M": Frequency(12, 30, 100),
    "Q": Frequency(4, 20, 250),
    "A": Frequency(1, 10, 800),
}


class Change(StrEnum):
    """What of a series is compared with its past."""

    LEVEL = "level"
    YEAR_DIFFERENCE = "year_difference"
    YEAR_GROWTH = "year_growth"
    IMPULSE = "impulse"
    """What the growth of a year is more than that of the year before."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest figure as a number of standard deviations from the mean of its window."""

    observed: np.datetime64
    value: float
    z: float
    mean: float
    deviation: float
    """Sample standard deviation (ddof 1)."""
    first: np.datetime64
    n: int


def changes(observations: Observations, change: Change) -> Observations:
    """What is compared: the level, the difference to twelve months before, the growth since then, or how that changed.

    Growth is in percent.
    """
    if change == Change.LEVEL:
        return observations
    if change == Change.IMPULSE:
        return changes(changes(observations, Change.YEAR_GROWTH), Change.YEAR_DIFFERENCE)
    now, before = observations.year_before()
    if change == Change.YEAR_DIFFERENCE:
        return Observations(now.dates, now.value - before)
    positive = before > 0
    return Observations(now.dates[positive], 100.0 * (now.value[positive] / before[positive] - 1.0))


def standing(observations: Observations, frequency: str, change: Change, day: np.datetime64) -> Standing | str:
    """The standing as of a day, or why there is none, as a code: no_series, stale_series, short_series, no_variation.

    observations   as known on the day; the window counts `YEARS` of them by the frequency
    """
    pace = FREQUENCIES[frequency]
    if not len(observations.dates):
        return "no_series"
    if day - observations.dates[-1] > np.timedelta64(pace.stale_days, "D"):
        return "stale_series"
    window = changes(observations, change)
    dates, values = window.dates[-YEARS * pace.per_year :], window.value[-YEARS * pace.per_year :]
    if len(values) < pace.least or dates[-1] != observations.dates[-1]:
        return "short_series"
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    if deviation <= 1e-12 * max(abs(mean), float(np.abs(values).max())):
        return "no_variation"
    z = (float(values[-1]) - mean) / deviation
    return Standing(dates[-1], float(values[-1]), z, mean, deviation, dates[0], len(values))
