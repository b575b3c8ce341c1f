"""What the ledger says by itself: Beancount's inventory, averaged where the portfolio averages."""

from datetime import date
from decimal import Decimal

import pytest

from portfolio.ledger import journal, reader, statement

pytestmark = pytest.mark.usefixtures("read_once")

HEAD = """\
option "operating_currency" "CAD"
option "booking_method" "FIFO"
2020-01-01 open Assets:Cash CAD
2020-01-01 open Assets:Shares ABC,XYZ
2020-01-01 open Assets:Depot ABC
2020-01-01 open Equity:External
2020-01-01 open Income:Realised
2020-01-01 price ABC 9.5 CAD
2020-01-02 * "Deposit" ""
  Assets:Cash  10000 CAD
  Equity:External
"""
BUYS = """
2020-01-03 * "Buy" ""
  Assets:Shares  10 ABC {100 CAD}
  Assets:Cash  -1000 CAD
2020-01-06 * "Buy" ""
  Assets:Shares  30 ABC {120 CAD}
  Assets:Cash  -3600 CAD
"""
SALE = """
2020-01-07 * "Sell" ""
  Assets:Shares  -20 ABC {} @ 130 CAD
  Assets:Cash  2600 CAD
  Income:Realised
"""
SPLIT = """
2020-01-08 * "Split" ""
  Assets:Shares  -20 ABC {120 CAD, 2020-01-06}
  Assets:Shares  40 ABC {60 CAD, 2020-01-06}
"""


def statement_of(text, **how):
    reading = reader.read({"main.beancount": text.encode()})
    return statement.from_reading(reading, journal.transactions(reading), **how)


def costs(made, key=("Assets:Shares", "ABC")):
    return [each.cost.get(key) for each in made.at([date(2020, 1, number) for number in (3, 6, 7, 8)])]


@pytest.fixture(scope="module")
def lots():
    return statement_of(HEAD + BUYS + SALE + SPLIT)


@pytest.fixture(scope="module")
def averaged():
    return statement_of(HEAD + BUYS + SALE + SPLIT, method="AVERAGE")


def test_cost_is_of_the_lots_that_beancount_left_open(lots):
    assert costs(lots) == [1000, 4600, 2400, 2400]


def test_a_pool_gives_at_its_average_and_a_split_leaves_its_cost(averaged):
    # 40 for 4,600 are 115 each: 20 sold leave 2,300, whatever lots Beancount closed.
    assert costs(averaged) == [1000, 4600, 2300, 2300]


def test_pools_hold_what_the_lots_hold(lots, averaged):
    days = [date(2020, 1, number) for number in range(1, 10)]

    assert [(one.cash, one.units) for one in lots.at(days)] == [(one.cash, one.units) for one in averaged.at(days)]


def test_what_takes_the_place_of_something_takes_over_its_pool():
    """A spin-off: XYZ takes a quarter of the cost, as its lots say; half of the rest moves to another account."""
    spin_off = """
2020-01-09 * "Spin-off" ""
  Assets:Shares  -40 ABC {60 CAD, 2020-01-06}
  Assets:Shares  40 ABC {45 CAD, 2020-01-06}
  Assets:Shares  10 XYZ {60 CAD, 2020-01-06}
"""
    moved = """
2020-01-10 * "Transfer" ""
  Assets:Shares  -20 ABC {45 CAD, 2020-01-06}
  Assets:Depot  20 ABC {45 CAD, 2020-01-06}
"""
    made = statement_of(HEAD + BUYS + SALE + SPLIT + spin_off + moved, method="AVERAGE")

    spun, apart = (each.cost for each in made.at([date(2020, 1, 9), date(2020, 1, 10)]))
    assert spun["Assets:Shares", "XYZ"] == 575
    assert spun["Assets:Shares", "ABC"] == 1725
    assert apart["Assets:Shares", "ABC"] == apart["Assets:Depot", "ABC"] == Decimal("862.5")


def test_splits_are_known_with_the_accounts_that_held_before_them(lots):
    (split,) = lots.splits

    assert (split.account, split.symbol, split.ex_date, split.ratio) == ("Assets:Shares", "ABC", date(2020, 1, 8), 2)
    assert lots.accounts_before([("ABC", split.ex_date), ("XYZ", split.ex_date)]) == {
        ("ABC", split.ex_date): {split.account},
        ("XYZ", split.ex_date): set(),
    }


def test_its_own_prices_are_known_by_day(lots):
    assert [(each.commodity, each.number) for each in lots.prices[date(2020, 1, 1)]] == [("ABC", Decimal("9.5"))]
    assert date(2020, 1, 2) not in lots.prices
