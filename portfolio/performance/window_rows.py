"""The returns of a record as rows, one for each window."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portfolio.performance import measured_history, money_weighted, time_weighted
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.measures import MONEY_WEIGHTED, RETURN_WINDOWS, TIME_WEIGHTED, Measure, Window
from portfolio.performance.metric import NOT_STARTED, Figures, Metric, degraded, unavailable
from portfolio.valuation import ValueHistory

LABELS: Mapping[Window, str] = {
    Window.DAY: "today",
    Window.MONTH_TO_DATE: "this month",
    Window.QUARTER_TO_DATE: "this quarter",
    Window.YEAR_TO_DATE: "this year",
    Window.ONE_YEAR: "one year",
    Window.THREE_YEARS: "three years, a year",
    Window.FIVE_YEARS: "five years, a year",
    Window.INCEPTION: "since inception",
    Window.INCEPTION_ANNUALISED: "since inception, a year",
}


@dataclass(frozen=True, slots=True)
class WindowReturns:
    """The returns of one window, the benchmark's, and the excess of each."""

    window: str
    label: str
    twr: Metric
    benchmark_twr: Metric
    excess_twr: Metric
    mwr: Metric
    benchmark_mwr: Metric
    excess_mwr: Metric


def rows(figures: Figures) -> tuple[WindowReturns, ...]:
    """A row for every window; since inception is a yearly rate once there has been a year."""
    return tuple(_row(figures, window) for window in RETURN_WINDOWS)


def of_history(history: ValueHistory, benchmark: BenchmarkReturns | None) -> tuple[WindowReturns, ...]:
    """The rows of a history; every one is unavailable where nothing was booked."""
    if not len(history.dates):
        return rows(dict.fromkeys((*TIME_WEIGHTED, *MONEY_WEIGHTED), unavailable(NOT_STARTED)))
    measured = measured_history.measure(history, None, benchmark)
    return rows({**time_weighted.figures(measured), **money_weighted.figures(measured)})


def _row(figures: Figures, window: Window) -> WindowReturns:
    timed = window
    if window == Window.INCEPTION and figures[Measure.TWR, Window.INCEPTION_ANNUALISED].is_known:
        timed = Window.INCEPTION_ANNUALISED

    def money_weighted(measure: Measure) -> Metric:
        return unavailable("within_a_day") if window == Window.DAY else figures[measure, window]

    return WindowReturns(
        window=timed.value,
        label=LABELS[timed],
        twr=figures[Measure.TWR, timed],
        benchmark_twr=figures[Measure.BENCHMARK_TWR, timed],
        excess_twr=figures[Measure.EXCESS_TWR, timed],
        mwr=money_weighted(Measure.MWR),
        benchmark_mwr=money_weighted(Measure.BENCHMARK_MWR),
        excess_mwr=money_weighted(Measure.EXCESS_MWR),
    )


def with_inferred_flows(of_whole: Iterable[WindowReturns]) -> tuple[WindowReturns, ...]:
    """Rows of a whole portfolio whose deposits are inferred, to stand beside those of its securities."""

    def doubtful(metric: Metric) -> Metric:
        return degraded(metric, ["inferred_flows"])

    return tuple(
        WindowReturns(
            window=f"inferred_{row.window}",
            label=f"{row.label}, cash and inferred deposits included",
            twr=doubtful(row.twr),
            benchmark_twr=doubtful(row.benchmark_twr),
            excess_twr=doubtful(row.excess_twr),
            mwr=doubtful(row.mwr),
            benchmark_mwr=doubtful(row.benchmark_mwr),
            excess_mwr=doubtful(row.excess_mwr),
        )
        for row in of_whole
    )
