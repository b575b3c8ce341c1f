"""Amounts of a row that several kinds need."""

from decimal import Decimal

from ..rows import Row
from .decimals import quotient


def gross_of(row: Row) -> Decimal:
    assert row.gross is not None  # checking.find_faults has asked for it
    return row.gross


def unit_amount(row: Row, whole: Decimal, quantity: Decimal) -> Decimal:
    """Money for one unit: the price where it comes to what was paid, else what was paid by the units."""
    price = row.unit_value
    return price if price is not None and price * quantity == whole else quotient(whole, quantity)


def paid_of(row: Row) -> Decimal:
    """What a conversion took of the other currency."""
    assert row.quantity is not None
    if row.counter_amount is not None:
        return row.counter_amount
    assert row.unit_price is not None
    return row.quantity * row.unit_price
