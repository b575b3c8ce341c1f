"""What a benchmark explains of returns: beta, alpha, tracking error, information ratio, correlation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import (
    Bools,
    Floats,
    Measure,
    observations,
    settle,
)
from portfolio.analytics.moments import (
    benchmark_series,
    deviation_of,
    does_not_vary,
    less,
    mean,
    mean_over_deviation,
    products,
    root_of_year,
    slope_of,
    too_large,
)


def beta(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> Measure:
    """cov(r, b) / var(b). D >= 2."""
    (r, b), ok = observations(2, returns=returns, benchmark=benchmark_series(benchmark))
    slope, moves = slope_of(r, b)
    return settle(slope, ok & moves, does_not_vary("beta", "benchmark"))


def alpha(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    risk_free: npt.ArrayLike = 0.0,
    periods_per_year: float = 252,
) -> Measure:
    """Jensen's alpha per year: (mean(r - rf) - beta * mean(b - rf)) * periods a year. D >= 2."""
    per_period, defined = _jensen(returns, benchmark, risk_free)
    return settle(per_period * root_of_year(periods_per_year) ** 2, defined, does_not_vary("alpha", "benchmark"))


def alpha_compound(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    risk_free: npt.ArrayLike = 0.0,
    periods_per_year: float = 252,
) -> Measure:
    """Jensen's alpha compounded over a year: (1 + a)^(periods a year) - 1. D >= 2."""
    per_period, defined = _jensen(returns, benchmark, risk_free)
    with np.errstate(all="ignore"):
        compounded = np.power(1.0 + per_period, root_of_year(periods_per_year) ** 2) - 1.0
    return settle(compounded, defined, does_not_vary("alpha", "benchmark"))


def tracking_error(returns: npt.ArrayLike, benchmark: npt.ArrayLike, *, periods_per_year: float = 252) -> Measure:
    """Standard deviation of r - b per year; 0.0 where they move as one. D >= 2."""
    (r, b), ok = observations(2, returns=returns, benchmark=benchmark_series(benchmark))
    deviation, _ = deviation_of(less(r, b), r)
    return settle(deviation * root_of_year(periods_per_year), ok, too_large("tracking error"))


def information_ratio(returns: npt.ArrayLike, benchmark: npt.ArrayLike, *, periods_per_year: float = 252) -> Measure:
    """mean(r - b) * periods a year / tracking error. D >= 2."""
    (r, b), ok = observations(2, returns=returns, benchmark=benchmark_series(benchmark))
    return mean_over_deviation("information ratio", r, b, ok, periods_per_year)


def correlation(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> Measure:
    """Pearson's coefficient, -1 to 1. D >= 2."""
    (r, b), ok = observations(2, returns=returns, benchmark=benchmark_series(benchmark))
    with np.errstate(all="ignore"):
        r_deviation, r_moves = deviation_of(r, r)
        b_deviation, b_moves = deviation_of(b, b)
        covariance = products(r - mean(r), b - mean(b)) / (len(r) - 1)
        value = np.clip(covariance / (r_deviation * b_deviation), -1.0, 1.0)
    return settle(value, ok & r_moves & b_moves, does_not_vary("correlation", "one of the series"))


def _jensen(returns: npt.ArrayLike, benchmark: npt.ArrayLike, risk_free: npt.ArrayLike) -> tuple[Floats, Bools]:
    (r, b, rate), ok = observations(2, returns=returns, benchmark=benchmark_series(benchmark), risk_free=risk_free)
    slope, moves = slope_of(r, b)
    with np.errstate(all="ignore"):
        return mean(less(r, rate)) - slope * mean(b - rate), ok & moves
