"""Risk and ratios of return series: fractions per period, (D,) -> float, (D, P) -> (P,).

One series without an answer raises InvalidInput (NaN, infinity, shapes), TooFewObservations or UndefinedRatio (zero
variance, zero denominator); in a table that column is NaN. `risk_free`, `mar`: a number per period, (D,), or (D, P).
`benchmark`: (D,), or (D, P). Sample statistics have ddof 1. Formulas: MEASUREMENT "Risk and ratios".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import (
    Bools,
    Floats,
    InvalidInput,
    Measure,
    UndefinedRatio,
    as_floats,
    observations,
    settle,
)
from portfolio.analytics.returns import period_money_weighted_return

FLAT = 1e-12  # a spread this small beside the series itself is rounding, not variance
SAME = 1e-12  # an index this close to its peak, relatively, has recovered


def volatility(returns: npt.ArrayLike, *, periods_per_year: float = 252) -> Measure:
    """Standard deviation per year; 0.0 for a series that does not move. D >= 2."""
    (r,), ok = observations(2, returns=returns)
    deviation, _ = _deviation(r, r)
    return settle(deviation * _root(periods_per_year), ok, _overflow("volatility"))


def downside_deviation(returns: npt.ArrayLike, *, mar: npt.ArrayLike = 0.0, periods_per_year: float = 252) -> Measure:
    """Root mean square of min(r - MAR, 0) over all D observations, per year. D >= 1."""
    (r, floor), ok = observations(1, returns=returns, mar=mar)
    return settle(_downside(_less(r, floor)) * _root(periods_per_year), ok, _overflow("downside deviation"))


def sharpe_ratio(returns: npt.ArrayLike, *, risk_free: npt.ArrayLike = 0.0, periods_per_year: float = 252) -> Measure:
    """mean(r - rf) / std(r - rf) * sqrt(periods a year). D >= 2."""
    (r, rate), ok = observations(2, returns=returns, risk_free=risk_free)
    return _mean_over_deviation("Sharpe ratio", r, rate, ok, periods_per_year)


def sortino_ratio(returns: npt.ArrayLike, *, mar: npt.ArrayLike = 0.0, periods_per_year: float = 252) -> Measure:
    """mean(r - MAR) * periods a year / downside deviation below MAR. D >= 2."""
    (r, floor), ok = observations(2, returns=returns, mar=mar)
    excess = _less(r, floor)
    with np.errstate(all="ignore"):
        downside = _downside(excess)
        ratio = _mean(excess) / downside * _root(periods_per_year)
    return settle(ratio, ok & (downside > 0), UndefinedRatio("Sortino ratio", "no return lies below the target"))


def max_drawdown(returns: npt.ArrayLike) -> Measure:
    """Deepest fall of the return index from its highest point so far, the opening included; <= 0. D >= 1, r >= -1."""
    (r,), ok = observations(1, returns=returns)
    depth, whole = _deepest(r)
    return settle(depth, ok & whole, InvalidInput("returns", "is below -100 %"))


def calmar_ratio(returns: npt.ArrayLike, *, periods_per_year: float = 252) -> Measure:
    """Annualised return / |maximum drawdown|, the return compounded over D / periods a year. D >= 1."""
    (r,), ok = observations(1, returns=returns)
    _root(periods_per_year)
    depth, whole = _deepest(r)
    with np.errstate(all="ignore"):
        growth = np.power(np.prod(1.0 + r, axis=0), periods_per_year / len(r))
        ratio = (growth - 1.0) / -depth
    return settle(ratio, ok & whole & (depth < 0), UndefinedRatio("Calmar ratio", "there is no drawdown"))


def beta(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> Measure:
    """cov(r, b) / var(b). D >= 2."""
    (r, b), ok = observations(2, returns=returns, benchmark=_series(benchmark))
    slope, moves = _slope(r, b)
    return settle(slope, ok & moves, _flat("beta", "benchmark"))


def alpha(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    risk_free: npt.ArrayLike = 0.0,
    periods_per_year: float = 252,
) -> Measure:
    """Jensen's alpha per year: (mean(r - rf) - beta * mean(b - rf)) * periods a year. D >= 2."""
    per_period, defined = _jensen(returns, benchmark, risk_free)
    return settle(per_period * _root(periods_per_year) ** 2, defined, _flat("alpha", "benchmark"))


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
        compounded = np.power(1.0 + per_period, _root(periods_per_year) ** 2) - 1.0
    return settle(compounded, defined, _flat("alpha", "benchmark"))


