"""The return of each calendar year."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from portfolio.performance import measured_history, time_weighted, versus_benchmark
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.measured_history import MeasuredHistory
from portfolio.performance.metric import Metric, unavailable
from portfolio.performance.windows import Span
from portfolio.valuation import ValueHistory


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """The return of one calendar year; the first and the last year may be partial."""

    year: int
    label: str
    """The year, with the day from which it is measured where that is not the end of the year before."""
    first: date
    last: date
    is_whole: bool
    """Whether it runs from the close of the year before to the last close of the year."""
    twr: Metric
    benchmark_twr: Metric
    excess_twr: Metric


def calendar_years(history: ValueHistory, *, benchmark: BenchmarkReturns | None = None) -> tuple[CalendarYear, ...]:
    """The return of each year since inception, the newest first; no year is annualised."""
    if not len(history.dates):
        return ()
    measured = measured_history.measure(history, None, benchmark)
    years = history.dates.astype("datetime64[Y]").astype(int) + 1970
    return tuple(_calendar_year(measured, years, year) for year in range(int(years[-1]), int(years[0]) - 1, -1))


def _calendar_year(measured: MeasuredHistory, years: npt.NDArray[np.int64], year: int) -> CalendarYear:
    days, life = measured.history.dates, measured.life
    inside = np.flatnonzero(years == year)
    if not len(inside):
        before: date = days[np.searchsorted(years, year) - 1].item()
        none = unavailable("no_valued_day")
        return CalendarYear(year, str(year), before, before, False, none, none, none)
    start = max(int(inside[0]) - 1, life.start)
    is_first = start == life.start
    opening_day = life.opened if is_first else days[start].item()
    doubts = life.doubts if is_first else ()
    span = Span(start, int(inside[-1]), opening_day, days[inside[-1]].item(), doubts=doubts)
    own, benchmark = time_weighted.over(measured, span), versus_benchmark.time_weighted(measured, span)
    opens_with_year = start >= 0 and int(years[start]) == year - 1
    label = str(year) if opens_with_year else f"{year}, from {days[inside[0]] if is_first else opening_day}"
    is_whole = opens_with_year and (year < years[-1] or _is_year_end(span.closed))
    return CalendarYear(
        year, label, span.opened, span.closed, is_whole, own, benchmark, versus_benchmark.excess(own, benchmark)
    )


def _is_year_end(day: date) -> bool:
    return (day.month, day.day) == (12, 31)
