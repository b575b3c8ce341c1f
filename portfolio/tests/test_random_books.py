"""Made-up ledgers in several currencies, booked by every method and setting: the two sides agree, the bridge sums, gains since
purchase are the bridge's, and nothing that was paid is lost between purchases, open lots and what was taken from them.

Purchases of a security in whatever currency, with the ledger's own rate or without, sales, dividends, splits, spin-offs, moves
between accounts, returned capital, lots from outside; securities sold out and bought again.
"""

import itertools
import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal, localcontext

import numpy as np
import pytest

from portfolio.books import lots
from portfolio.ledger import journal, reader, statement
from portfolio.tests import made
from portfolio.valuation import bridge, gains
from portfolio.valuation.deal_rates import DealRates

pytestmark = pytest.mark.usefixtures("read_once")

D = Decimal
START = date(2020, 1, 1)
DAYS = [START + timedelta(number) for number in range(60)]
SYMBOLS = ("OAK", "ELM", "FIR")
TRADES_IN = {"OAK": "USD", "ELM": "USD", "FIR": "CAD"}
CURRENCIES = ("CAD", "USD", "EUR")
METHODS = ("FIFO", "LIFO", "HIFO", "AVERAGE", "NAMED")
SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))]
HEAD = """\
option "operating_currency" "CAD"
option "booking_method" "{method}"
option "inferred_tolerance_default" "*:0.005"
2019-01-01 open Assets:Cash
2019-01-01 open Assets:A
2019-01-01 open Assets:B
2019-01-01 open Assets:InTransit:OAK
2019-01-01 open Equity:External
2019-01-01 open Expenses:Fees
2019-01-01 open Expenses:Taxes
2019-01-01 open Expenses:Withholding
2019-01-01 open Income:Dividends
2019-01-01 open Income:Realised
"""


class Market:
    """Closes and rates that wander, told to the cent and to four digits."""

    def __init__(self, chance):
        self.closes = {symbol: self.wander(chance, 40, 2) for symbol in SYMBOLS}
        self.rates = {"USD": self.wander(chance, 1.3, 4), "EUR": self.wander(chance, 1.5, 4)}

    @staticmethod
    def wander(chance, at, digits):
        found = []
        for _ in DAYS:
            at *= 1 + chance.uniform(-0.03, 0.03)
            found.append(round(at, digits))
        return found

    def rate(self, currency, day):
        return D(1) if currency == "CAD" else D(repr(self.rates[currency][DAYS.index(day)]))

    def close(self, symbol, day):
        return D(repr(self.closes[symbol][DAYS.index(day)]))

    def history(self):
        on = [day.isoformat() for day in DAYS]
        return made.market(on, self.closes, currencies=TRADES_IN, fx=self.rates)


