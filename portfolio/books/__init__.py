"""What a portfolio's ledger says, as the calculations take it: one read of the rows, frozen values, no way back to the database."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Greatest

from portfolio.models import LedgerRevision, Lot, MatchedLot, Portfolio, RevisionedRow, RevisionStatus, Transaction

EXTERNAL = frozenset({"deposit", "withdrawal"})
"""Kinds whose cash crosses the portfolio's border."""

RECURRING_FEES = frozenset({"management", "custody"})
"""Kinds of fees that a gross return is before (docs/measurement.md, Returns)."""

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
    entry_id: str = ""
    account: str = ""
    unit_price: Decimal | None = None
    fee: Decimal = Decimal(0)
    fx_to_base: Decimal | None = None
    """Base currency for one of the currency, where the ledger carries the rate of the deal."""
    settle_date: Day | None = None
    to_security: int | None = None
    to_account: str = ""
    fee_kind: str = ""
    cost_share: Decimal | None = None
    """Of a spin-off: the part of the old lots' cost that the new ones take."""
    inferred: bool = False
    """A deposit that no entry tells: what an account needed so that its cash was not below zero."""

    @property
    def earliest_date(self) -> Day:
        """The day from which it is part of the past: a dividend's ex-date, where that is before it is paid."""
        return self.date if self.ex_date is None else min(self.ex_date, self.date)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one purchase adds to the cost of a pool, or a return of capital takes off a cost (it is below zero then).

    cost  in its currency, by the portfolio's fee setting; fee is what is kept apart of it
    """

    currency: str
    acquired: date
    fx_to_base: Decimal | None
    """The ledger's own rate; None where it names none."""
    cost: Decimal
    fee: Decimal


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
    opened_by: str = ""
    layers: tuple[Layer, ...] = ()
    """Where its cost is not of one purchase alone; then each has its own day and rate (portfolio.valuation.deal_rates)."""

    def is_open(self, asof_date: date) -> bool:
        return self.valid_from <= asof_date and (self.valid_to is None or asof_date < self.valid_to)


@dataclass(frozen=True, slots=True)
class Match:
    """What the event `entry_id` took from the lot that `opened_by` opened; trade currency, fees apart.

    cost_currency  of cost and entry_fee, where it is not `currency`; layers as of the parcel
    """

    security: int
    entry_id: str
    opened_by: str
    date: date
    kind: str
    account: str
    acquired: Day
    quantity: Decimal
    cost: Decimal
    proceeds: Decimal
    entry_fee: Decimal
    exit_fee: Decimal
    currency: str
    fx_in: Decimal | None
    fx_out: Decimal | None
    cost_currency: str = ""
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class Book:
    """Everything one revision says of one portfolio, events in ledger order, and the settings it is counted by."""

    portfolio_id: UUID
    base_currency: str
    flow_timing: str
    events: tuple[Event, ...]
    parcels: tuple[Parcel, ...]
    matches: tuple[Match, ...] = ()
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
        """What had happened at the close of a day; what happened later is left out.

        A dividend gone ex and not yet paid is in it, dated on its pay date, so that it is a receivable and no cash.
        """
        if not self.events or self.events[-1].date <= asof_date:
            return self
        return replace(
            self,
            events=tuple(event for event in self.events if event.earliest_date <= asof_date),
            parcels=tuple(
                replace(parcel, valid_to=None) if parcel.valid_to and parcel.valid_to > asof_date else parcel
                for parcel in self.parcels
                if parcel.valid_from <= asof_date
            ),
            matches=tuple(match for match in self.matches if match.date <= asof_date),
        )

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
    lots = of_revisions(Lot.objects.all(), [revision]).order_by().filter(valid_from__lte=last)
    lots = lots.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=first))
    sums = {"units": Sum("quantity"), "worth": Sum(F("quantity") * F("unit_cost"))}
    came = lots.annotate(on=Greatest("valid_from", Value(first))).values_list("on", "account", "security")
    yield from came.annotate(**sums)
    went = lots.filter(valid_to__lte=last).values_list("valid_to", "account", "security")
    for on, account, security, units, worth in went.annotate(**sums):
        yield on, account, security, -units, -worth


def _cash_changes(revision: LedgerRevision, first: date, last: date) -> Iterator[tuple[date, str, Decimal]]:
    """By day and currency: what cash came, both legs of a conversion; all before the first day comes on it."""
    rows = of_revisions(Transaction.objects.all(), [revision]).order_by().filter(date__lte=last)
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


