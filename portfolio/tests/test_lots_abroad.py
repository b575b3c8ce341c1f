"""Lots, gains and bridge where currencies, charges and rates are not of the plain kind. Every number was computed by hand."""

from decimal import Decimal

import pytest

from portfolio.books import lots
from portfolio.ledger import journal, reader, statement
from portfolio.ledger.screening import LedgerRefused
from portfolio.tests import made
from portfolio.valuation import bridge, gains
from portfolio.valuation.deal_rates import DealRates

pytestmark = pytest.mark.usefixtures("read_once")

D = Decimal
HEAD = """\
option "operating_currency" "{base}"
option "booking_method" "{method}"
option "inferred_tolerance_default" "*:0.005"
2020-01-01 open Assets:Cash
2020-01-01 open Assets:Loan
2020-01-01 open Assets:A
2020-01-01 open Assets:B
2020-01-01 open Equity:External
2020-01-01 open Expenses:Commission
2020-01-01 open Expenses:Taxes
2020-01-01 open Income:Dividends
2020-01-01 open Income:Realised
"""


class Told:
    """A ledger from its text to a book of its lots."""

    def __init__(self, text, *, base="CAD", method="FIFO", ledger="FIFO", trading=None, **settings):
        self.text = HEAD.format(base=base, method=ledger) + text
        self.reading = reader.read({"main.beancount": self.text.encode()})
        self.events = journal.with_inferred_deposits(self.reading, journal.transactions(self.reading))
        self.base, self.method, self.settings = base, method, settings
        self.ids = {symbol: number for number, symbol in enumerate(self.symbols(), 1)}
        self.derived = lots.derive(
            self.events,
            securities=self.ids,
            base_currency=base,
            method=method,
            fees_in_cost=settings.get("fees_in_cost", True),
            trading=trading,
        )

    def symbols(self):
        """In the order in which they are met; markets made by hand number them likewise."""
        return list(dict.fromkeys(each for event in self.events for each in (event.symbol, event.to_symbol) if each))

    def book(self, *symbols):
        assert list(symbols) == self.symbols()
        return made.booked(self.events, self.derived, self.ids, base=self.base, method=self.method, **self.settings)


def buy(day, units, price, *, symbol="OAK", currency="USD", fee="0", tax="0", rate=None, fixing=None, account="A"):
    meta = (f'  fx_trade: "{currency}CAD={rate}"\n' if rate else "") + (f'  fixing: "{fixing}"\n' if fixing else "")
    return (
        f'2020-{day} * "buy"\n{meta}  Assets:{account}  {units} {symbol} {{{price} {currency}}}\n'
        f"  Expenses:Commission  {fee} {currency}\n  Expenses:Taxes  {tax} {currency}\n  Assets:Cash\n"
    )


def sell(day, units, cash, *, symbol="OAK", currency="USD", fee="0", tax="0", rate=None, lot="", account="A"):
    meta = f'  fx_trade: "{currency}CAD={rate}"\n' if rate else ""
    return (
        f'2020-{day} * "sell"\n{meta}  Assets:{account}  -{units} {symbol} {{{lot}}}\n'
        f"  Expenses:Commission  {fee} {currency}\n  Expenses:Taxes  {tax} {currency}\n  Assets:Cash  {cash} {currency}\n"
        "  Income:Realised\n"
    )


def parts(gain):
    return gain.total, gain.price, gain.fx, gain.interaction


# A pool in another currency

WEEK = ("2020-03-01", "2020-03-02", "2020-03-03", "2020-03-04")
OAK_USD = made.market(
    WEEK, {"OAK": [40, 44, 50, 50]}, currencies={"OAK": "USD"}, fx={"USD": [1.289256, 1.36, 1.377953, 1.367405]}
)


@pytest.mark.parametrize("method", ["AVERAGE", "FIFO"])
def test_each_purchase_of_a_pool_is_converted_at_the_rate_of_its_own_day(method):
    book = Told(buy("03-01", 10, 40) + buy("03-02", 10, 44), method=method).book("OAK")
    rates = DealRates(OAK_USD, "CAD", "ledger")

    cost = sum(rates.cost_of_lot(each, "USD").base for each in book.lots if each.valid_to is None)

    assert round(cost, 2) == D("1114.10")  # 515.70 + 598.40
    assert gains.compute(book, OAK_USD).unrealised.total == D("253.30")  # 20 x 50 x 1.367405 - 1,114.10


