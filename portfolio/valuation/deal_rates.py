"""The rate that a deal is converted at: the ledger's own where it carries one and the portfolio goes by it, else the fixing.

Fixings come from the history that a pack sees; the last digits of a float64 are far below the cent that money is shown to.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import isnan, nan
from typing import Protocol

from portfolio.books import CostLayer, LotMatch, LotState
from pricing.fx import MissingRate
from pricing.market import History


class Deal(Protocol):
    """A deal whose amounts are converted: an event of the ledger, say."""

    @property
    def date(self) -> date: ...
    @property
    def currency(self) -> str: ...
    @property
    def fx_to_base(self) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class LocalAndBase:
    """An amount in the currency that a security trades in, and in the base currency; None where a rate is not known."""

    local: Decimal | None
    base: Decimal | None


class DealRates:
    """Rates in base currency for one of a currency."""

    def __init__(self, market: History, base_currency: str, trade_fx: str) -> None:
        self._market, self._base, self._trade_fx = market, base_currency, trade_fx
        self._days: list[date] = market.dates.tolist()
        self._columns: dict[str, list[float]] = {}

    @property
    def sources(self) -> tuple[str, ...]:
        """Providers of the fixings that were looked up so far, sorted."""
        looked_up = {*self._columns, self._base} if self._columns else set[str]()
        columns = [self._market.currencies.index(each) for each in looked_up if each in self._market.currencies]
        return tuple(sorted({source for column in columns for source in self._market.fx_sources[column]}))

    def pack_day(self, on: date) -> int:
        """The number of the pack day that a date belongs to: its own, or the next; len(days) for one after the last."""
        return bisect_left(self._days, on)

    def fixing(self, currency: str, on: date) -> Decimal | None:
        """The fixing of the pack day that a date belongs to. None outside the history, or without a rate."""
        if currency == self._base:
            return Decimal(1)
        place = self.pack_day(on)
        if place == len(self._days) or on < self._days[0]:
            return None
        return self.on_pack_day(currency, place)

    def on_pack_day(self, currency: str, place: int) -> Decimal | None:
        """The fixing of the history's day number `place`; None without one."""
        if currency == self._base:
            return Decimal(1)
        if currency not in self._columns:
            try:
                self._columns[currency] = self._market.fx(currency, self._base).tolist()
            except MissingRate:  # no pack has any of it
                self._columns[currency] = [nan] * len(self._days)
        rate = self._columns[currency][place]
        return None if isnan(rate) else Decimal(repr(rate))

    def own(self, locked: Decimal | None, currency: str) -> Decimal | None:
        """The ledger's own rate, where it has one and the portfolio goes by it."""
        return locked if self._trade_fx == "ledger" and currency != self._base else None

    def for_deal(self, deal: Deal) -> Decimal:
        """The rate of a deal. Raises MissingRate: no deal is converted at a rate that nobody gave."""
        own = self.own(deal.fx_to_base, deal.currency)
        if own is not None:
            return own
        rate = self.fixing(deal.currency, deal.date)
        if rate is None:
            raise MissingRate(deal.currency, self._base, deal.date)
        return rate

    def for_lot(self, locked: Decimal | None, currency: str, acquired: date) -> Decimal | None:
        """The rate of a lot's purchase; None for one bought before anything was priced, where the ledger names no rate."""
        own = self.own(locked, currency)
        return self.fixing(currency, acquired) if own is None else own

    def cross(self, currency: str, to: str, on: date) -> Decimal | None:
        """One of a currency in another, at the fixings of a day; None where one of them is missing."""
        if currency == to:
            return Decimal(1)
        fixing_from, fixing_to = self.fixing(currency, on), self.fixing(to, on)
        return None if fixing_from is None or fixing_to is None else fixing_from / fixing_to

    def cost_of_lot(self, lot: LotState, trades_in: str) -> LocalAndBase:
        """The cost of a lot, by the fee setting: in the currency that it trades in at the fixing of each purchase's day, in
        the base currency at each purchase's own rate."""
        return self.convert_layers(lot.cost_layers(), trades_in)

    def cost_of_match(self, match: LotMatch, trades_in: str, *, fees_in_cost: bool) -> LocalAndBase:
        """The cost of what was taken from a lot, likewise."""
        return self.convert_layers(match.cost_layers(fees_in_cost=fees_in_cost), trades_in)

    def entry_fee_of_match(self, match: LotMatch) -> Decimal | None:
        """The fees of the purchase that stand apart from the cost, base currency."""
        return self.convert_layers([layer.of_fee() for layer in match.cost_layers(fees_in_cost=False)], "").base

    def convert_layers(self, layers: Sequence[CostLayer], trades_in: str) -> LocalAndBase:
        """The sum of the layers' costs; without `trades_in`, the base amount alone."""
        local: Decimal | None = Decimal(0)
        base: Decimal | None = Decimal(0)
        for layer in layers:
            if layer.cost:
                fixing = self.cross(layer.currency, trades_in, layer.acquired) if trades_in else None
                rate = self.for_lot(layer.fx_to_base, layer.currency, layer.acquired)
                local = None if local is None or fixing is None else local + layer.cost * fixing
                base = None if base is None or rate is None else base + layer.cost * rate
        return LocalAndBase(local, base)

    def convert_deal(self, deal: Deal, amount: Decimal, trades_in: str) -> LocalAndBase:
        """An amount that was paid or received in a deal. Raises MissingRate."""
        rate, across = self.for_deal(deal), self.cross(deal.currency, trades_in, deal.date)
        if across is None:
            raise MissingRate(deal.currency, trades_in, deal.date)
        return LocalAndBase(amount * across, amount * rate)
