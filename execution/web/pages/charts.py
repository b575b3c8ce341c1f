"""The geometry of a line chart: what a page draws as SVG. Pure; words and number formats are the page's."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from config.counts import number_of

Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.intp]

SIDE = 10_000
"""The plot is SIDE x SIDE units, stretched to whatever room the page has; y grows downwards, as in SVG."""

COLUMNS = 398
"""A path keeps the lowest and highest point of each column and both ends: at most 2 x 398 + 2 vertices a run."""

MARK_COLUMNS = 60
MAX_X_TICKS, MAX_Y_TICKS = 8, 6
DAY_STEPS, MONTH_STEPS, YEAR_STEPS = (1, 2, 7, 14), (1, 3, 6), (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True)
class DateTick:
    at: float
    """Percent of the width, from the left."""
    day: date
    unit: str
    """"day" | "month" | "year": the part of the date to write."""


@dataclass(frozen=True, slots=True)
class ValueTick:
    at: float
    """Percent of the height, from the top."""
    value: Decimal


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a series begins, ends, and turns: indexes into its values."""

    first: int
    last: int
    high: int
    low: int


@dataclass(frozen=True, slots=True)
class Line:
    path: str
    extent: Extent
    dots: tuple[tuple[float, float], ...] = ()
    """Days with a value between days without one, which no line reaches: percent from the left and from the top."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign at a line. It stands for all `days` that have one so near to it that two could not be told apart."""

    x: float
    y: float
    """Percent from the left and from the top."""
    days: tuple[int, ...]
    """Places among the chart's days, rising; the sign stands at the last."""


@dataclass(frozen=True, slots=True)
class LineChart:
    lines: tuple[Line | None, ...]
    """One a series; None for a series without a single value."""
    marks: tuple[tuple[Mark, ...], ...]
    """One tuple for each kind of mark."""
    date_ticks: tuple[DateTick, ...]
    value_ticks: tuple[ValueTick, ...]


def line_chart(
    dates: Sequence[date], series: Sequence[Sequence[float | None]], marked: Sequence[Collection[int]] = ()
) -> LineChart:
    """Draw series over the days they share.

    dates    (D,) rising, D >= 1
    series   each (D,); None is a gap, which no line crosses
    marked   for each kind of mark the places of its days; they stand at the first series, and none where it has a gap
    raises   ValueError where lengths differ, days do not rise or no series holds a value
    """
    if not dates or any(len(values) != len(dates) for values in series):
        raise ValueError(f"{number_of(len(dates), 'day')} for series of {[len(values) for values in series]} values")
    if any(later <= earlier for earlier, later in pairwise(dates)):
        raise ValueError("days do not rise")
    arrays = [
        np.array([math.nan if value is None else value for value in values], dtype=np.float64) for values in series
    ]
    scale = levels(series)
    low, high = float(scale[0]), float(scale[-1])
    days = np.array(dates, dtype="datetime64[D]").astype(np.int64)
    span = days[-1] - days[0]
    across = (days - days[0]) / span if span else np.full(len(days), 0.5)
    return LineChart(
        lines=tuple(_line(across, array, low, high) for array in arrays),
        date_ticks=tuple(
            DateTick(round(100 * (day - dates[0]).days / int(span), 3) if span else 50.0, day, unit)
            for day, unit in date_ticks(dates[0], dates[-1])
        ),
        value_ticks=tuple(ValueTick(round(100 * (high - float(level)) / (high - low), 3), level) for level in scale),
        marks=tuple(_marks(across, arrays[0], places, low, high) for places in marked),
    )


def levels(series: Sequence[Sequence[float | None]]) -> list[Decimal]:
    """The round levels of the scale of a chart, rising. Raises ValueError where no series holds a value."""
    numbers = [value for values in series for value in values if value is not None and math.isfinite(value)]
    if not numbers:
        raise ValueError("no series holds a value")
    return value_ticks(min(numbers), max(numbers))


NO_SPAN = 1e-290
"""Below it a tenth of a span may be no number above zero any more."""


def value_ticks(low: float, high: float) -> list[Decimal]:
    """Round levels, rising, of which the first is at or below `low` and the last at or above `high`.

    Zero is one of them where it is not far off, so that heights can be compared.
    """
    if 0 <= low <= high / 2:
        low = 0.0
    if high / 2 >= low and high <= 0:  # the same from below
        high = 0.0
    if high - low < NO_SPAN:
        margin = abs(high) * 0.05
        margin = margin if margin > NO_SPAN else 1.0
        low, high = low - margin, high + margin
    step = next(step for step in _round_steps((high - low) / MAX_Y_TICKS) if _levels(low, high, step) <= MAX_Y_TICKS)
    first, last = _bounds(low, high, step)
    return [step * position for position in range(first, last + 1)]


