"""Where a row takes a security from, and how much of it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from config.decimals import trimmed

from ..rows import ZERO, Row
from .decimals import half_digit
from .draft import Draft
from .lots import move_lots
from .refusal import MISSING_ROW, RowRefused
from .state import LedgerState

REST_SHARE: Final = Decimal("1e-6")
REST_MONEY: Final = Decimal("0.01")
"""What is left of a position below this share of it, this much money, and half the last digit of the row, closes it."""


def source_of(state: LedgerState, row: Row) -> tuple[str, Decimal]:
    """The account that a row takes from, and how much: what the row says, or all where next to nothing would be left."""
    places = state.accounts_holding(row)
    holding = sum((state.shelf.units_of(place, row.symbol) for place in places), ZERO)
    quantity = _quantity(state, row, places, holding)
    enough = [
        place
        for place in places
        if state.shelf.units_of(place, row.symbol) >= quantity
        and (not row.lot or any(lot.label == row.lot for lot in state.shelf.lots(place, row.symbol)))
    ]
    if not enough:
        for place in places[1:]:
            legs = move_lots(
                state,
                row,
                place,
                places[0],
                state.shelf.take(place, row.symbol, state.shelf.units_of(place, row.symbol)),
            )
            state.moves.append(Draft("Transfer", legs, note=f"{row.symbol} into one account"))
        enough = places[:1]
    lots = state.shelf.lots(enough[0], row.symbol)
    if (
        state.shelf.method(enough[0]) == "STRICT"
        and len(lots) > 1
        and not row.lot
        and quantity < state.shelf.units_of(enough[0], row.symbol)
    ):
        raise RowRefused("lot", "is needed: several could be meant", "the name that the lot was bought with")
    return enough[0], quantity


def _quantity(state: LedgerState, row: Row, places: Sequence[str], holding: Decimal) -> Decimal:
    """What the row says; all that is held where the rest is rounding. Raises RowRefused for more than is held."""
    if row.whole:
        return holding
    assert row.quantity is not None
    quantity, half = row.quantity, half_digit(row.quantity)
    fraction = holding % 1
    if row.kind == "cash_in_lieu" and fraction and quantity != fraction and abs(fraction - quantity) < half:
        state.notes.append(
            f"row {row.row}: {trimmed(quantity)} {row.symbol} is the fraction that is held,"
            f" {trimmed(fraction)}, as it is printed: all of the fraction is sold"
        )
        return fraction
    rest = holding - quantity
    if not rest:
        return quantity
    price = row.unit_value
    if price is None and row.amount is not None and quantity:
        price = row.amount / quantity
    if price is None:
        price = max(lot.unit_cost for place in places for lot in state.shelf.lots(place, row.symbol))
    if abs(rest) < REST_SHARE * holding and abs(rest) * price < REST_MONEY and abs(rest) < half:
        rest_text = f"the {trimmed(rest)} left" if rest > 0 else f"the {trimmed(-rest)} more than is held"
        state.notes.append(
            f"row {row.row}: {trimmed(quantity)} {row.symbol} closes the position of {trimmed(holding)}:"
            f" {rest_text} is rounding"
        )
        return holding
    if rest < 0:
        raise RowRefused(
            "quantity",
            "is more than is held on that day",
            f"{trimmed(holding)} held; {MISSING_ROW}",
            trimmed(quantity),
        )
    return quantity
