"""Every kind of transaction, from the text of a ledger to events and lots. Goldens: docs/measurement.md, Worked examples."""

from datetime import date
from decimal import Decimal

import pytest

from portfolio.books import lots
from portfolio.ledger import journal, reader, statement
from portfolio.ledger.importing import tieout_csv, writing
from portfolio.ledger.screening import LedgerRefused

pytestmark = pytest.mark.usefixtures("read_once")

D = Decimal

ACCOUNTS = """\
option "operating_currency" "CAD"
option "booking_method" "{method}"
option "inferred_tolerance_default" "*:0.005"
2020-01-01 open Assets:CAD CAD
2020-01-01 open Assets:USD USD
2020-01-01 open Assets:Other CAD
2020-01-01 open Assets:A:OAK
2020-01-01 open Assets:A:ELM
2020-01-01 open Assets:B:OAK
2020-01-01 open Equity:External
2020-01-01 open Expenses:Commission
2020-01-01 open Expenses:Interest
2020-01-01 open Expenses:Management
2020-01-01 open Expenses:Withholding
2020-01-01 open Income:Dividends
2020-01-01 open Income:Realised
"""


THIRDS = """\
date,type,symbol,quantity,unit_price,currency,ratio,to_symbol,to_unit_price
2020-01-02,buy,OAK,10,30,CAD,,,
2020-01-03,buy,OAK,21,30,CAD,,,
2020-02-03,split,OAK,,,CAD,1:3,,
2020-02-04,cash_in_lieu,OAK,0.333333333333,93,CAD,,,
2020-03-04,spin_off,OAK,,80,CAD,1:7,ELM,40
2020-04-04,merger,OAK,,,CAD,1:3,FIR,
2020-05-04,sell,FIR,3.333333333333,93,CAD,,,
"""


def events(text, method="FIFO"):
    return journal.transactions(reader.read({"main.beancount": (ACCOUNTS.format(method=method) + text).encode()}))


def book(text, method="FIFO", *, ledger="FIFO", fees_in_cost=True):
    return lots.book(events(text, ledger), base_currency="CAD", method=method, fees_in_cost=fees_in_cost)


def held(text, method="FIFO", **how):
    return [
        (lot.account, lot.symbol, lot.quantity, lot.cost, lot.acquired) for lot in book(text, method, **how).open_lots
    ]


def buy(day, quantity, price, fee="0", *, fx=None, currency="CAD", label=""):
    rate = f'  fx_trade: "USDCAD={fx}"\n' if fx else ""
    name = f', "{label}"' if label else ""
    return (
        f'2020-{day} * "buy"\n{rate}  Assets:A:OAK  {quantity} OAK {{{price} {currency}{name}}}\n'
        f"  Expenses:Commission  {fee} {currency}\n  Assets:{currency}\n"
    )


def sell(day, quantity, price, fee="0", *, fx=None, currency="CAD", lot="", account="A"):
    rate = f'  fx_trade: "USDCAD={fx}"\n' if fx else ""
    cash = D(quantity) * D(price) - D(fee)
    return (
        f'2020-{day} * "sell"\n{rate}  Assets:{account}:OAK  -{quantity} OAK {{{lot}}} @ {price} {currency}\n'
        f"  Expenses:Commission  {fee} {currency}\n  Assets:{currency}  {cash:.2f} {currency}\n  Income:Realised\n"
    )


def test_an_average_pool_ties_out_with_the_golden():
    text = (
        buy("02-01", 100, 10, 5)
        + buy("02-02", 50, 16, 5)
        + '2020-03-01 * "split"\n  split_ratio: "3:1"\n  Assets:A:OAK  -150 OAK {}\n'
        + "  Assets:A:OAK  300 OAK {3.333333333333 CAD, 2020-02-01}\n"
        + "  Assets:A:OAK  150 OAK {5.333333333333 CAD, 2020-02-02}\n"
        + '2020-04-01 * "capital"\n  Assets:A:OAK  -450 OAK {}\n  Assets:CAD  225 CAD\n'
        + "  Assets:A:OAK  300 OAK {2.833333333333 CAD, 2020-02-01}\n"
        + "  Assets:A:OAK  150 OAK {4.833333333333 CAD, 2020-02-02}\n"
        + sell("05-01", 200, 6, 5)
    )

    booked = book(text, "AVERAGE")

    assert round(booked.realised.gain, 6) == D("490.555556")
    assert round(sum(lot.cost for lot in booked.open_lots), 6) == D("880.555556")