class Ledger:
    """The text of a ledger; it knows the lots as Beancount has them: (unit cost, currency, day) -> units."""

    def __init__(self, seed, method, *, in_kind=True):
        self.chance, self.method, self.in_kind = random.Random(seed), method, in_kind
        self.market = Market(self.chance)
        self.lots, self.arriving = defaultdict(dict), defaultdict(list)
        self.text = HEAD.format(method="STRICT" if method == "NAMED" else method)
        self.write()

    def write(self):
        for day in DAYS[:-3]:
            for there, lot, part in self.arriving.pop(day, ()):
                self.put(there, lot, part)
            for _ in range(self.chance.choice([0, 1, 1, 2])):
                self.entry(day)

    def put(self, place, lot, units):
        self.lots[place][lot] = self.lots[place].get(lot, D(0)) + units

    def held(self, place):
        return sum(self.lots[place].values(), D(0))

    def ranked(self, place):
        keys = {
            "FIFO": lambda lot: lot[0][2].toordinal(),
            "LIFO": lambda lot: -lot[0][2].toordinal(),
            "HIFO": lambda lot: -lot[0][0],
            "NAMED": lambda lot: self.chance.random(),
        }
        return sorted(self.lots[place].items(), key=keys[self.method])

    def take(self, place, units):
        taken = []
        for lot, held in self.ranked(place):
            part = min(units, held)
            units -= part
            self.lots[place][lot] -= part
            taken += [(lot, part)] if part else []
        self.lots[place] = {lot: held for lot, held in self.lots[place].items() if held}
        return taken

    def leg(self, place, units, lot):
        return f"  Assets:{place[0]}  {units:f} {place[1]} {{{lot[0]:f} {lot[1]}, {lot[2]}}}"

    def rates(self, currency, symbol, day):
        lines = []
        if currency != "CAD" and self.chance.random() < 0.4:
            rate = self.market.rate(currency, day) * D(self.chance.choice(["0.99", "1.02"]))
            lines.append(f'  fx_trade: "{currency}CAD={rate:f}"')
        if symbol and currency != TRADES_IN[symbol]:
            lines.append(f'  fixing: "{currency}{TRADES_IN[symbol]}={self.fixing(currency, symbol, day):f}"')
        return lines

    def fixing(self, currency, symbol, day):
        with localcontext() as context:
            context.prec = 12
            return self.market.rate(currency, day) / self.market.rate(TRADES_IN[symbol], day)

    def add(self, day, title, *lines):
        self.text += "\n".join([f'{day} * "{title}"', *lines]) + "\n"

    def entry(self, day):
        place = (self.chance.choice("AB"), self.chance.choice(SYMBOLS))
        held = self.held(place)
        kinds = {
            "buy": 40,
            "sell": 30,
            "all": 8,
            "dividend": 6,
            "split": 4,
            "spin": 3,
            "move": 6,
            "capital": 4,
            "in": 3,
            "out": 3,
        }
        if not self.in_kind:
            kinds |= {"in": 0, "out": 0}
        kind = self.chance.choices(list(kinds), list(kinds.values()))[0]
        if not held and kind != "in":
            kind = "buy"
        if kind == "spin" and place[1] == "FIR":
            kind = "split"
        getattr(self, f"_{kind}")(day, place, held)

    def _buy(self, day, place, held):
        currency = self.chance.choice([TRADES_IN[place[1]], TRADES_IN[place[1]], *CURRENCIES])
        units, price = D(self.chance.randint(1, 20)), D(self.chance.randint(3000, 5000)) / 100
        fee, tax = D(self.chance.choice(["0", "1.5", "-0.25"])), D(self.chance.choice(["0", "0.75"]))
        self.put(place, (price, currency, day), units)
        self.add(
            day, "buy", *self.rates(currency, place[1], day), self.leg(place, units, (price, currency, day)),
            f"  Expenses:Fees  {fee} {currency}", f"  Expenses:Taxes  {tax} {currency}",
            f"  Assets:Cash  {-(units * price + fee + tax):f} {currency}",
        )  # fmt: skip

    def _sell(self, day, place, held, units=None):
        currency = self.chance.choice([TRADES_IN[place[1]], *CURRENCIES])
        units = units or D(self.chance.randint(1, max(1, int(held))))
        units, price = min(units, held), D(self.chance.randint(0, 5000)) / 100
        fee, tax = D(self.chance.choice(["0", "1.5", "60"])), D(self.chance.choice(["0", "0.75"]))
        cash = round(units * price, 2) - fee - tax
        legs = [self.leg(place, -part, lot) for lot, part in self.take(place, units)]
        self.add(
            day, "sell", *self.rates(currency, place[1], day), *legs, f"  Expenses:Fees  {fee} {currency}",
            f"  Expenses:Taxes  {tax} {currency}", f"  Assets:Cash  {cash:f} {currency}", "  Income:Realised",
        )  # fmt: skip

    def _all(self, day, place, held):
        self._sell(day, place, held, held)

    def _dividend(self, day, place, held):
        currency = self.chance.choice(CURRENCIES)
        self.add(
            day, "dividend", f'  symbol: "{place[1]}"', *self.rates(currency, None, day), f"  Assets:Cash  8.5 {currency}",
            f"  Expenses:Withholding  1.5 {currency}", f"  Income:Dividends  -10 {currency}",
        )  # fmt: skip

    def _replaced(self, place, change):
        """Every lot, negative, and what becomes of each: (place, lot, units)."""
        before = list(self.lots.pop(place).items())
        legs = [self.leg(place, -units, lot) for lot, units in before]
        for lot, units in before:
            for there, after, number in change(lot, units):
                self.put(there, after, number)
                legs.append(self.leg(there, number, after))
        return legs

    def _split(self, day, place, held):
        ratio = self.chance.choice([D(2), D("0.5"), D("1.25")])
        legs = self._replaced(place, lambda lot, units: [(place, (lot[0] / ratio, *lot[1:]), units * ratio)])
        self.add(day, "split", f'  split_ratio: "{ratio}:1"', *legs)

    def _spin(self, day, place, held):
        other = (place[0], "ELM" if place[1] == "OAK" else "OAK")
        share = D("0.25")
        legs = self._replaced(
            place,
            lambda lot, units: [
                (place, (lot[0] * (1 - share), *lot[1:]), units),
                (other, (lot[0] * share * 2, *lot[1:]), units / 2),
            ],
        )
        self.add(day, "spin-off", '  ratio: "1:2"', *legs)

    def _move(self, day, place, held):
        there = ("B" if place[0] == "A" else "A", place[1])
        taken = self.take(place, D(self.chance.randint(1, max(1, int(held)))))
        halts = (
            [place, ("InTransit:OAK", "OAK"), there]
            if place[1] == "OAK" and self.chance.random() < 0.5
            else [place, there]
        )
        for on, (gives, takes) in enumerate(itertools.pairwise(halts)):
            legs = [leg for lot, part in taken for leg in (self.leg(gives, -part, lot), self.leg(takes, part, lot))]
            self.add(day + timedelta(on), "move", *legs)
        for lot, part in taken:
            if len(halts) == 2:
                self.put(there, lot, part)
            else:
                self.arriving[day + timedelta(1)].append((there, lot, part))

    def _capital(self, day, place, held):
        """The ledger tells all fixings: by another method than its own there may be lots of other currencies."""
        currency = TRADES_IN[place[1]]
        if all(lot[1] == currency and lot[0] > 2 for lot in self.lots[place]):
            legs = self._replaced(place, lambda lot, units: [(place, (lot[0] - 1, *lot[1:]), units)])
            fixings = " ".join(
                f"{each}{currency}={self.fixing(each, place[1], day):f}" for each in CURRENCIES if each != currency
            )
            told = [each for each in self.rates(currency, place[1], day) if "fixing" not in each]
            cash = f"  Assets:Cash  {held:f} {currency}"
            self.add(day, "capital", *told, f'  fixing: "{fixings}"', *legs, cash)

    def _in(self, day, place, held):
        lot = (D(self.chance.choice([5, 30])), self.chance.choice(CURRENCIES), DAYS[DAYS.index(day) // 2])
        self.put(place, lot, D(7))
        lines = [each for each in self.rates(lot[1], place[1], lot[2]) if "fixing" in each]
        self.add(day, "in", *lines, self.leg(place, D(7), lot), "  Equity:External")

    def _out(self, day, place, held):
        taken = self.take(place, D(self.chance.randint(1, max(1, int(held)))))
        self.add(day, "out", *(self.leg(place, -part, lot) for lot, part in taken), "  Equity:External")

    def read(self):
        # What is written on the day after another entry of that day comes to its place: Beancount goes by date.
        reading = reader.read({"main.beancount": self.text.encode()})
        return reading, journal.transactions(reading)


IDS = {symbol: number for number, symbol in enumerate(SYMBOLS, 1)}


def book_of(events, derived, method, *, trade_fx, fees_in_cost):
    return made.booked(events, derived, IDS, method=method, trade_fx=trade_fx, fees_in_cost=fees_in_cost)


def derived_by(events, method, *, fees_in_cost):
    return lots.derive(
        events, securities=IDS, base_currency="CAD", method=method, fees_in_cost=fees_in_cost, trading=TRADES_IN
    )


def booked_at(states, day):
    symbols = dict(enumerate(SYMBOLS, 1))
    found = {}
    for each in filter(lambda one: one.is_open(day), states):
        key = (each.account, symbols[each.security])
        units, cost = found.get(key, (D(0), D(0)))
        found[key] = (units + each.quantity, cost + each.quantity * each.unit_cost)
    return found


@pytest.mark.parametrize("ledger_method", ["FIFO", "LIFO", "HIFO", "NAMED"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_two_sides_agree_on_every_day_whatever_currencies_were_dealt_in(seed, ledger_method):
    reading, events = Ledger(seed, ledger_method).read()

    for method in METHODS:
        for fees_in_cost in (False, True):
            told = statement.from_reading(reading, events, method=method, fees_in_cost=fees_in_cost)
            derived = derived_by(events, method, fees_in_cost=fees_in_cost)
            with localcontext() as context:
                context.prec = 50
                for theirs in told.at():
                    ours = booked_at(derived.lots, theirs.date)
                    assert {key: units for key, (units, _) in ours.items()} == theirs.units
                    for key, (_, cost) in ours.items():
                        assert abs(cost - theirs.cost[key]) < D("1e-9"), (method, fees_in_cost, theirs.date, key)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_bridge_of_every_period_sums_and_is_what_gains_since_purchase_come_to(seed, method):
    ledger = Ledger(seed, "NAMED" if method == "NAMED" else "FIFO", in_kind=seed != 0)
    _, events = ledger.read()
    history = ledger.market.history()

    for trade_fx, fees_in_cost in (("ledger", True), ("ledger", False), ("fixing", True), ("fixing", False)):
        derived = derived_by(events, method, fees_in_cost=fees_in_cost)
        book = book_of(events, derived, method, trade_fx=trade_fx, fees_in_cost=fees_in_cost)
        whole = bridge.between(book, history)
        marks = [None, *sorted(ledger.chance.sample(DAYS[:-1], 4)), DAYS[-1]]
        parts = [bridge.between(book, history, opening=one, closing=two) for one, two in itertools.pairwise(marks)]
        assert abs(sum(part.gain for part in parts) - whole.gain) <= D("0.005") * 2 * len(
            parts
        )  # flows are rounded in each
        assert [part.opening_value for part in parts[1:]] == [part.closing_value for part in parts[:-1]]
        if seed == 0:  # nothing came or went in kind: there the bridge measures from the close, gains from the purchase
            found = gains.compute(book, history)
            on_securities = whole.realised_price + whole.unrealised_price + whole.fx
            rates = DealRates(history, "CAD", trade_fx)
            charged = sum(
                (each.fee + each.tax) * rates.for_deal(each) for each in book.events if each.kind in ("buy", "sell")
            )
            made_up = found.since_inception.realised.total + found.unrealised.total
            if fees_in_cost:
                assert abs(made_up - (on_securities - charged)) <= D("0.05")
            else:  # the fees of what is still held are in no gain yet
                fees = found.since_inception.realised.fees
                assert abs(made_up + fees - on_securities) <= D("0.05")


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_paid_is_in_open_lots_or_was_taken_from_them(seed):
    ledger = Ledger(seed, "FIFO", in_kind=False)
    _, events = ledger.read()
    rates = DealRates(ledger.market.history(), "CAD", "ledger")

    for method in METHODS:
        derived = derived_by(events, method, fees_in_cost=True)
        book = book_of(events, derived, method, trade_fx="ledger", fees_in_cost=True)
        with localcontext() as context:
            context.prec = 40
            bought = sum(
                (each.quantity * each.unit_price + each.fee + each.tax) * rates.for_deal(each)
                for each in book.events
                if each.kind == "buy"
            )
            returned = sum(
                each.amount * rates.for_deal(each) for each in book.events if each.kind == "return_of_capital"
            )
            open_lots = sum(rates.cost_of_lot(each, "CAD").base for each in book.lots if each.valid_to is None)
            taken = sum(
                rates.cost_of_match(each, "CAD", fees_in_cost=True).base for each in book.matches if each.kind == "sell"
            )
            assert abs(bought - returned - open_lots - taken) < D("1e-15"), method
            for each in book.lots:
                if each.layers and {layer.currency for layer in each.layers} == {each.currency}:
                    assert abs(sum(layer.cost for layer in each.layers) - each.cost) < D("1e-20")


def test_history_is_what_the_market_says():
    market = Market(random.Random(1))
    assert float(market.history().close[3, 0]) == pytest.approx(float(market.close("OAK", DAYS[3])))
    assert np.isfinite(market.history().close).all()
