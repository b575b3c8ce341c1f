"""Where a return came from: effects of prices and currencies, and what each holding added."""

from collections.abc import Sequence

import numpy as np

from portfolio.explanation import versus_benchmark
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Part, Series, Term
from portfolio.performance import contributions, currency_attribution, parts
from portfolio.performance.contributions import DEALING, Contributions, HoldingContribution
from portfolio.performance.currency_attribution import CurrencyAttribution
from portfolio.performance.formulas import PARTS
from portfolio.performance.holding_parts import PositionContribution, PositionCurrencyAttribution
from portfolio.performance.metric import Metric
from portfolio.performance.windows import Span
from portfolio.valuation.pack_days import Floats

HEADLINE = ("local_return", "fx_return", "interaction", "total_return", "fx_dealing")
EFFECTS = ("local", "fx", "interaction", "total")


def figure(key: str, value: float | None, *terms: Part, unit: str = "fraction") -> Explanation:
    formula = PARTS[key]
    return Explanation(formula.what, Term(key, value, unit, formula.expression, terms))


def explain_currency(
    life: Life, span: Span, answer: CurrencyAttribution, path: Sequence[str], siblings: str
) -> Explanation:
    """A figure of a currency attribution. Raises NoSuchFigure."""
    match path:
        case [name] if name in HEADLINE:
            metric = getattr(answer, name)
            return figure(name, metric.value, *(() if metric.value is None else _headline_terms(life, span, name)))
        case ["days"]:
            return figure("days", answer.days, _returns(life, span), unit="days")
        case ["error_bps"] if answer.error_bps is not None:
            terms = (
                Term(each, getattr(answer, each).value, "fraction", path=f"{siblings}/{each}") for each in HEADLINE[:3]
            )
            return figure("error_bps", answer.error_bps, *terms, life.daily_returns(span.start, span.end), unit="bp")
        case ["benchmark_return" | "benchmark_hedged_return" as name]:
            metric = getattr(answer, name)
            if metric.value is None:
                return figure(name, None)
            over = versus_benchmark.hedged_over if name == "benchmark_hedged_return" else versus_benchmark.returns_over
            return figure(name, metric.value, over(life, span))
        case ["by_holding", number, effect] if effect in EFFECTS:
            row = answer.by_holding[int(number)]
            if int(number) >= len(life.history.holdings):
                raise NoSuchFigure  # fees that were paid from elsewhere
            return holding_effect(life, span, int(number), effect, getattr(row, effect))
        case ["by_currency", number, effect] if effect in EFFECTS:
            row = answer.by_currency[int(number)]
            holdings = tuple(
                Term(each.symbol, getattr(each, effect), "fraction", path=f"{siblings}/by_holding/{place}/{effect}")
                for place, each in enumerate(answer.by_holding)
                if each.currency == row.currency
            )
            return figure("by_currency", getattr(row, effect), Items("holdings", holdings))
    raise NoSuchFigure


def holding_effect(life: Life, span: Span, column: int, effect: str, value: float | None) -> Explanation:
    """A holding's part of the effects of a span."""
    terms: tuple[Part, ...] = life.holding_series(column, span.start, span.end)
    terms_of_effect = {"local": terms[:2], "fx": (terms[0], terms[2])}.get(effect, terms)
    return figure(f"holding_{effect}", value, *terms_of_effect, _returns(life, span), _total(life, span))


def _headline_terms(life: Life, span: Span, name: str) -> tuple[Part, ...]:
    returns = _returns(life, span)
    if name == "total_return":
        return (returns,)
    if name == "fx_dealing":
        return (life.between("others", life.history.other, span.start, span.end, "other"), returns, _total(life, span))
    effects = currency_attribution.split(life.history, span).daily.local
    local = _by_day(life, span, "local_effects", effects, "effects/local")
    return (local,) if name == "local_return" else (local, returns)


def _by_day(life: Life, span: Span, name: str, values: Floats, below: str) -> Series:
    return life.series(name, values, np.arange(span.start + 1, span.end + 1), below)


def _returns(life: Life, span: Span) -> Series:
    """The days' returns that the parts are made under: those of the default flow timing."""
    return _by_day(life, span, "returns", parts.returns(life.history, span), "return")


def _total(life: Life, span: Span) -> Term:
    returns = _returns(life, span)
    value = float(np.prod(1.0 + np.array(returns.values)) - 1.0)
    return Term("total", value, "fraction", "prod(1 + returns) - 1", (returns,))


def explain_contributions(
    life: Life, span: Span, answer: Contributions, path: Sequence[str], siblings: str
) -> Explanation:
    """A figure of contributions. Raises NoSuchFigure."""
    match path:
        case ["total_return"]:
            value = answer.total_return.value
            return figure("total_return", value, *(() if value is None else (_returns(life, span),)))
        case ["days"]:
            return figure("days", answer.days, _returns(life, span), unit="days")
        case ["rows" | "top" | "bottom" as part, number, name]:
            row = getattr(answer, part)[int(number)]
            return contribution(life, span, row, name, f"{siblings}/{part}/{number}/contribution")
    raise NoSuchFigure


def contribution(life: Life, span: Span, row: HoldingContribution, name: str, path: str) -> Explanation:
    """A figure of one row of the contributions."""
    names = [each for each, _ in life.history.holdings]
    if name == "share":
        contribution_term = Term("contribution", row.contribution, "fraction", path=path)
        return figure("share", row.share, contribution_term, _total(life, span))
    if name == "average_weight":
        return figure(name, row.average_weight, life.holding_series(names.index(row.symbol), span.start, span.end)[0])
    if name != "contribution":
        raise NoSuchFigure
    daily = contributions.daily_contributions(life.history)
    column = {parts.FEES: len(names), DEALING: len(names) + 1}.get(row.kind)
    below = {parts.FEES: "fees", DEALING: "other"}.get(row.kind, f"contributions/{row.symbol}")
    column = names.index(row.symbol) if column is None else column
    added_by_day = life.between("contributions", daily[:, column], span.start, span.end, below)
    return figure("contribution", row.contribution, added_by_day, _returns(life, span), _total(life, span))


def explain_position(of: tuple[Life, str, Span], answer: PositionContribution, path: Sequence[str]) -> Explanation:
    """A figure of PositionContribution. Raises NoSuchFigure."""
    life, symbol, span = of
    if len(path) != 1 or path[0] not in ("total_contribution", "pct_of_portfolio_return", "portfolio_return"):
        raise NoSuchFigure
    metric: Metric = getattr(answer, path[0])
    if path[0] == "portfolio_return":
        return figure("total_return", metric.value, *(() if metric.value is None else (_returns(life, span),)))
    key = "share" if path[0] == "pct_of_portfolio_return" else "contribution"
    if metric.value is None:
        return figure(key, None)
    rows = contributions.contribute(life.history, span).rows
    row = next(each for each in rows if each.symbol == symbol and each.kind == "security")
    return contribution(life, span, row, key, "{step}/total_contribution")


def explain_position_currency(
    of: tuple[Life, str, Span], answer: PositionCurrencyAttribution, path: Sequence[str]
) -> Explanation:
    """A figure of PositionCurrencyAttribution. Raises NoSuchFigure."""
    life, symbol, span = of
    effect = path[0].removesuffix("_contribution") if len(path) == 1 else ""
    if effect not in EFFECTS:
        raise NoSuchFigure
    metric: Metric = getattr(answer, path[0])
    if metric.value is None:
        return figure(f"holding_{effect}", None)
    return holding_effect(life, span, life.column(symbol), effect, metric.value)
