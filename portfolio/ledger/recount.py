"""Cost of what is held, counted a second time where Beancount books otherwise than the portfolio does.

Beancount books no averages, and by no method but the one that the ledger names. Where the two agree its own inventory is
the other side of a reconciliation; where they don't it is this count: from Beancount's postings, apart from our booking.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext
from typing import Final

from .journal import WHOLE_HOLDING, LedgerTransaction, account_methods
from .reader import Cost, Entry, LedgerReading, Posting

ZERO: Final = Decimal()
EXACT: Final = Context(prec=60)

Key = tuple[str, str]


@dataclass(slots=True)
class _Parcel:
    """`cost` fees apart; `fee` what was paid to buy it, which counts only in what is the dearest."""

    units: Decimal
    cost: Decimal
    fee: Decimal
    acquired: date
    label: str | None


def cost_by_day(
    reading: LedgerReading, transactions: Sequence[LedgerTransaction], *, method: str, fees_in_cost: bool
) -> dict[tuple[date, str, str], Decimal]:
    """(day, account, commodity) -> cost of what is held at its end, fees apart, of the accounts that are counted here.

    transactions  one of each entry, as journal.transactions gives them
    method        the portfolio's: FIFO, LIFO, HIFO, AVERAGE or NAMED. An account that the ledger opens with a method of its
                  own goes by that, but for AVERAGE
    """
    own = account_methods(reading)
    methods = {
        opening.account: method if method == "AVERAGE" else own.get(opening.account, method)
        for opening in reading.opens
    }
    counted = {
        opening.account
        for opening in reading.opens
        if not _books_alike(
            methods[opening.account], opening.booking or reading.booking or "", fees_in_cost=fees_in_cost
        )
    }
    if "FIFO" in methods.values():
        counted |= {account for account in _out_of_turn(reading.entries) if methods.get(account) == "FIFO"}
    if not counted or not transactions:
        return {}
    with localcontext(EXACT):
        return {
            (day, *key): cost
            for day, key, cost in _Count(methods, fees_in_cost).of(zip(reading.entries, transactions, strict=True))
            if key[0] in counted
        }


def _books_alike(ours: str, theirs: str, *, fees_in_cost: bool) -> bool:
    """Of lots of one day Beancount's LIFO takes the first; its HIFO knows no fees."""
    return ours == "NAMED" or (ours == theirs and (ours == "FIFO" or (ours == "HIFO" and not fees_in_cost)))


def _out_of_turn(entries: Iterable[Entry]) -> set[str]:
    """Accounts where lots of one day may stand otherwise than they came in: Beancount adds a purchase to the open lot of its
    day and cost, and takes up the lots of a split or a move in the order in which they are written."""
    found, days = set(), dict[tuple[str, str, date], list[Cost]]()
    for entry in entries:
        for posting in entry.postings:
            cost = posting.cost
            if cost is None or posting.units <= 0:
                continue
            there = days.setdefault((posting.account, posting.commodity, cost.acquired), [])
            if not there:
                there.append(cost)
            elif there[-1] != cost:
                if cost in there or any(other.units < 0 and other.cost is not None for other in entry.postings):
                    found.add(posting.account)
                there.append(cost)
    return found