def test_an_average_pool_in_two_currencies_ties_out_with_the_golden():
    usd = {"currency": "USD"}
    text = buy("02-01", 10, 100, fx="1.30", **usd) + buy("02-02", 10, 120, fx="1.40", **usd)

    realised = book(text + sell("03-01", 10, 130, fx="1.35", **usd), "AVERAGE").realised

    parts = (realised.gain, realised.price, realised.fx, realised.interaction)
    assert [round(part, 6) for part in parts] == [D(265), D("270.909091"), D(-5), D("-0.909091")]


def test_highest_cost_first_ties_out_with_the_golden():
    usd = {"currency": "USD"}
    text = buy("02-01", 10, 100, fx="1.40", **usd) + buy("02-02", 10, 105, fx="1.30", **usd)

    assert book(text + sell("03-01", 10, 110, fx="1.35", **usd), "HIFO", ledger="HIFO").realised.gain == D("120.00")


def test_a_split_with_cash_in_lieu_ties_out_with_the_golden():
    text = (
        buy("02-01", 101, 30)
        + '2020-03-01 * "split"\n  split_ratio: "3:2"\n  Assets:A:OAK  -101 OAK {}\n'
        + "  Assets:A:OAK  151.5 OAK {20 CAD, 2020-02-01}\n"
        + sell("03-02", "0.5", 21)
    )

    booked = book(text)

    assert [(lot.quantity, lot.cost) for lot in booked.open_lots] == [(151, D("3020"))]
    assert booked.realised.gain == D("0.50")


def test_a_gain_with_fees_in_cost_ties_out_with_the_golden():
    usd = {"currency": "USD"}
    text = buy("02-01", 50, 150, "9.95", fx="1.34", **usd) + sell("03-01", 50, 180, "9.95", fx="1.36", **usd)

    realised = book(text).realised

    parts = (realised.gain, realised.price, realised.fx, realised.interaction)
    assert [round(part, 3) for part in parts] == [D("2163.135"), D("1983.334"), D("150.199"), D("29.602")]


def test_selling_down_and_buying_back_gains_500():
    text = buy("02-01", 10, 100) + sell("02-02", 5, 100) + buy("02-03", 5, 200) + sell("02-04", 5, 200)

    booked = book(text)

    left = sum((lot.quantity * 200 - lot.cost for lot in booked.open_lots), D(0))
    assert booked.realised.gain + left == 500


def test_a_reverse_split_a_spin_off_a_merger_and_a_move_keep_every_lots_day_and_cost():
    text = (
        buy("02-01", 100, 10)
        + buy("02-02", 100, 20)
        + '2020-03-01 * "reverse split"\n  Assets:A:OAK  -200 OAK {}\n'
        + "  Assets:A:OAK  10 OAK {100 CAD, 2020-02-01}\n  Assets:A:OAK  10 OAK {200 CAD, 2020-02-02}\n"
        + '2020-04-01 * "spin-off"\n  Assets:A:OAK  -20 OAK {}\n'
        + "  Assets:A:OAK  10 OAK {75 CAD, 2020-02-01}\n  Assets:A:OAK  10 OAK {150 CAD, 2020-02-02}\n"
        + "  Assets:A:ELM  5 ELM {50 CAD, 2020-02-01}\n  Assets:A:ELM  5 ELM {100 CAD, 2020-02-02}\n"
        + '2020-05-01 * "move"\n  Assets:A:OAK  -10 OAK {75 CAD}\n  Assets:B:OAK  10 OAK {75 CAD, 2020-02-01}\n'
        + '2020-06-01 * "merger"\n  Assets:A:OAK  -10 OAK {}\n  Assets:A:ELM  20 ELM {75 CAD, 2020-02-02}\n'
    )

    kinds = events(text)[2:]
    found = held(text)

    assert [(event.kind, event.ratio, event.to_symbol, event.to_account) for event in kinds] == [
        ("split", D("0.1"), None, None),
        ("spin_off", D("0.5"), "ELM", "Assets:A:ELM"),
        ("transfer", None, None, "Assets:B:OAK"),
        ("merger", 2, "ELM", "Assets:A:ELM"),
    ]
    first, second = date(2020, 2, 1), date(2020, 2, 2)
    assert found == [
        ("Assets:A:ELM", "ELM", 5, 250, first),
        ("Assets:A:ELM", "ELM", 5, 500, second),
        ("Assets:A:ELM", "ELM", 20, 1500, second),
        ("Assets:B:OAK", "OAK", 10, 750, first),
    ]


