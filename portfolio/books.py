"""What a portfolio's ledger says, as the calculations take it: one read of the rows, frozen values, no way back to the database."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias, TypeVar
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Greatest

from portfolio.models import LedgerRevision, Lot, Portfolio, RevisionedRow, RevisionStatus, Transaction

EXTERNAL = frozenset({"deposit", "withdrawal"})
"""Kinds whose cash crosses the portfolio's border."""

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


def states(revision: LedgerRevision, days: Sequence[date]) -> Iterator[State]:
    """The rows of a revision summed at the close of each of `days` (ascending). One walk: the same State, moved on; take out
    what you keep. The database does the sums, exactly."""
    if not days:
        return
    changes: dict[date, list[tuple[tuple[str, int], Decimal, Decimal]]] = {}
    for on, account, security, quantity, cost in _lot_changes(revision, days[0], days[-1]):
        changes.setdefault(on, []).append(((account, security), quantity, cost))
    moves: dict[date, list[tuple[str, Decimal]]] = {}
    for on, currency, amount in _cash_changes(revision, days[0], days[-1]):
        moves.setdefault(on, []).append((currency, amount))
    dates = sorted(changes.keys() | moves.keys())
    state = State(date.min, {}, {}, {})
    position = 0
    for day in days:
        while position < len(dates) and dates[position] <= day:
            for key, quantity, cost in changes.get(dates[position], ()):
                state.units[key] = state.units.get(key, Decimal(0)) + quantity
                state.cost[key] = state.cost.get(key, Decimal(0)) + cost
            for currency, amount in moves.get(dates[position], ()):
                state.cash[currency] = state.cash.get(currency, Decimal(0)) + amount
            position += 1
        state.date = day
        yield state


def _lot_changes(
    revision: LedgerRevision, first: date, last: date
) -> Iterator[tuple[date, str, int, Decimal, Decimal]]:
    """By day, account and security: quantity and cost (fees apart) that came, those that went negative. What was held on the
    first day comes on it."""
    lots = of_revision(Lot.objects.all(), revision).order_by().filter(valid_from__lte=last)
    lots = lots.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=first))
    sums = {"units": Sum("quantity"), "worth": Sum(F("quantity") * F("unit_cost"))}
    came = lots.annotate(on=Greatest("valid_from", Value(first))).values_list("on", "account", "security")
    yield from came.annotate(**sums)
    went = lots.filter(valid_to__lte=last).values_list("valid_to", "account", "security")
    for on, account, security, units, worth in went.annotate(**sums):
        yield on, account, security, -units, -worth


def _cash_changes(revision: LedgerRevision, first: date, last: date) -> Iterator[tuple[date, str, Decimal]]:
    """By day and currency: what cash came, both legs of a conversion; all before the first day comes on it."""
    rows = of_revision(Transaction.objects.all(), revision).order_by().filter(date__lte=last)
    rows = rows.annotate(on=Greatest("date", Value(first)))
    yield from rows.exclude(currency="").values_list("on", "currency").annotate(sum=Coalesce(Sum("amount"), Decimal(0)))
    counters = rows.filter(counter_amount__isnull=False).values_list("on", "counter_currency")
    yield from counters.annotate(sum=Sum("counter_amount"))


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


def last_date(revision: LedgerRevision) -> date | None:
    """The day of the last event of a revision."""
    rows = of_revision(Transaction.objects.all(), revision)
    return rows.order_by("-date").values_list("date", flat=True).first()
