"""The measures that a table of portfolios is asked for together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.drawdowns import index_and_fall
from portfolio.analytics.errors import (
    Floats,
    InvalidInput,
    observations,
)
from portfolio.analytics.moments import (
    benchmark_series,
    deviation_of,
    downside_of,
    less,
    mean,
    root_of_year,
    slope_of,
)


@dataclass(frozen=True, slots=True)
class Summary:
    """The seven measures that a table of portfolios is asked for together, each (P,); NaN where one has no answer."""

    total_return: Floats
    volatility: Floats
    sharpe_ratio: Floats
    sortino_ratio: Floats
    max_drawdown: Floats
    beta: Floats
    alpha: Floats


def summary(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    risk_free: npt.ArrayLike = 0.0,
    mar: npt.ArrayLike = 0.0,
    periods_per_year: float = 252,
) -> Summary:
    """The seven measures of a table (D, P), what they share computed once; each equals its single function.

    raises  InvalidInput for shapes and for one series, whose measures have errors of their own
    """
    (r, b, rate, floor), ok = observations(
        2, returns=returns, benchmark=benchmark_series(benchmark), risk_free=risk_free, mar=mar
    )
    if r.ndim != 2:
        raise InvalidInput("returns", f"has {r.ndim} axes, 2 are needed")
    root = root_of_year(periods_per_year)
    ends, depth, whole = index_and_fall(r)
    deviation, moves = deviation_of(r, r)
    # The spread of the excess is that of the returns where the rate does not change.
    excess, other, below = less(r, rate), less(b, rate), less(r, floor)
    excess_deviation, excess_moves = deviation_of(excess, r) if rate.ndim else (deviation, moves)
    slope, b_moves = slope_of(r, b)
    with np.errstate(all="ignore"):
        downside = downside_of(below)
        measures = {
            "total_return": (ends - 1.0, ok),
            "volatility": (deviation * root, ok),
            "sharpe_ratio": (mean(excess) / excess_deviation * root, ok & excess_moves),
            "sortino_ratio": (mean(below) / downside * root, ok & (downside > 0)),
            "max_drawdown": (depth, ok & whole),
            "beta": (slope, ok & b_moves),
            "alpha": ((mean(excess) - slope * mean(other)) * root**2, ok & b_moves),
        }
        return Summary(
            **{name: np.where(good & np.isfinite(value), value, np.nan) for name, (value, good) in measures.items()}
        )
