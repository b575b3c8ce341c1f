from datetime import date
from decimal import Decimal

import pytest

from portfolio.ledger import journal, statement
from portfolio.ledger.journal import CashLeg, EntryRefused, LedgerLot
from portfolio.ledger.reader import LedgerIncorrect, read

ACCOUNTS = """\
option "operating_currency" "CAD"
option "booking_method" "FIFO"
option "inferred_tolerance_default" "*:0.005"
2020-01-01 open Assets:Cash:CAD CAD
2020-01-01 open Assets:Cash:USD USD
2020-01-01 open Assets:Cash:Second CAD
2020-01-01 open Assets:Shares:ABC-X ABC.X
2020-01-01 open Assets:Shares:XYZ XYZ
2020-01-01 open Equity:External:Owner
2020-01-01 open Equity:Opening
2020-01-01 open Expenses:Commission
2020-01-01 open Expenses:Custody
2020-01-01 open Expenses:Management-Fees
2020-01-01 open Expenses:Holidays
2020-01-01 open Expenses:Rounding
2020-01-01 open Expenses:Taxes:Withholding
2020-01-01 open Income:Dividends
2020-01-01 open Income:Dividends:ABC-X
2020-01-01 open Income:Interest
2020-01-01 open Income:Realised
2020-01-02 price USD 1.25 CAD
"""
HELD = """
2020-02-01 * "Buy" "first"
  id: "B1"
  Assets:Shares:ABC-X  10 ABC.X {100 USD}
  Assets:Cash:USD  -1000 USD
2020-02-02 * "Buy" "second"
  id: "B2"
  Assets:Shares:ABC-X  10 ABC.X {150 USD}
  Assets:Cash:USD  -1500 USD
"""


def booked(text, before=""):
    _, events = journal.read({"main.beancount": (ACCOUNTS + before + text).encode()})
    return events


def refusal(text, before=""):
    with pytest.raises(EntryRefused) as refused:
        booked(text, before)
    return refused.value.findings


LINE = (ACCOUNTS + HELD).count("\n") + 1


def test_a_buy_has_its_fee_and_rounding_apart():
    (bought,) = booked("""
2020-02-01 * "Buy" "Buy 3 XYZ"
  id: "T1"
  fx_trade: "USDCAD=1.25"
  settle_date: 2020-02-03
  Assets:Shares:XYZ  3 XYZ {33.333 USD}
  Assets:Cash:USD  -109.95 USD
  Expenses:Commission  9.95 USD
  Expenses:Rounding  0.001 USD
""")

    assert (bought.entry_id, bought.kind, bought.symbol, bought.account) == ("T1", "buy", "XYZ", "Assets:Shares:XYZ")
    assert (bought.quantity, bought.unit_price, bought.currency) == (3, Decimal("33.333"), "USD")
    assert bought.amount == -(bought.quantity * bought.unit_price) - bought.fee - bought.tax - bought.rounding
    assert (bought.fee, bought.rounding) == (Decimal("9.95"), Decimal("0.001"))
    assert bought.fx_rate == Decimal("1.25")
    assert bought.settle_date == date(2020, 2, 3)
    assert bought.lots == (LedgerLot(Decimal(3), Decimal("33.333"), date(2020, 2, 1)),)
    assert bought.cash == (CashLeg("Assets:Cash:USD", "USD", Decimal("-109.95")),)


def test_a_sale_keeps_the_lots_that_the_ledger_names():
    *_, sold = booked(
        """
2020-03-01 * "Sell" "Sell 15"
  Assets:Shares:ABC-X  -10 ABC.X {100 USD, 2020-02-01} @ 200 USD
  Assets:Shares:ABC-X  -5 ABC.X {150 USD, 2020-02-02} @ 200 USD
  Assets:Cash:USD  2990 USD
  Expenses:Commission  10 USD
  Income:Realised  -1250 USD
""",
        HELD,
    )

    assert (sold.kind, sold.quantity, sold.unit_price, sold.amount) == ("sell", 15, 200, 2990)
    assert [(lot.quantity, lot.unit_cost) for lot in sold.lots] == [(10, 100), (5, 150)]


def test_a_sale_without_a_price_takes_it_from_the_proceeds():
    *_, sold = booked(
        """
2020-03-01 * "Sell" "Sell 10"
  Assets:Shares:ABC-X  -10 ABC.X {100 USD}
  Assets:Cash:USD  1190 USD
  Expenses:Commission  10 USD
  Income:Realised  -200 USD
""",
        HELD,
    )

    assert sold.unit_price == 120


