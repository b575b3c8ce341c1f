"""The return of each calendar month, a row for each year."""

from dataclasses import dataclass

import numpy as np

from portfolio.performance import daily_returns
from portfolio.performance.metric import with_gaps
from portfolio.valuation import ValueHistory

NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class YearOfMonths:
    """Returns of the months of a year, and of the year, linked. None: no day of it has a return, or one has none."""

    year: int
    jan: float | None
    feb: float | None
    mar: float | None
    apr: float | None
    may: float | None
    jun: float | None
    jul: float | None
    aug: float | None
    sep: float | None
    oct: float | None
    nov: float | None
    dec: float | None
    whole: float | None


def calendar_months(history: ValueHistory) -> tuple[YearOfMonths, ...]:
    """Every year from the first to the last day, the newest first. The first and the last month may be partial."""
    if not len(history.dates):
        return ()
    daily = daily_returns.measure(history).returns
    months = history.dates.astype("datetime64[M]").astype(int)
    first, last = int(months[0]) // 12, int(months[-1]) // 12
    table = np.full((last - first + 1, 13), np.nan)
    for month in np.unique(months).tolist():
        table[month // 12 - first, month % 12] = np.prod(1.0 + daily[months == month]) - 1.0
    for year in range(first, last + 1):
        of_year = months // 12 == year
        if of_year.any():
            table[year - first, 12] = np.prod(1.0 + daily[of_year]) - 1.0
    return tuple(YearOfMonths(1970 + year, *with_gaps(table[year - first])) for year in range(last, first - 1, -1))
