"""Realised gains and income of a tax year, lot by lot. Every number was computed by hand, or is the money bridge's."""

from datetime import date
from decimal import Decimal

import pytest

from portfolio import valuation
from portfolio.tests import made
from portfolio.tests.test_lots_abroad import Told
from portfolio.valuation import bridge, closed_holdings, gains, income, realised_lots, tax_years

pytestmark = pytest.mark.usefixtures("read_once")

D = Decimal
DAYS = ("2020-12-31", "2021-01-02", "2021-06-03", "2021-12-31", "2022-01-02", "2022-03-02", "2022-04-06")
MARKET = made.market(
    DAYS,
    {"OAK": [10, 12, 15, 20, 22, 25, 24], "ASH": [40, 40, 44, 50, 50, 45, 45]},
    currencies={"ASH": "USD"},
    fx={"USD": [1.30, 1.30, 1.32, 1.35, 1.34, 1.36, 1.40]},
)


def bought(day, units, price, currency="CAD", symbol="OAK", fee="0"):
    return (
        f'{day} * "buy"\n  Assets:A  {units} {symbol} {{{price} {currency}}}\n'
        f"  Expenses:Commission  {fee} {currency}\n  Assets:Cash\n"
    )


def sold(day, units, cash, currency="CAD", symbol="OAK", fee="0"):
    return (
        f'{day} * "sell"\n  Assets:A  -{units} {symbol} {{}}\n  Expenses:Commission  {fee} {currency}\n'
        f"  Assets:Cash  {cash} {currency}\n  Income:Realised\n"
    )


def paid(day, gross, withheld, currency="CAD", symbol="OAK"):
    return (
        f'{day} * "dividend"\n  symbol: "{symbol}"\n  Income:Dividends  -{gross} {currency}\n'
        f"  Expenses:Taxes  {withheld} {currency}\n  Assets:Cash\n"
    )


TWO_LOTS = (
    bought("2020-12-31", 10, 10, fee="1") + bought("2021-06-03", 10, 15, fee="2") + sold("2022-03-02", 15, 373, fee="2")
)  # 15 at 25, less 2


def of_2022(book, **asked):
    return realised_lots.of_year(book, MARKET, **({"year": 2022, "begins": "01-01"} | asked))


def test_each_lot_has_its_days_and_both_sides_and_they_sum_to_the_year():
    year = of_2022(Told(TWO_LOTS).book("OAK"))

    # 10 of the first: 250 - 2 x 10/15 - 101; 5 of the second: 125 - 2 x 5/15 - (75 + 1).
    rows = [
        (each.acquired, each.sold, each.days_held, each.quantity, each.proceeds, each.cost, each.gain)
        for each in year.lots
    ]
    assert rows == [
        (date(2020, 12, 31), date(2022, 3, 2), 426, 10, D("248.67"), D("101.00"), D("147.67")),
        (date(2021, 6, 3), date(2022, 3, 2), 272, 5, D("124.33"), D("76.00"), D("48.33")),
    ]
    assert (year.whole.proceeds, year.whole.cost, year.whole.gain) == (D("373.00"), D("177.00"), D("196.00"))
    assert (year.gains, year.losses, year.whole.lots, year.booking_method) == (D("196.00"), D("0.00"), 2, "FIFO")


def test_last_in_first_out_takes_the_other_lots():
    year = of_2022(Told(TWO_LOTS, method="LIFO", ledger="LIFO").book("OAK"))

    # 10 of the second: 250 - 1.33 - 152; 5 of the first: 125 - 0.67 - 50.50.
    assert sorted(each.gain for each in year.lots) == [D("73.83"), D("96.67")]
    assert (year.booking_method, year.whole.gain) == ("LIFO", D("170.50"))


def test_an_average_pool_has_no_day_of_purchase():
    year = of_2022(Told(TWO_LOTS, method="AVERAGE").book("OAK"))

    (lot,) = year.lots
    assert (lot.acquired, lot.days_held) == (None, None)
    assert lot.cost == D("189.75")  # 253 x 15/20
    assert lot.gain == D("183.25")


def test_a_gain_abroad_is_stated_in_both_currencies_with_both_rates():
    book = Told(
        bought("2021-01-02", 1, 12)
        + bought("2021-01-02", 10, 40, "USD", "ASH")
        + sold("2022-03-02", 10, 450, "USD", "ASH")
    ).book("OAK", "ASH")

    (lot,) = of_2022(book).lots

    assert (lot.currency, lot.cost_local, lot.proceeds_local, lot.gain_local) == ("USD", 400, 450, 50)
    assert (lot.fx_in, lot.fx_out) == (D("1.3"), D("1.36"))
    assert (lot.cost, lot.proceeds, lot.gain) == (D("520.00"), D("612.00"), D("92.00"))
    assert (lot.price, lot.fx, lot.interaction) == (D("65.00"), D("24.00"), D("3.00"))


def test_fees_apart_stand_beside_cost_and_proceeds():
    year = of_2022(Told(TWO_LOTS, fees_in_cost=False).book("OAK"))

    assert (year.whole.proceeds, year.whole.cost, year.whole.fees) == (D("375.00"), D("175.00"), D("4.00"))
    assert (year.whole.gain, year.before_fees, year.fees_are) == (D("196.00"), D("200.00"), "apart")


