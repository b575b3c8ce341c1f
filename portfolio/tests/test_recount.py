"""The second count of cost against our booking: two computations that share nothing but the entries."""

import random
from datetime import date, timedelta
from decimal import Decimal, localcontext
from functools import cache

import pytest

from portfolio.books import lots
from portfolio.ledger import journal, reader, recount, statement

HEAD = """\
option "operating_currency" "CAD"
option "booking_method" "FIFO"
option "inferred_tolerance_default" "*:0.005"
2020-01-01 open Assets:Cash CAD
2020-01-01 open Assets:Shares ABC
2020-01-01 open Assets:Depot ABC
2020-01-01 open Assets:Own ABC "LIFO"
2020-01-01 open Equity:External
2020-01-01 open Expenses:Fees
2020-01-01 open Income:Realised
"""
ACCOUNTS = ("Shares", "Depot", "Own")
METHODS = ("FIFO", "LIFO", "HIFO", "AVERAGE")


def text(seed):
    """A month of sales and of buys, two a day at costs of their own, some with a fee that makes them the dearest."""
    chance, held = random.Random(seed), dict.fromkeys(ACCOUNTS, 0)
    lines = [HEAD]
    for number in range(60):
        day, name = date(2020, 1, 2) + timedelta(number // 2), chance.choice(ACCOUNTS)
        if chance.random() < 0.5 or not held[name]:
            units, price, fee = chance.randint(1, 40), chance.randint(900, 1100), chance.choice((0, 1, 200))
            held[name] += units
            lines += [f'{day} * "Buy {number}"', f"  Assets:{name}  {units} ABC {{{price} CAD}}"]
            lines += [f"  Expenses:Fees  {fee} CAD", "  Assets:Cash"]
        elif chance.random() < 0.7:
            units = chance.randint(1, held[name])
            held[name] -= units
            lines += [f'{day} * "Sell {number}"', f"  Assets:{name}  -{units} ABC {{}} @ 1000 CAD"]
            lines += [f"  Assets:Cash  {units * 1000} CAD", "  Income:Realised"]
    return "\n".join(lines) + "\n"


@cache
def read(said):
    reading = reader.read({"main.beancount": said.encode()})
    return reading, journal.transactions(reading)


def both(said, method, fees_in_cost):
    """Account -> cost of what is held in the end, fees apart, by the second count and by our booking."""
    reading, events = read(said)
    counted = {
        account: cost
        for (_, account, _), cost in recount.cost_by_day(
            reading, events, method=method, fees_in_cost=fees_in_cost
        ).items()
    }
    booked = lots.book(
        events, base_currency="CAD", method=method, fees_in_cost=fees_in_cost, account_methods={"Assets:Own": "LIFO"}
    )
    with localcontext() as context:
        context.prec = 40
        ours = {account: Decimal() for account in counted}
        for parcel in booked.parcels:
            if parcel.valid_to is None and parcel.account in ours:
                ours[parcel.account] += parcel.quantity * parcel.unit_cost
    return counted, ours


@pytest.fixture(scope="module")
def texts():
    return [text(seed) for seed in range(3)]


@pytest.mark.slow
@pytest.mark.parametrize("fees_in_cost", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_the_second_count_comes_to_what_is_booked(method, fees_in_cost, texts):
    for said in texts:
        counted, ours = both(said, method, fees_in_cost)

        # Beancount's own inventory is taken where it books alike: in the FIFO accounts of a FIFO portfolio.
        expected = {f"Assets:{name}" for name in (("Own",) if method == "FIFO" else ACCOUNTS)}
        if method == "HIFO" and not fees_in_cost:
            expected |= {"Assets:Own"}
        assert set(counted) == expected
        assert {account: round(cost, 9) for account, cost in counted.items()} == {
            account: round(cost, 9) for account, cost in ours.items()
        }


SALE = """
2020-01-08 * "Sell" ""
  Assets:Shares  -15 ABC {} @ 130 CAD
  Assets:Cash  1950 CAD
  Income:Realised
"""


def one_buy(*lots, day="2020-01-06"):
    legs = "".join(f"  Assets:Shares  {units} ABC {{{price} CAD}}\n" for units, price in lots)
    return f'{day} * "Buy" ""\n{legs}  Assets:Cash\n'


OUT_OF_TURN = {
    # Beancount adds the third purchase to the first, and would take 15 at 100.
    "the same cost again": (one_buy((10, 100)) + one_buy((10, 120)) + one_buy((10, 100)), 1600),
    # It takes up the lots of a split in the order in which they are written, and would take 15 at 60.
    "a split written otherwise": (
        one_buy((10, 100))
        + one_buy((10, 120))
        + """2020-01-07 * "Split" ""
  Assets:Shares  -10 ABC {100 CAD, 2020-01-06}
  Assets:Shares  -10 ABC {120 CAD, 2020-01-06}
  Assets:Shares  20 ABC {60 CAD, 2020-01-06}
  Assets:Shares  20 ABC {50 CAD, 2020-01-06}
""",
        1450,
    ),
    "one entry, two prices": (one_buy((10, 100), (10, 120)), 600),
    "one entry, two prices, after others": (one_buy((10, 110)) + one_buy((10, 100), (10, 120)), 1700),
    "in turn": (one_buy((10, 100)) + one_buy((10, 120)) + one_buy((10, 120)), 1800),
}


@pytest.mark.parametrize("fees_in_cost", [False, True])
@pytest.mark.parametrize("name", OUT_OF_TURN)
def test_lots_of_one_day_go_in_the_order_in_which_they_came_on_both_sides(name, fees_in_cost):
    """Both FIFO. What is told of the ledger is its inventory, but where that has the day's lots in another order."""
    bought, left = OUT_OF_TURN[name]
    reading, events = read(HEAD + bought + SALE)
    told = statement.from_reading(reading, events, method="FIFO", fees_in_cost=fees_in_cost)

    *_, last = told.at()
    booked = lots.book(events, base_currency="CAD", method="FIFO", fees_in_cost=fees_in_cost)

    assert round(last.cost["Assets:Shares", "ABC"], 9) == left
    assert round(sum(lot.quantity * lot.unit_cost for lot in booked.open_lots), 9) == left


ENTRIES = {
    "return of capital": """
2020-02-01 * "Return of capital" ""
  Assets:Shares  -10 ABC {100 CAD, 2020-01-03}
  Assets:Shares  -30 ABC {120 CAD, 2020-01-06}
  Assets:Shares  10 ABC {95 CAD, 2020-01-03}
  Assets:Shares  30 ABC {115 CAD, 2020-01-06}
  Assets:Cash  200 CAD
""",
    "split": """
2020-02-01 * "Split" ""
  Assets:Shares  -10 ABC {100 CAD, 2020-01-03}
  Assets:Shares  -30 ABC {120 CAD, 2020-01-06}
  Assets:Shares  20 ABC {50 CAD, 2020-01-03}
  Assets:Shares  60 ABC {60 CAD, 2020-01-06}
""",
    "move": """
2020-02-01 * "Move" ""
  Assets:Shares  -10 ABC {100 CAD, 2020-01-03}
  Assets:Shares  -5 ABC {120 CAD, 2020-01-06}
  Assets:Depot  10 ABC {100 CAD, 2020-01-03}
  Assets:Depot  5 ABC {120 CAD, 2020-01-06}
""",
}
BOUGHT = """
2020-01-03 * "Buy" ""
  Assets:Shares  10 ABC {100 CAD}
  Assets:Cash
2020-01-06 * "Buy" ""
  Assets:Shares  30 ABC {120 CAD}
  Assets:Cash
"""
COST = {
    # 10 at 100 and 30 at 120: a pool of 40 at 115. What moves is the first 10 and 5 of the later ones, or 15 of the dearest.
    ("return of capital", "LIFO"): {"Shares": 4400},
    ("return of capital", "AVERAGE"): {"Shares": 4400},
    ("split", "HIFO"): {"Shares": 4600},
    ("split", "AVERAGE"): {"Shares": 4600},
    ("move", "LIFO"): {"Shares": 2800, "Depot": 1800},
    ("move", "HIFO"): {"Shares": 2800, "Depot": 1800},
    ("move", "AVERAGE"): {"Shares": 2875, "Depot": 1725},
}


@pytest.mark.parametrize(("name", "method"), COST)
def test_what_happens_to_a_whole_holding_or_moves_is_counted_by_the_method(name, method):
    counted, ours = both(HEAD + BOUGHT + ENTRIES[name], method, fees_in_cost=True)

    expected = {f"Assets:{account}": cost for account, cost in COST[name, method].items()}
    assert counted == expected
    assert {account: round(cost, 9) for account, cost in ours.items()} == expected
