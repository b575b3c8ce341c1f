"""Figures of the last so many observations, each of the returns of its own window."""

from collections.abc import Sequence
from dataclasses import replace

from portfolio.explanation import risk, versus_benchmark
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, Input, NoSuchFigure, Part, Term
from portfolio.performance import observations
from portfolio.performance.formulas import ROLLING
from portfolio.performance.observations import Observations
from portfolio.performance.rolling import FIGURES, RELATIVE, Rolling

OF_RISK_FREE = "sharpe"
SCALED = frozenset({"volatility", "sharpe", "tracking_error"})


def explain(life: Life, answer: Rolling, path: Sequence[str]) -> Explanation:
    """A figure of Rolling. Raises NoSuchFigure."""
    match path:
        case ["window"]:
            rows = (Input("window", answer.window),)
            return Explanation(ROLLING["window"].what, Term("window", answer.window, "observations", rows=rows))
        case ["periods_per_year"]:
            term = replace(risk.periods_per_year(life), value=answer.periods_per_year)
            return Explanation(ROLLING["periods_per_year"].what, term)
        case [name, number] if name in FIGURES:
            observed = _window(life, int(number), answer.window)
        case _:
            raise NoSuchFigure
    parts: list[Part] = [risk.returns_of(life, observed)]
    if name == OF_RISK_FREE:
        parts.append(risk.risk_free_of(life, observed))
    if name in RELATIVE:
        parts.append(versus_benchmark.observed(life, observed))
    if name in SCALED:
        parts.append(risk.periods_per_year(life))
    value, formula = getattr(answer, name)[int(number)], ROLLING[name]
    unit = "" if name in ("sharpe", "beta", "correlation") else "fraction"
    return Explanation(formula.what, Term(name, value, unit, formula.expression, () if value is None else tuple(parts)))


def _window(life: Life, number: int, window: int) -> Observations:
    """The observations of one window, the first of which ends at the number of `window`."""
    closes = observations.within(life.measured, life.measured.life).closes
    return observations.between(life.measured, closes[number : number + window + 1])