EVENT_COLUMNS = (
    "date", "kind", "security_id", "quantity", "amount", "currency", "counter_amount", "counter_currency", "tax", "ex_date",
    "ratio", "entry_id", "account", "unit_price", "fee", "fx_to_base", "settle_date", "to_security_id", "to_account",
    "fee_kind", "cost_share", "inferred",
)  # fmt: skip
PARCEL_COLUMNS = (
    "security_id", "account", "acquired", "quantity", "unit_cost", "cost", "currency", "fx_to_base", "valid_from", "valid_to",
    "opened_by", "layers",
)  # fmt: skip
MATCH_COLUMNS = (
    "security_id", "entry_id", "opened_by", "date", "kind", "account", "acquired", "quantity", "cost", "proceeds",
    "entry_fee", "exit_fee", "currency", "fx_in", "fx_out", "cost_currency", "layers",
)  # fmt: skip
_NOTHING_IF_EMPTY = tuple(EVENT_COLUMNS.index(name) for name in ("amount", "tax", "fee"))


def load(portfolio: Portfolio, revision: LedgerRevision) -> Book:
    """The rows of one revision."""
    (book,) = load_all([(portfolio, revision)])
    return book


def load_all(used: Sequence[tuple[Portfolio, LedgerRevision]]) -> list[Book]:
    """The rows of several portfolios, each at one revision, in three queries; in the order asked for. What the revision chose
    goes before what the portfolio was made with."""
    revisions = [revision for _, revision in used]
    events, parcels, matches = (
        _by_portfolio(of_revisions(rows, revisions), order, columns)
        for rows, order, columns in (
            (Transaction.objects.all(), ("date", "ordinal", "id"), EVENT_COLUMNS),
            (Lot.objects.all(), ("acquired", "id"), PARCEL_COLUMNS),
            (MatchedLot.objects.all(), ("date", "id"), MATCH_COLUMNS),
        )
    )
    return [
        Book(
            portfolio.pk,
            portfolio.base_currency,
            portfolio.flow_timing,
            events=tuple(_event(row) for row in events.get(portfolio.pk, ())),
            parcels=tuple(Parcel(*_with_layers(row)) for row in parcels.get(portfolio.pk, ())),
            matches=tuple(Match(*_with_layers(row)) for row in matches.get(portfolio.pk, ())),
            accrual=portfolio.accrual,
            trade_fx=revision.settings.get("trade_fx", portfolio.trade_fx),
            fees_in_cost=revision.settings.get("fees_in_cost", portfolio.fees_in_cost),
            booking_method=revision.settings.get("booking_method", portfolio.booking_method),
        )
        for portfolio, revision in used
    ]


def _by_portfolio(
    rows: "QuerySet[Row]", order: Sequence[str], columns: Sequence[str]
) -> dict[UUID, list[tuple[Any, ...]]]:
    found: dict[UUID, list[tuple[Any, ...]]] = {}
    for owner, *row in rows.order_by("portfolio_id", *order).values_list("portfolio_id", *columns):
        found.setdefault(owner, []).append(tuple(row))
    return found


def _with_layers(row: Sequence[Any]) -> tuple[Any, ...]:
    """The last column is of layers, as portfolio.books.writer writes them."""
    *rest, layers = row
    return *rest, tuple(
        Layer(
            each["currency"],
            date.fromisoformat(each["acquired"]),
            None if each["fx"] is None else Decimal(each["fx"]),
            Decimal(each["cost"]),
            Decimal(each["fee"]),
        )
        for each in layers
    )


def _event(row: Sequence[Any]) -> Event:
    filled = list(row)
    for place in _NOTHING_IF_EMPTY:
        filled[place] = filled[place] or Decimal(0)
    return Event(*filled)


def of_revisions(rows: "QuerySet[Row]", revisions: Iterable[LedgerRevision]) -> "QuerySet[Row]":
    """Those that the revisions hold, of as many portfolios."""
    portfolios: dict[int, list[UUID]] = {}
    for revision in revisions:
        portfolios.setdefault(revision.number, []).append(revision.portfolio_id)
    held = Q(pk__in=[])
    for number, those in portfolios.items():
        held |= Q(portfolio__in=those, introduced_in__lte=number) & (
            Q(removed_in__isnull=True) | Q(removed_in__gt=number)
        )
    return rows.filter(held)


def newest_reconciled_of(portfolios: Iterable[Portfolio]) -> dict[UUID, LedgerRevision]:
    """Portfolio id -> its newest reconciled revision; portfolios without one are absent."""
    newest = (
        LedgerRevision.objects.filter(portfolio__in=portfolios, status=RevisionStatus.RECONCILED)
        .order_by("portfolio_id", "-number")
        .distinct("portfolio_id")
    )
    return {revision.portfolio_id: revision for revision in newest}


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
    rows = of_revisions(Transaction.objects.all(), [revision])
    return rows.order_by("-date").values_list("date", flat=True).first()
