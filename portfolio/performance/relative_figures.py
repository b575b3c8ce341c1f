"""What the benchmark explains of a portfolio's returns: beta, alpha, tracking error, information ratio, correlation."""

from collections.abc import Mapping
from dataclasses import replace

from portfolio.analytics import risk
from portfolio.analytics.errors import Floats
from portfolio.performance import observations
from portfolio.performance.benchmark_index import BenchmarkIndex
from portfolio.performance.measured_history import MeasuredHistory
from portfolio.performance.measures import RELATIVE_MEASURES, RELATIVE_WINDOWS, Figure, Measure
from portfolio.performance.metric import Metric, degraded, unavailable
from portfolio.performance.observations import Observations
from portfolio.performance.risk_figures import Compute, figure, figure_over_risk_free
from portfolio.performance.versus_benchmark import NO_BENCHMARK


def figures(measured: MeasuredHistory) -> dict[Figure, Metric]:
    """The figures of measures.RISK that need a benchmark."""
    return {
        (measure, window): each
        for window in RELATIVE_WINDOWS
        for measure, each in _over(measured, observations.of_window(measured, window)).items()
    }


def _over(measured: MeasuredHistory, observed: Observations | str) -> Mapping[Measure, Metric]:
    """The relative measures of observations, or of why there are none."""
    index = measured.benchmark
    if index is None or isinstance(observed, str):
        reason = NO_BENCHMARK if index is None else str(observed)
        return dict.fromkeys(RELATIVE_MEASURES, unavailable(reason))
    doubts: tuple[str, ...] = ()
    if observed.closes[0] == -1 and index.known_from == 0 and len(observed.closes) > 1:
        observed = observations.between(measured, observed.closes[1:], observed.doubts)
        doubts = ("first_day_excluded",)
    basis = {**observed.basis, "benchmark": index.benchmark.name}
    if observed.closes[0] < index.known_from:
        absent = unavailable(index.benchmark.reason, basis | {"missing": list(index.benchmark.missing)})
        return dict.fromkeys(RELATIVE_MEASURES, absent)
    return {
        measure: degraded(replace(each, basis={**basis, **each.basis}), index.doubts(*doubts))
        for measure, each in _measures(measured, observed, index).items()
    }


def _measures(measured: MeasuredHistory, observed: Observations, index: BenchmarkIndex) -> dict[Measure, Metric]:
    benchmark, per_year = index.between(observed.closes), observed.periods_per_year

    def alpha(each: Observations, free: Floats) -> float:
        return float(risk.alpha(each.returns, benchmark, risk_free=free, periods_per_year=per_year))

    yearly: dict[Measure, Compute] = {
        Measure.TRACKING_ERROR: lambda each: risk.tracking_error(each.returns, benchmark, periods_per_year=per_year),
        Measure.INFORMATION_RATIO: lambda each: risk.information_ratio(
            each.returns, benchmark, periods_per_year=per_year
        ),
    }
    unscaled: dict[Measure, Compute] = {
        Measure.BETA: lambda each: risk.beta(each.returns, benchmark),
        Measure.CORRELATION: lambda each: risk.correlation(each.returns, benchmark),
    }
    return {
        Measure.ALPHA: figure_over_risk_free(measured, observed, alpha),
        **{measure: figure(observed, compute, annualised=True) for measure, compute in yearly.items()},
        **{measure: figure(observed, compute, annualised=False) for measure, compute in unscaled.items()},
    }
