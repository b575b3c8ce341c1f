"""Which days of a history a window has."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from portfolio.analytics.errors import InvalidInput
from portfolio.performance import daily_returns
from portfolio.performance.daily_returns import DailyReturns, Undefined
from portfolio.performance.measures import Window
from portfolio.performance.metric import NOT_STARTED, SHORT_HISTORY, Metric, unavailable
from portfolio.valuation import ValueHistory

YEARS: Mapping[Window, int] = {Window.ONE_YEAR: 1, Window.THREE_YEARS: 3, Window.FIVE_YEARS: 5}


TO_DATE = frozenset({Window.MONTH_TO_DATE, Window.QUARTER_TO_DATE, Window.YEAR_TO_DATE})
"""Windows that are measured from inception where the portfolio is younger than they are."""


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a history: the closes at `start` and `end` (indexes into its days; -1 is the day before inception)."""

    start: int
    end: int
    opened: date
    closed: date
    years: int = 0
    doubts: tuple[str, ...] = ()
    """What every figure of the span is degraded by."""

    @property
    def days(self) -> int:
        return (self.closed - self.opened).days


def span_of(history: ValueHistory, window: Window, daily: DailyReturns | None = None) -> Span | None:
    """The days of a window up to the history's last; None where the portfolio is younger than the window.

    `daily` are the history's daily returns, where the caller has them already.

    It opens at the close of the last pack on or before its anniversary; since inception opens at nothing on the day before the
    first, and after a day without a return at the close of that. This month, quarter and year of a portfolio that is younger
    are measured from its first day.
    """
    whole = life(history)
    if whole is None:
        return None
    if window == Window.INCEPTION:
        return _since_last_undefined(history, daily or daily_returns.measure(history), whole)
    anniversary = _anniversary(history, window)
    if anniversary is None:
        return None
    start = int(np.searchsorted(history.dates, np.datetime64(anniversary), side="right")) - 1
    if start < 0:
        return replace(whole, doubts=(*whole.doubts, "since_inception")) if window in TO_DATE else None
    return Span(start, len(history.dates) - 1, history.dates[start].item(), whole.closed, YEARS.get(window, 0))


def life(history: ValueHistory) -> Span | None:
    """All days of a history, with and without a return. None where nothing was booked up to the as-of date."""
    if not len(history.dates):
        return None
    first, last = history.dates[0].item(), history.dates[-1].item()
    if history.is_late:
        return Span(0, len(history.dates) - 1, first, last, doubts=("before_first_pack",))
    return Span(-1, len(history.dates) - 1, first - timedelta(days=1), last)


def empty(asof_date: date) -> Span:
    """The span of a portfolio in which nothing was booked up to the as-of date."""
    return Span(-1, -1, asof_date, asof_date)


def last_days(history: ValueHistory, count: int) -> Span | None:
    """The last `count` pack days; None where the history has fewer.

    raises   InvalidInput for a span of none
    """
    if count < 1:
        raise InvalidInput("lookback_days", f"is {count}, at least one day is needed")
    start, whole = len(history.dates) - 1 - count, life(history)
    if whole is None or start < whole.start:
        return None
    if start == whole.start:
        return whole
    return Span(start, len(history.dates) - 1, history.dates[start].item(), history.dates[-1].item())


def _since_last_undefined(history: ValueHistory, daily: DailyReturns, whole: Span) -> Span:
    """Since inception starts anew at the close of a day without a return; after a total loss, where money comes in again."""
    if not daily.undefined:
        return whole
    start, reason = daily.undefined[-1].index, daily.undefined[-1].reason
    if reason == daily_returns.TOTAL_LOSS:
        came_in = np.flatnonzero(history.inflow[start + 1 :] > 0)
        start = start + int(came_in[0]) if len(came_in) else whole.end
    opening_day: date = history.dates[start].item()
    return replace(whole, start=start, opened=opening_day, doubts=(f"since {opening_day.isoformat()}",))


def _anniversary(history: ValueHistory, window: Window) -> date | None:
    """The day whose close opens a window; None where a single day has no day before it."""
    last: date = history.dates[-1].item()
    match window:
        case Window.DAY:
            return history.dates[-2].item() if len(history.dates) > 1 else None
        case Window.MONTH_TO_DATE:
            return last.replace(day=1) - timedelta(days=1)
        case Window.QUARTER_TO_DATE:
            return last.replace(month=(last.month - 1) // 3 * 3 + 1, day=1) - timedelta(days=1)
        case Window.YEAR_TO_DATE:
            return last.replace(month=1, day=1) - timedelta(days=1)
        case _:
            return _years_before(last, YEARS[window])


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def without_return(daily: DailyReturns, span: Span, basis: Mapping[str, object]) -> Metric | None:
    """The unavailable figure of a span that has no return: a day of it has none, or it has no days. None: it has one."""
    if not len(daily.returns):
        return unavailable(NOT_STARTED, basis)
    undefined = daily.first_undefined(span.start, span.end)
    if undefined is None and span.start == span.end:
        if not daily.undefined:
            return unavailable(SHORT_HISTORY, basis)
        undefined = daily.undefined[-1]
    return None if undefined is None else on_undefined_day(undefined, basis)


def on_undefined_day(undefined: Undefined, basis: Mapping[str, object]) -> Metric:
    """The unavailable figure of a span that contains a day without a return."""
    return unavailable(undefined.reason, {**basis, "undefined": undefined.on.isoformat()})
