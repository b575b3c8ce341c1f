"""Everything one ledger revision says of one portfolio, and the settings it is counted by."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from portfolio.books.entries import Event, LotMatch, LotState

EXTERNAL = frozenset({"deposit", "withdrawal"})
"""Kinds whose cash crosses the portfolio's border."""

RECURRING_FEES = frozenset({"management", "custody"})
"""Kinds of fees that a gross return is before (docs/measurement.md#a-day)."""


@dataclass(frozen=True, slots=True)
class Book:
    """Frozen values with no way back to the database; events are in ledger order."""

    portfolio_id: UUID
    base_currency: str
    flow_timing: str
    events: tuple[Event, ...]
    lots: tuple[LotState, ...]
    matches: tuple[LotMatch, ...] = ()
    accrual: str = "cash"
    trade_fx: str = "ledger"
    fees_in_cost: bool = True
    booking_method: str = "FIFO"

    @property
    def has_inferred_flows(self) -> bool:
        """Whether any of its deposits is inferred, so that returns on them say little."""
        return any(event.inferred for event in self.events)

    @property
    def first_date(self) -> date | None:
        return self.events[0].date if self.events else None

    def as_of(self, asof_date: date) -> "Book":
        """The book as it stood at the close of a day.

        A dividend gone ex and not yet paid is in it, dated on its pay date, so that it is a receivable and no cash.
        """
        if not self.events or self.events[-1].date <= asof_date:
            return self
        return replace(
            self,
            events=tuple(event for event in self.events if event.earliest_date <= asof_date),
            lots=tuple(
                replace(lot, valid_to=None) if lot.valid_to and lot.valid_to > asof_date else lot
                for lot in self.lots
                if lot.valid_from <= asof_date
            ),
            matches=tuple(match for match in self.matches if match.date <= asof_date),
        )

    def cash(self, asof_date: date) -> dict[str, Decimal]:
        """Balance per currency at the close of a day; currencies that were never used are absent."""
        balances: dict[str, Decimal] = {}
        for event in self.events:
            if event.date > asof_date:
                break
            for currency, amount in event.cash_legs():
                balances[currency] = balances.get(currency, Decimal(0)) + amount
        return balances

    def quantities(self, asof_date: date) -> dict[int, Decimal]:
        """Units per security at the close of a day; securities that are not held are absent."""
        units: dict[int, Decimal] = {}
        for lot in self.lots:
            if lot.is_open(asof_date):
                units[lot.security] = units.get(lot.security, Decimal(0)) + lot.quantity
        return units
