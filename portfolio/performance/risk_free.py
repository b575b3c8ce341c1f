"""The risk-free rate on the days of a history."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats
from portfolio.valuation import ValueHistory


@dataclass(frozen=True, slots=True)
class RiskFree:
    """The risk-free series of a base currency on the history's days."""

    series_id: str
    yields: Floats
    """(D,) annual fraction, as known on each pack day; NaN before the first."""
    degraded: tuple[str, ...]
    sources: tuple[str, ...]


def returns_between(history: ValueHistory, free: RiskFree, closes: npt.NDArray[np.intp]) -> Floats:
    """(n,) (1 + y)^(calendar days / 365) - 1 between n + 1 closes, y the yield known at the opening pack."""
    days = history.dates
    opening_rows = np.maximum(closes[:-1], 0)
    first = days[0] - np.timedelta64(1, "D")
    opening_days = np.where(closes[:-1] < 0, first, days[opening_rows])
    elapsed = (days[closes[1:]] - opening_days).astype(int)
    return np.asarray((1.0 + free.yields[opening_rows]) ** (elapsed / 365.0) - 1.0)
