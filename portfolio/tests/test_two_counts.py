"""Made-up ledgers full of lots alike: what the ledger's side says is held and cost is what we book, by every method.

Purchases of one day at the same few prices, entries with two prices, sales, splits and moves whose lots are written in any order,
returned capital, lots from outside with an older day.
"""

import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal, localcontext

import pytest

from portfolio.books import lots
from portfolio.ledger import journal, reader, statement

D = Decimal
HEAD = """\
option "operating_currency" "CAD"
option "booking_method" "{method}"
option "inferred_tolerance_default" "*:0.005"
2020-01-01 open Assets:Cash CAD
2020-01-01 open Assets:A
2020-01-01 open Assets:B
2020-01-01 open Equity:External
2020-01-01 open Expenses:Fees
2020-01-01 open Income:Realised
"""
METHODS = ("FIFO", "LIFO", "HIFO", "AVERAGE", "NAMED")


class Shelf:
    """Lots as Beancount has them: (unit cost, day) -> units, those alike in one; by account and security."""

    def __init__(self, method):
        self.method, self.lots = method, defaultdict(dict)

    def put(self, place, cost, day, units):
        self.lots[place][cost, day] = self.lots[place].get((cost, day), D(0)) + units

    def held(self, place):
        return sum(self.lots[place].values(), D(0))

    def take(self, place, units):
        ranked = {
            "FIFO": lambda lot: lot[0][1].toordinal(),
            "LIFO": lambda lot: -lot[0][1].toordinal(),
            "HIFO": lambda lot: -lot[0][0],
        }
        taken = []
        for lot, held in sorted(self.lots[place].items(), key=ranked[self.method]):
            part = min(units, held)
            units -= part
            self.lots[place][lot] -= part
            taken += [(lot, part)] if part else []
        self.lots[place] = {lot: held for lot, held in self.lots[place].items() if held}
        return taken

    def empty(self, place):
        return list(self.lots.pop(place).items())


def leg(place, units, lot=None):
    account, symbol = place
    cost = "" if lot is None else f"{lot[0]:f} CAD, {lot[1]}"
    return f"  Assets:{account}  {units:f} {symbol} {{{cost}}}"


def entries(chance, method):
    shelf, day = Shelf(method), date(2020, 1, 2)
    for number in range(40):
        day += timedelta(chance.choice([0, 0, 1]))
        place = (chance.choice("AB"), chance.choice(["OAK", "ELM"]))
        held, title = shelf.held(place), f'{day} * "{number}"'
        kind = chance.choices(["buy", "sell", "split", "move", "capital", "in", "out"], [45, 25, 8, 8, 6, 4, 4])[0]
        part = D(chance.randint(1, int(held))) if held >= 1 else held
        if kind == "buy" or not held:
            bought = [
                (D(chance.randint(1, 20)), D(chance.choice([10, 11, 12, 20]))) for _ in range(chance.choice([1, 1, 2]))
            ]
            for units, price in bought:
                shelf.put(place, price, day, units)
            legs = [leg(place, units, (price, day)) for units, price in bought]
            yield "\n".join([title, *legs, f"  Expenses:Fees  {chance.choice([0, 3, 50])} CAD", "  Assets:Cash"])
        elif kind == "sell":
            shelf.take(place, part)
            sold = [leg(place, -part) + " @ 15 CAD", "  Expenses:Fees  3 CAD", f"  Assets:Cash  {15 * part - 3:f} CAD"]
            yield "\n".join([title, *sold, "  Income:Realised"])
        elif kind in ("split", "capital"):
            ratio, paid = (chance.choice([D(2), D("0.5")]), D(0)) if kind == "split" else (D(1), D(1))
            if any(cost <= paid for cost, _ in shelf.lots[place]):
                continue
            before = shelf.empty(place)
            after = [((cost / ratio - paid, bought), units * ratio) for (cost, bought), units in before]
            chance.shuffle(after)
            for lot, units in after:
                shelf.put(place, *lot, units)
            cash = [f"  Assets:Cash  {held:f} CAD"] if paid else []
            legs = [leg(place, -units, lot) for lot, units in before] + [leg(place, units, lot) for lot, units in after]
            yield "\n".join([title, *legs, *cash])
        elif kind == "move":
            there, taken = ("B" if place[0] == "A" else "A", place[1]), shelf.take(place, part)
            chance.shuffle(taken)
            for lot, units in taken:
                shelf.put(there, *lot, units)
            legs = [each for lot, units in taken for each in (leg(place, -units, lot), leg(there, units, lot))]
            yield "\n".join([title, *legs])
        elif kind == "in":
            lot = (D(chance.choice([5, 10])), date(2019, chance.randint(1, 2), 1))
            shelf.put(place, *lot, D(7))
            yield "\n".join([title, leg(place, D(7), lot), "  Equity:External"])
        else:
            shelf.take(place, part)
            yield "\n".join([title, leg(place, -part), "  Equity:External"])


def booked_at(parcels, day):
    """(account, security) -> units and cost, fees apart, at the close of a day."""
    found = {}
    for each in parcels:
        if each.valid_from <= day and (each.valid_to is None or day < each.valid_to):
            units, cost = found.get((each.account, each.symbol), (D(0), D(0)))
            found[each.account, each.symbol] = (units + each.quantity, cost + each.quantity * each.unit_cost)
    return found


@pytest.mark.parametrize("ledger_method", ["FIFO", "LIFO", "HIFO"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_the_two_sides_agree_on_every_day_by_every_method(seed, ledger_method):
    text = HEAD.format(method=ledger_method) + "\n".join(entries(random.Random(seed), ledger_method)) + "\n"
    reading = reader.read({"main.beancount": text.encode()})
    events = journal.transactions(reading)

    for method in METHODS:
        for fees_in_cost in (False, True):
            told = statement.from_reading(reading, events, method=method, fees_in_cost=fees_in_cost)
            parcels = lots.book(events, base_currency="CAD", method=method, fees_in_cost=fees_in_cost).parcels
            with localcontext() as context:
                context.prec = 50
                for theirs in told.at():
                    ours = booked_at(parcels, theirs.date)
                    assert {key: units for key, (units, _) in ours.items()} == theirs.units
                    assert {key: round(cost, 6) for key, (_, cost) in ours.items()} == {
                        key: round(cost, 6) for key, cost in theirs.cost.items()
                    }, (method, fees_in_cost, theirs.date)
