"""A value history with all that its figures are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats
from portfolio.performance import benchmark_index, daily_returns, windows
from portfolio.performance.benchmark_index import BenchmarkIndex, BenchmarkReturns
from portfolio.performance.daily_returns import DailyReturns
from portfolio.performance.measures import RETURN_WINDOWS, Window
from portfolio.performance.risk_free import RiskFree
from portfolio.performance.windows import Span
from portfolio.valuation import ValueHistory


@dataclass(frozen=True, slots=True)
class MeasuredHistory:
    """A value history that has days, with what its figures are made from."""

    history: ValueHistory
    daily: DailyReturns
    gross: Floats | None
    """(D,) daily returns with management and custody fees added back; None where there were none."""
    observations: npt.NDArray[np.intp]
    """Indexes of the days that count as observations of risk."""
    periods_per_year: float
    opening: int
    """The close from which the first day is measured: -1, the day before; 0 where it can't be."""
    spans: Mapping[Window, Span | None]
    """Of RETURN_WINDOWS; None where the portfolio is younger than the window."""
    life: Span
    """All days, with and without a return."""
    risk_free: RiskFree | None
    benchmark: BenchmarkIndex | None


def measure(
    history: ValueHistory, risk_free: RiskFree | None, benchmark: BenchmarkReturns | None = None
) -> MeasuredHistory:
    """What the figures of a history that has days are made from.

    raises   InvariantViolated where a long-only portfolio lost more than it had
    """
    unchecked = daily_returns.unchecked(history)
    daily_returns.require_long_only(history, unchecked)
    daily, whole = daily_returns.linkable(history, unchecked), windows.life(history)
    assert whole is not None
    observations = daily_returns.observation_days(history)
    return MeasuredHistory(
        history=history,
        daily=daily,
        gross=daily_returns.before_fees(history, daily.returns),
        observations=observations,
        periods_per_year=daily_returns.periods_per_year(history, len(observations)),
        opening=daily_returns.first_measured(history) - 1,
        spans={window: windows.span_of(history, window, daily) for window in RETURN_WINDOWS},
        life=whole,
        risk_free=risk_free,
        benchmark=None if benchmark is None else benchmark_index.index_of(benchmark),
    )


def days_invested(history: ValueHistory) -> int:
    """Calendar days as XIRR counts them, from the first flow's own date, so that with a single flow TWR annualised = MWR."""
    first: date = history.flows[0][0] if history.flows else history.dates[0].item()
    last: date = history.dates[-1].item()
    return (last - first).days