def test_money_from_and_to_the_owner_is_a_deposit_and_a_withdrawal():
    paid_in, paid_out = booked("""
2020-02-01 * "in"
  Assets:Cash:CAD  100 CAD
  Equity:External:Owner
2020-02-02 * "out"
  Assets:Cash:CAD  -40 CAD
  Equity:External:Owner
""")

    assert (paid_in.kind, paid_in.amount) == ("deposit", 100)
    assert (paid_out.kind, paid_out.amount, paid_out.account) == ("withdrawal", -40, "Assets:Cash:CAD")


@pytest.mark.parametrize(
    ("metadata", "account", "narration"),
    [
        ('symbol: "ABC.X"', "Income:Dividends", "XYZ pays"),
        ("", "Income:Dividends:ABC-X", "cash from somewhere"),
        ("", "Income:Dividends", "ABC.X dividend"),
    ],
)
def test_a_dividend_finds_its_security_and_keeps_gross_tax_and_dates(metadata, account, narration):
    *_, paid = booked(
        f"""
2020-03-15 * "Dividend" "{narration}"
  ex_date: 2020-03-01
  pay_date: 2020-03-15
  per_share: "1.5"
  fx_ex: "USDCAD=1.30"
  fx_pay: "USDCAD=1.36"
  {metadata or 'other: "x"'}
  Assets:Cash:USD  25.50 USD
  Expenses:Taxes:Withholding  4.50 USD
  {account}  -30.00 USD
""",
        HELD,
    )

    assert (paid.kind, paid.symbol) == ("dividend", "ABC.X")
    assert (paid.amount, paid.tax, paid.amount + paid.tax) == (Decimal("25.50"), Decimal("4.50"), 30)
    assert (paid.ex_date, paid.pay_date, paid.per_share) == (date(2020, 3, 1), date(2020, 3, 15), Decimal("1.5"))
    assert paid.fx_rate == Decimal("1.36")


def test_the_currency_of_a_conversion_is_the_foreign_one_whichever_way_it_goes():
    bought, sold = booked("""
2020-02-01 * "FX" "buy dollars"
  fx_rate: "USDCAD=1.25"
  Assets:Cash:USD  100 USD @ 1.25 CAD
  Assets:Cash:CAD  -125 CAD
2020-02-02 * "FX" "sell dollars"
  Assets:Cash:USD  -50 USD @ 1.26 CAD
  Assets:Cash:CAD  63 CAD
""")

    assert (bought.kind, bought.amount, bought.currency) == ("fx", 100, "USD")
    assert (bought.counter_amount, bought.counter_currency, bought.fx_rate) == (-125, "CAD", Decimal("1.25"))
    assert (sold.amount, sold.counter_amount, sold.fx_rate) == (-50, 63, Decimal("1.26"))


@pytest.mark.parametrize(
    ("account", "kind", "fee_kind"),
    [
        ("Expenses:Custody", "fee", "custody"),
        ("Expenses:Management-Fees", "fee", "management"),
        ("Expenses:Commission", "fee", "other"),
        ("Expenses:Taxes:Withholding", "tax", None),
    ],
)
def test_the_account_says_which_charge_it_is(account, kind, fee_kind):
    (charged,) = booked(f"""
2020-02-01 * "charge"
  Assets:Cash:CAD  -60 CAD
  {account}  60 CAD
""")

    assert (charged.kind, charged.fee_kind, charged.amount) == (kind, fee_kind, -60)
    assert charged.fee + charged.tax == 60


def test_interest_is_income_without_a_security():
    (earned,) = booked("""
2020-02-01 * "interest"
  Assets:Cash:CAD  9 CAD
  Expenses:Taxes:Withholding  1 CAD
  Income:Interest  -10 CAD
""")

    assert (earned.kind, earned.symbol, earned.amount, earned.tax) == ("interest", None, 9, 1)


def test_a_split_has_its_ratio_and_the_lots_from_before():
    *_, split = booked(
        """
2020-03-01 * "Split" "ABC.X split 3:1"
  split_ratio: "3:1"
  Assets:Shares:ABC-X  -10 ABC.X {100 USD, 2020-02-01}
  Assets:Shares:ABC-X  -10 ABC.X {150 USD, 2020-02-02}
  Assets:Shares:ABC-X  30 ABC.X {33.33333333 USD, 2020-02-01}
  Assets:Shares:ABC-X  30 ABC.X {50 USD, 2020-02-02}
""",
        HELD,
    )

    assert (split.kind, split.symbol, split.ratio, split.quantity, split.amount) == ("split", "ABC.X", 3, 40, 0)
    assert [lot.quantity for lot in split.lots] == [10, 10]