def date_ticks(first: date, last: date) -> list[tuple[date, str]]:
    """Up to eight days that begin a unit of the calendar, with that unit."""
    span = (last - first).days
    for step in DAY_STEPS:
        if span // step < MAX_X_TICKS:
            return [(first + timedelta(days=offset), "day") for offset in range(0, span + 1, step)]
    for step in MONTH_STEPS:
        months = [day for day in _months(first, last) if (day.month - 1) % step == 0]
        if len(months) <= MAX_X_TICKS:
            return [(day, "month") for day in months]
    for step in YEAR_STEPS:
        years = [date(year, 1, 1) for year in range(max(first.year, 1), last.year + 1) if year % step == 0]
        years = [day for day in years if day >= first]
        if len(years) <= MAX_X_TICKS:
            break
    return [(day, "year") for day in years]


def thin(across: Floats, values: Floats) -> list[Indexes]:
    """The points of each unbroken run that a path needs to look as if it had all: both ends, and per column the lowest
    and the highest.

    across   (D,) rising from 0 to 1; values (D,), NaN is a gap
    """
    places = np.flatnonzero(np.isfinite(values))
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    vertices = []
    for run in runs:
        columns = np.minimum((across[run] * COLUMNS).astype(np.int64), COLUMNS - 1)
        by_value = np.lexsort((values[run], columns))  # within each column from the lowest to the highest
        ends = np.flatnonzero(np.diff(columns[by_value]))
        points = {int(run[0]), int(run[-1]), int(run[by_value[0]]), int(run[by_value[-1]])}
        points.update(run[by_value[ends]].tolist(), run[by_value[ends + 1]].tolist())
        vertices.append(np.array(sorted(points), dtype=np.intp))
    return vertices


def _line(across: Floats, values: Floats, low: float, high: float) -> Line | None:
    places = np.flatnonzero(np.isfinite(values))
    if not places.size:
        return None
    x = np.rint(across * SIDE).astype(np.int64)
    y = np.rint((high - np.where(np.isfinite(values), values, low)) / (high - low) * SIDE).astype(np.int64)
    runs = thin(across, values)
    path = "".join("M" + "L".join(f"{x[index]} {y[index]}" for index in run) for run in runs if len(run) > 1)
    alone = [run[0] for run in runs if len(run) == 1]
    dots = tuple((round(100 * int(x[index]) / SIDE, 2), round(100 * int(y[index]) / SIDE, 2)) for index in alone)
    extent = Extent(
        first=int(places[0]),
        last=int(places[-1]),
        high=int(places[values[places].argmax()]),
        low=int(places[values[places].argmin()]),
    )
    return Line(path, extent, dots)


def _marks(across: Floats, values: Floats, places: Collection[int], low: float, high: float) -> tuple[Mark, ...]:
    """Marks at a line, no more than one in each of MARK_COLUMNS."""
    columns: dict[int, list[int]] = {}
    for place in sorted(places):
        if math.isfinite(values[place]):
            columns.setdefault(min(int(across[place] * MARK_COLUMNS), MARK_COLUMNS - 1), []).append(place)
    return tuple(
        Mark(
            round(100 * float(across[days[-1]]), 3),
            round(100 * (high - float(values[days[-1]])) / (high - low), 3),
            tuple(days),
        )
        for days in columns.values()
    )


def _round_steps(least: float) -> Iterator[Decimal]:
    """1, 2, 2.5 and 5 times a power of ten, rising from about `least`."""
    power = math.floor(math.log10(least))
    while True:
        for mantissa in (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5)):
            yield mantissa.scaleb(power)
        power += 1


def _bounds(low: float, high: float, step: Decimal) -> tuple[int, int]:
    return math.floor(Decimal(low) / step), math.ceil(Decimal(high) / step)


def _levels(low: float, high: float, step: Decimal) -> int:
    first, last = _bounds(low, high, step)
    return last - first + 1


def _months(first: date, last: date) -> Iterator[date]:
    """The first days of months from `first` to `last`."""
    year, month = first.year, first.month
    while (day := date(year, month, 1)) <= last:
        if day >= first:
            yield day
        if (year, month) == (9999, 12):
            return
        year, month = year + month // 12, month % 12 + 1
