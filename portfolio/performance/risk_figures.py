"""Volatility, ratios and tails of the windows."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from portfolio.analytics import returns, risk
from portfolio.analytics.errors import AnalyticsError, Floats
from portfolio.performance import drawdowns, measured_history, observations, windows
from portfolio.performance.measured_history import MeasuredHistory
from portfolio.performance.measures import RISK, SHARPE, Figure, Measure, Window
from portfolio.performance.metric import UNDER_A_YEAR, Metric, degraded, unavailable
from portfolio.performance.observations import Observations

NO_RISK_FREE_RATE = "no_risk_free_rate"
MIN_TAIL_OBSERVATIONS, FULL_TAIL_OBSERVATIONS = 30, 100
"""A tail has no figure under the first, and is degraded under the second."""
TAIL_LEVEL = 0.95

Compute = Callable[[Observations], float]
ComputeOver = Callable[[Observations, Floats], float]
"""From the observations and the risk-free return of the same periods."""

_ABSOLUTE: Mapping[Measure, Compute] = {
    Measure.VOLATILITY: lambda each: risk.volatility(each.returns, periods_per_year=each.periods_per_year),
    Measure.CALMAR: lambda each: risk.calmar_ratio(each.returns, periods_per_year=each.periods_per_year),
    Measure.WIN_RATE: lambda each: risk.win_rate(each.returns),
}
_OVER_RISK_FREE: Mapping[Measure, ComputeOver] = {
    Measure.SHARPE: lambda each, free: risk.sharpe_ratio(
        each.returns, risk_free=free, periods_per_year=each.periods_per_year
    ),
    Measure.SORTINO: lambda each, free: risk.sortino_ratio(
        each.returns, mar=free, periods_per_year=each.periods_per_year
    ),
    Measure.DOWNSIDE_DEVIATION: lambda each, free: risk.downside_deviation(
        each.returns, mar=free, periods_per_year=each.periods_per_year
    ),
}
_TAILS: Mapping[Measure, Compute] = {
    Measure.VALUE_AT_RISK: lambda each: risk.value_at_risk(each.returns, level=TAIL_LEVEL),
    Measure.EXPECTED_SHORTFALL: lambda each: risk.expected_shortfall(each.returns, level=TAIL_LEVEL),
}


def figures(measured: MeasuredHistory) -> dict[Figure, Metric]:
    """The figures of measures.RISK that need no benchmark."""
    spans = {window: observations.of_window(measured, window) for window in (*observations.COUNTS, Window.INCEPTION)}
    by_figure: dict[Figure, Metric] = {}
    for measure, window in RISK:
        if measure in _ABSOLUTE:
            is_yearly = measure != Measure.WIN_RATE
            by_figure[measure, window] = figure(spans[window], _ABSOLUTE[measure], annualised=is_yearly)
        elif measure in _OVER_RISK_FREE:
            by_figure[measure, window] = figure_over_risk_free(measured, spans[window], _OVER_RISK_FREE[measure])
        elif measure in _TAILS:
            by_figure[measure, window] = _tail(measured, spans[Window.ONE_YEAR], _TAILS[measure])
    calmar = by_figure[Measure.CALMAR, Window.INCEPTION]
    if calmar.value is not None and measured_history.days_invested(measured.history) < returns.DAYS_A_YEAR:
        by_figure[Measure.CALMAR, Window.INCEPTION] = unavailable(UNDER_A_YEAR, calmar.basis)
    return by_figure | drawdowns.figures(measured)


def sharpe(measured: MeasuredHistory) -> dict[Figure, Metric]:
    """The Sharpe ratio of every window, a year: the mean return over the risk-free rate by its standard deviation."""
    compute = _OVER_RISK_FREE[Measure.SHARPE]
    return {
        (measure, window): figure_over_risk_free(measured, observations.of_window(measured, window), compute)
        for measure, window in SHARPE
    }


def figure(observed: Observations | str, compute: Compute, *, annualised: bool) -> Metric:
    """What is computed of observations, or of why there are none: unavailable where it is not defined."""
    if isinstance(observed, str):
        return unavailable(observed)
    if observed.undefined is not None:
        return windows.on_undefined_day(observed.undefined, observed.basis)
    basis = observed.basis if annualised else {**observed.basis, "annualised": False}
    try:
        return degraded(Metric(float(compute(observed)), "ok", None, basis), observed.doubts)
    except AnalyticsError as undefined:
        return unavailable(str(undefined), basis)


def figure_over_risk_free(measured: MeasuredHistory, observed: Observations | str, compute: ComputeOver) -> Metric:
    """What is computed of observations and the risk-free rate; unavailable without a rate in every period."""
    if measured.risk_free is None:
        return unavailable(NO_RISK_FREE_RATE)
    if isinstance(observed, str):
        return unavailable(observed)
    free = observed.risk_free_returns
    basis = {**observed.basis, "risk_free": measured.risk_free.series_id}
    if np.isnan(free).any():
        return unavailable(NO_RISK_FREE_RATE, basis)
    metric = figure(observed, lambda each: compute(each, free), annualised=True)
    return replace(degraded(metric, measured.risk_free.degraded), basis=basis)


def _tail(measured: MeasuredHistory, observed: Observations | str, compute: Compute) -> Metric:
    """A tail of one year's observations, or of all where there are fewer."""
    if isinstance(observed, str):
        every = observations.since_inception(measured)
        if isinstance(every, str) or len(every.returns) < MIN_TAIL_OBSERVATIONS:
            return unavailable(observed)
        observed = every
    metric = figure(observed, compute, annualised=False)
    if len(observed.returns) < FULL_TAIL_OBSERVATIONS:
        return degraded(metric, ["few_observations"])
    return metric