def test_an_entry_without_an_id_gets_one_that_stays_and_is_its_own():
    entry = """
2020-02-01 * "in"
  Assets:Cash:CAD  100 CAD
  Equity:External:Owner
"""

    first, second = booked(entry * 2)
    moved, _ = booked("; a comment that moves the lines\n" + entry * 2)

    assert first.entry_id != second.entry_id
    assert moved.entry_id == first.entry_id


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ('  id: "B1"\n  Assets:Cash:CAD  1 CAD\n  Equity:External:Owner\n', "id B1"),
        ('  id: "a b"\n  Assets:Cash:CAD  1 CAD\n  Equity:External:Owner\n', "id is not"),
        ("  Assets:Cash:CAD  1 CAD\n  Equity:Opening\n", "Equity:Opening"),
        ("  Assets:Cash:CAD  -1 CAD\n  Expenses:Holidays\n", "Expenses:Holidays"),
        ("  Assets:Cash:USD  1 USD\n  Income:Dividends\n", "unknown security"),
        ('  symbol: "NEW"\n  Assets:Cash:USD  1 USD\n  Income:Dividends\n', "NEW was never held"),
        ("  Assets:Shares:XYZ  1 XYZ @ 5 USD\n  Assets:Cash:USD\n", "without cost"),
        ("  Assets:Shares:XYZ  1 XYZ {5 USD}\n  Income:Interest\n", "neither cash, a dividend nor an external"),
        (
            "  Assets:Shares:ABC-X  -20 ABC.X {}\n  Assets:Shares:XYZ  20 XYZ {125 USD, 2020-02-01}\n",
            "each keeps its date and cost",
        ),
        (
            "  Assets:Shares:ABC-X  -10 ABC.X {100 USD, 2020-02-01}\n"
            "  Assets:Shares:XYZ  20 XYZ {50 USD, 2020-02-01}\n",
            "takes 10 of 20 ABC.X held",
        ),
        (
            "  Assets:Shares:ABC-X  -20 ABC.X {}\n  Assets:Shares:ABC-X  10 ABC.X {99 USD, 2020-02-01}\n"
            "  Assets:Shares:ABC-X  10 ABC.X {150 USD, 2020-02-02}\n  Assets:Cash:USD  10 USD\n",
            "neither a return of capital",
        ),
        ("  Assets:Shares:XYZ  1 XYZ {5 USD}\n  Assets:Cash:USD  5 USD\n  Equity:External:Owner\n", "does not belong"),
        ("  Assets:Shares:XYZ  1 XYZ {5 USD}\n  Assets:Cash:CAD  -5 CAD @ 1 USD\n", "in CAD, USD"),
        (
            "  Assets:Shares:XYZ  -1 XYZ {5 USD} @ 6 USD\n  Assets:Cash:USD  6 USD\n  Income:Realised\n",
            "sells more XYZ",
        ),
        (
            "  Assets:Shares:ABC-X  -10 ABC.X {100 USD, 2020-02-01}\n"
            "  Assets:Shares:ABC-X  20 ABC.X {50 USD, 2020-03-01}\n",
            "not those of a split",
        ),
        (
            '  split_ratio: "3:1"\n  Assets:Shares:ABC-X  -10 ABC.X {100 USD, 2020-02-01}\n'
            "  Assets:Shares:ABC-X  20 ABC.X {50 USD, 2020-02-01}\n",
            "not those of a split",
        ),
        (
            '  split_ratio: "0:1"\n  Assets:Shares:ABC-X  -10 ABC.X {100 USD, 2020-02-01}\n'
            "  Assets:Shares:ABC-X  20 ABC.X {50 USD, 2020-02-01}\n",
            "split_ratio",
        ),
        ('  fx_rate: "CADUSD=0.8"\n  Assets:Cash:USD  1 USD @ 1.25 CAD\n  Assets:Cash:CAD\n', "CAD per USD"),
        ('  fx_rate: "USDCAD=0"\n  Assets:Cash:USD  1 USD @ 1.25 CAD\n  Assets:Cash:CAD\n', "not a rate"),
        (
            "  Assets:Shares:ABC-X  -10 ABC.X {100 USD, 2020-02-01} @ 120 USD\n"
            "  Assets:Cash:USD  1100.00 USD\n  Income:Realised  -100 USD\n",
            "miss by 100",
        ),
        ('  settle_date: "soon"\n  Assets:Cash:CAD  1 CAD\n  Equity:External:Owner\n', "settle_date"),
        ('  per_share: "NaN"\n  Assets:Cash:CAD  1 CAD\n  Income:Interest\n', "per_share"),
    ],
)
def test_an_entry_that_fits_no_kind_is_refused_with_file_line_and_reason(entry, reason):
    (finding,) = refusal('2020-03-01 * "x"\n' + entry, HELD)

    assert (finding.file, finding.line) == ("main.beancount", LINE)
    assert reason in finding.reason