def test_a_ratio_without_an_end_leaves_the_units_that_the_ledger_has():
    rows = tieout_csv.read(THIRDS.encode()).rows
    written = writing.write(
        [(f"R{at}", row) for at, row in enumerate(rows)],
        heading=(),
        base_currency="CAD",
        method="FIFO",
    )
    main = writing.start_ledger(title="t", base_currency="CAD", method="FIFO") + written.text
    reading = reader.read({"main.beancount": main.encode()})

    for method in ("FIFO", "LIFO", "AVERAGE", "NAMED"):
        parcels = lots.book(
            journal.transactions(reading), base_currency="CAD", method=method, fees_in_cost=True
        ).parcels
        for theirs in statement.from_reading(reading).at():
            ours = {}
            for each in parcels:
                if each.valid_from <= theirs.date and (each.valid_to is None or theirs.date < each.valid_to):
                    key = (each.account, each.symbol)
                    ours[key] = ours.get(key, D(0)) + each.quantity
            assert ours == theirs.units
    assert theirs.units == {("Assets:Broker:ELM", "ELM"): D("1.42857142857142857143")}  # 10/7, to twenty decimals


def test_securities_come_with_their_day_cost_and_rate_and_go_without_a_gain():
    text = (
        '2020-02-01 * "in"\n  fx_trade: "USDCAD=1.40"\n  fx_acquired: "USDCAD=1.10"\n'
        "  Assets:A:OAK  10 OAK {50 USD, 2015-06-01}\n  Equity:External\n"
        '2020-03-01 * "out"\n  fx_trade: "USDCAD=1.45"\n  Assets:A:OAK  -4 OAK {}\n  Equity:External\n'
    )

    came, went = events(text)
    booked = book(text)

    assert (came.kind, came.quantity, came.cost, came.acquired, came.amount) == (
        ("transfer_in", 10, 500, date(2015, 6, 1), 0)
    )
    assert (went.kind, went.quantity, went.cost, went.acquired) == ("transfer_out", 4, 200, None)
    assert [(lot.quantity, lot.fx_to_base, lot.acquired) for lot in booked.open_lots] == [(6, D("1.10"), came.acquired)]
    assert booked.matched_lots == ()


def test_a_reinvested_dividend_is_income_and_a_purchase_and_moves_no_cash():
    text = buy("02-01", 100, 10) + (
        '2020-03-01 * "reinvested"\n  ex_date: 2020-02-20\n  Assets:A:OAK  2 OAK {20 CAD}\n'
        "  Expenses:Withholding  5 CAD\n  Income:Dividends  -45 CAD\n"
    )

    _, paid = events(text)

    assert (paid.kind, paid.amount, paid.quantity * paid.unit_price + paid.tax) == ("reinvested_dividend", 0, 45)
    assert paid.ex_date == date(2020, 2, 20)
    assert [row[2:4] for row in held(text)] == [(100, 1000), (2, 40)]


