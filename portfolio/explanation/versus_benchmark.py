"""The benchmark over the days of a life, as terms."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, NoSuchFigure, Part, Series, Term, figure
from portfolio.performance import measured_history, versus_benchmark
from portfolio.performance.benchmark_index import BenchmarkIndex
from portfolio.performance.formulas import BENCHMARK
from portfolio.performance.observations import Observations
from portfolio.performance.versus_benchmark import Comparison
from portfolio.performance.windows import Span


def explain_day(life: Life, place: int, path: Sequence[str]) -> Explanation:
    """Below a day of the life: `benchmark`, `hedged`, `benchmark_observation`, `benchmark_index`. Raises NoSuchFigure."""
    index = _index(life)
    match path:
        case ["benchmark"]:
            return _day(life, index, place)
        case ["hedged"]:
            return _hedged_day(life, index, place)
        case ["benchmark_observation"]:
            before = life.observation_before(place)
            value = float(index.between(np.array([before, place]))[0])
            return _figure("benchmark_observation", value, returns_between(life, before, place))
        case ["benchmark_index"]:
            return _figure("benchmark_index", _growth(index, place), returns_between(life, index.known_from, place))
    raise NoSuchFigure


def explain_pack_day(life: Life, place: int, path: Sequence[str]) -> Explanation:
    """Below any pack day: `benchmark_day`, `hedged_day`, `components/<symbol>/` and `return`, `weight`, `hedged`.

    raises   NoSuchFigure
    """
    if life.benchmark_days is None:
        raise NoSuchFigure
    match path:
        case ["benchmark_day"]:
            return life.benchmark_days.day(place)
        case ["hedged_day"]:
            return life.benchmark_days.hedged_day(place)
        case ["components", symbol, what]:
            return life.benchmark_days.component(place, symbol, what)
    raise NoSuchFigure


def _day(life: Life, index: BenchmarkIndex, place: int) -> Explanation:
    """From the day before with a value; days without one that lie between are linked."""
    if life.benchmark_days is None:
        raise NoSuchFigure
    at, before = _pack_days(life, place)
    if at == before + 1:
        return life.benchmark_days.day(at)
    between = range(before + 1, at + 1)
    dates = tuple(life.market.day(each) for each in between)
    values = tuple(life.benchmark_days.value(each) for each in between)
    daily = Series("benchmark_returns", dates, values, "fraction", "{days}/{date}/benchmark_day")
    return _figure("benchmark_linked", float(index.benchmark.returns[place]), daily)


def _hedged_day(life: Life, index: BenchmarkIndex, place: int) -> Explanation:
    """The same with its currencies sold forward."""
    hedged = index.benchmark.hedged_returns
    if life.benchmark_days is None or hedged is None:
        raise NoSuchFigure
    at, before = _pack_days(life, place)
    if at == before + 1:
        return life.benchmark_days.hedged_day(at)
    between = range(before + 1, at + 1)
    values = tuple(life.benchmark_days.hedged_value(each) for each in between)
    dates = tuple(life.market.day(each) for each in between)
    daily = Series("hedged_returns", dates, values, "fraction", "{days}/{date}/hedged_day")
    return _figure("hedged_linked", float(hedged[place]), daily)


def _pack_days(life: Life, place: int) -> tuple[int, int]:
    """The pack day of a day of the life, and that of the day before it."""
    return life.in_market(place), life.in_market(place - 1) if place else life.in_market(0) - 1


def is_one_pack_day(life: Life, place: int) -> bool:
    """Whether no day without a value lies between a day of the life and the one before."""
    at, before = _pack_days(life, place)
    return at == before + 1


def hedged_over(life: Life, span: Span) -> Series:
    """The returns of the benchmark with its currencies sold forward, over the part of a span that they are known of.
    Raises NoSuchFigure."""
    index = _index(life)
    hedged = index.benchmark.hedged_returns
    if hedged is None:
        raise NoSuchFigure
    measured = measured_history.measure(life.history, None, replace(index.benchmark, returns=hedged))
    compared = versus_benchmark.compare(measured, span)
    if not isinstance(compared, Comparison):
        raise NoSuchFigure
    return life.between("hedged_returns", hedged, compared.opening, span.end, "hedged")


def returns_between(life: Life, start: int, end: int) -> Series:
    """The benchmark's returns of the days after the close `start` up to that of `end`."""
    return life.between("benchmark_returns", _index(life).benchmark.returns, start, end, "benchmark")


def returns_over(life: Life, span: Span) -> Series:
    """The benchmark's returns of the part of a span over which it is known. Raises NoSuchFigure."""
    compared = versus_benchmark.compare(life.measured, span)
    if not isinstance(compared, Comparison):
        raise NoSuchFigure
    return returns_between(life, compared.opening, span.end)


def growth(life: Life, span: Span, place: int, value: float | None) -> Explanation:
    """The benchmark's return from the opening of a span to a close."""
    compared = versus_benchmark.compare(life.measured, span)
    if value is None or not isinstance(compared, Comparison):
        return _figure("benchmark_growth", None)
    return _figure("benchmark_growth", value, returns_between(life, compared.opening, place))


def observed(life: Life, observations: Observations) -> Series:
    """The benchmark's returns between observations."""
    values = _index(life).between(observations.closes)
    return life.series("benchmark", values, observations.closes[1:], "benchmark_observation")


def index_term(life: Life, place: int, name: str) -> Term:
    """The benchmark's return index at a close; 1 on the day before the first."""
    index = _index(life)
    if place <= index.known_from:
        return Term(name, 1, "", "1")
    return Term(name, _growth(index, place), path=f"{{days}}/{life.day(place)}/benchmark_index")


def _growth(index: BenchmarkIndex, place: int) -> float:
    return float(index.growth[place + 1] / index.growth[index.known_from + 1])


def _index(life: Life) -> BenchmarkIndex:
    if life.measured.benchmark is None:
        raise NoSuchFigure
    return life.measured.benchmark


def _figure(key: str, value: float | None, *parts: Part) -> Explanation:
    return figure(BENCHMARK[key], key, value, "fraction", *parts)
