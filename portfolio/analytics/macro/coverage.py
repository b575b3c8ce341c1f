"""Whether losses went beyond a stated limit as often as it says, and one independently of the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import InvalidInput

SIGNIFICANCE = 0.01
"""Each test rejects what is true once in a hundred."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """hits of n windows, and what two tests say.

    verdict        calibrated; too_low, too_high: the limit is, because there were more, or fewer, hits than stated; clustered
    kupiec         p-value that the rate is the stated one (Kupiec 1995, proportion of failures)
    christoffersen p-value that a hit does not depend on the one before (Christoffersen 1998, independence)
    low, high      95 % interval of the rate (Wilson 1927)
    """

    hits: int
    n: int
    stated: float
    rate: float
    low: float
    high: float
    kupiec: float
    christoffersen: float
    verdict: str


def coverage(hits: npt.ArrayLike, *, stated: float) -> Coverage:
    """Judge a series of windows, in their order, by whether each was hit. Raises InvalidInput without a window."""
    series = np.asarray(hits, dtype=bool)
    if series.ndim != 1 or not len(series):
        raise InvalidInput("hits", "holds no window")
    n, count = len(series), int(series.sum())
    rate = count / n
    kupiec = _one_degree(2.0 * (_likelihood(count, n, rate) - _likelihood(count, n, stated)))
    independent = _one_degree(_independence(series))
    low, high = _wilson(rate, n)
    if kupiec < SIGNIFICANCE:
        verdict = "too_low" if rate > stated else "too_high"
    else:
        verdict = "clustered" if independent < SIGNIFICANCE else "calibrated"
    return Coverage(count, n, stated, rate, low, high, kupiec, independent, verdict)


def _likelihood(hits: int, n: int, rate: float) -> float:
    """Log likelihood of a number of hits, a term of nothing counting as nothing."""
    return sum(count * math.log(share) for count, share in ((hits, rate), (n - hits, 1.0 - rate)) if count)


def _independence(series: npt.NDArray[np.bool_]) -> float:
    """Twice the log likelihood of a rate by the window before, over that of one rate."""
    before, after = series[:-1], series[1:]
    own = 0.0
    for state in (False, True):
        followed = after[before == state]
        if len(followed):
            own += _likelihood(int(followed.sum()), len(followed), float(followed.mean()))
    if not len(after):
        return 0.0
    return 2.0 * (own - _likelihood(int(after.sum()), len(after), float(after.mean())))


def _one_degree(statistic: float) -> float:
    """Upper tail of chi-squared with one degree of freedom."""
    return math.erfc(math.sqrt(max(statistic, 0.0) / 2.0))


def _wilson(rate: float, n: int) -> tuple[float, float]:
    z = 1.959963984540054
    centre, spread = rate + z**2 / (2 * n), z * math.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    return max((centre - spread) / (1 + z**2 / n), 0.0), min((centre + spread) / (1 + z**2 / n), 1.0)
