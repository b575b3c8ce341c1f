"""A benchmark by day, as terms: its components, their closes, rates, splits and dividends, and their weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import prod

import numpy as np

from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import (
    Action,
    Explanation,
    Items,
    NoSuchFigure,
    Observation,
    Part,
    Series,
    Setting,
    Term,
    product,
)
from portfolio.models import Rebalance
from portfolio.performance import composite
from portfolio.performance.benchmark_index import BenchmarkReturns, Component
from portfolio.performance.composite import BenchmarkDefinition
from portfolio.performance.formulas import BENCHMARK
from portfolio.valuation.pack_days import Floats
from pricing.models import PriceBasis
from pricing.packs.rows import KnownAction


@dataclass(frozen=True, slots=True)
class BenchmarkDays:
    """A benchmark on the pack days from the market's day number `first` on, and what it was computed from."""

    market: MarketTerms
    definition: BenchmarkDefinition
    daily: BenchmarkReturns
    first: int
    bases: Mapping[str, str]
    """The price basis of each component, by symbol."""
    actions: Sequence[KnownAction]
    one_month: Mapping[str, Floats]
    """By currency its yearly one-month rate on each pack day, in decimal; NaN where none was known."""

    def value(self, place: int) -> float:
        """The return to a pack day from the one before. Raises NoSuchFigure where there is none."""
        row = place - self.first
        if not 0 <= row < len(self.daily.returns) or np.isnan(self.daily.returns[row]):
            raise NoSuchFigure
        return float(self.daily.returns[row])

    def day(self, place: int) -> Explanation:
        """The return to a pack day: each component's, by its weight as the day opens."""
        value, row, on = self.value(place), place - self.first, self.market.day(place)
        items = tuple(
            product(
                part.symbol,
                (
                    _term("weight", self.daily.component_weights[row, column], f"{on}/components/{part.symbol}/weight"),
                    _term("move", self.daily.component_returns[row, column], f"{on}/components/{part.symbol}/return"),
                ),
                "fraction",
            )
            for column, part in enumerate(self.daily.components)
        )
        return _figure("benchmark", value, Items("items", items))

    def hedged_value(self, place: int) -> float:
        """The same with its currencies sold forward. Raises NoSuchFigure."""
        hedged = self.daily.hedged_returns
        self.value(place)
        if hedged is None or np.isnan(hedged[place - self.first]):
            raise NoSuchFigure
        return float(hedged[place - self.first])

    def hedged_day(self, place: int) -> Explanation:
        """The return to a pack day with the currencies sold forward: each component's, by its weight as the day opens."""
        value, row, on = self.hedged_value(place), place - self.first, self.market.day(place)
        items = []
        for column, part in enumerate(self.daily.components):
            below = f"{on}/components/{part.symbol}"
            weight = _term("weight", self.daily.component_weights[row, column], f"{below}/weight")
            move = _term("move", float(self._sold_forward(place, part).known_value), f"{below}/hedged")
            items.append(product(part.symbol, (weight, move), "fraction"))
        return _figure("hedged", value, Items("items", tuple(items)))

    def component(self, place: int, symbol: str, what: str) -> Explanation:
        """The return of a component on a pack day, or its weight as the day opens. Raises NoSuchFigure."""
        self.value(place)
        for column, part in enumerate(self.daily.components):
            if part.symbol == symbol and what == "return":
                return self._move(place, part, float(self.daily.component_returns[place - self.first, column]))
            if part.symbol == symbol and what == "hedged":
                term = self._sold_forward(place, part)
                return Explanation(BENCHMARK["hedged_component"].what, term)
            if part.symbol == symbol and what == "weight":
                return self._weight(place, column)
        raise NoSuchFigure

    def _move(self, place: int, part: Component, value: float) -> Explanation:
        """What an owner of the component had, in the base currency: its close, with splits and dividends, and its rate."""
        earned, terms = self._earned(place, part)
        formula, market = f"({earned}) / close_before - 1", self.market
        if part.currency != market.base:
            formula = f"({earned}) / close_before * rate / rate_before - 1"
            terms += [market.rate(part.currency, place), market.rate(part.currency, place - 1, "rate_before")]
        what = BENCHMARK["component"].what
        return Explanation(what, Term("return", value, "fraction", formula, tuple(terms), label=part.symbol))

    def _sold_forward(self, place: int, part: Component) -> Term:
        """The return of a component with its value of the day before sold forward at the one-month rates known then."""
        earned, terms = self._earned(place, part)
        close, before = (float(each.known_value) for each in terms[:2] if isinstance(each, Term))
        splits, dividends = self._actions(place, part)
        gained = close * prod(float(each.known_value) for each in splits)
        gained += sum(float(each.known_value) for each in dividends)
        local = Term("local", gained / before - 1.0, "fraction", f"({earned}) / close_before - 1", tuple(terms))
        if part.currency == self.market.base:
            return replace(local, name="hedged", label=part.symbol)
        rate, rate_before = (
            self.market.rate(part.currency, place),
            self.market.rate(part.currency, place - 1, "rate_before"),
        )
        fx_return = float(rate.known_value) / float(rate_before.known_value) - 1.0
        fx = Term("fx", fx_return, "fraction", "rate / rate_before - 1", (rate, rate_before))
        base, foreign = (
            self._one_month(name, currency, place - 1)
            for name, currency in (("base_rate", self.market.base), ("foreign_rate", part.currency))
        )
        days = (self.market.day(place) - self.market.day(place - 1)).days
        years = days / 365
        gain = (1.0 + float(base.known_value) * years) / (1.0 + float(foreign.known_value) * years) - 1.0
        formula = "(1 + base_rate * days / 365) / (1 + foreign_rate * days / 365) - 1"
        premium = Term("premium", gain, "fraction", formula, (base, foreign, Term("days", days, "days")))
        own = float(local.known_value)
        whole, expression = own + gain + own * fx_return, BENCHMARK["hedged_component"].expression
        return Term("hedged", whole, "fraction", expression, (local, premium, fx), label=part.symbol)

    def _one_month(self, name: str, currency: str, place: int) -> Term:
        """The yearly rate of one month that was known on a pack day. Raises NoSuchFigure."""
        series = dict(self.definition.one_month).get(currency)
        if series is None or currency not in self.one_month or np.isnan(self.one_month[currency][place]):
            raise NoSuchFigure
        value = float(self.one_month[currency][place])
        rows = (Observation(series, self.market.day(place)),)
        return Term(
            name,
            value,
            "fraction",
            "quoted / 100",
            (Term("quoted", value * 100, "percent a year", "value", rows=rows),),
        )

    def _earned(self, place: int, part: Component) -> tuple[str, list[Part]]:
        """What one unit was worth at a close with what it paid, as a formula, and its terms: both closes, splits, dividends."""
        market = self.market
        security = next(each for each, symbol in market.symbols.items() if symbol == part.symbol)
        terms: list[Part] = [market.price(security, place, "close"), market.price(security, place - 1, "close_before")]
        splits, dividends = self._actions(place, part)
        earned = "close"
        if splits:
            earned += " * prod(splits)"
            terms.append(Items("splits", splits))
        if dividends:
            earned += " + sum(dividends)"
            terms.append(Items("dividends", dividends))
        return earned, terms

    def _actions(self, place: int, part: Component) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
        """The splits and the dividends of a component that a pack day takes in."""
        splits, dividends = list[Term](), list[Term]()
        for action in self.actions if self.bases[part.symbol] == PriceBasis.RAW else ():
            if action.symbol != part.symbol or self.market.rates.pack_day(action.ex_date) != place:
                continue
            rows = (Action(action.symbol, action.ex_date, action.action),)
            if action.ratio is not None:
                splits.append(Term("ratio", action.ratio, rows=rows))
            elif action.amount is not None:
                amount = Term("amount", action.amount, action.currency, rows=rows)
                across = self.market.across(action.currency, part.currency, self.market.day(place))
                dividends.append(product(f"{action.ex_date} {action.action}", (amount, across), part.currency))
        return tuple(splits), tuple(dividends)

    def _weight(self, place: int, column: int) -> Explanation:
        """The weight of the definition on the day that a period opens with; then each component's as it has grown since."""
        row = place - self.first
        opening, value = self._period_of(row), float(self.daily.component_weights[row, column])
        if opening == row:
            return _figure("target_weight", value, self._target(column))
        grown = tuple(self._grown(each, opening, row) for each in range(len(self.daily.components)))
        own = Term("own", grown[column].value, "", grown[column].formula, grown[column].terms)
        return _figure("component_weight", value, own, Items("grown", grown))

    def _period_of(self, row: int) -> int:
        """The row that opens the period of another: from there on the weights have drifted."""
        if self.definition.rebalance == Rebalance.DAILY or len(self.daily.components) == 1:
            return row
        table = self.daily.component_returns
        unknown = np.flatnonzero(np.isnan(table).any(axis=1))
        first_complete = int(unknown[-1]) + 1 if len(unknown) else 0
        opens = composite.rebalanced(self.market.market.dates[self.first :], self.definition.rebalance)
        starts = np.flatnonzero(opens[first_complete : row + 1])
        return first_complete + (int(starts[-1]) if len(starts) else 0)

    def _target(self, column: int) -> Term:
        symbol, weight = self.definition.components[column]
        rows = (Setting("benchmark", f"{self.definition.name}: {self.definition.in_words}"),)
        return Term("target", Decimal(weight), "fraction", rows=rows, label=symbol)

    def _grown(self, column: int, opening: int, row: int) -> Term:
        part, target = self.daily.components[column], self._target(column)
        moves = self.daily.component_returns[opening:row, column]
        dates = tuple(self.market.day(self.first + each) for each in range(opening, row))
        path = f"{{days}}/{{date}}/components/{part.symbol}/return"
        series = Series("moves", dates, tuple(moves.tolist()), "fraction", path)
        value = float(target.known_value) * float(np.prod(1.0 + moves))
        return Term(part.symbol, value, "", "target * prod(1 + moves)", (target, series))


def _term(name: str, value: float, below: str) -> Term:
    return Term(name, float(value), "fraction", path=f"{{days}}/{below}")


def _figure(key: str, value: float, *parts: Part) -> Explanation:
    formula = BENCHMARK[key]
    return Explanation(formula.what, Term(key, value, "fraction", formula.expression, parts))
