"""Drawdowns of the windows, on the return index over all pack days, with the dates of peak, trough and recovery."""

from dataclasses import dataclass

from portfolio.analytics import risk
from portfolio.analytics.errors import AnalyticsError
from portfolio.performance import basis, windows
from portfolio.performance.measured_history import MeasuredHistory
from portfolio.performance.measures import Figure, Measure, Window
from portfolio.performance.metric import SHORT_HISTORY, Metric, degraded, unavailable
from portfolio.performance.windows import Span

WINDOWS = (Window.INCEPTION, Window.ONE_YEAR, Window.THREE_YEARS, Window.FIVE_YEARS)


@dataclass(frozen=True, slots=True)
class _Drawdowns:
    deepest: Metric
    current: Metric


def figures(measured: MeasuredHistory) -> dict[Figure, Metric]:
    """The deepest drawdown of each window, and the current one since inception."""
    by_window = {window: _over(measured, measured.spans[window]) for window in WINDOWS}
    return {
        **{(Measure.MAX_DRAWDOWN, window): each.deepest for window, each in by_window.items()},
        (Measure.CURRENT_DRAWDOWN, Window.INCEPTION): by_window[Window.INCEPTION].current,
    }


def _over(measured: MeasuredHistory, span: Span | None) -> _Drawdowns:
    if span is None:
        absent = unavailable(SHORT_HISTORY)
        return _Drawdowns(absent, absent)
    rests_on = basis.of_span(measured.history, span)
    without = windows.without_return(measured.daily, span, rests_on)
    if without is not None:
        return _Drawdowns(without, without)
    try:
        falls = risk.drawdown(measured.daily.returns[span.start + 1 : span.end + 1])
    except AnalyticsError as undefined:
        absent = unavailable(str(undefined), rests_on)
        return _Drawdowns(absent, absent)

    def day(point: int | None) -> str | None:
        """Date of a point of the return index, whose first is the opening of the span."""
        if point is None:
            return None
        close = span.start + point
        return str(span.opened if close < 0 else measured.history.dates[close])

    turns = {"peak": day(falls.peak), "trough": day(falls.trough), "recovery": day(falls.recovery)}
    current = {"peak": day(falls.current_peak)}
    return _Drawdowns(
        degraded(Metric(float(falls.depth), "ok", None, {**rests_on, **turns}), span.doubts),
        degraded(Metric(float(falls.current), "ok", None, {**rests_on, **current}), span.doubts),
    )
