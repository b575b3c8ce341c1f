"""A benchmark over the days of a portfolio's window, and the excess over it."""

from dataclasses import dataclass, replace

from portfolio.performance import basis, measured_history, windows
from portfolio.performance.benchmark_index import BenchmarkIndex, BenchmarkReturns
from portfolio.performance.measured_history import MeasuredHistory
from portfolio.performance.metric import (
    NOT_STARTED,
    SHORT_HISTORY,
    Metric,
    annualised,
    degraded,
    doubts_of,
    unavailable,
)
from portfolio.performance.windows import Span
from portfolio.valuation import ValueHistory

NO_BENCHMARK = "no_benchmark"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A span over which the benchmark is known, from the close `opening` on."""

    index: BenchmarkIndex
    span: Span
    opening: int
    doubts: tuple[str, ...]

    def label(self, figure: Metric) -> Metric:
        """The figure as one of the benchmark, with what the benchmark is degraded by."""
        figure = replace(figure, basis={**figure.basis, "net": self.index.benchmark.name})
        return degraded(figure, self.index.doubts(*self.span.doubts, *self.doubts))


def compare(measured: MeasuredHistory, span: Span | None) -> Comparison | Metric:
    """Where the benchmark's part of a span begins, or the unavailable figure where it has none."""
    index = measured.benchmark
    if index is None:
        return unavailable(NO_BENCHMARK)
    if span is None:
        return unavailable(SHORT_HISTORY)
    if span.start == span.end:
        return windows.without_return(measured.daily, span, {}) or unavailable(SHORT_HISTORY)
    opening = max(span.start, measured.opening)
    doubts = ("first_day_excluded",) if span.start == -1 and measured.opening == 0 else ()
    if index.known_from == 0 and opening == -1:
        opening, doubts = 0, ("first_day_excluded",)  # no pack was before the portfolio's first
    if opening < index.known_from:
        rests_on = {**basis.of_span(measured.history, span, annualised=span.years > 1), "net": index.benchmark.name}
        return unavailable(index.benchmark.reason, {**rests_on, "missing": list(index.benchmark.missing)})
    return Comparison(index, span, opening, doubts)


def time_weighted(measured: MeasuredHistory, span: Span | None) -> Metric:
    """The benchmark's return over the days of a span."""
    compared = compare(measured, span)
    if isinstance(compared, Metric):
        return compared
    growth, days = compared.index.growth, compared.span
    total = float(growth[days.end + 1] / growth[compared.opening + 1] - 1.0)
    rests_on = basis.of_span(measured.history, days, annualised=days.years > 1)
    metric = compared.label(Metric(total, "ok", None, rests_on))
    return annualised(metric, total, 365 * days.years) if days.years > 1 else metric


def over(history: ValueHistory, span: Span, benchmark: BenchmarkReturns | None, *, hedged: bool = False) -> Metric:
    """The benchmark's return over a span of a history, with its currencies or hedged into the base currency."""
    if hedged and benchmark is not None:
        if benchmark.hedged_returns is None:
            return unavailable("no_forward_rate")
        reason = benchmark.reason or "no_forward_rate"
        benchmark = replace(benchmark, returns=benchmark.hedged_returns, reason=reason)
    if not len(history.dates):
        return unavailable(NOT_STARTED)
    figure = time_weighted(measured_history.measure(history, None, benchmark), span)
    return replace(figure, basis={**figure.basis, "hedged": hedged}) if figure.basis else figure


def excess(own: Metric, benchmark: Metric) -> Metric:
    """The difference of the two figures, as they stand; unavailable with the reason of the one that has no value."""
    for each in (benchmark, own) if benchmark.reason == NO_BENCHMARK else (own, benchmark):
        if each.value is None:
            return unavailable(each.reason, each.basis)
    assert own.value is not None
    assert benchmark.value is not None
    rests_on = {**own.basis, "benchmark": benchmark.basis["net"], "excess": "arithmetic"}
    return degraded(Metric(own.value - benchmark.value, "ok", None, rests_on), [*doubts_of(own), *doubts_of(benchmark)])