@pytest.mark.parametrize("rate", [None, "1.289256"])
def test_a_pool_gains_on_what_its_purchases_cost_whether_they_tell_a_rate_or_not(rate):
    told = Told(buy("03-01", 10, 40, rate=rate) + buy("03-02", 10, 44) + sell("03-03", 10, 500), method="AVERAGE")

    realised = gains.compute(told.book("OAK"), OAK_USD).since_inception.realised

    assert realised.total == D("131.93")  # 688.98 - 557.05


@pytest.mark.parametrize("trade_fx", ["ledger", "fixing"])
def test_a_sale_without_a_rate_leaves_the_rates_of_the_rest_of_its_pool(trade_fx):
    text = buy("03-01", 10, 40, rate="1.25") + buy("03-02", 10, 42, rate="1.30") + sell("03-03", 1, 50)
    book = Told(text, method="AVERAGE", trade_fx=trade_fx).book("OAK")

    (left,) = [each for each in book.lots if each.valid_to is None]
    worth = DealRates(OAK_USD, "CAD", trade_fx).cost_of_lot(left, "USD")

    assert worth.local == D("779.00")
    whole = {"ledger": D("1046.00"), "fixing": 400 * D("1.289256") + 420 * D("1.36")}[trade_fx]
    assert round(worth.base, 6) == round(whole * 19 / 20, 6)
    assert {layer.currency for layer in left.layers} == {"USD"}
    assert sum(layer.cost for layer in left.layers) == left.cost


def test_deals_are_converted_at_the_fixing_where_the_portfolio_says_so():
    text = buy("03-01", 10, 40, rate="1.40") + sell("03-02", 4, 176, rate="1.50")

    realised = gains.compute(Told(text, trade_fx="fixing").book("OAK"), OAK_USD).since_inception.realised

    assert realised.total == D("33.08")  # 4 x 44 x 1.36 - 4 x 40 x 1.289256


# A pool sold out and bought again

FIVE = ("2020-03-01", "2020-03-02", "2020-03-03", "2020-03-04", "2020-03-05")
ASH = made.market(FIVE, {"ASH": [20, 21, 22, 23, 29]})


@pytest.mark.parametrize(("sold", "realised", "unrealised"), [(9, "25.00", "20.00"), (3, "15.00", "60.00")])
def test_the_bridge_of_a_pool_that_was_sold_out_and_bought_again(sold, realised, unrealised):
    cad = {"symbol": "ASH", "currency": "CAD"}
    text = buy("03-01", 10, 20, **cad) + sell("03-02", 10, 210, **cad) + buy("03-03", 8, 22, **cad)
    text += buy("03-04", 4, 23, **cad) + sell("03-05", sold, sold * 24, **cad)
    book = Told(text, method="AVERAGE").book("ASH")

    found = bridge.between(book, ASH)

    assert (found.realised_price, found.unrealised_price) == (D(realised), D(unrealised))  # 10 + sold x (24 - 22.3333)
    assert gains.compute(book, ASH).since_inception.realised.total == D(realised)


# Bought in one currency, sold in another

COIN = {"currencies": {"BTC": "USD"}, "fx": {"EUR": [1.5, 1.5], "USD": [1.5 / 1.0945, 1.5 / 1.0978]}}
EUROS = made.market(("2020-03-01", "2020-03-02"), {"BTC": [41500, 42000]}, **COIN)  # type: ignore[arg-type]
BOUGHT = buy("03-01", "0.02", 38000, symbol="BTC", currency="EUR")


@pytest.mark.parametrize("method", ["FIFO", "LIFO", "HIFO", "AVERAGE"])
def test_what_cost_euros_and_is_sold_for_dollars_gains_in_the_currency_it_trades_in(method):
    told = Told(BOUGHT + sell("03-02", "0.01", 420, symbol="BTC", lot="EUR"), base="EUR", method=method)

    *_, sold = told.events
    book = told.book("BTC")
    found = gains.compute(book, EUROS)

    assert (sold.kind, sold.currency, sold.amount, sold.unit_price) == ("sell", "USD", 420, 42000)
    assert parts(found.since_inception.realised) == (D("2.58"), D("3.74"), D("-1.14"), D("-0.01"))
    assert [(each.quantity, each.cost) for each in book.lots if each.valid_to is None] == [(D("0.01"), 380)]
    summed = bridge.between(book, EUROS)
    assert summed.realised_price + summed.unrealised_price + summed.fx == summed.gain == D("5.17")  # twice 2.583
    assert found.unrealised.total == D("2.58")


