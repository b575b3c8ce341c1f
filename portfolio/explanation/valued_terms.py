"""Positions, cash and dividends due at the closes and rates of one pack, as unrounded terms."""

from collections.abc import Callable

from portfolio.books import Event
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Close, Fixing, Items, Term, product, total
from portfolio.valuation import Positions, ValuedPositions
from portfolio.valuation.position import CashBalance, receivable
from pricing import market as markets
from pricing.market import Market


class ValuedTerms:
    """What is held, at one pack. `lots` has the rates of the days on which it was bought."""

    def __init__(self, positions: Positions, market: Market, lots: MarketTerms, valued: ValuedPositions) -> None:
        self.positions, self.market, self.lots, self.valued = positions, market, lots, valued
        self.base = positions.base_currency

    def price(self, number: int) -> Term:
        row = self.positions.positions[number]
        close = self.market.close(row.security_id, row.symbol)
        pack_row = Close(self.market.pack_id, row.security_id)
        return Term("price", close.unit_value, row.currency, "close * factor", rows=(pack_row,), label=row.symbol)

    def rate(self, currency: str) -> Term:
        rows = () if currency == self.base else (Fixing(self.market.pack_id, currency, self.base),)
        return Term("rate", markets.cross(self.market, currency, self.base), f"{self.base} per {currency}", rows=rows)

    def quantity(self, number: int) -> Term:
        row = self.positions.positions[number]
        return Term("quantity", row.quantity, "units", path=f"{{valued}}/positions/{number}/quantity", label=row.symbol)

    def holding(self, number: int, name: str = "") -> Term:
        """The unrounded value of a position."""
        row = self.positions.positions[number]
        terms = (self.quantity(number), self.price(number), self.rate(row.currency))
        return product(name or row.symbol, terms, self.base, label=row.name)

    def holdings(self, includes: Callable[[int], bool] = lambda number: True) -> Items:
        places = range(len(self.positions.positions))
        return Items("holdings", tuple(self.holding(place) for place in places if includes(place)))

    @property
    def balances(self) -> list[CashBalance]:
        """Those that are in the answer: an empty one without a rate is not."""
        currencies = {row.currency for row in self.valued.cash}
        return [row for row in self.positions.cash if row.currency in currencies]

    def balance(self, number: int, name: str = "") -> Term:
        """The unrounded value of the cash of a currency."""
        row = self.balances[number]
        amount = Term("amount", row.amount, row.currency, path=f"{{valued}}/cash/{number}/amount")
        return product(name or row.currency, (amount, self.rate(row.currency)), self.base)

    def cash(self, includes: Callable[[str], bool] = lambda currency: True) -> Items:
        rows = enumerate(self.balances)
        return Items("cash", tuple(self.balance(place) for place, row in rows if includes(row.currency)))

    @property
    def due(self) -> list[Event]:
        return receivable(self.positions.book, self.positions.asof_date)

    def receivables(self) -> Items:
        terms = (
            product(
                event.entry_id, (self.lots.booked(event, "amount", event.amount), self.rate(event.currency)), self.base
            )
            for event in self.due
        )
        return Items("receivables", tuple(terms))

    def total(self) -> Term:
        """The unrounded value of all."""
        return total("total", (self.holdings(), self.cash()), self.base)