def test_money_between_own_accounts_is_a_transfer_of_nothing():
    (moved,) = events('2020-02-01 * "move"\n  Assets:CAD  -100 CAD\n  Assets:Other  100 CAD\n')

    assert (moved.kind, moved.amount, moved.account, len(moved.cash)) == ("transfer", 0, "Assets:CAD", 2)
    assert held('2020-02-01 * "move"\n  Assets:CAD  -100 CAD\n  Assets:Other  100 CAD\n') == []


def test_capital_returned_beyond_the_cost_is_a_gain():
    text = buy("02-01", 10, 10) + (
        '2020-03-01 * "capital"\n  Assets:A:OAK  -10 OAK {}\n  Assets:A:OAK  10 OAK {0 CAD, 2020-02-01}\n'
        "  Assets:CAD  120 CAD\n  Income:Realised  -20 CAD\n"
    )

    booked = book(text)

    assert (booked.realised.gain, [lot.cost for lot in booked.open_lots]) == (20, [0])


@pytest.mark.parametrize(
    ("legs", "kind", "amount", "fee", "tax"),
    [
        ("  Assets:CAD  15 CAD\n  Expenses:Withholding\n", "tax", 15, 0, -15),  # reclaimed: an entry of its own
        ("  Assets:CAD  9 CAD\n  Expenses:Management\n", "fee", 9, -9, 0),
        ("  Assets:CAD  -7 CAD\n  Expenses:Interest\n", "interest", -7, 0, 0),
        (
            '  symbol: "OAK"\n  Assets:CAD  -85 CAD\n  Expenses:Withholding  -15 CAD\n  Income:Dividends\n',
            "dividend", -85, 0, -15,
        ),
        ("  Expenses:Management  250 CAD\n  Equity:External\n", "outside_fee", 0, 250, 0),
    ],
)  # fmt: skip
def test_what_is_paid_back_taken_back_or_paid_from_elsewhere_is_read_with_its_sign(legs, kind, amount, fee, tax):
    *_, found = events(buy("02-01", 10, 10) + f'2020-03-01 * "x"\n{legs}')

    assert (found.kind, found.amount, found.fee, found.tax) == (kind, amount, fee, tax)


@pytest.mark.parametrize(
    ("legs", "reason"),
    [
        (
            '  symbol: "OAK"\n  Assets:CAD  115 CAD\n  Expenses:Withholding  -15 CAD\n  Income:Dividends\n',
            "be negative",
        ),
        ('  symbol: "OAK"\n  Assets:CAD  -115 CAD\n  Expenses:Withholding  15 CAD\n  Income:Dividends\n', "taken back"),
        ("  Expenses:Management  -250 CAD\n  Equity:External\n", "be negative"),
        ("  Assets:A:OAK  -10 OAK {} @ 5 CAD\n  Income:Realised  100 CAD\n", "miss by 50"),
    ],
)
def test_what_contradicts_itself_is_refused(legs, reason):
    with pytest.raises(LedgerRefused, match=reason):
        events(buy("02-01", 10, 10) + f'2020-03-01 * "x"\n{legs}')


@pytest.mark.parametrize("outside", ["  Equity:External\n", "  Equity:External  0 CAD\n"])
def test_a_gift_without_cost_comes_in_and_all_of_its_price_is_gain(outside):
    text = f'2020-02-01 * "gift"\n  Assets:A:OAK  10 OAK {{0 CAD, 2015-06-01}}\n{outside}' + sell("03-01", 4, 30, "2")
    text += f'2020-04-01 * "out"\n  Assets:A:OAK  -1 OAK {{}}\n{outside}'

    came, _, went = events(text)
    booked = book(text)

    assert (came.kind, came.quantity, came.cost, came.acquired) == ("transfer_in", 10, 0, date(2015, 6, 1))
    assert (went.kind, booked.realised.gain) == ("transfer_out", 118)  # 4 x 30 - 2
    assert held(text) == [("Assets:A:OAK", "OAK", 5, 0, date(2015, 6, 1))]