def test_a_sale_takes_the_lots_of_several_currencies_and_both_sides_have_the_same_left():
    text = (
        BOUGHT
        + buy("03-02", "0.02", 42000, symbol="BTC")
        + (
            '2020-03-03 * "sell"\n  Assets:A  -0.02 BTC {EUR}\n  Assets:A  -0.01 BTC {USD}\n  Assets:Cash  1300 USD\n'
            "  Income:Realised\n"
        )
    )
    told = Told(text, base="EUR")
    (left,) = [each for each in told.derived.lots if each.valid_to is None]

    *_, theirs = statement.from_reading(told.reading, told.events, method="FIFO", fees_in_cost=True).at()

    assert (left.quantity, left.cost, left.currency) == (D("0.01"), 420, "USD")
    assert (theirs.units, theirs.cost) == ({("Assets:A", "BTC"): left.quantity}, {("Assets:A", "BTC"): left.cost})
    assert [(each.cost, each.cost_currency) for each in told.derived.matches] == [(760, "EUR"), (420, "")]


@pytest.mark.parametrize("method", ["HIFO", "AVERAGE"])
def test_lots_of_several_currencies_are_ranked_and_pooled_by_the_fixings_of_their_days(method):
    # 40,000 EUR at 1.10 are 44,000 USD: dearer than 42,000 USD, though the number is smaller
    euros = buy("03-01", "0.02", 40000, symbol="BTC", currency="EUR", fixing="EURUSD=1.10")
    text = euros + buy("03-02", "0.02", 42000, symbol="BTC")
    told = Told(text + sell("03-03", "0.02", 900, symbol="BTC", lot="EUR"), base="EUR", method=method)

    (left,) = [each for each in told.derived.lots if each.valid_to is None]

    assert (left.currency, left.cost) == ("USD", {"HIFO": 840, "AVERAGE": 860}[method])
    assert len(left.layers) == {"HIFO": 0, "AVERAGE": 2}[method]


@pytest.mark.parametrize("method", ["HIFO", "AVERAGE"])
def test_where_no_fixing_is_told_that_is_said_with_what_to_write(method):
    text = BOUGHT + buy("03-02", "0.02", 42000, symbol="BTC")

    with pytest.raises(LedgerRefused, match=r'fixing is missing.* EUR.*: "EURUSD=1\.0921"') as refused:
        Told(text, base="EUR", method=method, trading={"BTC": "USD"})

    assert refused.value.findings[0].line == HEAD.count("\n") + 1


@pytest.mark.parametrize("lot", ["{38000 EUR} @ 42000 USD", "{} @ 42000 USD", "{}"])
def test_other_ways_to_write_such_a_sale_are_refused_with_the_one_that_is_right(lot):
    text = BOUGHT + f'2020-03-02 * "sell"\n  Assets:A  -0.01 BTC {lot}\n  Assets:Cash  420 USD\n  Income:Realised\n'

    with pytest.raises(LedgerRefused, match=r"-1 ABC \{EUR\}") as refused:
        Told(text, base="EUR")

    assert "Posting(" not in str(refused.value)


def test_a_split_a_merger_and_a_move_take_lots_of_several_currencies():
    text = BOUGHT + buy("03-02", "0.02", 42000, symbol="BTC") + (
        '2020-03-03 * "split"\n  Assets:A  -0.02 BTC {EUR}\n  Assets:A  -0.02 BTC {USD}\n'
        "  Assets:A  0.04 BTC {19000 EUR, 2020-03-01}\n  Assets:A  0.04 BTC {21000 USD, 2020-03-02}\n"
        '2020-03-04 * "merger"\n  Assets:A  -0.04 BTC {EUR}\n  Assets:A  -0.04 BTC {USD}\n'
        "  Assets:A  0.04 NEW {19000 EUR, 2020-03-01}\n  Assets:A  0.04 NEW {21000 USD, 2020-03-02}\n"
        '2020-03-05 * "move"\n  Assets:A  -0.04 NEW {EUR}\n  Assets:A  -0.01 NEW {USD}\n'
        "  Assets:B  0.04 NEW {19000 EUR, 2020-03-01}\n  Assets:B  0.01 NEW {21000 USD, 2020-03-02}\n"
    )  # fmt: skip
    told = Told(text, base="EUR")

    assert [event.kind for event in told.events] == ["buy", "buy", "split", "merger", "transfer"]
    assert [(each.account, each.currency, each.cost) for each in told.derived.lots if each.valid_to is None] == [
        ("Assets:A", "USD", 630),
        ("Assets:B", "EUR", 760),
        ("Assets:B", "USD", 210),
    ]


