"""Time-weighted returns of the windows, net and gross, with the benchmark's and the excess over it."""

from dataclasses import replace

from portfolio.analytics import returns
from portfolio.analytics.errors import Floats
from portfolio.performance import basis, measured_history, versus_benchmark, windows
from portfolio.performance.measured_history import MeasuredHistory
from portfolio.performance.measures import RETURN_WINDOWS, Figure, Measure, Window
from portfolio.performance.metric import (
    SHORT_HISTORY,
    UNDER_A_YEAR,
    Metric,
    annualised,
    degraded,
    unavailable,
)
from portfolio.performance.windows import Span


def figures(measured: MeasuredHistory) -> dict[Figure, Metric]:
    """Every figure of measures.TIME_WEIGHTED."""
    own = _with_yearly(measured, {window: over(measured, measured.spans[window]) for window in RETURN_WINDOWS})
    if measured.gross is None:
        gross = {window: replace(each, basis={**each.basis, "net": basis.GROSS}) for window, each in own.items()}
    else:
        gross = _with_yearly(
            measured, {window: over(measured, measured.spans[window], measured.gross) for window in RETURN_WINDOWS}
        )
    benchmark = _with_yearly(
        measured,
        {window: versus_benchmark.time_weighted(measured, measured.spans[window]) for window in RETURN_WINDOWS},
    )
    by_measure = {
        Measure.TWR: own,
        Measure.GROSS_TWR: gross,
        Measure.BENCHMARK_TWR: benchmark,
        Measure.EXCESS_TWR: {window: versus_benchmark.excess(own[window], each) for window, each in benchmark.items()},
    }
    return {(measure, window): each for measure, row in by_measure.items() for window, each in row.items()}


def over(measured: MeasuredHistory, span: Span | None, gross: Floats | None = None) -> Metric:
    """The linked return of a span, a yearly one where the span has several years; `gross` are daily returns before fees."""
    if span is None:
        return unavailable(SHORT_HISTORY)
    is_yearly = span.years > 1
    rests_on = basis.of_span(measured.history, span, annualised=is_yearly)
    if gross is not None:
        rests_on = {**rests_on, "net": basis.GROSS}
    absent = windows.without_return(measured.daily, span, rests_on)
    if absent is not None:
        return absent
    daily = measured.daily.returns if gross is None else gross
    total = float(returns.link(daily[span.start + 1 : span.end + 1]))
    first_day_lost = span.start == -1 and measured.history.flow_timing == "end"
    metric = degraded(
        Metric(total, "ok", None, rests_on), (*span.doubts, *(("first_day_excluded",) if first_day_lost else ()))
    )
    return annualised(metric, total, 365 * span.years) if is_yearly else metric


def _with_yearly(measured: MeasuredHistory, by_window: dict[Window, Metric]) -> dict[Window, Metric]:
    """The figures of the windows, and behind them since inception as a yearly rate."""
    total = by_window[Window.INCEPTION]
    if total.value is None:
        return {**by_window, Window.INCEPTION_ANNUALISED: total}
    span = measured.spans[Window.INCEPTION] or measured.life
    days = measured_history.days_invested(measured.history) if span.start < 0 else span.days
    rests_on = {**total.basis, "annualised": True}
    if days < returns.DAYS_A_YEAR:
        yearly = unavailable(UNDER_A_YEAR, rests_on)
    else:
        yearly = annualised(replace(total, basis=rests_on), total.value, days)
    return {**by_window, Window.INCEPTION_ANNUALISED: yearly}
