"""A benchmark by day, as terms: its components, their closes, rates, splits and dividends, and their weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Action, Explanation, Items, NoSuchFigure, Part, Series, Setting, Term, product
from portfolio.models import Rebalance
from portfolio.performance import composite
from portfolio.performance.benchmark_index import BenchmarkReturns, Component
from portfolio.performance.composite import BenchmarkDefinition
from portfolio.performance.formulas import BENCHMARK
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

    def component(self, place: int, symbol: str, what: str) -> Explanation:
        """The return of a component on a pack day, or its weight as the day opens. Raises NoSuchFigure."""
        self.value(place)
        for column, part in enumerate(self.daily.components):
            if part.symbol == symbol and what == "return":
                return self._move(place, part, float(self.daily.component_returns[place - self.first, column]))
            if part.symbol == symbol and what == "weight":
                return self._weight(place, column)
        raise NoSuchFigure

    def _move(self, place: int, part: Component, value: float) -> Explanation:
        """What an owner of the component had, in the base currency: its close, with splits and dividends, and its rate."""
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
        if part.currency == market.base:
            formula = f"({earned}) / close_before - 1"
        else:
            formula = f"({earned}) / close_before * rate / rate_before - 1"
            terms += [market.rate(part.currency, place), market.rate(part.currency, place - 1, "rate_before")]
        what = BENCHMARK["component"].what
        return Explanation(what, Term("return", value, "fraction", formula, tuple(terms), label=part.symbol))

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
        opened, value = self._period_of(row), float(self.daily.component_weights[row, column])
        if opened == row:
            return _figure("target_weight", value, self._target(column))
        grown = tuple(self._grown(each, opened, row) for each in range(len(self.daily.components)))
        own = Term("own", grown[column].value, "", grown[column].formula, grown[column].terms)
        return _figure("component_weight", value, own, Items("grown", grown))

    def _period_of(self, row: int) -> int:
        """The row that opens the period of another: from there on the weights have drifted."""
        if self.definition.rebalance == Rebalance.DAILY or len(self.daily.components) == 1:
            return row
        table = self.daily.component_returns
        unknown = np.flatnonzero(np.isnan(table).any(axis=1))
        known = int(unknown[-1]) + 1 if len(unknown) else 0
        opens = composite.rebalanced(self.market.market.dates[self.first :], self.definition.rebalance)
        starts = np.flatnonzero(opens[known : row + 1])
        return known + (int(starts[-1]) if len(starts) else 0)

    def _target(self, column: int) -> Term:
        symbol, weight = self.definition.components[column]
        rows = (Setting("benchmark", f"{self.definition.name}: {self.definition.in_words}"),)
        return Term("target", Decimal(weight), "fraction", rows=rows, label=symbol)

    def _grown(self, column: int, opened: int, row: int) -> Term:
        part, target = self.daily.components[column], self._target(column)
        moves = self.daily.component_returns[opened:row, column]
        dates = tuple(self.market.day(self.first + each) for each in range(opened, row))
        path = f"{{days}}/{{date}}/components/{part.symbol}/return"
        series = Series("moves", dates, tuple(moves.tolist()), "fraction", path)
        value = float(target.known_value) * float(np.prod(1.0 + moves))
        return Term(part.symbol, value, "", "target * prod(1 + moves)", (target, series))


def _term(name: str, value: float, below: str) -> Term:
    return Term(name, float(value), "fraction", path=f"{{days}}/{below}")


def _figure(key: str, value: float, *parts: Part) -> Explanation:
    formula = BENCHMARK[key]
    return Explanation(formula.what, Term(key, value, "fraction", formula.expression, parts))