def test_where_the_fixing_of_a_purchase_is_not_known_the_gain_is_told_without_its_parts():
    later = made.market(("2020-03-02", "2020-03-03"), {"BTC": [42000, 42000]}, **COIN)
    book = Told(BOUGHT + sell("03-02", "0.01", 420, symbol="BTC", lot="EUR"), base="EUR").book("BTC")

    realised = gains.compute(book, later).since_inception.realised

    assert (realised.price, realised.fx, realised.interaction) == (None, None, None)
    assert realised.total == D("3.74")  # 420 at 0.9137 less 380


# DealRates, fees, taxes and what exceeds the proceeds


@pytest.mark.parametrize(
    ("meta", "cost"),
    [
        ("", "3000.00"),
        ('  fx_trade: "USDCAD=1.33"\n', "3000.00"),
        ('  fx_trade: "USDCAD=1.33"\n  fx_acquired: "USDCAD=1.27"\n', "3048.00"),
    ],
)
def test_the_rate_of_a_transfers_day_says_nothing_of_the_purchase(meta, cost):
    text = f'2020-03-04 * "in"\n{meta}  Assets:A  60 OAK {{40 USD, 2020-03-01}}\n  Equity:External\n'
    market = made.market(WEEK, {"OAK": [40] * 4}, currencies={"OAK": "USD"}, fx={"USD": [1.25, 1.27, 1.3, 1.325]})
    book = Told(text).book("OAK")

    assert DealRates(market, "CAD", "ledger").cost_of_lot(book.lots[0], "USD").base == D(cost)


@pytest.mark.parametrize("way", ["USD", "CAD"])
def test_a_conversion_may_be_charged_in_either_currency(way):
    rest = {"USD": ("48.5 USD @@ 60 CAD", "-60 CAD"), "CAD": ("58.5 CAD", "-47 USD @@ 60 CAD")}[way]
    paid = {"USD": "1.5 USD @@ 1.86 CAD", "CAD": "1.5 CAD"}[way]
    text = f'2020-03-01 * "fx"\n  Assets:Cash  {rest[0]}\n  Expenses:Commission  {paid}\n  Assets:Cash  {rest[1]}\n'
    if way == "USD":
        text = text.replace("-60 CAD", "-61.86 CAD")

    (event,) = Told(text).events

    assert (event.kind, event.currency, event.fee) == ("fx", way, D("1.5"))


def test_every_currency_of_iso_4217_is_money():
    (event,) = Told('2020-03-01 * "in"\n  Assets:Cash  100 AED\n  Equity:External\n').events

    assert (event.kind, event.currency) == ("deposit", "AED")


def test_charges_above_the_proceeds_leave_a_sale_a_sale():
    eur = {"symbol": "PENNY", "currency": "EUR"}
    text = buy("03-01", 200, "0.02", fee=6, **eur) + sell("03-02", 200, "-5.90", fee=6, **eur)
    market = made.market(
        ("2020-03-01", "2020-03-02"), {"PENNY": [0.02, 0.0005]}, currencies={"PENNY": "EUR"}, fx={"EUR": [1.5] * 2}
    )

    told, apart = (Told(text, base="EUR", fees_in_cost=setting) for setting in (True, False))
    within, beside = (gains.compute(each.book("PENNY"), market).since_inception.realised for each in (told, apart))

    assert told.events[-1].kind == "sell"
    assert (within.total, within.fees) == (D("-15.90"), 0)  # 0.10 - 6 - 10
    assert (beside.price, beside.fees, beside.total) == (D("-3.90"), 12, D("-15.90"))


def test_a_rebate_above_the_fee_lowers_what_a_purchase_cost():
    text = buy("03-01", 10, 10, currency="CAD", fee="-0.25")

    (lot,) = Told(text).derived.lots

    assert (lot.unit_cost, lot.cost) == (10, D("99.75"))


