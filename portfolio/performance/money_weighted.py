"""Money-weighted returns of the windows, with what the same money would have returned in the benchmark.

The opening value is put in, the closing value taken out, every flow lies on its own date. Under a year a figure is the
period's own, else a yearly rate. The benchmark's part is that of Long and Nickels (1996).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from portfolio.analytics import returns
from portfolio.analytics.errors import AnalyticsError, Floats
from portfolio.performance import basis, daily_returns, measured_history, versus_benchmark
from portfolio.performance.measured_history import MeasuredHistory
from portfolio.performance.measures import RETURN_WINDOWS, Figure, Measure, Window
from portfolio.performance.metric import SHORT_HISTORY, Metric, degraded, unavailable
from portfolio.performance.versus_benchmark import Comparison
from portfolio.performance.windows import Span
from portfolio.valuation import Days, ValueHistory


def figures(measured: MeasuredHistory) -> dict[Figure, Metric]:
    """Every figure of measures.MONEY_WEIGHTED."""
    spans = _spans(measured)
    compared = {
        window: versus_benchmark.compare(
            measured, measured.life if window == Window.INCEPTION else measured.spans[window]
        )
        for window in RETURN_WINDOWS[1:]
    }
    money = _Money.from_windows(measured, spans, compared)
    rates = money.solve()
    by_figure: dict[Figure, Metric] = {}
    for window, comparison in compared.items():
        own, benchmark = unavailable(SHORT_HISTORY), comparison
        if window in spans:
            column = list(spans).index(window)
            own = money.figure(money.own, column, rates[column])
            if isinstance(comparison, Comparison):
                rate = money.figure(money.in_benchmark, column, rates[len(spans) + column])
                if money.in_benchmark_at_close[column] < 0:
                    rate = replace(rate, value=None, status="unavailable", reason="benchmark_emptied")
                benchmark = comparison.label(rate)
        assert isinstance(benchmark, Metric)  # without a span there is no comparison
        by_figure[Measure.MWR, window] = own
        by_figure[Measure.BENCHMARK_MWR, window] = benchmark
        by_figure[Measure.EXCESS_MWR, window] = versus_benchmark.excess(own, benchmark)
    return by_figure


def over(measured: MeasuredHistory, span: Span) -> Metric:
    """The money-weighted return of any span; a yearly rate where it has a year or more."""
    alone = replace(measured, benchmark=None)
    money = _Money.from_windows(alone, {Window.INCEPTION: span}, {Window.INCEPTION: unavailable(SHORT_HISTORY)})
    return money.figure(money.own, 0, float(money.solve()[0]))


def _spans(measured: MeasuredHistory) -> dict[Window, Span]:
    """The windows that the history is long enough for. Since inception is the whole life: days without a return do not matter."""
    spans = {window: measured.spans[window] for window in RETURN_WINDOWS[1:]}
    spans[Window.INCEPTION] = measured.life
    return {window: span for window, span in spans.items() if span is not None}


@dataclass(frozen=True, slots=True)
class _Money:
    """What was put in (negative) and taken out on K dates, one column for each of W windows."""

    measured: MeasuredHistory
    spans: tuple[Span, ...]
    days: npt.NDArray[np.int64]
    """(W,) calendar days of each window."""
    dates: Days
    """(K,)"""
    own: Floats
    """(K, W)"""
    in_benchmark: Floats
    """(K, W) the same money, with what it would have become in the benchmark at the close; 0 where that is not known."""
    in_benchmark_at_close: Floats
    """(W,)"""

    @classmethod
    def from_windows(
        cls, measured: MeasuredHistory, by_window: Mapping[Window, Span], compared: Mapping[Window, Comparison | Metric]
    ) -> "_Money":
        history, spans = measured.history, tuple(by_window.values())
        days = np.array([days_of(measured, span) for span in spans])
        dates, own = paid(history, spans)
        in_benchmark, at_close = np.zeros(own.shape), np.zeros(len(spans))
        for column, window in enumerate(by_window):
            comparison = compared[window]
            if isinstance(comparison, Comparison):
                at_close[column] = _value_in_benchmark(history, comparison, own[:, column])
                in_benchmark[:, column] = own[:, column]
                in_benchmark[-1, column] = at_close[column]
        # Fees paid from elsewhere: put in, and nothing to show for it. The same money in the benchmark has none.
        charged = np.flatnonzero(history.outside_fees)
        rows = charged[:, None]
        starts, ends = np.array([span.start for span in spans]), np.array([span.end for span in spans])
        inside = (starts < rows) & (rows <= ends)
        return cls(
            measured,
            spans,
            days,
            np.concatenate((dates, history.dates[charged])),
            np.vstack((own, np.where(inside, -history.outside_fees[rows], 0.0))),
            np.vstack((in_benchmark, np.zeros(inside.shape))),
            at_close,
        )

    @property
    def order(self) -> npt.NDArray[np.intp]:
        return np.argsort(self.dates, kind="stable")

    @property
    def rate_days(self) -> npt.NDArray[np.int64]:
        """(W,) the days that a rate is stated for."""
        return np.array([stated_days(days) for days in self.days.tolist()])

    def solve(self) -> Floats:
        """(W,) rates of the portfolio, and behind them, where there is a benchmark, (W,) of it; NaN where one has none."""
        tables = [self.own] if self.measured.benchmark is None else [self.own, self.in_benchmark]
        return np.asarray(
            returns.money_weighted_return(
                self.dates[self.order],
                np.column_stack(tables)[self.order],
                days=np.tile(self.rate_days, len(tables)),
            )
        )

    def figure(self, paid: Floats, column: int, rate: float) -> Metric:
        """One rate with its basis; where it is NaN, why the column has none."""
        history, span = self.measured.history, self.spans[column]
        is_yearly = bool(self.days[column] >= 365)
        rests_on = {**basis.of_span(history, span, annualised=is_yearly), "convention": "XIRR ACT/365"}
        unknown = self.dates[np.isnan(self.own[:, column])]
        if len(unknown):
            return unavailable(f"missing_{daily_returns.gap_before(history, unknown[0].item())}", rests_on)
        if np.isnan(rate):  # a table has NaN; the column alone raises with the reason
            try:
                rate = returns.money_weighted_return(
                    self.dates[self.order], paid[self.order, column], days=float(self.rate_days[column])
                )
            except AnalyticsError as undefined:
                return unavailable(str(undefined), rests_on)
        return degraded(Metric(float(rate), "ok", None, rests_on), span.doubts)


def days_of(measured: MeasuredHistory, span: Span) -> int:
    """The calendar days of a span; of the whole life, from the first flow on."""
    return measured_history.days_invested(measured.history) if span.start < 0 else span.days


def stated_days(days: int) -> int:
    """The days that the rate of so many is stated for: these, at most a year."""
    return min(max(days, 1), 365)


def paid(history: ValueHistory, spans: tuple[Span, ...]) -> tuple[Days, Floats]:
    """(K,) dates and (K, W) amounts of W spans: the flows, W openings, the close. Put in is negative, zero is no flow."""
    days = np.array([day for day, _ in history.flows], dtype="datetime64[D]")
    money = np.array([amount for _, amount in history.flows], dtype=np.float64)
    opening_days = np.array([span.opened for span in spans], dtype="datetime64[D]")
    amounts = np.zeros((len(days) + len(spans) + 1, len(spans)))
    for column, span in enumerate(spans):
        inside = ((days > opening_days[column]) | (span.start < 0)) & (days <= history.dates[-1])
        amounts[: len(days), column] = np.where(inside, -money, 0.0)
        if span.start >= 0:
            amounts[len(days) + column, column] = -history.value[span.start]
    amounts[-1] = history.value[-1]
    return np.concatenate((days, opening_days, history.dates[-1:])), amounts


def _value_in_benchmark(history: ValueHistory, comparison: Comparison, paid: Floats) -> float:
    """What the money of one column of `paid` would be at the close, had it been in the benchmark.

    Each flow counts by the flow timing, on the pack day that it belongs to.
    """
    days = np.array([day for day, _ in history.flows], dtype="datetime64[D]")
    amounts = -paid[:-1]
    closes = np.full(len(amounts), comparison.opening)
    closes[: len(days)] = np.maximum(closes_of_flows(history, days, amounts[: len(days)]), comparison.opening)
    growth = comparison.index.growth
    return float((amounts * (growth[comparison.span.end + 1] / growth[closes + 1])).sum())


def closes_of_flows(history: ValueHistory, days: Days, amounts: Floats) -> npt.NDArray[np.intp]:
    """(F,) the closes at which flows enter or leave, by the flow timing; amounts that come in are positive."""
    pack_day = np.minimum(np.searchsorted(history.dates, days), len(history.dates) - 1)
    early = np.full(len(days), history.flow_timing == "start")
    if history.flow_timing == "in_start_out_end":
        early = amounts > 0
    return np.asarray(pack_day - early)
