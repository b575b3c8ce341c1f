"""One holding beside the portfolio: its returns, its risk, and its part of the whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from portfolio.explanation.lives import Life
from portfolio.explanation.risk import periods_per_year
from portfolio.explanation.terms import Explanation, NoSuchFigure, Number, Part, Series, Term, figure
from portfolio.performance import holding_returns, risk_figures
from portfolio.performance.formulas import HOLDING, RISK
from portfolio.performance.holding_returns import HoldingPeriod, PositionReturn
from portfolio.performance.holding_risk import PositionRisk
from portfolio.performance.measures import Measure
from portfolio.performance.metric import Metric
from portfolio.performance.risk_free import returns_between
from portfolio.performance.windows import Span
from portfolio.valuation.pack_days import Floats

OBSERVATIONS = {"observations": "observation", "portfolio_observations": "portfolio_observation"}
"""Below a step, by date: the return of the holding, and of the portfolio, since the observation before."""


@dataclass(frozen=True, slots=True)
class OneHolding:
    """A holding over a span, and the days of it on which it was observed."""

    life: Life
    symbol: str
    span: Span
    period: HoldingPeriod

    @classmethod
    def of(cls, life: Life, symbol: str, span: Span) -> "OneHolding":
        return cls(life, symbol, span, holding_returns.period(life.history, symbol, span))

    def series(self, name: str, values: Floats, below: str) -> Series:
        dates = tuple(self.life.day(place) for place in self.period.days.tolist())
        return Series(name, dates, tuple(values.tolist()), "fraction", f"{{step}}/{below}/{{date}}")

    def returns(self) -> Series:
        return self.series("returns", self.period.own, "observations")

    def portfolio_returns(self) -> Series:
        return self.series("portfolio_returns", self.period.whole, "portfolio_observations")

    def locals_and_fxs(self, start: int, end: int) -> tuple[Series, Series]:
        column = holding_returns.find(self.life.history, self.symbol)
        if column is None:
            raise NoSuchFigure
        _, local, fx = self.life.holding_series(column, start, end)
        return local, fx

    def observation(self, what: str, number: int) -> Explanation:
        """The return to one observation from the one before, or from the opening of the span."""
        opening, closing = int(self.period.opened[number]), int(self.period.days[number])
        if what == "portfolio_observation":
            return self.figure(what, float(self.period.whole[number]), self.life.daily_returns(opening, closing))
        return self.figure(what, float(self.period.own[number]), *self.locals_and_fxs(opening, closing))

    def number_of(self, on: str) -> int:
        """The number of the observation of a day. Raises NoSuchFigure."""
        days = [str(self.life.day(place)) for place in self.period.days.tolist()]
        if on not in days:
            raise NoSuchFigure
        return days.index(on)

    def figure(self, key: str, value: Number | None, *parts: Part, unit: str = "") -> Explanation:
        return figure(HOLDING[key], key, value, unit, *parts)


def explain_returns(holding: OneHolding, answer: PositionReturn, path: Sequence[str]) -> Explanation:
    """A figure of PositionReturn. Raises NoSuchFigure."""
    span = holding.span
    match path:
        case ["daily_returns", number]:
            return holding.observation("observation", int(number))
        case ["portfolio_returns", number]:
            return holding.observation("portfolio_observation", int(number))
        case ["observations" | "portfolio_observations" as what, on]:
            return holding.observation(OBSERVATIONS[what], holding.number_of(on))
        case ["total_return"]:
            value = answer.total_return.value
            both = () if value is None else holding.locals_and_fxs(span.start, span.end)
            return holding.figure("total_return", value, *both)
        case ["local_return"]:
            value = answer.local_return.value
            both = () if value is None else holding.locals_and_fxs(span.start, span.end)
            return holding.figure("local_return", value, *both[:1])
        case ["volatility"]:
            value, yearly = answer.volatility.value, periods_per_year(holding.life)
            return figure(RISK[Measure.VOLATILITY], "volatility", value, "", holding.returns(), yearly)
        case ["sharpe"]:
            value, yearly = answer.sharpe.value, periods_per_year(holding.life)
            free = () if value is None else (_risk_free(holding),)
            return figure(RISK[Measure.SHARPE], "sharpe", value, "", holding.returns(), *free, yearly)
        case ["max_drawdown"]:
            return holding.figure("max_drawdown", answer.max_drawdown.value, holding.returns())
    raise NoSuchFigure


def _risk_free(holding: OneHolding) -> Series:
    """The risk-free return of the same periods; each is explained with the day's."""
    life, free = holding.life, holding.life.measured.risk_free
    assert free is not None  # or there was no ratio
    pairs = zip(holding.period.opened.tolist(), holding.period.days.tolist(), strict=True)
    values = np.array([returns_between(life.history, free, np.array(pair))[0] for pair in pairs])
    return life.series("risk_free", values, holding.period.days, "risk_free")


def explain_risk(
    holding: OneHolding, answer: PositionRisk, path: Sequence[str], valued: Mapping[str, str]
) -> Explanation:
    """A figure of PositionRisk. `valued`: where its value and weight are explained. Raises NoSuchFigure."""
    match path:
        case ["observations" | "portfolio_observations" as what, on]:
            return holding.observation(OBSERVATIONS[what], holding.number_of(on))
        case [name]:
            pass
        case _:
            raise NoSuchFigure
    own, whole = holding.returns(), holding.portfolio_returns()
    level, yearly = Term("level", risk_figures.TAIL_LEVEL), periods_per_year(holding.life)
    market_value = Term("market_value", answer.market_value, holding.life.base, path=valued.get("market_value", ""))
    weight = Term("weight", answer.position_weight, "fraction", path=valued.get("weight", ""))

    def below(field: str, name: str = "") -> Term:
        metric: Metric = getattr(answer, field)
        return Term(name or field, metric.value, "", path=f"{{step}}/{field}")

    tail = RISK[Measure.VALUE_AT_RISK]
    portfolio_var = Term("portfolio_var", None)
    if answer.marginal_var.value is not None:
        value = -float(np.percentile(holding.period.whole, 100.0 - 100.0 * risk_figures.TAIL_LEVEL))
        portfolio_var = Term("portfolio_var", value, "", "-percentile(portfolio_returns, 1 - level)", (whole, level))
    parts: Mapping[str, tuple[Part, ...]] = {
        "market_value": (market_value,),
        "position_weight": (weight,),
        "var_1d": (market_value, below("var_1d_pct")),
        "marginal_var": (portfolio_var, below("beta_to_portfolio", "beta")),
        "component_var": (market_value, below("marginal_var")),
        "pct_portfolio_risk": (weight, below("beta_to_portfolio", "beta")),
        "portfolio_volatility": (whole, yearly),
        "beta_to_portfolio": (own, whole),
        "correlation": (own, whole),
        "diversification_benefit": (below("correlation"),),
        "data_points": (own,),
    }
    if name == "var_1d_pct":
        return figure(tail, name, answer.var_1d_pct.value, "", own, level)
    if name == "position_volatility":
        return figure(RISK[Measure.VOLATILITY], name, answer.position_volatility.value, "", own, yearly)
    if name not in parts:
        raise NoSuchFigure
    value = getattr(answer, name)
    return holding.figure(name, value.value if isinstance(value, Metric) else value, *parts[name])
