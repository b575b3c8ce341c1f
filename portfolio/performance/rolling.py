"""Figures of the last so many observations, as of each observation date."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from portfolio.analytics import risk
from portfolio.analytics.errors import Floats, InvalidInput
from portfolio.performance import measured_history, observations
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.measured_history import MeasuredHistory
from portfolio.performance.metric import NO_OBSERVATIONS, NOT_STARTED, SHORT_HISTORY, with_gaps
from portfolio.performance.observations import Observations
from portfolio.performance.risk_figures import NO_RISK_FREE_RATE
from portfolio.performance.risk_free import RiskFree
from portfolio.performance.versus_benchmark import NO_BENCHMARK
from portfolio.valuation import Days, ValueHistory

Series = tuple[float | None, ...]
FIGURES = ("twr", "volatility", "sharpe", "beta", "correlation", "tracking_error")
RELATIVE = FIGURES[3:]


@dataclass(frozen=True, slots=True)
class Rolling:
    """Figures of the last `window` observations, as of each observation date that has as many; None where not defined."""

    window: int
    periods_per_year: float
    dates: Days
    twr: Series
    """Cumulative over the window."""
    volatility: Series
    sharpe: Series
    beta: Series
    correlation: Series
    tracking_error: Series
    benchmark: str | None
    risk_free: str | None
    unavailable: Mapping[str, str]
    """Why a figure has no values at all, by its name."""
    degraded: Mapping[str, str]
    """What a figure is degraded by, by its name."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """The returns of all windows, each (window, K): one column for each window."""

    own: Floats
    risk_free: Floats | None
    benchmark: Floats | None
    periods_per_year: float

    @classmethod
    def from_observations(cls, measured: MeasuredHistory, observed: Observations, window: int) -> "_Columns":
        def windows(series: Floats) -> Floats:
            return np.lib.stride_tricks.sliding_window_view(series, window).T

        index = measured.benchmark
        return cls(
            windows(observed.returns),
            None if measured.risk_free is None else windows(observed.risk_free_returns),
            None if index is None else windows(index.between(observed.closes)),
            measured.periods_per_year,
        )


def rolling(
    history: ValueHistory,
    *,
    window: int,
    risk_free: RiskFree | None,
    benchmark: BenchmarkReturns | None = None,
) -> Rolling:
    """All windows of `window` observations in one pass; each agrees with the figure computed of its days alone.

    raises   InvalidInput for a window of none
    """
    if window < 1:
        raise InvalidInput("window", f"is {window}, at least one observation is needed")
    if not len(history.dates):
        return _without_values(window, history.dates, 0.0, NOT_STARTED, risk_free, benchmark)
    measured = measured_history.measure(history, risk_free, benchmark)
    observed = observations.within(measured, measured.life)
    if window > len(observed.returns):
        reason = SHORT_HISTORY if len(observed.returns) else NO_OBSERVATIONS
        return _without_values(window, history.dates[:0], measured.periods_per_year, reason, risk_free, benchmark)
    columns = _Columns.from_observations(measured, observed, window)
    own, free, other, per_year = columns.own, columns.risk_free, columns.benchmark, columns.periods_per_year
    return Rolling(
        window=window,
        periods_per_year=per_year,
        dates=history.dates[observed.closes[window:]],
        twr=with_gaps(np.prod(1.0 + own, axis=0) - 1.0),
        volatility=with_gaps(risk.volatility(own, periods_per_year=per_year)),
        sharpe=() if free is None else with_gaps(risk.sharpe_ratio(own, risk_free=free, periods_per_year=per_year)),
        beta=() if other is None else with_gaps(risk.beta(own, other)),
        correlation=() if other is None else with_gaps(risk.correlation(own, other)),
        tracking_error=() if other is None else with_gaps(risk.tracking_error(own, other, periods_per_year=per_year)),
        benchmark=benchmark.name if benchmark else None,
        risk_free=risk_free.series_id if risk_free else None,
        unavailable={
            **({"sharpe": NO_RISK_FREE_RATE} if risk_free is None else {}),
            **(dict.fromkeys(RELATIVE, NO_BENCHMARK) if benchmark is None else {}),
        },
        degraded={
            **({"sharpe": ", ".join(risk_free.degraded)} if risk_free and risk_free.degraded else {}),
            **(dict.fromkeys(RELATIVE, ", ".join(benchmark.degraded)) if benchmark and benchmark.degraded else {}),
        },
    )


def _without_values(
    window: int,
    no_dates: Days,
    periods_per_year: float,
    reason: str,
    risk_free: RiskFree | None,
    benchmark: BenchmarkReturns | None,
) -> Rolling:
    return Rolling(
        window=window,
        periods_per_year=periods_per_year,
        dates=no_dates,
        twr=(),
        volatility=(),
        sharpe=(),
        beta=(),
        correlation=(),
        tracking_error=(),
        benchmark=benchmark.name if benchmark else None,
        risk_free=risk_free.series_id if risk_free else None,
        unavailable=dict.fromkeys(FIGURES, reason),
        degraded={},
    )