def test_all_unreadable_entries_are_reported_at_once():
    entry = '2020-03-01 * "x"\n  Assets:Cash:CAD  1 CAD\n  Equity:Opening\n'

    findings = refusal(entry * 3)

    assert [finding.line for finding in findings] == [LINE - HELD.count("\n") + shift for shift in (0, 3, 6)]


def test_the_inventory_of_a_day_is_what_was_held_at_its_end():
    reading = read({"main.beancount": (ACCOUNTS + HELD).encode()})
    days = [date(2020, 1, 31), date(2020, 2, 1), date(2020, 2, 2), date(2020, 2, 9)]

    inventories = list(statement.from_reading(reading).at(days))

    key = ("Assets:Shares:ABC-X", "ABC.X")
    assert [inventory.units.get(key) for inventory in inventories] == [None, 10, 20, 20]
    assert [inventory.cost.get(key) for inventory in inventories] == [None, 1000, 2500, 2500]
    assert [inventory.cash.get("USD") for inventory in inventories] == [None, -1000, -2500, -2500]


# --- made while Beancount books


@pytest.mark.parametrize(
    "text",
    [
        # the first entry is a dividend, of what is bought later; a third holds a currency that only a price makes one
        """
2020-01-03 * "Dividend"
  Assets:Cash:CAD  10 CAD
  Income:Dividends:ABC-X  -10 CAD
2020-01-04 * "Buy"
  Assets:Shares:ABC-X  10 ABC.X {100 USD}
  Assets:Cash:USD  -1000 USD
2020-01-05 open Assets:Odd
2020-01-05 * "Deposit"
  Assets:Odd  10 XBT
  Equity:External:Owner
2020-01-06 price XYZ 1 XBT
""",
        # a code of three capitals that is bought later is a security
        """
2020-01-03 open Assets:Odd
2020-01-04 * "Buy"
  Assets:Odd  10 SIT {100 USD}
  Assets:Cash:USD  -1000 USD
""",
    ],
    ids=["a dividend before its purchase", "no money"],
)
def test_an_entry_may_need_what_a_later_one_says(text):
    assert len(booked(text)) == text.count("*")


def test_a_security_is_none_of_the_currencies_even_before_it_is_bought():
    findings = refusal("""
2020-01-03 open Assets:Odd
2020-01-04 * "Deposit"
  Assets:Odd  10 SIT
  Equity:External:Owner
2020-01-05 * "Buy"
  Assets:Odd  10 SIT {100 USD}
  Assets:Cash:USD  -1000 USD
2020-01-06 * "Dividend"
  Assets:Cash:CAD  10 CAD
  Income:Dividends  -10 CAD
""")

    assert [finding.reason for finding in findings] == [
        "SIT is held without cost and is no currency of this ledger",
        "dividend of an unknown security; name it with the metadata `symbol`",
    ]


def test_an_entry_that_does_not_balance_is_beancount_s_to_refuse():
    entries = """
2020-01-03 * "Not from anywhere"
  Assets:Cash:CAD  10 CAD
  Assets:Cash:Second  5 CAD
"""

    with pytest.raises(LedgerIncorrect, match="does not balance"):
        journal.read({"main.beancount": (ACCOUNTS + entries).encode()})


def test_entries_that_say_the_same_have_ids_of_their_own():
    deposit = """
2020-01-03 * "Deposit" "the same"
  Assets:Cash:USD  1 USD
  Equity:External:Owner
"""
    sale = """
2020-03-01 * "Sell"
  Assets:Shares:ABC-X  -15 ABC.X {} @ 200 USD
  Assets:Cash:USD  3000 USD
  Income:Realised
"""

    events = booked(deposit * 700 + sale, before=HELD)

    assert len({event.entry_id for event in events}) == 703
    assert [lot.quantity for lot in events[-1].lots] == [10, 5]
