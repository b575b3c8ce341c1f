"""One holding: what is held of it now, its lots, its entries, and its closes since it was first held."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from portfolio.books import Book, Event, LotState
from portfolio.valuation.as_of import ValuedPositions
from portfolio.valuation.money import without_trailing_zeros
from portfolio.valuation.pack_days import Days
from pricing.market import History


@dataclass(frozen=True, slots=True)
class HoldingLot:
    """An open parcel. Amounts are in `currency`, that of its purchase."""

    acquired: date
    quantity: Decimal
    unit_cost: Decimal
    cost: Decimal
    currency: str
    account: str


@dataclass(frozen=True, slots=True)
class HoldingEntry:
    """An entry of the ledger. Amounts are in `currency`; money in is positive."""

    date: date
    kind: str
    quantity: Decimal | None
    unit_price: Decimal | None
    amount: Decimal
    tax: Decimal
    currency: str
    note: str


@dataclass(frozen=True, slots=True)
class TransactionHistory:
    """What was booked in one security."""

    first_date: date | None
    """Of its first entry; None where nothing was booked."""
    entries: tuple[HoldingEntry, ...]
    """The newest first."""


@dataclass(frozen=True, slots=True)
class OneHolding:
    """The figures of what is held now are None where nothing is. Value and gain are in base currency, the rest in its own."""

    symbol: str
    name: str | None
    quantity: Decimal | None
    price: Decimal | None
    currency: str | None
    observed_date: date | None
    market_value: Decimal | None
    weight: float | None
    cost_basis_base: Decimal | None
    unrealized_pnl: Decimal | None
    lots: tuple[HoldingLot, ...]
    """The oldest first."""
    entries: tuple[HoldingEntry, ...]
    """The newest first."""
    dates: Days
    """Pack days from the first entry on."""
    closes: tuple[float | None, ...]
    """As quoted, not adjusted for splits; None on days without one."""


def transactions(book: Book, asof: date, security_id: int, limit: int | None = None) -> TransactionHistory:
    """The entries of a security up to a date, or the `limit` newest of them."""
    events = events_of(book, asof, security_id)
    return TransactionHistory(
        first_date=events[0].date if events else None,
        entries=tuple(
            HoldingEntry(
                event.date,
                event.kind.replace("_", " "),
                None if event.quantity is None else without_trailing_zeros(event.quantity),
                None if event.unit_price is None else without_trailing_zeros(event.unit_price),
                event.amount,
                event.tax,
                event.currency,
                event.note,
            )
            for event in [*reversed(events)][:limit]
        ),
    )


def find(
    book: Book,
    valued: ValuedPositions,
    market: History,
    security_id: int,
    symbol: str,
    history: TransactionHistory,
) -> OneHolding:
    """All that the books and the market have of one security. `history` is of all its entries."""
    asof = valued.asof_date
    own = next((row for row in valued.positions if row.security_id == security_id), None)
    dates, closes = _closes(market, security_id, history.first_date or asof)
    return OneHolding(
        symbol=symbol,
        name=own.name if own else None,
        quantity=own.quantity if own else None,
        price=own.price if own else None,
        currency=own.currency if own else None,
        observed_date=own.observed_date if own else None,
        market_value=own.market_value if own else None,
        weight=own.weight if own else None,
        cost_basis_base=own.cost_basis_base if own else None,
        unrealized_pnl=own.unrealized_pnl if own else None,
        lots=tuple(
            HoldingLot(
                lot.acquired,
                without_trailing_zeros(lot.quantity),
                without_trailing_zeros(lot.unit_cost),
                without_trailing_zeros(lot.cost),
                lot.currency,
                lot.account,
            )
            for lot in lots_of(book, asof, security_id)
        ),
        entries=history.entries,
        dates=dates,
        closes=closes,
    )


def events_of(book: Book, asof: date, security_id: int) -> list[Event]:
    """The events of a security up to a date, the oldest first."""
    return [event for event in book.events if event.date <= asof and security_id in (event.security, event.to_security)]


def lots_of(book: Book, asof: date, security_id: int) -> list[LotState]:
    """Its open lots, the oldest first."""
    lots = (lot for lot in book.lots if lot.security == security_id and lot.is_open(asof))
    return sorted(lots, key=lambda lot: (lot.acquired, lot.account, lot.quantity))


def _closes(market: History, security_id: int, since: date) -> tuple[Days, tuple[float | None, ...]]:
    """No days where no pack has a close of it."""
    if security_id not in market.columns:
        return market.dates[:0], ()
    rows = market.dates >= np.datetime64(since)
    closes = market.close[rows, market.security(security_id)]
    return market.dates[rows], tuple(value if np.isfinite(value) else None for value in closes.tolist())