def tracking_error(returns: npt.ArrayLike, benchmark: npt.ArrayLike, *, periods_per_year: float = 252) -> Measure:
    """Standard deviation of r - b per year; 0.0 where they move as one. D >= 2."""
    (r, b), ok = observations(2, returns=returns, benchmark=_series(benchmark))
    deviation, _ = _deviation(_less(r, b), r)
    return settle(deviation * _root(periods_per_year), ok, _overflow("tracking error"))


def information_ratio(returns: npt.ArrayLike, benchmark: npt.ArrayLike, *, periods_per_year: float = 252) -> Measure:
    """mean(r - b) * periods a year / tracking error. D >= 2."""
    (r, b), ok = observations(2, returns=returns, benchmark=_series(benchmark))
    return _mean_over_deviation("information ratio", r, b, ok, periods_per_year)


def correlation(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> Measure:
    """Pearson's coefficient, -1 to 1. D >= 2."""
    (r, b), ok = observations(2, returns=returns, benchmark=_series(benchmark))
    with np.errstate(all="ignore"):
        r_deviation, r_moves = _deviation(r, r)
        b_deviation, b_moves = _deviation(b, b)
        covariance = _products(r - _mean(r), b - _mean(b)) / (len(r) - 1)
        value = np.clip(covariance / (r_deviation * b_deviation), -1.0, 1.0)
    return settle(value, ok & r_moves & b_moves, _flat("correlation", "one of the series"))


def win_rate(returns: npt.ArrayLike) -> Measure:
    """Share of the returns above zero among those that are not zero. D >= 1."""
    (r,), ok = observations(1, returns=returns)
    won, moved = (r > 0).sum(axis=0), (r != 0).sum(axis=0)
    value = won / np.maximum(moved, 1)
    return settle(value, ok & (moved > 0), UndefinedRatio("win rate", "every return is zero"))


def value_at_risk(returns: npt.ArrayLike, *, level: float = 0.95) -> Measure:
    """Loss per period not exceeded with this confidence, from history: -percentile(r, 1 - level), linear.

    A loss is positive; a negative figure says that even this percentile was a gain. D >= 2, 0 < level < 1.
    """
    (r,), ok = observations(2, returns=returns)
    return settle(0.0 - _percentile(r, level), ok, _overflow("value at risk"))


def expected_shortfall(returns: npt.ArrayLike, *, level: float = 0.95) -> Measure:
    """Mean loss per period of the returns at or below the percentile of value_at_risk; a loss is positive. D >= 2."""
    (r,), ok = observations(2, returns=returns)
    mark = _percentile(r, level)
    with np.errstate(all="ignore"):
        # A mark that falls on an observation may come out a rounding below it: that observation counts.
        tail = r <= mark + 8 * np.finfo(np.float64).eps * np.abs(mark)
        mean = np.where(tail, r, 0.0).sum(axis=0) / np.maximum(tail.sum(axis=0), 1)
    return settle(0.0 - mean, ok & tail.any(axis=0), _overflow("expected shortfall"))


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Falls of one return index. Points count from 0, the opening; point i stands after returns[i - 1].

    depth          deepest fall, <= 0.0
    peak, trough   its highest point before and its lowest; None where the index never fell
    recovery       first point back at the peak; None while it is not, or where the index never fell
    current        fall of the last point from the highest so far, <= 0.0
    current_peak   the last point at that height; the last point of all where it stands at its height
    """

    depth: float
    peak: int | None
    trough: int | None
    recovery: int | None
    current: float
    current_peak: int


@np.errstate(all="ignore")  # what is too large is refused by name, not warned about
def drawdown(returns: npt.ArrayLike) -> Drawdown:
    """The deepest and the current drawdown of one series (D,), D >= 1, r >= -1, with their points.

    raises  InvalidInput (tables too: they have no single answer), TooFewObservations
    """
    r = as_floats("returns", returns)
    if r.ndim != 1:
        raise InvalidInput("returns", f"has {r.ndim} axes, 1 is needed")
    observations(1, returns=r)
    if (r < -1.0).any():
        raise InvalidInput("returns", "is below -100 %", int(np.argmax(r < -1.0)))
    index = np.concatenate([[1.0], np.cumprod(1.0 + r)])
    highest = np.maximum.accumulate(index)
    if not np.isfinite(highest[-1]):
        raise _overflow("drawdown")
    fall = np.where(index >= highest * (1.0 - SAME), 0.0, index / highest - 1.0)
    at_height = np.flatnonzero(fall == 0.0)
    current, current_peak = float(fall[-1]), int(at_height[-1])
    trough = int(np.argmin(fall))
    if fall[trough] == 0.0:
        return Drawdown(0.0, None, None, None, current, current_peak)
    peak = int(at_height[at_height < trough][-1])
    back = at_height[at_height > trough]
    return Drawdown(float(fall[trough]), peak, trough, int(back[0]) if len(back) else None, current, current_peak)


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
        2, returns=returns, benchmark=_series(benchmark), risk_free=risk_free, mar=mar
    )
    if r.ndim != 2:
        raise InvalidInput("returns", f"has {r.ndim} axes, 2 are needed")
    root = _root(periods_per_year)
    ends, depth, whole = _index(r)
    deviation, moves = _deviation(r, r)
    # The spread of the excess is that of the returns where the rate does not change.
    excess, other, below = _less(r, rate), _less(b, rate), _less(r, floor)
    excess_deviation, excess_moves = _deviation(excess, r) if rate.ndim else (deviation, moves)
    slope, b_moves = _slope(r, b)
    with np.errstate(all="ignore"):
        downside = _downside(below)
        measures = {
            "total_return": (ends - 1.0, ok),
            "volatility": (deviation * root, ok),
            "sharpe_ratio": (_mean(excess) / excess_deviation * root, ok & excess_moves),
            "sortino_ratio": (_mean(below) / downside * root, ok & (downside > 0)),
            "max_drawdown": (depth, ok & whole),
            "beta": (slope, ok & b_moves),
            "alpha": ((_mean(excess) - slope * _mean(other)) * root**2, ok & b_moves),
        }
        return Summary(
            **{name: np.where(good & np.isfinite(value), value, np.nan) for name, (value, good) in measures.items()}
        )


def risk_free_returns(annual_yields: npt.ArrayLike, days: npt.ArrayLike) -> Measure:
    """What a yearly yield pays over calendar days: (1 + y)^(days / 365) - 1, y known at the opening of each period.

    annual_yields, days  a number, or (D,), in decimal (0.05 is 5 %); Friday to Monday is three days
    """
    return period_money_weighted_return(annual_yields, days)


def _series(values: npt.ArrayLike) -> Floats:
    """Not a number: a benchmark is a series."""
    array = as_floats("benchmark", values)
    if array.ndim == 0:
        raise InvalidInput("benchmark", "is a number, a series is needed")
    return array


def _root(periods_per_year: float) -> float:
    if not 0 < periods_per_year < np.inf:
        raise InvalidInput("periods_per_year", f"is {periods_per_year}, a number above zero is needed")
    return float(np.sqrt(periods_per_year))


def _less(r: Floats, other: Floats) -> Floats:
    return r if other.ndim == 0 and other == 0.0 else r - other


def _mean(values: Floats) -> Floats:
    return np.asarray(values.sum(axis=0) / len(values))


def _products(left: Floats, right: Floats) -> Floats:
    return np.asarray(np.einsum("i...,i...->...", left, np.broadcast_to(right, left.shape)))


def _deviation(values: Floats, beside: Floats) -> tuple[Floats, Bools]:
    """Sample standard deviation, and whether it is more than the rounding of the series it was made from."""
    with np.errstate(all="ignore"):
        centred = values - _mean(values)
        squares, rest = _products(centred, centred), centred.sum(axis=0)  # the rest is what the mean was rounded by
        deviation = np.sqrt(np.maximum(squares - rest**2 / len(values), 0.0) / (len(values) - 1))
        moves = deviation > FLAT * np.sqrt(_products(beside, beside) / len(beside))
        return np.where(moves | np.isnan(deviation), deviation, 0.0), np.asarray(moves)


def _downside(excess: Floats) -> Floats:
    below = np.minimum(excess, 0.0)
    return np.asarray(np.sqrt(_products(below, below) / len(excess)))


def _mean_over_deviation(measure: str, r: Floats, other: Floats, ok: Bools, periods_per_year: float) -> Measure:
    excess = _less(r, other)
    deviation, moves = _deviation(excess, r)
    with np.errstate(all="ignore"):
        ratio = _mean(excess) / deviation * _root(periods_per_year)
    return settle(ratio, ok & moves, _flat(measure, "the excess return"))


def _slope(r: Floats, b: Floats) -> tuple[Floats, Bools]:
    _, moves = _deviation(b, b)
    with np.errstate(all="ignore"):
        r_centred, b_centred = r - _mean(r), b - _mean(b)
        return _products(r_centred, b_centred) / _products(b_centred, b_centred), moves


def _jensen(returns: npt.ArrayLike, benchmark: npt.ArrayLike, risk_free: npt.ArrayLike) -> tuple[Floats, Bools]:
    (r, b, rate), ok = observations(2, returns=returns, benchmark=_series(benchmark), risk_free=risk_free)
    slope, moves = _slope(r, b)
    with np.errstate(all="ignore"):
        return _mean(_less(r, rate)) - slope * _mean(b - rate), ok & moves


def _deepest(r: Floats) -> tuple[Floats, Bools]:
    """Deepest fall, and whether no return lies below -100 %."""
    _, depth, whole = _index(r)
    return depth, whole


def _index(r: Floats) -> tuple[Floats, Floats, Bools]:
    """What the return index ends at, its deepest fall, and whether no return lies below -100 %."""
    value = highest = lowest = np.ones(r.shape[1:])
    with np.errstate(all="ignore"):
        if r.ndim == 1:
            index = np.cumprod(1.0 + r)
            value, lowest = index[-1], (index / np.maximum(np.maximum.accumulate(index), 1.0)).min(initial=1.0)
        else:  # day by day: cumprod of a table goes column by column and takes five times as long
            for day in r:
                value = value * (1.0 + day)
                highest = np.maximum(highest, value)
                lowest = np.minimum(lowest, value / highest)
    return value, np.asarray(lowest - 1.0), np.asarray(r.min(axis=0) >= -1.0)


def _percentile(r: Floats, level: float) -> Floats:
    if not 0.0 < level < 1.0:
        raise InvalidInput("level", f"is {level}, a share between 0 and 1 is needed")
    with np.errstate(all="ignore"):
        return np.asarray(np.percentile(r, 100.0 - 100.0 * level, axis=0, method="linear"))


def _flat(measure: str, what: str) -> UndefinedRatio:
    return UndefinedRatio(measure, f"{what} does not vary")


def _overflow(measure: str) -> UndefinedRatio:
    return UndefinedRatio(measure, "too large for a number")
