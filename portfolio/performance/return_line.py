"""The return of a span as a line for a picture of a word's size: as many of its closes as such a picture can show."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from portfolio.performance.leading_holdings import POINTS
from portfolio.performance.range_performance import RangePerformance, Series


@dataclass(frozen=True, slots=True)
class ReturnLine:
    first_date: date
    last_date: date
    returns: Series
    """Growth of the return index since the span opened, at up to 48 of its closes, of which the first and the last are two."""


def thin(performance: RangePerformance) -> ReturnLine:
    indexes = places(performance)
    return ReturnLine(
        performance.first_date, performance.last_date, tuple(performance.returns[each] for each in indexes)
    )


def places(performance: RangePerformance) -> tuple[int, ...]:
    """Which of the span's closes the line has, by their numbers."""
    series = performance.returns
    return tuple(np.unique(np.linspace(0, len(series) - 1, POINTS).astype(int)).tolist()) if series else ()