class _Count:
    def __init__(self, methods: Mapping[str, str], fees_in_cost: bool) -> None:
        self.methods, self.fees_in_cost = methods, fees_in_cost
        self.held: dict[Key, list[_Parcel]] = {}  # in the order they came
        self.cost: dict[Key, Decimal] = {}

    def of(self, booked: Iterable[tuple[Entry, LedgerTransaction]]) -> Iterator[tuple[date, Key, Decimal]]:
        for entry, event in booked:
            lots = [posting for posting in entry.postings if posting.cost is not None and posting.units]
            if not lots:
                continue
            out = [posting for posting in lots if posting.units < 0]
            into = [posting for posting in lots if posting.units > 0]
            if event.kind == "return_of_capital":
                self.give_back(_key(out[0]), event.amount + event.fee + event.tax + event.rounding)
            elif out and into:
                self.replace(out, into, event)
            elif out:
                self.take(out)
            else:
                self.open(into, event)
            for key in {_key(posting) for posting in lots}:
                yield entry.date, key, self.cost[key]

    def open(self, into: Sequence[Posting], event: LedgerTransaction) -> None:
        """Lots of one name and cost in one entry are one; what comes in from elsewhere keeps its lots."""
        units, groups = sum((posting.units for posting in into), ZERO), dict[object, list[Posting]]()
        for number, posting in enumerate(into):
            assert posting.cost is not None
            lot = number if event.kind == "transfer_in" else posting.cost
            groups.setdefault(lot, []).append(posting)
        for postings in groups.values():
            cost, part = _worth(postings), sum((posting.units for posting in postings), ZERO)
            first = postings[0].cost
            assert first is not None
            self.put(
                _key(postings[0]), _Parcel(part, cost, event.fee * part / units, first.acquired, label=first.label)
            )

    def put(self, key: Key, parcel: _Parcel) -> None:
        parcels = self.held.setdefault(key, [])
        self.cost[key] = self.cost.get(key, ZERO) + parcel.cost
        if parcels and self.methods.get(key[0]) == "AVERAGE":
            parcels[0].units += parcel.units
            parcels[0].cost += parcel.cost
            parcels[0].fee += parcel.fee
        else:
            parcels.append(parcel)

    def take(self, out: Sequence[Posting]) -> list[_Parcel]:
        """The parts that an entry takes, in the order that the account's method takes them."""
        taken, wanted = [], dict[tuple[Key, object], tuple[Posting, Decimal]]()
        for number, posting in enumerate(out):
            assert posting.cost is not None
            method = self.methods.get(posting.account)
            name: object = number if method == "NAMED" else None if method == "AVERAGE" else posting.cost.label
            _, units = wanted.get((_key(posting), name), (posting, ZERO))
            wanted[_key(posting), name] = posting, units - posting.units
        for (key, _), (posting, number_of_units) in wanted.items():
            left = number_of_units
            for parcel in self.ordered(key, posting):
                part = min(left, parcel.units)
                share = parcel.cost if part == parcel.units else parcel.cost * part / parcel.units
                fee = parcel.fee if part == parcel.units else parcel.fee * part / parcel.units
                taken.append(_Parcel(part, share, fee, parcel.acquired, parcel.label))
                parcel.units, parcel.cost, parcel.fee = parcel.units - part, parcel.cost - share, parcel.fee - fee
                self.cost[key] -= share
                left -= part
                if not left:
                    break
            self.held[key] = [parcel for parcel in self.held[key] if parcel.units]
        return taken

    def ordered(self, key: Key, posting: Posting) -> list[_Parcel]:
        parcels, method, lot = self.held[key], self.methods.get(key[0]), posting.cost
        assert lot is not None
        if method == "NAMED":
            return sorted(
                parcels,
                key=lambda each: (each.acquired != lot.acquired, abs(each.cost / each.units - lot.number)),
            )
        if lot.label is not None and method != "AVERAGE":
            parcels = [each for each in parcels if each.label == lot.label]
        if method == "LIFO":
            return sorted(parcels, key=lambda each: each.acquired)[::-1]  # of one day too the last one first
        if method == "HIFO":
            return sorted(parcels, key=lambda each: (-self.unit_cost(each), each.acquired))
        return sorted(parcels, key=lambda each: each.acquired)

    def unit_cost(self, parcel: _Parcel) -> Decimal:
        return (parcel.cost + (parcel.fee if self.fees_in_cost else ZERO)) / parcel.units

    def replace(self, out: Sequence[Posting], into: Sequence[Posting], event: LedgerTransaction) -> None:
        """A split, spin-off, merger or move: what takes the place of something takes over its days and its cost, shared as the
        ledger's own lots share it."""
        if event.kind in WHOLE_HOLDING:
            key = _key(out[0])
            freed, self.held[key], self.cost[key] = self.held[key], [], ZERO
        else:
            freed = self.take(out)
        groups: dict[Key, list[Posting]] = {}
        for posting in into:
            groups.setdefault(_key(posting), []).append(posting)
        worth, gone = _worth(into), sum((parcel.units for parcel in freed), ZERO)
        for key, postings in groups.items():
            ratio = sum((posting.units for posting in postings), ZERO) / gone
            share = Decimal(1) if len(groups) == 1 else _worth(postings) / worth if worth else ZERO
            for each in freed:
                self.put(
                    key, _Parcel(each.units * ratio, each.cost * share, each.fee * share, each.acquired, each.label)
                )

    def give_back(self, key: Key, paid: Decimal) -> None:
        """Off the cost of each unit alike, and off what was paid to buy it where that is cost too, as far as there is any."""
        parcels = self.held[key]
        per_unit = paid / sum((parcel.units for parcel in parcels), ZERO)
        for parcel in parcels:
            received = per_unit * parcel.units
            off = min(received, parcel.cost)
            parcel.cost -= off
            parcel.fee -= min(received - off, parcel.fee) if self.fees_in_cost else ZERO
            self.cost[key] -= off


def _key(posting: Posting) -> Key:
    return posting.account, posting.commodity


def _worth(postings: Iterable[Posting]) -> Decimal:
    return sum((posting.units * posting.cost.number for posting in postings if posting.cost), ZERO)