def test_shares_that_are_worth_nothing_any_more_are_sold_for_nothing():
    text = buy("02-01", 10, 10, 5) + '2020-03-01 * "gone"\n  Assets:A:OAK  -10 OAK {} @ 0 CAD\n  Income:Realised\n'

    booked = book(text)

    assert (booked.realised.gain, booked.open_lots) == (-105, ())


@pytest.mark.parametrize(
    ("paid", "after", "gain", "costs"),
    [
        # 2 a unit of lots at 10 and at 1: one keeps 8, the other gives 1 and gains 1
        (40, [(10, "8"), (10, "0")], 10, [80, 0]),
        # 20 a unit: neither keeps anything, and to the ledger they are one lot
        (400, [(10, "0"), (10, "0")], 290, [0, 0]),
        (400, [(20, "0")], 290, [0, 0]),
    ],
)
def test_no_lot_costs_less_than_nothing_after_a_return_of_capital(paid, after, gain, costs):
    text = buy("02-01", 10, 10) + buy("02-01", 10, 1) + '2020-03-01 * "capital"\n'
    text += "  Assets:A:OAK  -10 OAK {10 CAD}\n  Assets:A:OAK  -10 OAK {1 CAD}\n"
    text += "".join(f"  Assets:A:OAK  {units} OAK {{{cost} CAD, 2020-02-01}}\n" for units, cost in after)
    text += f"  Assets:CAD  {paid} CAD\n  Income:Realised\n"

    booked = book(text)

    assert (booked.realised.gain, [lot.cost for lot in booked.open_lots]) == (gain, costs)


def test_a_lot_that_is_named_is_the_one_that_is_sold_whatever_the_method():
    text = buy("02-01", 10, 10, label="old") + buy("02-02", 10, 20, label="dear") + buy("02-03", 10, 15)
    text += sell("03-01", 4, 30, "2", lot='"dear"')

    assert [row[2:4] for row in held(text)] == [(10, 100), (6, 120), (10, 150)]
    assert [row[2:4] for row in held(text, "LIFO")] == [(10, 100), (6, 120), (10, 150)]


def test_a_sale_of_several_named_lots_shares_its_fee_by_quantity():
    text = buy("02-01", 10, 10, label="one") + buy("02-02", 10, 20, label="two")
    text += (
        '2020-03-01 * "sell"\n  Assets:A:OAK  -2 OAK {"two"} @ 30 CAD\n  Assets:A:OAK  -6 OAK {"one"} @ 30 CAD\n'
        "  Expenses:Commission  8 CAD\n  Assets:CAD  232 CAD\n  Income:Realised\n"
    )

    matched = book(text).matched_lots

    assert [(match.lot_id, match.quantity, match.proceeds, match.fees) for match in matched] == [
        ("two", 2, 58, 2),
        ("one", 6, 174, 6),
    ]


@pytest.mark.parametrize(
    "entry", [sell("03-01", 11, 10), '2020-03-01 * "out"\n  Assets:A:OAK  -11 OAK {}\n  Equity:External\n']
)
def test_more_than_is_held_is_refused_with_file_and_line(entry):
    text = buy("02-01", 10, 10)

    with pytest.raises(LedgerRefused) as refused:
        book(text + entry)

    (finding,) = refused.value.findings
    assert finding.file == "main.beancount"
    assert finding.line == (ACCOUNTS + text).count("\n") + 1


def test_what_the_books_of_the_portfolio_refuse_names_file_and_line_too():
    bought = buy("02-01", 10, 10).replace("Assets:A:OAK", "Assets:B:OAK")
    chosen = events(bought + sell("03-01", 5, 10, account="B"))

    with pytest.raises(lots.EntryNotBooked) as refused:
        lots.book(chosen[1:], base_currency="CAD", method="FIFO", fees_in_cost=True)

    (finding,) = refused.value.findings
    assert (finding.file, finding.line) == ("main.beancount", chosen[1].line)
    assert finding.reason == "sell of 5 OAK, of which 0 is held"
