"""The geometry of charts: nothing that a reader could see is lost, and nothing is added."""

import re
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from execution.web.pages import charts

FIRST = date(2002, 12, 2)


def days(count):
    return [FIRST + timedelta(days=offset) for offset in range(count)]


def only_line(drawn):
    (line,) = drawn.lines
    assert line is not None
    return line


def vertices(path):
    return [(int(x), int(y)) for x, y in re.findall(r"[ML](-?\d+) (-?\d+)", path)]


def test_a_long_series_is_drawn_with_at_most_eight_hundred_vertices():
    values = np.random.default_rng(1).normal(0, 1, 2_649).cumsum().tolist()

    drawn = charts.line_chart(days(2_649), [values])

    assert len(vertices(only_line(drawn).path)) <= 800


def test_a_spike_of_one_day_survives_the_thinning():
    values = [100.0] * 2_649
    values[1_234] = 500.0
    values[1_235] = 5.0

    (kept,) = charts.thin(np.linspace(0, 1, 2_649), np.array(values))

    assert {0, 1_234, 1_235, 2_648} <= set(kept.tolist())


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=3_000))
@example([-5e-324])
@example([0.0, 1e-305])
def test_the_extremes_and_both_ends_are_always_drawn(values):
    drawn = charts.line_chart(days(len(values)), [values])

    line = only_line(drawn)
    points = vertices(line.path) + [(round(100 * x), round(100 * y)) for x, y in line.dots]
    levels = [float(tick.value) for tick in drawn.value_ticks]
    height = [round((levels[-1] - value) / (levels[-1] - levels[0]) * charts.SIDE) for value in values]
    assert {y for _, y in points} >= {min(height), max(height), height[0], height[-1]}


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
def test_value_ticks_are_few_round_and_enclose_the_values(one, other):
    low, high = sorted((one, other))

    ticks = charts.value_ticks(low, high)

    assert 2 <= len(ticks) <= charts.MAX_Y_TICKS
    assert ticks[0] <= Decimal(low)
    assert Decimal(high) <= ticks[-1]
    step = ticks[1] - ticks[0]
    assert step.normalize().as_tuple().digits in {(1,), (2,), (2, 5), (5,)}
    assert all(tick % step == 0 for tick in ticks)


def test_the_scale_of_a_value_that_grew_from_little_begins_at_zero():
    ticks = charts.value_ticks(49_211.10, 896_523.0)

    assert ticks == [0, 200_000, 400_000, 600_000, 800_000, 1_000_000]


def test_the_scale_of_a_value_that_hardly_moved_does_not_begin_at_zero():
    ticks = charts.value_ticks(99.0, 103.0)

    assert ticks == [99, 100, 101, 102, 103]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (date(2002, 12, 2), [(date(2002, 12, 2), "day")]),
        (date(2002, 12, 5), [(date(2002, 12, day), "day") for day in (2, 3, 4, 5)]),
        (date(2003, 4, 30), [(date(2003, month, 1), "month") for month in (1, 2, 3, 4)]),
        (date(2013, 3, 1), [(date(year, 1, 1), "year") for year in (2004, 2006, 2008, 2010, 2012)]),
    ],
    ids=["one day", "days", "months", "years"],
)
def test_date_ticks_begin_a_unit_of_the_calendar(last, expected):
    ticks = charts.date_ticks(FIRST, last)

    assert ticks == expected


@given(st.integers(0, 400_000))
def test_there_is_a_date_tick_and_never_more_than_eight(span):
    ticks = charts.date_ticks(FIRST, FIRST + timedelta(days=span))

    assert 1 <= len(ticks) <= charts.MAX_X_TICKS


def test_a_single_day_is_a_dot_in_the_middle():
    drawn = charts.line_chart([FIRST], [[5.0]])

    assert only_line(drawn).path == ""
    assert only_line(drawn).dots == ((50.0, 50.0),)


def test_a_flat_series_lies_inside_the_plot():
    drawn = charts.line_chart(days(3), [[0.0, 0.0, 0.0]])

    assert all(0 < y < charts.SIDE for _, y in vertices(only_line(drawn).path))


def test_no_line_crosses_a_gap():
    drawn = charts.line_chart(days(5), [[1.0, 2.0, None, 3.0, 4.0]])

    assert only_line(drawn).path.count("M") == 2


def test_a_series_without_a_value_has_no_line_beside_one_that_has():
    drawn = charts.line_chart(days(2), [[None, None], [1.0, 2.0]])

    assert drawn.lines[0] is None
    assert drawn.lines[1] is not None


def test_the_extent_names_first_last_high_and_low():
    drawn = charts.line_chart(days(4), [[2.0, 9.0, 1.0, 3.0]])

    assert only_line(drawn).extent == charts.Extent(first=0, last=3, high=1, low=2)


def test_time_is_to_scale():
    drawn = charts.line_chart([date(2013, 1, 1), date(2013, 1, 2), date(2013, 1, 11)], [[1.0, 2.0, 3.0]])

    assert [x for x, _ in vertices(only_line(drawn).path)] == [0, 1_000, 10_000]


@pytest.mark.parametrize(
    ("dates", "series", "why"),
    [
        ([], [[]], "0 days"),
        ([FIRST], [[1.0, 2.0]], "1 day for series of"),
        ([FIRST, FIRST], [[1.0, 2.0]], "do not rise"),
        ([FIRST], [[None]], "no series holds a value"),
        ([FIRST], [], "no series holds a value"),
    ],
    ids=["no days", "lengths differ", "a day twice", "no value", "no series"],
)
def test_what_can_not_be_drawn_is_refused(dates, series, why):
    with pytest.raises(ValueError, match=why):
        charts.line_chart(dates, series)


@given(
    st.lists(st.floats(-1e9, 1e9) | st.none(), min_size=1, max_size=3_000).filter(
        lambda each: any(v is not None for v in each)
    ),
    st.data(),
)
def test_marks_are_few_at_the_line_and_each_day_that_has_a_value_is_in_one(values, data):
    places = data.draw(st.sets(st.integers(0, len(values) - 1)))

    drawn = charts.line_chart(days(len(values)), [values], [places, []])

    marks, none = drawn.marks
    known = sorted(place for place in places if values[place] is not None)
    assert none == ()
    assert len(marks) <= charts.MARK_COLUMNS
    assert [place for mark in marks for place in mark.days] == known
    assert all(0 <= mark.x <= 100 and 0 <= mark.y <= 100 for mark in marks)
