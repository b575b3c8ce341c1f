"""Figures that are made of other figures of an answer, or estimated from them: one rule for all places of a kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from portfolio.explanation.terms import Explanation, Input, Items, NoSuchFigure, Number, Observation, Part, Row, Term
from portfolio.performance.factor_series import BENCHMARK, FX_BASKET
from portfolio.performance.metric import Metric

ANY, EACH = "*", "#"
"""In a path: any name, which is taken over into the paths of the terms; and each place of a list."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a figure is, and how it is made or estimated.

    path     below the answer; `*` is any name
    formula  of the terms, by their names; without one, `method` says how the figure is found from them
    terms    name -> path of the figure below the same answer, or below the answer of an argument (valued:total_value); one
             with `#` stands for the numbers of each place of a list
    is_asked a number that was asked for
    series   path of a text below the same answer that names the series, joined by " - ", whose newest rows it rests on
    """

    path: str
    what: str
    formula: str = ""
    terms: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    unit: str = ""
    is_asked: bool = False
    series: str = ""


def explain(rules: Sequence[Rule], answers: Mapping[str, Any], asof: date, path: Sequence[str]) -> Explanation:
    """The figure of a path by the first rule that has it.

    answers   what the arguments of the capability are, by their names, and under "" its own answer
    raises    NoSuchFigure
    """
    for rule in rules:
        names = rule.path.split("/")
        if len(names) == len(path) and all(name in (ANY, part) for name, part in zip(names, path, strict=True)):
            return _by(rule, answers, asof, path, [part for name, part in zip(names, path, strict=True) if name == ANY])
    raise NoSuchFigure


def _by(rule: Rule, answers: Mapping[str, Any], asof: date, path: Sequence[str], filled: Sequence[str]) -> Explanation:
    value, name = number_at(answers[""], path), path[-1] if not path[-1].isdecimal() else path[-2]
    parts: tuple[Part, ...] = ()
    rows: tuple[Row, ...] = ()
    if value is not None:
        parts = tuple(_term(each, place, answers, filled) for each, place in rule.terms.items())
        if rule.is_asked:
            rows = (Input(name, value),)
        if rule.series:
            rows = tuple(Observation(each, asof) for each in _series_at(answers[""], _fill(rule.series, filled)))
    return Explanation(rule.what, Term(name, value, rule.unit, rule.formula, parts, rows), rule.method)


def _term(name: str, place: str, answers: Mapping[str, Any], filled: Sequence[str]) -> Part:
    argument, colon, below = place.partition(":")
    if not colon:
        argument, below = "", place
    names, step = _fill(below, filled), argument or "step"
    if EACH not in names:
        value = number_at(answers[argument], names)
        return Term(name, value, path=f"{{{step}}}/{'/'.join(names)}")
    before, after = names[: names.index(EACH)], names[names.index(EACH) + 1 :]
    places = at(answers[argument], before)
    keys = list(places) if isinstance(places, Mapping) else range(len(places))
    items = []
    for key in keys:
        whole = (*before, str(key), *after)
        value = number_at(answers[argument], whole)
        if value is not None:
            items.append(Term(str(key), value, path=f"{{{step}}}/{'/'.join(whole)}"))
    return Items(name, tuple(items))


def _fill(place: str, filled: Sequence[str]) -> tuple[str, ...]:
    left = list(filled)
    return tuple(left.pop(0) if name == ANY else name for name in place.split("/"))


def at(data: Any, path: Sequence[str]) -> Any:
    """What an answer has at a path. Raises NoSuchFigure."""
    for name in path:
        if isinstance(data, Mapping):
            data = data.get(name)
        elif isinstance(data, Sequence) and not isinstance(data, str):
            data = data[int(name)]
        else:
            data = getattr(data, name, None)
        if data is None:
            return None
    return data


def number_at(data: Any, path: Sequence[str]) -> Number | None:
    """The number of a figure; None where it has none. Raises NoSuchFigure where there is something else."""
    value = at(data, path)
    if isinstance(value, Metric):
        value = value.value
    if isinstance(value, str):
        try:
            return Decimal(value)
        except InvalidOperation:
            raise NoSuchFigure from None
    if isinstance(value, Mapping | Sequence | bool | date):
        raise NoSuchFigure
    number: Number | None = value
    return number


def _series_at(data: Any, path: Sequence[str]) -> list[str]:
    """The series that a text names; what is made of other rows, as the benchmark is, is none."""
    text = at(data, path)
    names = text.split(" - ") if isinstance(text, str) and text else []
    return [name for name in names if name not in (BENCHMARK, FX_BASKET)]
