"""The returns between the observations of a span, which figures of risk are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats
from portfolio.performance import basis, measured_history, risk_free
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.daily_returns import Undefined
from portfolio.performance.measured_history import MeasuredHistory
from portfolio.performance.measures import Window
from portfolio.performance.metric import NO_OBSERVATIONS, SHORT_HISTORY
from portfolio.performance.risk_free import RiskFree
from portfolio.performance.windows import Span
from portfolio.valuation import Days, ValueHistory

COUNTS: Mapping[Window, int] = {
    Window.DAYS_30: 30,
    Window.DAYS_60: 60,
    Window.DAYS_90: 90,
    Window.ONE_YEAR: 252,
    Window.THREE_YEARS: 756,
    Window.FIVE_YEARS: 1260,
}
"""How many observations the windows of risk figures have."""


@dataclass(frozen=True)
class Observations:
    """(n,) returns between the observation days of a span; days without a session are linked into the next."""

    measured: MeasuredHistory
    returns: Floats
    closes: npt.NDArray[np.intp]
    """(n + 1,) the closes between which they lie; the first may be -1."""
    undefined: Undefined | None
    """The first day of the span that has no return."""
    doubts: tuple[str, ...] = ()

    @cached_property
    def basis(self) -> Mapping[str, object]:
        return basis.of_observations(self.measured.history, self.closes, self.measured.periods_per_year)

    @cached_property
    def risk_free_returns(self) -> Floats:
        """(n,) the risk-free return of the same periods; NaN where no rate is known."""
        rate = self.measured.risk_free
        if rate is None:
            return np.full(len(self.returns), np.nan)
        return risk_free.returns_between(self.measured.history, rate, self.closes)

    @property
    def periods_per_year(self) -> float:
        return self.measured.periods_per_year


def within(measured: MeasuredHistory, span: Span) -> Observations:
    """The observations of a span."""
    inside = measured.observations[(measured.observations > span.start) & (measured.observations <= span.end)]
    return between(measured, np.concatenate(([max(span.start, measured.opening)], inside)), span.doubts)


def of_window(measured: MeasuredHistory, window: Window) -> Observations | str:
    """The observations that figures of a window are made from, or why there are none, as a code."""
    return since_inception(measured) if window == Window.INCEPTION else last(measured, COUNTS[window])


def since_inception(measured: MeasuredHistory) -> Observations | str:
    """The observations since inception, or why there are none, as a code."""
    if not len(measured.observations):
        return NO_OBSERVATIONS
    observations = within(measured, measured.spans[Window.INCEPTION] or measured.life)
    if len(observations.returns):
        return observations
    return measured.daily.undefined[-1].reason if measured.daily.undefined else NO_OBSERVATIONS


def last(measured: MeasuredHistory, count: int) -> Observations | str:
    """The last `count` observations, or why there are fewer, as a code."""
    if not len(measured.observations):
        return NO_OBSERVATIONS
    if len(measured.observations) < count:
        return SHORT_HISTORY if len(measured.history.dates) < count else "too_few_observations"
    days = measured.observations[-count:]
    before = measured.observations[-count - 1] if len(measured.observations) > count else measured.opening
    return between(measured, np.concatenate(([before], days)))


def between(measured: MeasuredHistory, closes: npt.NDArray[np.intp], doubts: tuple[str, ...] = ()) -> Observations:
    """The observations between closes."""
    undefined = measured.daily.first_undefined(int(closes[0]), int(closes[-1])) if measured.daily.undefined else None
    return Observations(measured, measured.daily.between(closes), closes, undefined, doubts)


@dataclass(frozen=True, slots=True)
class ObservedReturns:
    """What lies between a portfolio's observations, for regressions.

    The close before the first observation is left out: a factor has no level on the day before a portfolio began.
    """

    days: npt.NDArray[np.intp]
    """(n + 1,) indexes of the closes in the history's days; `closes` are their dates."""
    closes: Days
    returns: Floats
    """(n,) of the portfolio."""
    risk_free: Floats
    """(n,) NaN where no rate was known."""
    benchmark: Floats | None
    """(n,) NaN where it was not known."""


def observed_returns(
    history: ValueHistory, rate: RiskFree, benchmark: BenchmarkReturns | None = None
) -> ObservedReturns:
    """The returns between observations, the risk-free rate and the benchmark over the same days."""
    nothing, no_days = np.zeros(0), np.zeros(0, dtype=np.intp)
    if not len(history.dates):
        return ObservedReturns(no_days, history.dates, nothing, nothing, None if benchmark is None else nothing)
    measured = measured_history.measure(history, rate, benchmark)
    days = measured.observations
    if not len(days):
        return ObservedReturns(no_days, history.dates[:0], nothing, nothing, None if benchmark is None else nothing)
    return ObservedReturns(
        days,
        history.dates[days],
        measured.daily.between(days),
        risk_free.returns_between(history, rate, days),
        None if measured.benchmark is None else measured.benchmark.between(days),
    )