@pytest.mark.parametrize(
    ("begins", "asof", "label", "first", "last"),
    [
        ("01-01", date(2020, 4, 5), "2020", date(2020, 1, 1), date(2020, 12, 31)),
        ("04-06", date(2020, 4, 5), "2019/20", date(2019, 4, 6), date(2020, 4, 5)),
        ("04-06", date(2020, 4, 6), "2020/21", date(2020, 4, 6), date(2021, 4, 5)),
        ("03-01", date(2020, 2, 29), "2019/20", date(2019, 3, 1), date(2020, 2, 29)),
        ("07-01", date(1999, 12, 31), "1999/00", date(1999, 7, 1), date(2000, 6, 30)),
    ],
)
def test_a_tax_year_is_named_by_the_year_in_which_it_begins(begins, asof, label, first, last):
    year = tax_years.choose(None, begins, asof)

    assert (year.label, year.first_date, year.last_date) == (label, first, last)


def test_a_year_that_has_not_begun_is_refused():
    with pytest.raises(tax_years.YearNotBegun, match="2023-01-01, after 2022-04-06"):
        of_2022(Told(TWO_LOTS).book("OAK"), year=2023)


def test_a_sale_is_in_the_tax_year_of_its_day():
    book = Told(bought("2021-01-02", 10, 12) + sold("2022-03-02", 4, 100) + sold("2022-04-06", 6, 144)).book("OAK")

    uk = [of_2022(book, year=year, begins="04-06").whole.gain for year in (2020, 2021, 2022)]

    assert uk == [D("0.00"), D("52.00"), D("72.00")]
    assert [(each.label, each.gain) for each in of_2022(book, begins="04-06").years] == [
        ("2022/23", D("72.00")), ("2021/22", D("52.00")),
    ]  # fmt: skip


def test_the_years_are_what_the_bridge_since_inception_realised():
    book = Told(
        bought("2020-12-31", 10, 10) + sold("2021-06-03", 4, 60) + bought("2021-06-03", 10, 44, "USD", "ASH")
        + sold("2022-03-02", 6, 150) + sold("2022-04-06", 5, 225, "USD", "ASH")
    ).book("OAK", "ASH")  # fmt: skip

    years = of_2022(book).years

    assert [each.gain for each in years] == [D("114.60"), D("20.00")]  # 90 + 5 x (45 x 1.40 - 44 x 1.32); 4 x 5
    assert sum(each.price for each in years) == bridge.between(book, MARKET).realised_price == D("116.60")
    assert sum(each.gain for each in years) == gains.compute(book, MARKET).since_inception.realised.total


def test_what_was_bought_in_the_year_is_what_the_bridge_of_the_year_realised():
    book = Told(bought("2022-01-02", 10, 22) + sold("2022-03-02", 4, 100)).book("OAK")
    year = of_2022(book)

    of_days = bridge.between(book, MARKET, opening=date(2021, 12, 31), closing=year.last_date)

    assert year.whole.price == of_days.realised_price == D("12.00")


def test_income_of_the_year_by_month_and_payer():
    told = Told(bought("2021-01-02", 10, 12) + paid("2021-12-31", 5, 1) + paid("2022-03-02", 8, 2))
    book = told.book("OAK")
    positions = valuation.positions(book, date(2022, 4, 6), {1: ("OAK", "Oak", "CAD")}, None)

    year = income.of_year(positions, MARKET, year=2022, begins="01-01")
    over = income.of_year(positions, MARKET, year=2021, begins="04-06")

    assert (year.whole.gross, year.whole.withheld, year.whole.net) == (8, 2, 6)
    assert [(each.label, each.net) for each in year.months] == [
        ("2022-01", 0), ("2022-02", 0), ("2022-03", 6), ("2022-04", 0),
    ]  # fmt: skip
    assert [(each.symbol, each.gross, each.net) for each in year.by_payer] == [("OAK", 8, 6)]
    assert (over.whole.net, over.months[0].label, over.months[-1].label, len(over.months)) == (
        10,
        "2021-04",
        "2022-04",
        13,
    )


def test_a_lot_whose_cost_nobody_can_convert_has_no_gain_and_neither_has_its_year():
    book = Told(
        bought("2020-03-02", 10, 40, "USD", "ASH") + bought("2021-01-02", 1, 12) + sold("2022-03-02", 10, 450, "USD", "ASH")
    ).book("ASH", "OAK")  # fmt: skip
    market = made.market(
        DAYS, {"ASH": [40, 40, 44, 50, 50, 45, 45], "OAK": [10, 12, 15, 20, 22, 25, 24]}, currencies={"ASH": "USD"},
        fx={"USD": [1.30, 1.30, 1.32, 1.35, 1.34, 1.36, 1.40]},
    )  # fmt: skip

    year = realised_lots.of_year(book, market, year=2022, begins="01-01")

    (lot,) = year.lots
    assert (lot.cost, lot.gain, lot.proceeds) == (None, None, D("612.00"))
    assert (year.without_cost, year.whole.gain, year.whole.proceeds, year.gains) == (1, None, D("612.00"), None)


def test_a_closed_holding_has_what_its_sales_and_its_dividends_brought():
    book = Told(
        bought("2020-12-31", 10, 10) + paid("2021-12-31", 5, 1) + sold("2021-06-03", 4, 60) + sold("2022-03-02", 6, 150)
        + bought("2021-06-03", 10, 44, "USD", "ASH")
    ).book("OAK", "ASH")  # fmt: skip

    (closed,) = closed_holdings.find_closed(book, MARKET)

    assert (closed.symbol, closed.first_bought, closed.last_sold) == ("OAK", date(2020, 12, 31), date(2022, 3, 2))
    # 4 x 5 and 6 x 15 of price; 5 of dividend, of which 1 was withheld.
    assert (closed.realised, closed.income, closed.total) == (D("110.00"), D("4.00"), D("114.00"))
