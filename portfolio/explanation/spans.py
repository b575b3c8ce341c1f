"""Figures over a span of days: its returns, the series of its charts, its falls; months; the holdings beside it."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

import numpy as np

from portfolio.explanation import attribution, lives, money_weighted, returns, versus_benchmark
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, NoSuchFigure, Number, Part, Series, Term, figure
from portfolio.performance import calendar_months, contributions, holding_returns, leading_holdings, return_line
from portfolio.performance.calendar_months import YearOfMonths
from portfolio.performance.formulas import SPANS, VALUES
from portfolio.performance.leading_holdings import LeadingHolding
from portfolio.performance.measures import Measure
from portfolio.performance.range_performance import Fall, RangePerformance
from portfolio.performance.windows import Span

OF_POSITION = {"market_value": "market_value", "weight": "weight", "unrealized_pnl": "unrealized_pnl"}
"""Figures of a leading holding that are those of its position, by the key of their formula."""


def _figure(key: str, value: Number | None, *parts: Part, unit: str = "fraction") -> Explanation:
    return figure(SPANS[key], key, value, unit, *parts)


# Performance


def explain_over(life: Life, span: Span, answer: RangePerformance, path: Sequence[str]) -> Explanation:
    """A figure of RangePerformance. Raises NoSuchFigure."""
    first = max(span.start, 0)
    match path:
        case ["twr" | "gross_twr" | "benchmark_twr" | "excess_twr" as name]:

            def other_measure(measure: Measure) -> Term:
                return Term(measure.value, getattr(answer, measure).value, "fraction", path=f"{{step}}/{measure}")

            return returns.time_weighted(life, Measure(name), span, getattr(answer, name), other_measure)
        case ["mwr"]:
            return money_weighted.explain(life, span, answer.mwr)
        case ["days"]:
            return _figure("days", answer.days, life.daily_returns(span.start, span.end), unit="days")
        case ["values", number] if life.history.scope == "portfolio":
            return lives.value_of(life.market, life.history, first + int(number))
        case ["net_contributions", number]:
            return life.net_contributions(first + int(number), answer.net_contributions[int(number)])
        case ["returns", number]:
            daily = life.daily_returns(span.start, first + int(number))
            return _figure("return", answer.returns[int(number)], daily)
        case ["drawdowns", number]:
            daily = life.daily_returns(span.start, first + int(number))
            return _figure("drawdown", answer.drawdowns[int(number)], daily)
        case ["benchmark_returns", number]:
            value = answer.benchmark_returns[int(number)]
            return versus_benchmark.growth(life, span, first + int(number), value)
        case ["worst", number, "depth" | "days" as name]:
            return _fall(life, span, answer.worst[int(number)], name)
    raise NoSuchFigure


def _fall(life: Life, span: Span, fall: Fall, name: str) -> Explanation:
    peak = _place(life, fall.peak)
    if name == "depth":
        return _figure("depth", fall.depth, life.daily_returns(peak, _place(life, fall.trough)))
    end = fall.recovery or span.closed
    closes = [fall.peak, *(life.day(place) for place in range(peak + 1, _place(life, end) + 1))]
    elapsed = tuple(float((after - before).days) for before, after in pairwise(closes))
    return _figure("fall_days", fall.days, Series("elapsed", tuple(closes[1:]), elapsed, "days"), unit="days")


def _place(life: Life, on: date) -> int:
    """The number of a close; -1 of the day before the first."""
    return -1 if on < life.day(0) else life.place(on.isoformat())


def explain_line(performance: RangePerformance, path: Sequence[str]) -> Explanation:
    """A point of the line of a span's returns: that of the span at the same close. Raises NoSuchFigure."""
    match path:
        case ["returns", number]:
            place = return_line.places(performance)[int(number)]
        case _:
            raise NoSuchFigure
    value = performance.returns[place]
    return _figure("line", value, Term("growth", value, "fraction", path=f"{{performance}}/returns/{place}"))


def explain_months(life: Life, years: Sequence[YearOfMonths], path: Sequence[str]) -> Explanation:
    """A figure of a year of months. Raises NoSuchFigure."""
    match path:
        case ["years", number, name] if name in (*calendar_months.NAMES, "whole"):
            year = years[int(number)]
        case _:
            raise NoSuchFigure
    months = life.history.dates.astype("datetime64[M]").astype(int)
    if name == "whole":
        inside = np.flatnonzero(months // 12 == year.year - 1970)
    else:
        inside = np.flatnonzero(months == (year.year - 1970) * 12 + calendar_months.NAMES.index(name))
    value = getattr(year, name)
    parts = () if value is None else (life.daily_returns(int(inside[0]) - 1, int(inside[-1])),)
    return _figure("year" if name == "whole" else "month", value, *parts)


# Holdings


def explain_leading(
    life: Life, span: Span | None, row: LeadingHolding, path: Sequence[str], position: Mapping[str, str]
) -> Explanation:
    """A figure of a leading holding. `position`: where the figures of its position are explained. Raises NoSuchFigure."""
    match path:
        case [name] if name in OF_POSITION:
            value = getattr(row, name)
            unit = "fraction" if name == "weight" else life.base
            term = Term(
                name, value, unit, name, () if value is None else (Term(name, value, unit, path=position[name]),)
            )
            return Explanation(VALUES[OF_POSITION[name]].what, term)
        case ["total_return" | "way", *_]:
            return _way(life, span, row, path)
        case ["contribution"]:
            if row.contribution is None or span is None:
                return _figure("leading_contribution", None)
            rows = contributions.contribute(life.history, span).rows
            contribution_row = next(each for each in rows if each.symbol == row.symbol and each.kind == "security")
            return attribution.contribution(life, span, contribution_row, "contribution", "")
    raise NoSuchFigure


def _way(life: Life, span: Span | None, row: LeadingHolding, path: Sequence[str]) -> Explanation:
    """The return of a holding over the span, or a point of its way."""
    if path == ["total_return"] and row.total_return is None:
        return _figure("holding_return", None)
    column = holding_returns.find(life.history, row.symbol)
    if span is None or column is None:
        raise NoSuchFigure
    match path:
        case ["total_return"]:
            _, local, fx = life.holding_series(column, span.start, span.end)
            return _figure("holding_return", row.total_return, local, fx)
        case ["way", number]:
            closes = leading_holdings.closes_of_way(life.history, span, column)
            _, local, fx = life.holding_series(column, span.start, int(closes[int(number)]))
            return _figure("way", row.way[int(number)], local, fx)
    raise NoSuchFigure
