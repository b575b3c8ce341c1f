"""The second computation against figures that were computed by hand."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
import pyxirr

from tests.ledgers import beancount_lots, generator, markets, reference
from tests.ledgers.markets import Market, Security
from tests.ledgers.operations import Ledger, Operation
from tests.ledgers.reference import Parts

D = Decimal
DAY = date(2021, 3, 1)


def market(days, closes, rates=None):
    """Closes of securities in USD, or of the currency after a colon, day by day; rates are USD in CAD."""
    on = [each if isinstance(each, date) else DAY + timedelta(each) for each in days]
    securities = {}
    prices = {}
    for name, each in closes.items():
        symbol, _, currency = name.partition(":")
        securities[symbol] = Security(symbol, currency or "USD", "equity", "XNYS", "1")
        prices[symbol] = {day: D(close) for day, close in zip(on, each, strict=True) if close is not None}
    rates = rates or ["1.25"] * len(on)
    fixings = {day: {"USD": D(1), "CAD": D(rate), "GBP": D(1)} for day, rate in zip(on, rates, strict=True)}
    return Market(securities, prices, fixings, on)


def row(kind, day, *, currency="USD", symbol="", **what):
    on = day if isinstance(day, date) else DAY + timedelta(day)
    for name in (
        "quantity",
        "unit_price",
        "amount",
        "fee",
        "tax",
        "fx_rate",
        "cost",
        "counter_amount",
        "to_unit_price",
    ):
        if name in what and what[name] != "all":
            what[name] = D(what[name])
    return Operation(kind, on, currency, what.pop("account", ""), symbol, **what)


def ask(made, rows, *, base="USD", asof=None, periods=(), **settings):
    ledger = Ledger("one", base, tuple(rows), **settings)
    found = reference.compute(ledger, made, asof or made.pack_days[-1], periods)
    assert found is not None
    return found


def rounded(parts: Parts, places: int = 6):
    return tuple(round(each, places) for each in (parts.total, parts.price, parts.fx, parts.interaction))


@pytest.mark.parametrize(
    ("values", "into", "out", "timing", "right"),
    [
        (("100000", "165000", "148500"), ("0", "50000", "0"), ("0", "0", "0"), "in_start_out_end", "-0.01"),
        (("100000", "165000", "148500"), ("0", "50000", "0"), ("0", "0", "0"), "start", "-0.01"),
        (("100000", "165000", "148500"), ("0", "50000", "0"), ("0", "0", "0"), "end", "0.035"),
        (("100000", "55000", "60500"), ("0", "0", "0"), ("0", "50000", "0"), "in_start_out_end", "0.155"),
        (("100000", "55000", "60500"), ("0", "0", "0"), ("0", "50000", "0"), "end", "0.155"),
        (("100000", "55000", "60500"), ("0", "0", "0"), ("0", "50000", "0"), "start", "0.21"),
        (("100", "135"), ("0", "50"), ("0", "20"), "in_start_out_end", "0.033333333333"),
    ],
)
def test_linked_returns(values, into, out, timing, right):
    each = [[D(one) for one in many] for many in (values, into, out)]
    daily = [
        reference.day_return(each[0][at - 1], each[0][at], each[1][at], each[2][at], timing)
        for at in range(1, len(values))
    ]
    assert round(reference.link(daily), 12) == D(right)


def test_money_weighted_returns():
    flows = [(DAY, D(-100)), (DAY + timedelta(182), D(105))]
    assert reference.money_weighted(flows) == pytest.approx(0.1027955954216988, abs=1e-14)
    assert reference.money_weighted(flows, 182) == pytest.approx(0.05, abs=1e-12)
    assert reference.money_weighted([(DAY, D(-100)), (DAY + timedelta(731), D(121))]) == pytest.approx(
        0.09985659, abs=5e-9
    )
    assert reference.money_weighted([(DAY, D(100)), (DAY + timedelta(9), D(1))]) is None


def test_since_inception_a_year_is_the_money_weighted_return_of_a_single_flow():
    days = [0, 1, 731]
    made = market(days, {"OAK": ["100", "100", "121"]})
    found = ask(made, [row("deposit", 0, amount=1000), row("buy", 0, symbol="OAK", quantity=10, unit_price=100)])
    assert found.value == 1210
    assert float(found.twr["itd_annualised"].value) == pytest.approx(0.09985659, abs=5e-9)
    assert found.mwr["itd"].value == pytest.approx(float(found.twr["itd_annualised"].value), abs=1e-13)


def test_a_fee_inside_and_gross():
    made = market([0, 1], {"OAK": ["100", "101.25"]})
    rows = [row("deposit", 0, amount=100000), row("buy", 0, symbol="OAK", quantity=1000, unit_price=100)]
    found = ask(made, [*rows, row("fee", 1, amount=250, fee_kind="custody")])
    assert (found.twr["1d"].value, found.gross["1d"].value) == (D("0.01"), D("0.0125"))
    assert ask(made, [*rows, row("fee", 1, amount=250, fee_kind="other")]).gross["1d"].value == D("0.01")


def test_a_dividend_less_withholding():
    made = market([0, 1], {"OAK": ["100", "100"]})
    rows = [row("deposit", 0, amount=100000), row("buy", 0, symbol="OAK", quantity=1000, unit_price=100)]
    found = ask(made, [*rows, row("dividend", 1, symbol="OAK", amount=1000, tax=150)])
    assert found.twr["1d"].value == D("0.0085")


def test_a_dividend_counts_at_the_rate_of_its_pay_day():
    made = market([0, 1, 2], {"ADR": ["10", "10", "10"]}, ["1.34", "1.34", "1.36"])
    rows = [
        row("transfer_in", 0, symbol="ADR", quantity=100, cost=1000),
        row("dividend", 2, symbol="ADR", amount=24, ex_date=DAY + timedelta(1)),
    ]
    for accrual in ("cash", "accrual"):
        found = ask(made, rows, base="CAD", accrual=accrual)
        assert (found.income["dividends"], found.bridges["since_inception"].income) == (D("32.64"), D("32.64"))
    before = ask(made, rows, base="CAD", accrual="accrual", asof=DAY + timedelta(1))
    assert (before.value, before.accrued_value, before.twr["1d"].value) == (1340, D("1372.16"), D("0.024"))


def test_shares_in_kind_are_no_return():
    made = market([0, 1], {"OAK": ["48", "50"], "ELM": ["100", "100"]})
    rows = [row("deposit", 0, amount=100000), row("transfer_in", 1, symbol="OAK", quantity=100, cost=1)]
    assert ask(made, rows).twr["1d"].value == 0


def test_a_gain_since_purchase_in_its_parts():
    made = market([0, 1], {"OAK": ["150", "180"]}, ["1.34", "1.36"])
    rows = [
        row("buy", 0, symbol="OAK", quantity=50, unit_price=150, fee="9.95"),
        row("sell", 1, symbol="OAK", quantity=50, unit_price=180, fee="9.95"),
    ]
    assert rounded(ask(made, rows, base="CAD").realised) == tuple(
        D(x) for x in ("2163.135", "1983.334", "150.199", "29.602")
    )
    apart = ask(made, rows, base="CAD", fees_in_cost=False).realised
    assert (apart.price, apart.total) == (50 * 30 * D("1.34"), D("2163.135"))


def test_an_average_pool_with_a_split_and_a_return_of_capital():
    made = market([0, 1, 2, 3, 4], {"OAK": ["10", "16", "5", "5", "6"]})
    rows = [
        row("buy", 0, symbol="OAK", quantity=100, unit_price=10, fee=5),
        row("buy", 1, symbol="OAK", quantity=50, unit_price=16, fee=5),
        row("split", 2, symbol="OAK", ratio="3:1"),
        row("return_of_capital", 3, symbol="OAK", amount=225),
        row("sell", 4, symbol="OAK", quantity=200, unit_price=6, fee=5),
    ]
    found = ask(made, rows, booking_method="AVERAGE")
    assert round(found.realised.total, 6) == D("490.555556")
    assert round(found.positions["OAK"][2], 6) == D("880.555556")


def test_an_average_pool_abroad():
    made = market([0, 1, 2], {"OAK": ["100", "120", "130"]}, ["1.30", "1.40", "1.35"])
    rows = [
        row("buy", 0, symbol="OAK", quantity=10, unit_price=100),
        row("buy", 1, symbol="OAK", quantity=10, unit_price=120),
        row("sell", 2, symbol="OAK", quantity=10, unit_price=130),
    ]
    found = ask(made, rows, base="CAD", booking_method="AVERAGE").realised
    assert rounded(found) == (265, D("270.909091"), -5, D("-0.909091"))


def test_an_average_pool_of_two_rates_in_base():
    made = market([0, 1, 2], {"OAK": ["40", "44", "44"]}, ["1.289256", "1.36", "1.36"])
    rows = [
        row("buy", 0, symbol="OAK", quantity=10, unit_price=40),
        row("buy", 1, symbol="OAK", quantity=10, unit_price=44),
    ]
    found = ask(made, rows, base="CAD", booking_method="AVERAGE")
    assert round(found.positions["OAK"][3], 2) == D("1114.10")


def test_the_highest_cost_is_that_of_the_trade_currency():
    made = market([0, 1, 2], {"OAK": ["100", "105", "110"]}, ["1.40", "1.30", "1.35"])
    rows = [
        row("buy", 0, symbol="OAK", quantity=10, unit_price=100),
        row("buy", 1, symbol="OAK", quantity=10, unit_price=105),
        row("sell", 2, symbol="OAK", quantity=10, unit_price=110),
    ]
    assert ask(made, rows, base="CAD", booking_method="HIFO").realised.total == D("120.00")


def test_cash_in_lieu_sells_the_fraction():
    made = market([0, 1], {"OAK": ["30", "20"]})
    rows = [
        row("buy", 0, symbol="OAK", quantity=101, unit_price=30),
        row("split", 1, symbol="OAK", ratio="3:2"),
        row("cash_in_lieu", 1, symbol="OAK", quantity="0.5", unit_price=21),
    ]
    found = ask(made, rows)
    assert found.positions["OAK"][0] == 151
    assert (round(found.positions["OAK"][2], 20), round(found.realised.total, 20)) == (3020, D("0.50"))


def test_the_bridge_of_a_holding_abroad():
    made = market([0, 1], {"OAK": ["50", "55"]}, ["1.30", "1.36"])
    rows = [row("transfer_in", 0, symbol="OAK", quantity=100, cost=4000)]
    found = ask(made, rows, base="CAD", periods=[DAY + timedelta(1)]).bridges[(DAY + timedelta(1)).isoformat()]
    assert (found.unrealised_price, found.fx - found.interaction, found.interaction) == (650, 300, 30)
    assert (found.opening_value, found.closing_value) == (6500, 7480)


def test_a_split_alone_moves_no_return():
    made = market([date(2014, 6, 6), date(2014, 6, 9)], {"AAPL": ["645.57", "93.70"]})
    rows = [
        row("transfer_in", date(2014, 6, 6), symbol="AAPL", quantity=100, cost=1),
        row("split", date(2014, 6, 9), symbol="AAPL", ratio="7:1"),
    ]
    found = ask(made, rows)
    assert (found.series.values, round(found.twr["1d"].value, 6)) == ([D("64557.00"), D("65590.00")], D("0.016001"))


def test_first_in_first_out_by_a_round_trip():
    made = market([0, 1, 2, 3], {"OAK": ["100", "100", "200", "200"]})
    rows = [
        row("buy", 0, symbol="OAK", quantity=10, unit_price=100),
        row("sell", 1, symbol="OAK", quantity=5, unit_price=100),
        row("buy", 2, symbol="OAK", quantity=5, unit_price=200),
        row("sell", 3, symbol="OAK", quantity=5, unit_price=200),
    ]
    found = ask(made, rows)
    assert found.realised.total + found.unrealised.total == 500


def test_a_pool_that_was_sold_out_and_bought_again():
    made = market([0, 1, 2, 3, 4, 5], {"ASH": ["20", "21", "22", "23", "24", "29"]})
    rows = [
        row("buy", 0, symbol="ASH", quantity=10, unit_price=20),
        row("sell", 1, symbol="ASH", quantity="all", unit_price=21, amount=210),
        row("buy", 2, symbol="ASH", quantity=8, unit_price=22),
        row("buy", 3, symbol="ASH", quantity=4, unit_price=23),
        row("sell", 4, symbol="ASH", quantity=3, unit_price=24),
    ]
    found = ask(made, rows, booking_method="AVERAGE").bridges["since_inception"]
    assert (round(found.realised_price, 9), round(found.unrealised_price, 9)) == (15, 60)


def test_a_lot_dealt_in_another_currency_is_restated_at_the_fixing_of_its_day():
    made = market([0, 1], {"COIN": ["42000", "42000"]}, ["1.00", "0.9"])
    rows = [
        row("buy", 0, currency="CAD", symbol="COIN", quantity="0.02", unit_price=38000),
        row("sell", 1, symbol="COIN", quantity="0.01", unit_price=42000),
    ]
    found = ask(made, rows, base="CAD")
    # 380 CAD cost 380 USD then; 420 USD are 378 CAD now.
    assert rounded(found.realised) == (-2, 40, -38, -4)
    assert found.positions["COIN"][2:] == (380, 380)


def test_shares_between_own_accounts_are_no_flow():
    made = market([0, 1, 2], {"ACME": ["100", "110", "120"]})
    rows = [
        row("deposit", 0, amount=12000),
        row("buy", 0, symbol="ACME", quantity=100, unit_price=100),
        row("move", 1, symbol="ACME", quantity=100, cost=11000, to_account="Second"),
    ]
    found = ask(made, rows)
    assert found.bridges["since_inception"].contributions == 12000
    assert round(found.twr["itd"].value, 20) == round(D("14000") / 12000 - 1, 20)
    assert found.positions["ACME"][2] == 10000


def test_a_transferred_lot_costs_at_the_fixing_of_its_purchase():
    made = market([0, 3], {"OAK": ["40", "44"]}, ["1.25", "1.325"])
    rows = [row("transfer_in", 3, symbol="OAK", quantity=60, cost=2400, acquired=DAY)]
    assert ask(made, rows, base="CAD").positions["OAK"][3] == 3000


@pytest.mark.parametrize(
    ("trade_fx", "dividends", "realised"), [("ledger", "29.00", "40.00"), ("fixing", "26.50", "33.08")]
)
def test_the_rate_of_a_deal_is_the_ledgers_or_the_fixing(trade_fx, dividends, realised):
    made = market([0, 1, 2], {"OAK": ["40", "42", "44"]}, ["1.289256", "1.325203", "1.36"])
    rows = [
        row("deposit", 0, amount=5000),
        row("buy", 0, symbol="OAK", quantity=10, unit_price=40, fx_rate="1.40"),
        row("dividend", 1, symbol="OAK", amount=20, fx_rate="1.45"),
        row("sell", 2, symbol="OAK", quantity=4, unit_price=44, fx_rate="1.50"),
    ]
    found = ask(made, rows, base="CAD", trade_fx=trade_fx)
    assert (round(found.income["dividends"], 2), round(found.realised.total, 2)) == (D(dividends), D(realised))


def test_dividends_on_accrual_basis():
    made = market([0, 2, 4, 10], {"ASH": ["20", "20.5", "21.3", "22"]})
    rows = [
        row("deposit", 0, amount=3000),
        row("buy", 0, symbol="ASH", quantity=100, unit_price=20),
        row("dividend", 10, symbol="ASH", amount=60, ex_date=DAY + timedelta(2)),
    ]
    found = ask(made, rows, accrual="accrual", asof=DAY + timedelta(4))
    assert (found.accrued_value, found.bridges["since_inception"].income) == (3190, 60)
    assert round(found.twr["itd"].value, 6) == D("0.063333")


def test_an_undefined_day_takes_only_the_windows_that_hold_it():
    made = market([0, 1, 2], {"ASH": ["60", "60", "90"]})
    rows = [
        row("buy", 0, symbol="ASH", quantity=1, unit_price=60, fee=10),
        row("deposit", 1, amount=1000000),
        row("buy", 1, symbol="ASH", quantity=100, unit_price=60),
    ]
    found = ask(made, rows)
    assert (found.twr["1d"].status, found.twr["mtd"].status) == ("ok", "unavailable")
    assert (found.twr["itd"].status, found.twr["itd"].first) == ("degraded", DAY)


def test_a_young_portfolio_is_measured_from_its_beginning():
    made = market([-40, 0, 1], {"ASH": ["60", "60", "66"]})
    found = ask(made, [row("deposit", 0, amount=60), row("buy", 0, symbol="ASH", quantity=1, unit_price=60)])
    assert (found.twr["ytd"].status, found.twr["ytd"].value) == ("degraded", D("0.1"))
    assert (found.twr["1y"].status, found.twr["1y"].reason) == ("unavailable", "short_history")


def test_charges_above_proceeds():
    made = market([0, 1], {"PENY": ["0.02", "0.0005"]})
    rows = [
        row("deposit", 0, amount=100),
        row("buy", 0, symbol="PENY", quantity=200, unit_price="0.02", fee=6),
        row("sell", 1, symbol="PENY", quantity=200, unit_price="0.0005", fee=6),
    ]
    found = ask(made, rows)
    assert (found.realised.total, found.cash) == (D("-15.90"), {"USD": D("84.10")})
    apart = ask(made, rows, fees_in_cost=False).realised
    assert (apart.price, apart.fees, apart.total) == (D("-3.90"), 12, D("-15.90"))


def test_a_day_trade():
    made = market([0], {"OAK": ["80"]})
    rows = [
        row("deposit", 0, amount=1000),
        row("buy", 0, symbol="OAK", quantity=10, unit_price=60),
        row("sell", 0, symbol="OAK", quantity=10, unit_price=80, tax=25),
    ]
    found = ask(made, rows)
    assert found.twr["itd"].value == D("0.175")
    assert (found.bridges["since_inception"].realised_price, found.bridges["since_inception"].taxes) == (200, -25)


def test_what_was_paid_is_the_cost():
    made = market([0], {"VTI": ["48.05"]})
    rows = [
        row("deposit", 0, amount=100),
        row("buy", 0, symbol="VTI", quantity="0.6242", unit_price="48.05", amount="29.99"),
    ]
    assert ask(made, rows).positions["VTI"][2] == D("29.99")


@pytest.mark.slow
def test_money_weighted_returns_are_those_of_pyxirr():
    made = markets.make(7)
    compared = 0
    for seed in range(60):
        ledger = generator.generate(seed, made)
        found = ask(made, ledger.operations, base=ledger.base)
        flows = [(each.date, each.out - each.into) for each in found.series.flows]
        flows.append((found.asof, found.series.values[-1]))
        rate = reference.money_weighted(flows)
        if rate is not None:
            days, amounts = zip(*flows, strict=True)
            assert pyxirr.xirr(days, [float(each) for each in amounts]) == pytest.approx(rate, abs=1e-9, rel=1e-9)
            compared += 1
    assert compared > 40


@pytest.mark.slow
@pytest.mark.parametrize("method", ["FIFO", "LIFO", "HIFO"])
def test_lots_are_those_that_beancount_books(method):
    made = markets.make(7)
    ledgers = [replace(generator.generate(seed, made), booking_method=method) for seed in range(100, 130)]

    assert sum(len(beancount_lots.plain(each, made)) for each in ledgers) > 20
    assert list(beancount_lots.differences(ledgers, made)) == []