@pytest.mark.parametrize(("fees_in_cost", "total", "fees"), [(True, "175.00", "0.00"), (False, "175.00", "25.00")])
def test_a_tax_on_the_deal_itself_follows_the_fee_setting(fees_in_cost, total, fees):
    text = buy("03-01", 10, 60, symbol="ASH", currency="CAD") + sell(
        "03-02", 10, 775, symbol="ASH", currency="CAD", tax=25
    )
    book = Told(text, fees_in_cost=fees_in_cost).book("ASH")

    realised = gains.compute(book, ASH).since_inception.realised

    assert (realised.total, realised.fees) == (D(total), D(fees))


@pytest.mark.parametrize("method", ["FIFO", "AVERAGE"])
def test_cost_is_what_was_paid_where_rounding_made_another_sum(method):
    text = '2020-03-01 * "buy"\n  Assets:A  0.6242 ASH {48.05 CAD}\n  Assets:Cash  -29.99 CAD\n'
    told = Told(text, method=method)

    (lot,) = told.derived.lots
    (theirs,) = statement.from_reading(told.reading, told.events, method=method, fees_in_cost=True).at()
    found = bridge.between(told.book("ASH"), ASH)

    assert round(lot.cost, 20) == round(theirs.cost["Assets:A", "ASH"], 20) == D("29.99")
    assert (found.fees, found.deal_rounding) == (0, 0)


def test_capital_returned_abroad_takes_its_worth_of_the_day_off_the_base_cost():
    text = buy("03-01", 10, 40) + (
        '2020-03-02 * "capital"\n  Assets:A  -10 OAK {}\n  Assets:A  10 OAK {39 USD, 2020-03-01}\n  Assets:Cash  10 USD\n'
    )
    book = Told(text).book("OAK")

    (left,) = [each for each in book.lots if each.valid_to is None]
    worth = DealRates(OAK_USD, "CAD", "ledger").cost_of_lot(left, "USD")

    assert (worth.local, round(worth.base, 6)) == (390, round(400 * D("1.289256") - 10 * D("1.36"), 6))
    assert book.matches == ()


# What the ledger chooses, and what it leaves out


def test_the_last_choice_of_a_ledger_counts():
    told = Told(
        '2020-01-01 custom "tieout" "booking-method" "FIFO"\n2020-01-02 custom "tieout" "booking-method" "LIFO"\n'
        '2020-01-01 custom "tieout" "fees-in-cost" FALSE\n2020-01-01 custom "fava-option" "language" "en"\n'
    )

    assert journal.settings(told.reading) == journal.LedgerSettings("LIFO", False, None)


@pytest.mark.parametrize(
    "told",
    ['"booking-method" "BEST"', '"fees-in-cost" "no"', '"bookings" "LIFO"', '"infer-deposits" "Broker"', '"margin"'],
)
def test_a_choice_that_there_is_not_is_refused_by_line(told):
    text = HEAD.format(base="CAD", method="FIFO") + f'2020-01-01 custom "tieout" {told}\n'

    reading = reader.read({"main.beancount": text.encode()})

    with pytest.raises(LedgerRefused) as refused:
        journal.settings(reading)

    assert refused.value.findings[0].line == text.count("\n")


@pytest.mark.parametrize("root", ["*", "Assets:Cash"])
def test_deposits_are_inferred_by_day_account_and_currency_and_both_sides_have_them(root):
    text = f'2020-01-01 custom "tieout" "infer-deposits" "{root}"\n2020-01-01 custom "tieout" "margin" "Assets:Loan"\n'
    text += buy("03-01", 10, 20, symbol="ASH", currency="CAD") + sell("03-02", 5, 120, symbol="ASH", currency="CAD")
    text += buy("03-02", 10, 20, symbol="ASH", currency="CAD") + buy("03-03", 1, 40)
    text += '2020-03-04 * "borrow"\n  Assets:Loan  -50 CAD\n  Assets:Cash  50 CAD\n'
    told = Told(text)

    inferred = [(each.date.day, each.kind, each.amount, each.currency) for each in told.events if each.inferred]
    *_, theirs = statement.from_reading(
        told.reading, [each for each in told.events if not each.inferred], method="FIFO"
    ).at()
    ours = told.book("ASH", "OAK")

    assert inferred == [(1, "deposit", 200, "CAD"), (2, "deposit", 80, "CAD"), (3, "deposit", 40, "USD")]
    assert dict(theirs.cash) == ours.cash(told.events[-1].date) == {"CAD": 0, "USD": 0}
    assert told.events[0].inferred
    assert len({each.entry_id for each in told.events}) == len(told.events)
