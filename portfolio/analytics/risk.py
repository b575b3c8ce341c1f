"""Risk and ratios of return series: fractions per period, (D,) -> float, (D, P) -> (P,).

One series without an answer raises InvalidInput (NaN, infinity, shapes), TooFewObservations or UndefinedRatio (zero
variance, zero denominator); in a table that column is NaN. `risk_free`, `mar`: a number per period, (D,), or (D, P).
`benchmark`: (D,), or (D, P). Sample statistics have ddof 1. Formulas: docs/measurement.md, Risk and ratios.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portfolio.analytics.drawdowns import Drawdown, deepest_fall, drawdown, max_drawdown
from portfolio.analytics.errors import (
    Floats,
    InvalidInput,
    Measure,
    UndefinedRatio,
    observations,
    settle,
)
from portfolio.analytics.moments import (
    deviation_of,
    downside_of,
    less,
    mean,
    mean_over_deviation,
    root_of_year,
    too_large,
)
from portfolio.analytics.relative_risk import (
    alpha,
    alpha_compound,
    beta,
    correlation,
    information_ratio,
    tracking_error,
)
from portfolio.analytics.returns import period_money_weighted_return
from portfolio.analytics.summary import Summary, summary

__all__ = [
    "Drawdown", "Summary", "alpha", "alpha_compound", "beta", "calmar_ratio", "correlation", "downside_deviation", "drawdown",
    "expected_shortfall", "information_ratio", "max_drawdown", "risk_free_returns", "sharpe_ratio", "sortino_ratio", "summary",
    "tracking_error", "value_at_risk", "volatility", "win_rate",
]  # fmt: skip


def volatility(returns: npt.ArrayLike, *, periods_per_year: float = 252) -> Measure:
    """Standard deviation per year; 0.0 for a series that does not move. D >= 2."""
    (r,), ok = observations(2, returns=returns)
    deviation, _ = deviation_of(r, r)
    return settle(deviation * root_of_year(periods_per_year), ok, too_large("volatility"))


def downside_deviation(returns: npt.ArrayLike, *, mar: npt.ArrayLike = 0.0, periods_per_year: float = 252) -> Measure:
    """Root mean square of min(r - MAR, 0) over all D observations, per year. D >= 1."""
    (r, floor), ok = observations(1, returns=returns, mar=mar)
    return settle(downside_of(less(r, floor)) * root_of_year(periods_per_year), ok, too_large("downside deviation"))


def sharpe_ratio(returns: npt.ArrayLike, *, risk_free: npt.ArrayLike = 0.0, periods_per_year: float = 252) -> Measure:
    """mean(r - rf) / std(r - rf) * sqrt(periods a year). D >= 2."""
    (r, rate), ok = observations(2, returns=returns, risk_free=risk_free)
    return mean_over_deviation("Sharpe ratio", r, rate, ok, periods_per_year)


def sortino_ratio(returns: npt.ArrayLike, *, mar: npt.ArrayLike = 0.0, periods_per_year: float = 252) -> Measure:
    """mean(r - MAR) * periods a year / downside deviation below MAR. D >= 2."""
    (r, floor), ok = observations(2, returns=returns, mar=mar)
    excess = less(r, floor)
    with np.errstate(all="ignore"):
        downside = downside_of(excess)
        ratio = mean(excess) / downside * root_of_year(periods_per_year)
    return settle(ratio, ok & (downside > 0), UndefinedRatio("Sortino ratio", "no return lies below the target"))


def calmar_ratio(returns: npt.ArrayLike, *, periods_per_year: float = 252) -> Measure:
    """Annualised return / |maximum drawdown|, the return compounded over D / periods a year. D >= 1."""
    (r,), ok = observations(1, returns=returns)
    root_of_year(periods_per_year)
    depth, whole = deepest_fall(r)
    with np.errstate(all="ignore"):
        growth = np.power(np.prod(1.0 + r, axis=0), periods_per_year / len(r))
        ratio = (growth - 1.0) / -depth
    return settle(ratio, ok & whole & (depth < 0), UndefinedRatio("Calmar ratio", "there is no drawdown"))


def win_rate(returns: npt.ArrayLike) -> Measure:
    """Share of the returns above zero among those that are not zero. D >= 1."""
    (r,), ok = observations(1, returns=returns)
    won, nonzero = (r > 0).sum(axis=0), (r != 0).sum(axis=0)
    value = won / np.maximum(nonzero, 1)
    return settle(value, ok & (nonzero > 0), UndefinedRatio("win rate", "every return is zero"))


def value_at_risk(returns: npt.ArrayLike, *, level: float = 0.95) -> Measure:
    """Loss per period not exceeded with this confidence, from history: -percentile(r, 1 - level), linear.

    A loss is positive; a negative figure says that even this percentile was a gain. D >= 2, 0 < level < 1.
    """
    (r,), ok = observations(2, returns=returns)
    return settle(0.0 - _percentile(r, level), ok, too_large("value at risk"))


def expected_shortfall(returns: npt.ArrayLike, *, level: float = 0.95) -> Measure:
    """Mean loss per period of the returns at or below the percentile of value_at_risk; a loss is positive. D >= 2."""
    (r,), ok = observations(2, returns=returns)
    mark = _percentile(r, level)
    with np.errstate(all="ignore"):
        # A mark that falls on an observation may come out a rounding below it: that observation counts.
        tail = r <= mark + 8 * np.finfo(np.float64).eps * np.abs(mark)
        mean = np.where(tail, r, 0.0).sum(axis=0) / np.maximum(tail.sum(axis=0), 1)
    return settle(0.0 - mean, ok & tail.any(axis=0), too_large("expected shortfall"))


def risk_free_returns(annual_yields: npt.ArrayLike, days: npt.ArrayLike) -> Measure:
    """What a yearly yield pays over calendar days: (1 + y)^(days / 365) - 1, y known at the opening of each period.

    annual_yields, days  a number, or (D,), in decimal (0.05 is 5 %); Friday to Monday is three days
    """
    return period_money_weighted_return(annual_yields, days)


def _percentile(r: Floats, level: float) -> Floats:
    if not 0.0 < level < 1.0:
        raise InvalidInput("level", f"is {level}, a share between 0 and 1 is needed")
    with np.errstate(all="ignore"):
        return np.asarray(np.percentile(r, 100.0 - 100.0 * level, axis=0, method="linear"))
