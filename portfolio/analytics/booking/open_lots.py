"""The state of open lots while a ledger is booked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from portfolio.analytics.booking.transaction import ONE, ZERO


class OpenLayer:
    """The state of a layer; fixing: trading currency per one of its own on its day, None where that is not known."""

    __slots__ = ("acquired", "cost", "currency", "fee", "fixing", "fx", "opened_by")

    def __init__(
        self,
        opened_by: int,
        currency: str | None,
        acquired: date,
        fx: Decimal,
        fixing: Decimal | None,
        cost: Decimal,
        fee: Decimal,
    ) -> None:
        self.opened_by, self.currency, self.acquired, self.fx, self.fixing = opened_by, currency, acquired, fx, fixing
        self.cost, self.fee = cost, fee

    def scaled(self, share: Decimal) -> OpenLayer:
        return OpenLayer(
            self.opened_by,
            self.currency,
            self.acquired,
            self.fx,
            self.fixing,
            self.cost * share,
            self.fee * share,
        )


class OpenLot:
    """The state of a lot. `since`: the day it came to this state. fee_base: entry fees kept apart, at their rates.

    fixing  trading currency per one of its own on its day, None where that is not known
    layers  None while its cost is of one purchase alone, or all of it plain
    plain   it was dealt in the base currency, which its security trades in too: no rate is needed, of whatever day
    """

    __slots__ = (
        "acquired",
        "currency",
        "fee",
        "fee_base",
        "fixing",
        "fx",
        "layers",
        "lot_id",
        "opened_by",
        "order",
        "plain",
        "price_cost",
        "quantity",
        "since",
        "went_on",
    )

    def __init__(
        self,
        *,
        opened_by: int,
        order: int,
        lot_id: str | None,
        acquired: date,
        since: date,
        quantity: Decimal,
        price_cost: Decimal,
        fee: Decimal,
        fee_base: Decimal,
        fx: Decimal,
        currency: str | None,
        fixing: Decimal | None,
        layers: list[OpenLayer] | None = None,
        plain: bool = False,
        went_on: tuple[int, ...] = (),
    ) -> None:
        self.opened_by, self.order, self.lot_id, self.went_on = opened_by, order, lot_id, went_on
        self.acquired, self.since = acquired, since
        self.quantity, self.price_cost, self.fee, self.fee_base, self.fx = quantity, price_cost, fee, fee_base, fx
        self.currency, self.fixing, self.layers, self.plain = currency, fixing, layers, plain

    def own_layers(self) -> list[OpenLayer]:
        """Its layers, or the one that it is made of."""
        if self.layers is not None:
            return self.layers
        return [
            OpenLayer(self.opened_by, self.currency, self.acquired, self.fx, self.fixing, self.price_cost, self.fee)
        ]

    def part(self, quantity: Decimal, share: Decimal, since: date) -> OpenLot:
        """Cut a share of its cost, and the layers of that, off; its quantity stays for the caller to change."""
        whole = share == 1
        piece = OpenLot(
            opened_by=self.opened_by,
            order=self.order,
            lot_id=self.lot_id,
            acquired=self.acquired,
            since=since,
            quantity=quantity,
            price_cost=self.price_cost if whole else self.price_cost * share,
            fee=self.fee if whole or not self.fee else self.fee * share,
            fee_base=self.fee_base if whole or not self.fee else self.fee_base * share,
            fx=self.fx,
            currency=self.currency,
            fixing=self.fixing,
            layers=None if self.layers is None else [layer.scaled(share) for layer in self.layers],
            plain=self.plain,
            went_on=self.went_on,
        )
        self.price_cost -= piece.price_cost
        self.fee -= piece.fee
        self.fee_base -= piece.fee_base
        if self.layers is not None:
            self.layers = [] if whole else [layer.scaled(ONE - share) for layer in self.layers]
        return piece


class Holding:
    """The lots of one symbol in one account, the next to be sold on top. foreign: some were dealt in another currency than the
    others, or than the one that the symbol trades in."""

    __slots__ = ("account", "foreign", "heap", "quantity", "restated", "symbol")

    def __init__(self, account: str, symbol: str) -> None:
        self.account, self.symbol = account, symbol
        self.quantity = ZERO
        self.foreign = self.restated = False
        self.heap: list[tuple[tuple[Decimal | int, ...], OpenLot]] = []

    def lots(self) -> Iterator[OpenLot]:
        return (lot for _, lot in self.heap if lot.quantity)
