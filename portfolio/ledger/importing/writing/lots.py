"""Lots that come, go on elsewhere, or become others: on the shelf and as legs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from ..rows import Row
from ..shelf import ShelfLot
from .legs import describe_lot, lot_leg
from .state import LedgerState


def put_lot(state: LedgerState, row: Row, account: str, units: Decimal, unit_cost: Decimal, acquired: date) -> None:
    state.shelf.put(account, row.symbol, ShelfLot(units, unit_cost, row.currency, acquired, row.lot or None))


def move_lots(state: LedgerState, row: Row, frm: str, to: str, parts: Sequence[ShelfLot]) -> list[str]:
    """Lots from one account to another, each with its day and cost. They are off the shelf already."""
    legs_out = [lot_leg(frm, -part.units, row.symbol, describe_lot(part)) for part in parts]
    for part in parts:
        state.shelf.put(to, row.symbol, replace(part))
    return legs_out + [lot_leg(to, part.units, row.symbol, describe_lot(part)) for part in parts]


def exchange_lots(
    state: LedgerState, account: str, symbol: str, after: Sequence[tuple[str, str, ShelfLot]]
) -> list[str]:
    """All lots of a security against what becomes of them."""
    before = state.shelf.lots(account, symbol)
    legs = [lot_leg(account, -lot.units, symbol, describe_lot(lot)) for lot in before]
    state.shelf.empty(account, symbol)
    for place, name, lot in after:
        state.shelf.put(place, name, replace(lot))
        legs.append(lot_leg(place, lot.units, name, describe_lot(lot)))
    return legs
