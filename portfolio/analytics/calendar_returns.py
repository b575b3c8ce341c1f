"""Returns linked by calendar month and year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.days import Dates, day_numbers
from portfolio.analytics.errors import (
    Floats,
    InvalidInput,
    UndefinedReturn,
    observations,
)


@dataclass(frozen=True, slots=True)
class PeriodReturns:
    """Linked returns of calendar periods, rising; only those with an observation. The first and last may be partial.

    periods       (K,)            datetime64[M] or [Y]
    returns       (K,) or (K, P)  not annualised; NaN where a column has no answer
    observations  (K,)            how many were linked
    """

    periods: npt.NDArray[np.datetime64]
    returns: Floats
    observations: npt.NDArray[np.int64]


def monthly_returns(dates: Dates, returns: npt.ArrayLike) -> PeriodReturns:
    """Returns linked by calendar month. dates (D,) rising, the day each return ends; returns (D,) or (D, P), D >= 1.

    raises  InvalidInput for shapes, days that fall, NaN and infinity (1-D), TooFewObservations; UndefinedReturn for
            a period too large for a number (1-D; in 2-D that column's period is NaN)
    """
    return _by_period(dates, returns, "datetime64[M]")


def yearly_returns(dates: Dates, returns: npt.ArrayLike) -> PeriodReturns:
    """Returns linked by calendar year; else as monthly_returns."""
    return _by_period(dates, returns, "datetime64[Y]")


def _by_period(dates: Dates, returns: npt.ArrayLike, unit: str) -> PeriodReturns:
    (r,), ok = observations(1, returns=returns)
    days = day_numbers(dates).astype("datetime64[D]")
    if days.shape != r.shape[:1]:
        raise InvalidInput("dates", f"has shape {days.shape}, returns has {r.shape}")
    if (days[1:] < days[:-1]).any():
        raise InvalidInput("dates", "falls", int(np.argmax(days[1:] < days[:-1])) + 1)
    periods, starts, counts = np.unique(days.astype(unit), return_index=True, return_counts=True)
    with np.errstate(all="ignore"):
        linked = np.multiply.reduceat(1.0 + r, starts, axis=0) - 1.0
    if r.ndim == 1 and not np.isfinite(linked).all():
        raise UndefinedReturn("is too large for a number", int(np.argmin(np.isfinite(linked))))
    return PeriodReturns(periods, np.where(ok & np.isfinite(linked), linked, np.nan), counts.astype(np.int64))
