"""Cost of what is held, counted a second time where Beancount books otherwise than the portfolio does.

Beancount books no averages, and by no method but the one that the ledger names. Where the two agree its own inventory is
the other side of a reconciliation; where they don't it is this count: from Beancount's postings, apart from our booking.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    """`cost` fees apart; `fee` what was paid to buy it, which counts only in what is the dearest.

    restated  cost for one of cost, in the currency that the security trades in; None where that is not known
    """

    units: Decimal
    cost: Decimal
    fee: Decimal
    acquired: date
    label: str | None
    currency: str
    restated: Decimal | None

    def share(self, part: Decimal) -> "_Parcel":
        """Cut a part of its units off, with its share of the rest."""
        if part == self.units:
            taken = replace(self)
        else:
            share = part / self.units
            taken = replace(
                self,
                units=part,
                cost=self.cost * part / self.units,
                fee=self.fee * part / self.units,
                restated=None if self.restated is None else self.restated * share,
            )
        self.units, self.cost, self.fee = self.units - taken.units, self.cost - taken.cost, self.fee - taken.fee
        if self.restated is not None and taken.restated is not None:
            self.restated -= taken.restated
        return taken


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
    counted |= {
        event.account for event in transactions if event.kind == "buy" and _paid(event) != _worth_of(event)
    } & methods.keys()
    if _has_several_currencies(transactions):  # Beancount ranks bare numbers
        counted |= {account for account, each in methods.items() if each == "HIFO"}
    if "FIFO" in methods.values():
        counted |= {account for account in _out_of_turn(reading.entries) if methods.get(account) == "FIFO"}
    if not counted or not transactions:
        return {}
    with localcontext(EXACT):
        return {
            (day, *key): cost
            for day, key, cost in _Count(methods, fees_in_cost, _trading(transactions)).of(
                zip(reading.entries, transactions, strict=True)
            )
            if key[0] in counted
        }


def _has_several_currencies(transactions: Iterable[LedgerTransaction]) -> bool:
    """Whether a security was dealt in several, or in another than it trades in."""
    dealt_in: dict[str | None, str] = {}
    return any(
        event.fixings or dealt_in.setdefault(event.symbol, event.currency) != event.currency
        for event in transactions
        if event.kind in ("buy", "reinvested_dividend", "transfer_in")
    )


def _trading(transactions: Iterable[LedgerTransaction]) -> Mapping[str, str]:
    """Security -> the currency that it trades in, as far as fixings tell it; without any, that of its first deal."""
    told: dict[str, str] = {}
    dealt: dict[str, str] = {}
    for event in transactions:
        if event.symbol and event.fixings:
            told[event.symbol] = event.fixings[0].quote
        elif event.symbol and event.kind in ("buy", "reinvested_dividend", "transfer_in", "sell"):
            dealt.setdefault(event.symbol, event.currency)
    return dealt | told


def _paid(event: LedgerTransaction) -> Decimal:
    """For the units of a purchase alone: what rounding its cash to cents made of price by quantity."""
    return -(event.amount + event.fee + event.tax + event.rounding)


def _worth_of(event: LedgerTransaction) -> Decimal:
    return sum((lot.quantity * lot.unit_cost for lot in event.lots), ZERO)


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
    def __init__(self, methods: Mapping[str, str], fees_in_cost: bool, trading: Mapping[str, str]) -> None:
        self.methods, self.fees_in_cost, self.trading = methods, fees_in_cost, trading
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
                self.give_back(_key(out[0]), event)
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
        charged, paid = event.fee, Decimal(1)
        if event.kind == "buy":
            charged += event.tax
            if _paid(event) != _worth(into):
                paid = _paid(event) / _worth(into)
        for number, posting in enumerate(into):
            assert posting.cost is not None
            lot = number if event.kind == "transfer_in" else posting.cost
            groups.setdefault(lot, []).append(posting)
        for postings in groups.values():
            cost, part = _worth(postings) * paid, sum((posting.units for posting in postings), ZERO)
            first = postings[0].cost
            assert first is not None
            fixing = self.fixing(event, postings[0].commodity, first.currency)
            self.put(
                _key(postings[0]),
                _Parcel(
                    part,
                    cost,
                    charged * part / units,
                    first.acquired,
                    first.label,
                    first.currency,
                    None if fixing is None else cost * fixing,
                ),
            )

    def fixing(self, event: LedgerTransaction, symbol: str, currency: str) -> Decimal | None:
        """Of a currency in the one that the security trades in, on the event's day."""
        if self.trading.get(symbol) in (None, currency):
            return Decimal(1) if symbol in self.trading else None
        return next((each.rate for each in event.fixings if each.base == currency), None)

    def put(self, key: Key, parcel: _Parcel) -> None:
        parcels = self.held.setdefault(key, [])
        self.cost[key] = self.cost.get(key, ZERO) + parcel.cost
        if parcels and self.methods.get(key[0]) == "AVERAGE":
            (pool,) = parcels
            before = pool.cost
            if pool.restated is not None and parcel.restated is not None:
                pool.restated += parcel.restated
                if pool.currency != parcel.currency:
                    pool.cost, pool.currency = pool.restated - parcel.restated, self.trading[key[1]]
                    self.cost[key] += pool.cost - before + parcel.restated - parcel.cost
                    parcel.cost = parcel.restated
            else:
                pool.restated = None
            pool.units += parcel.units
            pool.cost += parcel.cost
            pool.fee += parcel.fee
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
                piece = parcel.share(part)
                taken.append(piece)
                self.cost[key] -= piece.cost
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
                key=lambda each: (
                    each.acquired != lot.acquired,
                    each.currency != lot.currency,
                    abs(each.cost / each.units - lot.number),
                ),
            )
        if lot.label is not None and method != "AVERAGE":
            parcels = [each for each in parcels if each.label == lot.label]
        if method == "LIFO":
            return sorted(parcels, key=lambda each: each.acquired)[::-1]  # of one day too the last one first
        if method == "HIFO":
            restated = all(each.restated is not None for each in parcels)
            return sorted(parcels, key=lambda each: (-self.unit_cost(each, restated=restated), each.acquired))
        return sorted(parcels, key=lambda each: each.acquired)

    def unit_cost(self, parcel: _Parcel, *, restated: bool) -> Decimal:
        cost = parcel.cost + (parcel.fee if self.fees_in_cost else ZERO)
        if restated and parcel.restated is not None and parcel.cost:
            cost *= parcel.restated / parcel.cost
        return cost / parcel.units

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
                    key,
                    replace(
                        each,
                        units=each.units * ratio,
                        cost=each.cost * share,
                        fee=each.fee * share,
                        restated=self.restated_as(each, key[1], _key(out[0])[1], share),
                    ),
                )

    def restated_as(self, parcel: _Parcel, symbol: str, before: str, share: Decimal) -> Decimal | None:
        """What goes on of a restated cost under another symbol: none of it where that trades in another currency."""
        if self.trading.get(symbol) in (None, self.trading.get(before)):
            return None if parcel.restated is None else parcel.restated * share
        return parcel.cost * share if self.trading[symbol] == parcel.currency else None

    def restated_after(self, key: Key, parcel: _Parcel, off: Decimal, event: LedgerTransaction) -> Decimal | None:
        """What is left of it where `off` goes from the cost: of a pool at the fixing of the day, else in proportion."""
        if parcel.restated is None or off == parcel.cost:
            return None if parcel.restated is None else ZERO
        if self.methods.get(key[0]) != "AVERAGE":
            return parcel.restated * (1 - off / parcel.cost)
        own = self.fixing(event, key[1], parcel.currency)
        return None if own is None else parcel.restated - off * own

    def give_back(self, key: Key, event: LedgerTransaction) -> None:
        """Off the cost of each unit alike, and off what was paid to buy it where that is cost too, as far as there is any."""
        parcels = self.held[key]
        paid = event.amount + event.fee + event.tax + event.rounding
        per_unit = paid / sum((parcel.units for parcel in parcels), ZERO)
        of_payment = self.fixing(event, key[1], event.currency)
        for parcel in parcels:
            received = per_unit * parcel.units
            if parcel.currency != event.currency:
                own = self.fixing(event, key[1], parcel.currency)
                assert of_payment is not None  # the journal refuses the entry without
                assert own is not None
                received *= of_payment / own
            off = min(received, parcel.cost)
            parcel.restated = self.restated_after(key, parcel, off, event)
            parcel.cost -= off
            parcel.fee -= min(received - off, parcel.fee) if self.fees_in_cost else ZERO
            self.cost[key] -= off


def _key(posting: Posting) -> Key:
    return posting.account, posting.commodity


def _worth(postings: Iterable[Posting]) -> Decimal:
    return sum((posting.units * posting.cost.number for posting in postings if posting.cost), ZERO)
