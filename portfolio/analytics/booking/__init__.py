"""Lots, what is sold from them, and what was gained: price, FX, interaction, fees.

Everything is `Decimal` at 34 digits. Local amounts are in the trade's currency, base amounts in the book's. A lot keeps the
currency that it was dealt in, whatever the others of its security were. Rules: docs/measurement.md, Lots and gains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import localcontext
from typing import get_args

from portfolio.analytics.booking import kinds
from portfolio.analytics.booking.books import Books
from portfolio.analytics.booking.lots import Booked, Gain, Layer, Lot, MatchedLot, Parcel
from portfolio.analytics.booking.transaction import NO_LOTS, PRECISION, Method, Transaction, require_rates
from portfolio.analytics.errors import InvalidInput

__all__ = [
    "NO_LOTS", "PRECISION", "Booked", "Gain", "Layer", "Lot", "MatchedLot", "Method", "Parcel", "Transaction", "book",
]  # fmt: skip


def book(
    transactions: Sequence[Transaction],
    *,
    method: Method = "FIFO",
    fees_in_cost: bool = True,
    account_methods: Mapping[str, Method] | None = None,
) -> Booked:
    """Open, match and close lots in order of date, then of place in the sequence.

    method        which lot a sale takes: first or last acquired, highest trade-currency unit cost (ties: first
                  acquired, then ledger order), or one average pool per account and symbol
    account_methods  of accounts that have a method of their own
    fees_in_cost  buy fees raise the cost and sell fees lower the proceeds; else they are kept apart
    raises        Oversold; InvalidInput with the transaction's place
    """
    for each in (method, *(account_methods or {}).values()):
        if each not in get_args(Method):
            raise InvalidInput("method", f"is {each!r}, one of {', '.join(get_args(Method))} is needed")
    with localcontext(PRECISION):
        books = Books(method, fees_in_cost, account_methods or {})
        require_rates(transactions)
        for index in sorted(range(len(transactions)), key=lambda place: transactions[place].date):
            kinds.take(books, index, transactions[index])
        return books.close()
