"""The count itself: entries in their order, parcels by the portfolio's method."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from portfolio.ledger.journal import WHOLE_HOLDING, LedgerTransaction
from portfolio.ledger.reader import Entry, Posting

from .parcels import ZERO, Key, Parcel, key_of, price_paid, total_cost


class Recount:
    """What is held, by (account, commodity): parcels in the order they came, and what they cost in all."""

    def __init__(self, methods: Mapping[str, str], fees_in_cost: bool, trading: Mapping[str, str]) -> None:
        self.methods, self.fees_in_cost, self.trading = methods, fees_in_cost, trading
        self.parcels: dict[Key, list[Parcel]] = {}  # in the order they came
        self.cost: dict[Key, Decimal] = {}

    def cost_changes(self, booked: Iterable[tuple[Entry, LedgerTransaction]]) -> Iterator[tuple[date, Key, Decimal]]:
        """(day, account and commodity, cost of what is held) after each entry that moves lots."""
        for entry, event in booked:
            lots = [posting for posting in entry.postings if posting.cost is not None and posting.units]
            if not lots:
                continue
            out = [posting for posting in lots if posting.units < 0]
            into = [posting for posting in lots if posting.units > 0]
            if event.kind == "return_of_capital":
                self.give_back(key_of(out[0]), event)
            elif out and into:
                self.replace(out, into, event)
            elif out:
                self.take(out)
            else:
                self.open(into, event)
            for key in {key_of(posting) for posting in lots}:
                yield entry.date, key, self.cost[key]

    def open(self, into: Sequence[Posting], event: LedgerTransaction) -> None:
        """Lots of one name and cost in one entry are one; what comes in from elsewhere keeps its lots."""
        units, groups = sum((posting.units for posting in into), ZERO), dict[object, list[Posting]]()
        charged, paid = event.fee, Decimal(1)
        if event.kind == "buy":
            charged += event.tax
            if price_paid(event) != total_cost(into):
                paid = price_paid(event) / total_cost(into)
        for number, posting in enumerate(into):
            assert posting.cost is not None
            lot = number if event.kind == "transfer_in" else posting.cost
            groups.setdefault(lot, []).append(posting)
        for postings in groups.values():
            cost, part = total_cost(postings) * paid, sum((posting.units for posting in postings), ZERO)
            first = postings[0].cost
            assert first is not None
            fixing = self.rate_to_trading_currency(event, postings[0].commodity, first.currency)
            self.put(
                key_of(postings[0]),
                Parcel(
                    part,
                    cost,
                    charged * part / units,
                    first.acquired,
                    first.label,
                    first.currency,
                    None if fixing is None else cost * fixing,
                ),
            )

    def rate_to_trading_currency(self, event: LedgerTransaction, symbol: str, currency: str) -> Decimal | None:
        """The rate of a currency in the one that the security trades in, on the event's day; None where it is not known."""
        if self.trading.get(symbol) in (None, currency):
            return Decimal(1) if symbol in self.trading else None
        return next((each.rate for each in event.fixings if each.base == currency), None)

    def put(self, key: Key, parcel: Parcel) -> None:
        parcels = self.parcels.setdefault(key, [])
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

    def take(self, out: Sequence[Posting]) -> list[Parcel]:
        """The parts that an entry takes, in the order that the account's method takes them."""
        pieces, required = [], dict[tuple[Key, object], tuple[Posting, Decimal]]()
        for number, posting in enumerate(out):
            assert posting.cost is not None
            method = self.methods.get(posting.account)
            name: object = number if method == "NAMED" else None if method == "AVERAGE" else posting.cost.label
            _, units = required.get((key_of(posting), name), (posting, ZERO))
            required[key_of(posting), name] = posting, units - posting.units
        for (key, _), (posting, number_of_units) in required.items():
            left = number_of_units
            for parcel in self.in_turn(key, posting):
                part = min(left, parcel.units)
                piece = parcel.split_off(part)
                pieces.append(piece)
                self.cost[key] -= piece.cost
                left -= part
                if not left:
                    break
            self.parcels[key] = [parcel for parcel in self.parcels[key] if parcel.units]
        return pieces

    def in_turn(self, key: Key, posting: Posting) -> list[Parcel]:
        """The parcels that a posting may take, in the order of the account's method."""
        parcels, method, lot = self.parcels[key], self.methods.get(key[0]), posting.cost
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

    def unit_cost(self, parcel: Parcel, *, restated: bool) -> Decimal:
        cost = parcel.cost + (parcel.fee if self.fees_in_cost else ZERO)
        if restated and parcel.restated is not None and parcel.cost:
            cost *= parcel.restated / parcel.cost
        return cost / parcel.units

    def replace(self, out: Sequence[Posting], into: Sequence[Posting], event: LedgerTransaction) -> None:
        """A split, spin-off, merger or move: what takes the place of something takes over its days and its cost, shared as the
        ledger's own lots share it."""
        if event.kind in WHOLE_HOLDING:
            key = key_of(out[0])
            freed, self.parcels[key], self.cost[key] = self.parcels[key], [], ZERO
        else:
            freed = self.take(out)
        groups: dict[Key, list[Posting]] = {}
        for posting in into:
            groups.setdefault(key_of(posting), []).append(posting)
        cost_after, units_out = total_cost(into), sum((parcel.units for parcel in freed), ZERO)
        for key, postings in groups.items():
            ratio = sum((posting.units for posting in postings), ZERO) / units_out
            share = Decimal(1) if len(groups) == 1 else total_cost(postings) / cost_after if cost_after else ZERO
            for each in freed:
                self.put(
                    key,
                    replace(
                        each,
                        units=each.units * ratio,
                        cost=each.cost * share,
                        fee=each.fee * share,
                        restated=self.restated_as(each, key[1], key_of(out[0])[1], share),
                    ),
                )

    def restated_as(self, parcel: Parcel, symbol: str, before: str, share: Decimal) -> Decimal | None:
        """The restated cost under another symbol; None where that trades in another currency."""
        if self.trading.get(symbol) in (None, self.trading.get(before)):
            return None if parcel.restated is None else parcel.restated * share
        return parcel.cost * share if self.trading[symbol] == parcel.currency else None

    def restated_after(self, key: Key, parcel: Parcel, off: Decimal, event: LedgerTransaction) -> Decimal | None:
        """The restated cost after `off` went from the cost: of a pool at the fixing of the day, else in proportion."""
        if parcel.restated is None or off == parcel.cost:
            return None if parcel.restated is None else ZERO
        if self.methods.get(key[0]) != "AVERAGE":
            return parcel.restated * (1 - off / parcel.cost)
        own = self.rate_to_trading_currency(event, key[1], parcel.currency)
        return None if own is None else parcel.restated - off * own

    def give_back(self, key: Key, event: LedgerTransaction) -> None:
        """Off the cost of each unit alike, and off what was paid to buy it where that is cost too, as far as there is any."""
        parcels = self.parcels[key]
        paid = event.amount + event.fee + event.tax + event.rounding
        per_unit = paid / sum((parcel.units for parcel in parcels), ZERO)
        of_payment = self.rate_to_trading_currency(event, key[1], event.currency)
        for parcel in parcels:
            received = per_unit * parcel.units
            if parcel.currency != event.currency:
                own = self.rate_to_trading_currency(event, key[1], parcel.currency)
                assert of_payment is not None  # the journal refuses the entry without
                assert own is not None
                received *= of_payment / own
            off = min(received, parcel.cost)
            parcel.restated = self.restated_after(key, parcel, off, event)
            parcel.cost -= off
            parcel.fee -= min(received - off, parcel.fee) if self.fees_in_cost else ZERO
            self.cost[key] -= off
