"""What a portfolio's ledger says, as the calculations take it: one read of the rows, frozen values, no way back to the database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from portfolio.models import LedgerRevision, Lot, Portfolio, RevisionedRow, RevisionStatus, Transaction

EXTERNAL = frozenset({"deposit", "withdrawal"})
"""Kinds whose cash crosses the portfolio's border."""

RECURRING_FEES = frozenset({"management", "custody"})
"""Kinds of fees that a gross return is before (MEASUREMENT, Returns)."""

Day: TypeAlias = date  # in classes that have a field named date
Row = TypeVar("Row", bound=RevisionedRow)


@dataclass(frozen=True, slots=True)
class Event:
    """A transaction. Amounts in its own currency, money in is positive."""

    date: date
    kind: str
    security: int | None
    quantity: Decimal | None
    amount: Decimal
    currency: str
    counter_amount: Decimal | None
    counter_currency: str
    tax: Decimal
    ex_date: Day | None
    ratio: Decimal | None
    fee: Decimal = Decimal(0)
    fee_kind: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One state of an open lot: held at the close of every d with valid_from <= d < valid_to."""

    security: int
    account: str
    acquired: date
    quantity: Decimal
    unit_cost: Decimal
    cost: Decimal
    currency: str
    fx_to_base: Decimal | None
    valid_from: date
    valid_to: date | None

    def is_open(self, asof_date: date) -> bool:
        return self.valid_from <= asof_date and (self.valid_to is None or asof_date < self.valid_to)


@dataclass(frozen=True, slots=True)
class Book:
    """Everything one revision says of one portfolio, events in ledger order."""

    portfolio_id: UUID
    base_currency: str
    flow_timing: str
    events: tuple[Event, ...]
    parcels: tuple[Parcel, ...]

    @property
    def first_date(self) -> date | None:
        return self.events[0].date if self.events else None

    def cash(self, asof_date: date) -> dict[str, Decimal]:
        """Balance per currency at the close of a day; currencies that were never used are absent."""
        balances: dict[str, Decimal] = {}
        for event in self.events:
            if event.date > asof_date:
                break
            for currency, amount in legs(event):
                balances[currency] = balances.get(currency, Decimal(0)) + amount
        return balances

    def quantities(self, asof_date: date) -> dict[int, Decimal]:
        """Held quantity per security at the close of a day, those not held absent."""
        held: dict[int, Decimal] = {}
        for parcel in self.parcels:
            if parcel.is_open(asof_date):
                held[parcel.security] = held.get(parcel.security, Decimal(0)) + parcel.quantity
        return held


@dataclass(slots=True)
class State:
    """Balances at the close of a day, by account where the ledger has accounts."""

    date: date
    units: dict[tuple[str, int], Decimal]
    cost: dict[tuple[str, int], Decimal]
    """Fees apart, trade currency."""
    cash: dict[str, Decimal]


def states(book: Book, days: Iterable[date]) -> Iterator[State]:
    """The book at the close of each of `days` (ascending). One walk: the same State, moved on; take out what you keep."""
    changes = sorted(
        [(parcel.valid_from, 1, parcel) for parcel in book.parcels]
        + [(parcel.valid_to, -1, parcel) for parcel in book.parcels if parcel.valid_to is not None],
        key=lambda change: change[0],
    )
    state = State(date.min, {}, {}, {})
    changed = moved = 0
    for day in days:
        while changed < len(changes) and changes[changed][0] <= day:
            _, sign, parcel = changes[changed]
            key = (parcel.account, parcel.security)
            state.units[key] = state.units.get(key, Decimal(0)) + sign * parcel.quantity
            state.cost[key] = state.cost.get(key, Decimal(0)) + sign * parcel.quantity * parcel.unit_cost
            changed += 1
        while moved < len(book.events) and book.events[moved].date <= day:
            for currency, amount in legs(book.events[moved]):
                state.cash[currency] = state.cash.get(currency, Decimal(0)) + amount
            moved += 1
        state.date = day
        yield state


def legs(event: Event) -> Iterable[tuple[str, Decimal]]:
    """The cash movements of an event: one, two for a conversion, none for a split."""
    if event.currency:
        yield event.currency, event.amount
    if event.counter_amount is not None:
        yield event.counter_currency, event.counter_amount


def load(portfolio: Portfolio, revision: LedgerRevision) -> Book:
    """The rows of one revision."""
    events = tuple(
        Event(
            day,
            kind,
            security,
            quantity,
            amount or Decimal(0),
            currency,
            counter,
            counter_currency,
            tax or Decimal(0),
            ex_date,
            ratio,
            fee or Decimal(0),
            fee_kind,
        )
        for (
            day,
            kind,
            security,
            quantity,
            amount,
            currency,
            counter,
            counter_currency,
            tax,
            ex_date,
            ratio,
            fee,
            fee_kind,
        ) in of_revision(Transaction.objects.all(), revision)
        .order_by("date", "ordinal", "id")
        .values_list(
            "date",
            "kind",
            "security_id",
            "quantity",
            "amount",
            "currency",
            "counter_amount",
            "counter_currency",
            "tax",
            "ex_date",
            "ratio",
            "fee",
            "fee_kind",
        )
    )
    parcels = tuple(
        Parcel(*row)
        for row in of_revision(Lot.objects.all(), revision)
        .order_by("acquired", "id")
        .values_list(
            "security_id",
            "account",
            "acquired",
            "quantity",
            "unit_cost",
            "cost",
            "currency",
            "fx_to_base",
            "valid_from",
            "valid_to",
        )
    )
    return Book(portfolio.pk, portfolio.base_currency, portfolio.flow_timing, events, parcels)


def of_revision(rows: "QuerySet[Row]", revision: LedgerRevision) -> "QuerySet[Row]":
    """Those that the revision holds."""
    return rows.filter(
        Q(removed_in__isnull=True) | Q(removed_in__gt=revision.number),
        portfolio=revision.portfolio_id,
        introduced_in__lte=revision.number,
    )


def newest_reconciled(portfolio: Portfolio) -> LedgerRevision | None:
    return (
        LedgerRevision.objects.filter(portfolio=portfolio, status=RevisionStatus.RECONCILED).order_by("-number").first()
    )


def first_date(portfolio: Portfolio) -> date | None:
    """The day of the portfolio's first event as the rows have it; None before anything was read."""
    return (
        Transaction.objects.filter(portfolio=portfolio, removed_in__isnull=True)
        .order_by("date")
        .values_list("date", flat=True)
        .first()
    )
