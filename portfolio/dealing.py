"""The rate that a deal is converted at: the ledger's own where it carries one and the portfolio goes by it, else the fixing.

Fixings come from the history that a pack sees; the last digits of a float64 are far below the cent that money is shown to.
"""

from bisect import bisect_left
from datetime import date
from decimal import Decimal
from math import isnan
from typing import Protocol

from pricing.fx import MissingRate
from pricing.market import History


class Deal(Protocol):
    """What is converted: an event of the ledger."""

    @property
    def date(self) -> date: ...
    @property
    def currency(self) -> str: ...
    @property
    def fx_to_base(self) -> Decimal | None: ...


class Rates:
    """Base currency for one of a currency."""

    def __init__(self, market: History, base_currency: str, trade_fx: str) -> None:
        self._market, self._base, self._trade_fx = market, base_currency, trade_fx
        self._days: list[date] = market.dates.tolist()
        self._columns: dict[str, list[float]] = {}

    def place(self, on: date) -> int:
        """The pack day that a date belongs to: its own, or the next; as many as there are for one after the last."""
        return bisect_left(self._days, on)

    def fixing(self, currency: str, on: date) -> Decimal | None:
        """Of the pack day that a date belongs to. None outside the history, or without a rate."""
        if currency == self._base:
            return Decimal(1)
        place = self.place(on)
        if place == len(self._days) or on < self._days[0]:
            return None
        return self.at(currency, place)

    def at(self, currency: str, place: int) -> Decimal | None:
        """Of the history's day number `place`."""
        if currency == self._base:
            return Decimal(1)
        if currency not in self._columns:
            self._columns[currency] = self._market.fx(currency, self._base).tolist()
        rate = self._columns[currency][place]
        return None if isnan(rate) else Decimal(repr(rate))

    def of_deal(self, deal: Deal) -> Decimal:
        """Raises MissingRate: no deal is converted at a rate that nobody gave."""
        if self._trade_fx == "ledger" and deal.fx_to_base is not None and deal.currency != self._base:
            return deal.fx_to_base
        rate = self.fixing(deal.currency, deal.date)
        if rate is None:
            raise MissingRate(deal.currency, self._base, deal.date)
        return rate

    def of_lot(self, locked: Decimal | None, currency: str, acquired: date) -> Decimal | None:
        """What a lot was bought at; None for one bought before anything was priced, where the ledger names no rate."""
        if self._trade_fx == "ledger" and locked is not None and currency != self._base:
            return locked
        return self.fixing(currency, acquired)
