"""Lots, what was taken from them, and what was gained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from portfolio.analytics.booking.transaction import PRECISION, ZERO, Day


@dataclass(frozen=True, slots=True)
class Layer:
    """What one purchase adds to the cost of a lot, in its own currency and at its own rate; what a return of capital took off
    it is one with a cost below zero.

    opened_by  place of that transaction; cost with the fee if fees_in_cost, and fee is 0 then
    """

    opened_by: int
    currency: str | None
    acquired: date
    fx_to_base: Decimal
    cost: Decimal
    fee: Decimal


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot, or the part of one that moved out. opened_by: place of the transaction in the sequence given; went_on: places of
    those by which it came into this account or under this symbol later.

    unit_cost  local, fees apart; cost  local, with buy fees if fees_in_cost; fx_to_base  the entry rate, locked
    layers     where the cost is not of one purchase alone: cost_base is what they sum to, fx_to_base cost_base / cost
    """

    symbol: str
    account: str
    lot_id: str | None
    opened_by: int
    acquired: date
    quantity: Decimal
    unit_cost: Decimal
    cost: Decimal
    cost_base: Decimal
    currency: str | None
    fx_to_base: Decimal
    layers: tuple[Layer, ...] = ()
    went_on: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Parcel:
    """A lot as it was at the end of each day valid_from <= day < valid_to; still is where valid_to is None."""

    symbol: str
    account: str
    lot_id: str | None
    opened_by: int
    acquired: date
    quantity: Decimal
    unit_cost: Decimal
    cost: Decimal
    currency: str | None
    fx_to_base: Decimal
    valid_from: date
    valid_to: date | None
    layers: tuple[Layer, ...] = ()
    went_on: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Gain:
    """Base currency: gain = price + fx + interaction - fees. With fees in cost they are in the three, and fees is 0."""

    price: Decimal
    fx: Decimal
    interaction: Decimal
    fees: Decimal

    @property
    def gain(self) -> Decimal:
        with localcontext(PRECISION):
            return self.price + self.fx + self.interaction - self.fees


@dataclass(frozen=True, slots=True)
class MatchedLot:
    """What one closing transaction took from one lot. cost, proceeds, fees: local; with fees in cost they hold them.

    A return of capital that exceeds the cost takes all of it, and no quantity: quantity is 0.
    currency  of the deal; cost_currency of cost and entry_fee, which may be another: then gains are in the currency that the
              security trades in where the fixings are known, else all of the gain is one of price
    fees      entry_fee + exit_fee; of two currencies the exit fee alone
    """

    closed_by: int
    opened_by: int
    lot_id: str | None
    kind: str
    date: date
    symbol: str
    account: str
    acquired: Day
    quantity: Decimal
    currency: str | None
    cost: Decimal
    proceeds: Decimal
    fees: Decimal
    fx_in: Decimal
    fx_out: Decimal
    realised: Gain
    cost_currency: str | None = None
    entry_fee: Decimal = ZERO
    exit_fee: Decimal = ZERO
    layers: tuple[Layer, ...] = ()
    went_on: tuple[int, ...] = ()

    @property
    def local_gain(self) -> Decimal:
        """proceeds - cost: before fees where they are kept apart."""
        with localcontext(PRECISION):
            return self.proceeds - self.cost


@dataclass(frozen=True, slots=True)
class Booked:
    """The books after the last transaction. realised: since purchase, over all matched lots.

    transferred_lots  parts moved out, or to another account, without a gain, each with the place of its transaction
    """

    open_lots: tuple[Lot, ...]
    matched_lots: tuple[MatchedLot, ...]
    transferred_lots: tuple[tuple[int, Lot], ...]
    parcels: tuple[Parcel, ...]
    realised: Gain
