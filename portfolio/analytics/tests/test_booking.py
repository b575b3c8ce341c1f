from datetime import date, timedelta
from decimal import Decimal, getcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.analytics import booking
from portfolio.analytics.booking import Transaction
from portfolio.analytics.errors import InvalidInput, Oversold

few = settings(max_examples=settings().max_examples * 3 // 5)
D = Decimal
START = date(2020, 1, 1)


def book(transactions, **settings):
    return booking.book(transactions, **settings)  # untyped here, so that a Decimal may be compared with 100


def on(day: int, kind: str, quantity=None, unit_price=None, fee=None, fx=None, **more) -> Transaction:
    def number(value):
        return None if value is None else D(str(value))

    return Transaction(
        date=START + timedelta(days=day),
        kind=kind,
        symbol=more.pop("symbol", "X"),
        quantity=number(quantity),
        unit_price=number(unit_price),
        fee=number(fee),
        fx_to_base=number(fx),
        **{name: number(value) if isinstance(value, int | float) else value for name, value in more.items()},
    )


def rounded(value: Decimal, places: int = 6) -> str:
    return str(round(value, places))


# docs/measurement.md, Worked examples: this one and every test named "ties out with the golden"
def test_a_gain_with_fees_in_cost_ties_out_with_the_golden():
    trades = [on(0, "buy", 50, 150, 9.95, 1.34), on(9, "sell", 50, 180, 9.95, 1.36)]

    realised = book(trades).realised

    assert [rounded(part, 3) for part in (realised.gain, realised.price, realised.fx, realised.interaction)] == [
        "2163.135",
        "1983.334",
        "150.199",
        "29.602",
    ]


def test_fees_apart_give_the_same_gain_and_stand_beside_it():
    trades = [on(0, "buy", 50, 150, 9.95, 1.34), on(9, "sell", 50, 180, 9.95, 1.36)]

    booked = book(trades, fees_in_cost=False)

    assert booked.realised == booking.Gain(D("2010.00"), D("150.00"), D("30.00"), D("26.8650"))
    assert booked.realised.gain == D("2163.135")
    assert booked.matched_lots[0].local_gain == 1500


def test_an_average_pool_ties_out_with_the_golden():
    trades = [
        on(0, "buy", 100, 10, 5),
        on(1, "buy", 50, 16, 5),
        on(2, "split", ratio=3),
        on(3, "return_of_capital", unit_price=0.50),
        on(4, "sell", 200, 6, 5),
    ]

    booked = book(trades, method="AVERAGE")

    assert rounded(booked.realised.gain) == "490.555556"
    assert [(lot.quantity, rounded(lot.cost)) for lot in booked.open_lots] == [(D(250), "880.555556")]


def test_an_average_pool_in_two_currencies_ties_out_with_the_golden():
    trades = [on(0, "buy", 10, 100, fx=1.30), on(1, "buy", 10, 120, fx=1.40), on(2, "sell", 10, 130, fx=1.35)]

    realised = book(trades, method="AVERAGE").realised

    assert [rounded(part) for part in (realised.gain, realised.price, realised.fx, realised.interaction)] == [
        "265.000000",
        "270.909091",
        "-5.000000",
        "-0.909091",
    ]


def test_hifo_ranks_by_trade_currency_and_ties_out_with_the_golden():
    trades = [on(0, "buy", 10, 100, fx=1.40), on(1, "buy", 10, 105, fx=1.30), on(2, "sell", 10, 110, fx=1.35)]

    booked = book(trades, method="HIFO")

    assert booked.realised.gain == D("120.00")
    assert booked.open_lots[0].opened_by == 0


def test_cash_in_lieu_sells_the_fraction_and_ties_out_with_the_golden():
    trades = [on(0, "buy", 101, 30), on(1, "split", ratio=1.5), on(1, "cash_in_lieu", unit_price=21)]

    booked = book(trades)

    assert (booked.open_lots[0].quantity, booked.open_lots[0].cost) == (151, 3020)
    assert booked.realised.gain == D("0.50")


def test_the_bridge_of_a_hundred_shares_ties_out_with_the_golden():
    realised = book([on(0, "buy", 100, 50, fx=1.30), on(1, "sell", 100, 55, fx=1.36)]).realised

    assert (realised.gain, realised.price, realised.fx, realised.interaction) == (980, 650, 300, 30)


@pytest.mark.parametrize("method", ["FIFO", "LIFO", "HIFO", "AVERAGE"])
def test_selling_down_and_buying_back_gains_500_under_every_method(method):
    trades = [on(0, "buy", 10, 100), on(1, "sell", 5, 100), on(2, "buy", 5, 200), on(3, "sell", 5, 200)]

    booked = book(trades, method=method)
    unrealised = sum(lot.quantity * 200 - lot.cost for lot in booked.open_lots)

    assert booked.realised.gain + unrealised == 500
    assert booked.realised.gain == {"FIFO": 500, "LIFO": 0, "HIFO": 0, "AVERAGE": 250}[method]


def test_a_split_multiplies_quantity_and_leaves_cost():
    booked = book([on(0, "buy", 100, 645.57), on(3, "split", ratio=7)])

    assert (booked.open_lots[0].quantity, booked.open_lots[0].cost) == (700, D("64557.00"))


@pytest.mark.parametrize(("method", "lots"), [("FIFO", [0, 1]), ("LIFO", [2, 1]), ("HIFO", [1, 0])])
def test_each_method_takes_its_lots_in_order(method, lots):
    trades = [on(0, "buy", 5, 20), on(1, "buy", 5, 30), on(2, "buy", 5, 20), on(3, "sell", 8, 25)]

    matched = book(trades, method=method).matched_lots

    assert [(match.opened_by, match.quantity) for match in matched] == [(lots[0], 5), (lots[1], 3)]


def test_days_are_booked_by_date_and_one_day_in_the_order_given():
    trades = [on(5, "sell", 1, 12), on(0, "buy", 1, 10), on(5, "buy", 1, 11)]

    booked = book(trades)

    assert booked.matched_lots[0].opened_by == 1
    assert booked.open_lots[0].opened_by == 2


def test_a_named_lot_is_sold_when_it_is_asked_for():
    trades = [
        on(0, "buy", 5, 10, lot_id="a"),
        on(1, "buy", 5, 20, lot_id="b"),
        on(2, "sell", 3, 30, lot_id="b"),
        on(3, "sell", 4, 30),
    ]

    booked = book(trades)

    assert [(match.lot_id, match.quantity) for match in booked.matched_lots] == [("b", 3), ("a", 4)]
    assert [(lot.lot_id, lot.quantity) for lot in booked.open_lots] == [("a", 1), ("b", 2)]


def test_accounts_do_not_share_lots():
    trades = [on(0, "buy", 5, 10, account="A"), on(0, "buy", 5, 20, account="B"), on(1, "sell", 5, 30, account="B")]

    booked = book(trades)

    assert booked.realised.gain == 50
    with pytest.raises(Oversold):
        book([*trades, on(2, "sell", 6, 30, account="A")])


def test_selling_more_than_is_held_names_the_transaction():
    trades = [on(0, "buy", 5, 10), on(1, "deposit"), on(2, "sell", 6, 10)]

    with pytest.raises(Oversold) as raised:
        book(trades)

    error = raised.value
    assert (error.index, error.symbol, error.available, error.quantity) == (2, "X", D(5), D(6))


def test_a_transfer_keeps_its_day_cost_and_rate_and_gains_nothing():
    trades = [
        on(0, "buy", 10, 100, fx=1.30, account="A"),
        on(5, "transfer_out", 4, account="A"),
        on(5, "transfer_in", 4, 150, fx=1.50, account="B", cost=400, cost_fx_to_base=1.30, acquired=START),
        on(6, "sell", 4, 160, fx=1.50, account="B"),
    ]

    booked = book(trades)

    (place, moved), match = booked.transferred_lots[0], booked.matched_lots[0]
    assert (place, moved.quantity, moved.cost, moved.fx_to_base, moved.acquired) == (1, 4, 400, D("1.3"), START)
    assert (match.acquired, match.cost, match.fx_in) == (START, 400, D("1.3"))
    assert booked.realised.gain == 4 * 160 * D("1.5") - 400 * D("1.3")


def test_a_transfer_in_without_cost_costs_its_value():
    booked = book([on(0, "transfer_in", 100, 50)])

    assert booked.open_lots[0].cost == 5000
    with pytest.raises(InvalidInput) as raised:
        book([on(0, "transfer_in", 100)])
    assert raised.value.argument == "unit_price"


def test_capital_returned_beyond_the_cost_is_gain():
    booked = book([on(0, "buy", 10, 5), on(1, "return_of_capital", amount=70)])

    assert (booked.open_lots[0].cost, booked.realised.gain) == (0, 20)


def test_capital_returned_at_another_rate_lowers_base_cost_by_its_own_value():
    booked = book([on(0, "buy", 10, 50, fx=1.30), on(1, "return_of_capital", amount=100, fx=1.40)])

    assert (booked.open_lots[0].cost, booked.open_lots[0].cost_base) == (400, 500 * D("1.30") - 100 * D("1.40"))
    assert booked.matched_lots == ()


def test_a_spin_off_takes_cost_by_first_day_market_values():
    trades = [
        on(0, "buy", 100, 40),
        on(9, "spin_off", ratio=0.5, unit_price=30, to_symbol="Y", to_unit_price=20),
    ]

    old, new = book(trades).open_lots

    assert (old.symbol, old.quantity, old.cost) == ("X", 100, 3000)
    assert (new.symbol, new.quantity, new.cost, new.acquired) == ("Y", 50, 1000, START)


@pytest.mark.parametrize("kind", ["merger", "symbol_change"])
def test_a_merger_or_a_new_symbol_carries_lots_on(kind):
    trades = [on(0, "buy", 100, 40), on(9, kind, ratio=0.25, to_symbol="Y"), on(10, "sell", 25, 200, symbol="Y")]

    booked = book(trades)

    assert booked.matched_lots[0].acquired == START
    assert booked.realised.gain == 1000


def test_parcels_say_what_was_held_at_the_end_of_each_day():
    trades = [
        on(0, "buy", 10, 100, 5, 1.3, account="A", currency="USD"),
        on(2, "sell", 4, 110, fx=1.3, account="A", currency="USD"),
        on(4, "split", ratio=2, account="A", currency="USD"),
        on(6, "buy", 3, 60, fx=1.3, account="A", currency="USD"),
        on(6, "sell", 12, 60, fx=1.3, account="A", currency="USD"),
    ]

    parcels = book(trades).parcels

    def day(number):
        return None if number is None else START + timedelta(days=number)

    seen = [(one.opened_by, one.quantity, one.unit_cost, one.cost, one.valid_from, one.valid_to) for one in parcels]
    assert seen == [
        (0, 10, 100, 1005, day(0), day(2)),
        (0, 6, 100, 603, day(2), day(4)),
        (0, 12, 50, 603, day(4), day(6)),
        (3, 3, 60, 180, day(6), None),
    ]
    assert {(one.account, one.currency, one.fx_to_base) for one in parcels} == {("A", "USD", D("1.3"))}


def test_a_lot_bought_and_sold_within_a_day_leaves_no_parcel():
    booked = book([on(0, "buy", 10, 100), on(0, "sell", 10, 101)])

    assert booked.parcels == ()
    assert booked.realised.gain == 10


def test_the_callers_decimal_context_neither_rules_nor_changes():
    before = getcontext().prec

    booked = book([on(0, "buy", 3, 1), on(1, "split", quantity=None, ratio=D(1) / 3), on(2, "sell", 0.1, 5)])

    assert getcontext().prec == before
    assert len(booked.matched_lots[0].cost.as_tuple().digits) > 28


@pytest.mark.parametrize(
    ("trades", "argument"),
    [
        ([on(0, "buy", 0, 1)], "quantity"),
        ([on(0, "buy", -1, 1)], "quantity"),
        ([on(0, "buy", "NaN", 1)], "quantity"),
        ([on(0, "buy", 1, "Infinity")], "unit_price"),
        ([on(0, "buy", 1)], "unit_price"),
        ([on(0, "buy", 1, 1, -1)], "fee"),
        ([on(0, "buy", 1, 1, fx=0)], "fx_to_base"),
        ([on(0, "gift", 1, 1)], "kind"),
        ([on(0, "split", ratio=2)], "symbol"),
        ([on(0, "buy", 1, 1), on(1, "split", ratio=0)], "ratio"),
        ([on(0, "buy", 1, 1), on(1, "merger", to_symbol="Y")], "ratio"),
        ([on(0, "buy", 1, 1), on(1, "symbol_change")], "to_symbol"),
        ([on(0, "buy", 1, 1), on(1, "cash_in_lieu", unit_price=1)], "quantity"),
        ([on(0, "buy", 1, 1, currency="USD"), on(1, "sell", 1, 1, currency="EUR")], "fx_to_base"),
        ([on(0, "buy", 1, 1, fx=2, currency="USD"), on(1, "return_of_capital", 1, 1, fx=2, currency="EUR")], "fixing"),
        ([on(0, "buy", 1, 1, fx=2, currency="USD"), on(1, "sell", 1, 1, currency="USD")], "fx_to_base"),
        ([Transaction(START, "buy", "X", 1.0, D(1))], "quantity"),  # type: ignore[arg-type]
    ],
)
def test_what_does_not_fit_is_refused_by_name(trades, argument):
    with pytest.raises(InvalidInput) as raised:
        book(trades)

    assert raised.value.argument == argument


def test_an_unknown_method_is_refused():
    with pytest.raises(InvalidInput):
        book([], method="SPECIFIC")


cents = st.integers(1, 10**6).map(lambda value: D(value) / 100)
trades = st.lists(
    st.tuples(st.sampled_from(["buy", "buy", "sell", "split", "return_of_capital"]), cents, cents, cents),
    min_size=1,
    max_size=25,
)


@few
@given(trades, st.sampled_from(["FIFO", "LIFO", "HIFO", "AVERAGE"]), st.booleans())
def test_gain_is_value_plus_sells_minus_buys_minus_fees(drawn, method, fees_in_cost):
    entries, held, cash = [], D(0), D(0)
    for day, (kind, quantity, price, rate) in enumerate(drawn):
        fx, fee = rate / 1000, price / 100
        if kind == "buy":
            entries.append(on(day, "buy", quantity, price, fee, fx))
            held, cash = held + quantity, cash - (quantity * price + fee) * fx
        elif kind == "sell" and held:
            sold = min(quantity, held)
            entries.append(on(day, "sell", sold, price, fee, fx))
            held, cash = held - sold, cash + (sold * price - fee) * fx
        elif kind == "split" and held:
            entries.append(on(day, "split", ratio=D(2)))
            held *= 2
        elif kind == "return_of_capital" and held:
            entries.append(on(day, "return_of_capital", amount=price, fx=fx))
            cash += price * fx
    booked = book(entries, method=method, fees_in_cost=fees_in_cost)
    fees_left = D(0)
    if not fees_in_cost:  # entry fees of what is still open have been paid and are in no gain yet
        paid = sum(((entry.fee or D(0)) * (entry.fx_to_base or D(1)) for entry in entries), D(0))
        fees_left = paid - booked.realised.fees

    open_cost = sum((lot.cost_base for lot in booked.open_lots), D(0))

    assert sum((lot.quantity for lot in booked.open_lots), D(0)) == held
    assert booked.realised.gain == pytest.approx(cash + open_cost + fees_left, abs=D("1e-15"))


@few
@given(trades, st.sampled_from(["FIFO", "LIFO", "HIFO", "AVERAGE"]))
def test_parcels_add_up_to_the_quantity_held_on_every_day(drawn, method):
    entries, held, by_day = [], D(0), []
    for day, (kind, quantity, price, _) in enumerate(drawn):
        if kind == "buy":
            entries.append(on(day, "buy", quantity, price))
            held += quantity
        elif kind == "sell" and held:
            entries.append(on(day, "sell", min(quantity, held), price))
            held -= min(quantity, held)
        by_day.append(held)

    parcels = book(entries, method=method).parcels

    for number, expected in enumerate(by_day):
        today = START + timedelta(days=number)
        alive = [one for one in parcels if one.valid_from <= today and (one.valid_to is None or today < one.valid_to)]
        assert sum((one.quantity for one in alive), D(0)) == expected
