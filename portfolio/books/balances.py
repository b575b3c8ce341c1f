"""The database's side of a reconciliation: what the rows of a revision come to at the close of a day, summed by the database."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from django.db.models import F, Q, Sum, Value
from django.db.models.functions import Coalesce, Greatest

from portfolio.books.revisions import rows_of_revisions
from portfolio.ledger.statement import Inventory
from portfolio.models import LedgerRevision, Lot, Transaction

ZERO = Decimal(0)


def by_day(revision: LedgerRevision, days: Sequence[date]) -> Iterator[Inventory]:
    """The inventory of a revision's rows at the close of each of `days` (ascending); cost is fees apart, trade currency."""
    if not days:
        return
    lots: dict[date, list[tuple[tuple[str, str], Decimal, Decimal]]] = {}
    for on, account, symbol, quantity, cost in _lot_changes(revision, days[0], days[-1]):
        lots.setdefault(on, []).append(((account, symbol), quantity, cost))
    moves: dict[date, list[tuple[str, Decimal]]] = {}
    for on, currency, amount in _cash_changes(revision, days[0], days[-1]):
        moves.setdefault(on, []).append((currency, amount))
    dates = sorted(lots.keys() | moves.keys())
    units: dict[tuple[str, str], Decimal] = {}
    costs: dict[tuple[str, str], Decimal] = {}
    cash: dict[str, Decimal] = {}
    position = 0
    for day in days:
        while position < len(dates) and dates[position] <= day:
            for key, quantity, cost in lots.get(dates[position], ()):
                units[key] = units.get(key, ZERO) + quantity
                costs[key] = costs.get(key, ZERO) + cost
            for currency, amount in moves.get(dates[position], ()):
                cash[currency] = cash.get(currency, ZERO) + amount
            position += 1
        open_units = {key: quantity for key, quantity in units.items() if quantity}
        yield Inventory(day, dict(cash), open_units, {key: costs[key] for key in open_units})


def _lot_changes(
    revision: LedgerRevision, first: date, last: date
) -> Iterator[tuple[date, str, str, Decimal, Decimal]]:
    """Day, account, symbol, quantity and cost (fees apart): opened lots positive, closed ones negative. What was held before
    the first day comes on it."""
    lots = rows_of_revisions(Lot.objects.all(), [revision]).order_by().filter(valid_from__lte=last)
    lots = lots.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=first))
    sums = {"units": Sum("quantity"), "total_cost": Sum(F("quantity") * F("unit_cost"))}
    openings = lots.annotate(on=Greatest("valid_from", Value(first))).values_list("on", "account", "security__symbol")
    yield from openings.annotate(**sums)
    closings = lots.filter(valid_to__lte=last).values_list("valid_to", "account", "security__symbol")
    for on, account, symbol, units, cost in closings.annotate(**sums):
        yield on, account, symbol, -units, -cost


def _cash_changes(revision: LedgerRevision, first: date, last: date) -> Iterator[tuple[date, str, Decimal]]:
    """Day, currency and amount, both legs of a conversion; all before the first day comes on it."""
    rows = rows_of_revisions(Transaction.objects.all(), [revision]).order_by().filter(date__lte=last)
    rows = rows.annotate(on=Greatest("date", Value(first)))
    yield from rows.exclude(currency="").values_list("on", "currency").annotate(sum=Coalesce(Sum("amount"), ZERO))
    counters = rows.filter(counter_amount__isnull=False).values_list("on", "counter_currency")
    yield from counters.annotate(sum=Sum("counter_amount"))
