"""How a portfolio did over a span of days: its returns, and the series that a chart of the span shows."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from portfolio.analytics.errors import Floats
from portfolio.performance import measured_history, money_weighted, time_weighted, versus_benchmark
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.day_span import DaySpan
from portfolio.performance.measured_history import MeasuredHistory
from portfolio.performance.measures import Window
from portfolio.performance.metric import NOT_STARTED, Metric, unavailable, with_gaps
from portfolio.performance.versus_benchmark import Comparison
from portfolio.performance.windows import Span
from portfolio.valuation import Days, ValueHistory

Series = tuple[float | None, ...]
WORST = 5


@dataclass(frozen=True, slots=True)
class Fall:
    """A drawdown of the return index: from its peak to its trough, and when the peak was reached again (None: not yet)."""

    peak: date
    trough: date
    recovery: date | None
    depth: float
    """Below zero, a fraction."""
    days: int
    """From the peak to the recovery, or to the last day."""


@dataclass(frozen=True, slots=True)
class RangePerformance:
    """Figures of the span, none a yearly rate but the money-weighted one of a span of a year or more."""

    label: str
    first_date: date
    """The span opens at this day's close; since inception, the day before the first."""
    last_date: date
    days: int
    benchmark: str | None
    twr: Metric
    gross_twr: Metric
    """Before management and custody fees."""
    benchmark_twr: Metric
    excess_twr: Metric
    mwr: Metric
    dates: Days
    values: tuple[float, ...]
    net_contributions: Series
    """Money put in less money taken out since inception, at each close."""
    returns: Series
    """Growth of the return index since the span opened, at each close."""
    benchmark_returns: Series
    drawdowns: Series
    """At or below zero: how far the return index stands below its highest of the span."""
    worst: tuple[Fall, ...]
    """The deepest falls of the span, the deepest first."""


def measure(history: ValueHistory, day_span: DaySpan, benchmark: BenchmarkReturns | None) -> RangePerformance:
    """The span of a history; what a portfolio younger than the span has is measured from its first day."""
    if not len(history.dates):
        return _empty(day_span, benchmark)
    measured = measured_history.measure(history, None, benchmark)
    span = span_of(history, measured, day_span)
    own, other = time_weighted.over(measured, span), versus_benchmark.time_weighted(measured, span)
    closes = slice(max(span.start, 0), span.end + 1)
    growth = _growth(measured, span)
    falls = growth / np.maximum.accumulate(np.where(np.isnan(growth), 0.0, growth)) - 1.0
    skipped = 0 if span.start >= 0 else 1  # the opening of a life is no day of it
    return RangePerformance(
        label=day_span.label,
        first_date=span.opened,
        last_date=span.closed,
        days=span.end - span.start,
        benchmark=benchmark.name if benchmark else None,
        twr=own,
        gross_twr=own if measured.gross is None else time_weighted.over(measured, span, measured.gross),
        benchmark_twr=other,
        excess_twr=versus_benchmark.excess(own, other),
        mwr=money_weighted.over(measured, span),
        dates=history.dates[closes],
        values=tuple(history.value[closes].tolist()),
        net_contributions=with_gaps(np.cumsum(history.inflow - history.outflow)[closes]),
        returns=with_gaps(growth[skipped:] - 1.0),
        benchmark_returns=_benchmark_returns(measured, span, skipped),
        drawdowns=with_gaps(falls[skipped:]),
        worst=_worst(history, span, growth),
    )


def span_of(history: ValueHistory, measured: MeasuredHistory, day_span: DaySpan) -> Span:
    """The span of a history that the days are; since inception where it is younger."""
    whole = measured.spans[Window.INCEPTION] or measured.life
    if day_span.from_date is None:
        return whole
    opening = np.datetime64(day_span.from_date - timedelta(days=1))
    start = int(np.searchsorted(history.dates, opening, side="right")) - 1
    last = len(history.dates) - 1
    if start < whole.start or start < 0:
        return whole
    return Span(start, last, history.dates[start].item(), history.dates[last].item())


def _growth(measured: MeasuredHistory, span: Span) -> Floats:
    """(n + 1,) of the return index at the opening of the span and at each of its closes; NaN from a day without a return on."""
    return np.concatenate(([1.0], np.cumprod(1.0 + measured.daily.returns[span.start + 1 : span.end + 1])))


def _benchmark_returns(measured: MeasuredHistory, span: Span, skipped: int) -> Series:
    compared = versus_benchmark.compare(measured, span)
    if not isinstance(compared, Comparison):
        return ()
    growth = compared.index.growth[span.start + 1 : span.end + 2] / compared.index.growth[compared.opening + 1] - 1.0
    has_benchmark = np.arange(span.start, span.end + 1) >= compared.opening
    return with_gaps(np.where(has_benchmark, growth, np.nan)[skipped:])


def _worst(history: ValueHistory, span: Span, growth: Floats) -> tuple[Fall, ...]:
    """Falls do not overlap: each runs from a peak to where it is reached again."""
    if np.isnan(growth).any():
        return ()

    def day(point: int) -> date:
        place = span.start + point
        close_day: date = span.opened if place < 0 else history.dates[place].item()
        return close_day

    peaks = np.maximum.accumulate(growth)
    under = np.flatnonzero(growth < peaks)
    runs = np.split(under, np.flatnonzero(np.diff(under) > 1) + 1) if len(under) else []
    falls = []
    for run in runs:
        peak, trough, after = int(run[0]) - 1, int(run[growth[run].argmin()]), int(run[-1]) + 1
        recovery = day(after) if after < len(growth) else None
        depth = float(growth[trough] / peaks[trough] - 1.0)
        falls.append(Fall(day(peak), day(trough), recovery, depth, ((recovery or span.closed) - day(peak)).days))
    return tuple(sorted(falls, key=lambda fall: (fall.depth, fall.peak))[:WORST])


def _empty(day_span: DaySpan, benchmark: BenchmarkReturns | None) -> RangePerformance:
    none = unavailable(NOT_STARTED)
    return RangePerformance(
        label=day_span.label,
        first_date=day_span.to_date,
        last_date=day_span.to_date,
        days=0,
        benchmark=benchmark.name if benchmark else None,
        twr=none,
        gross_twr=none,
        benchmark_twr=none,
        excess_twr=none,
        mwr=none,
        dates=np.array([], dtype="datetime64[D]"),
        values=(),
        net_contributions=(),
        returns=(),
        benchmark_returns=(),
        drawdowns=(),
        worst=(),
    )
