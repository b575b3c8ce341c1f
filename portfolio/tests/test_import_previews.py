"""What a preview says before anything is written: what is lacking, what would be below zero, and what of a file is refused."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.conf import settings as configured
from django.contrib.auth import get_user_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolio.books import entry, imports
from portfolio.books.imports import Choices, ImportRefused
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import Lot, Portfolio, Transaction
from pricing.models import PricingPolicy, Security

pytestmark = [pytest.mark.role("job"), pytest.mark.usefixtures("read_once")]

D = Decimal
AT = datetime(2024, 12, 31, 18, 0, tzinfo=UTC)
HEADER = "date,type,symbol,quantity,unit_price,amount,fee,currency,account\n"
DEPOSIT = "2023-02-01,deposit,,,,20000,,EUR,\n"


@pytest.fixture
def portfolio(empty):
    anna = get_user_model().objects.create_user("anna")
    terms = {
        "OAK": ("USD", "equity", {}),
        "7203.T": ("JPY", "equity", {}),
        "BTP30": ("EUR", "bond", {"quote_unit": "percent_of_nominal", "maturity": "2030-03-01"}),
        "BARE": ("EUR", "bond", {}),
        "CALL": ("USD", "option", {"multiplier": 100, "expiry": "2024-06-21"}),
    }
    for symbol, (currency, kind, more) in terms.items():
        Security.objects.create(
            symbol=symbol, name=symbol, currency=currency, price_unit=currency, kind=kind, exchange="XNYS",
            first_date="2020-01-02", source="wood", **more,
        )  # fmt: skip
    return Portfolio.objects.create(
        slug="small", name="Small", owner=anna, base_currency="EUR", policy=PricingPolicy.objects.get()
    )


def preview(portfolio, text, name="trades.csv", **choices):
    content = text if isinstance(text, bytes) else text.encode()
    return imports.preview(portfolio=portfolio, name=name, content=content, today=AT.date(), choices=Choices(**choices))


def commit(portfolio, text, name="trades.csv", **choices):
    return imports.commit(
        portfolio=portfolio, name=name, content=text.encode(), author="anna", at=AT, choices=Choices(**choices)
    )


def folder():
    with LedgerRepository.open_or_create(configured.LEDGER_PATH) as repository:
        head = repository.head()
        return repository.files(head, "small") if head else {}


def said(found):
    return [(each.row, each.column, each.reason) for each in found.findings]


# --- prices that are quotes


@pytest.mark.parametrize("amount", ["", "9920"])
def test_a_bond_is_bought_in_percent_of_its_nominal(portfolio, amount):
    commit(portfolio, HEADER + DEPOSIT + f"2024-02-01,buy,BTP30,10000,99.20,{amount},5,EUR,\n")

    assert Transaction.objects.get(kind="buy").amount == -9925
    lot = Lot.objects.get()
    assert (lot.quantity, lot.unit_cost) == (10000, D("0.992"))


@pytest.mark.parametrize("amount", ["", "1040.00"])
def test_a_contract_stands_for_as_many_units_as_its_multiplier_says(portfolio, amount):
    commit(portfolio, HEADER + DEPOSIT + f"2024-02-01,buy,CALL,2,5.20,{amount},,USD,\n")

    assert (Transaction.objects.get(kind="buy").amount, Lot.objects.get().unit_cost) == (-1040, 520)


@pytest.mark.parametrize(
    ("row", "suggestion"),
    [
        ("2024-02-01,buy,BTP30,10000,0.992,9920,,EUR,\n", "that is 99.2, as a price of BTP30 counts 0.01 times"),
        ("2024-02-01,buy,CALL,200,5.20,1040,,USD,\n", "that is 104000, as a price of CALL counts 100 times"),
        ("2024-02-01,buy,OAK,10,100.00,1010,,USD,\n", "that is 1000"),
    ],
)
def test_an_amount_that_the_price_does_not_come_to_is_refused_with_what_it_comes_to(portfolio, row, suggestion):
    (found,) = preview(portfolio, HEADER + DEPOSIT + row).findings

    assert (found.row, found.column, found.reason) == (3, "amount", "is not quantity times unit_price")
    assert found.suggestion == suggestion


def test_a_bond_without_a_quote_unit_is_not_booked_by_any_format(portfolio):
    row = "2024-02-01,buy,BARE,10000,99.20,,,EUR,\n"
    entry = (
        '1970-01-01 open Assets:A:BARE BARE "FIFO"\n1970-01-01 open Equity:External\n'
        '2024-02-01 * "b"\n  Assets:A:BARE  10000 BARE {0.99 EUR}\n  Equity:External\n'
    )

    csv, bean = preview(portfolio, HEADER + row), preview(portfolio, entry, "more.beancount")

    assert said(csv) == [(2, "symbol", "is a bond of which nobody has said what its price is of, and can't be booked")]
    assert said(bean) == [(3, "", "BARE is a bond without a quote unit and can't be booked")]


def test_a_contract_held_beyond_its_expiry_is_told(portfolio):
    found = preview(portfolio, HEADER + "2024-02-01,buy,CALL,2,5.20,,,USD,\n")

    assert found.lacks == ("CALL ends on 2024-06-21, and its end is not booked",)


# --- files without deposits

ACTIVITIES = [
    ("2023-02-01", "BUY", 10, 110),
    ("2023-08-01", "BUY", 10, 110),
    ("2024-02-01", "SELL", 5, 121),
]
GHOSTFOLIO = json.dumps(
    {
        "accounts": [{"id": "a1", "name": "Broker", "balance": 2000, "currency": "USD"}],
        "activities": [
            {
                "accountId": "a1", "date": day, "type": kind, "symbol": "OAK", "quantity": quantity, "unitPrice": price,
                "fee": 0, "currency": "USD", "dataSource": "YAHOO",
            }
            for day, kind, quantity, price in ACTIVITIES
        ],
    }
)  # fmt: skip


def test_cash_that_would_be_below_zero_is_told_and_deposits_are_inferred_where_that_is_asked(portfolio):
    found = preview(portfolio, GHOSTFOLIO, "export.json")
    inferred = preview(portfolio, GHOSTFOLIO, "export.json", infer_deposits=True)
    done = commit(portfolio, GHOSTFOLIO, "export.json", infer_deposits=True)

    (short,) = found.shortfalls
    assert (short.account, short.balance, short.lowest, short.lowest_on) == (
        ("Assets:Broker", -1595, -2200, date(2023, 8, 1))
    )
    assert found.describe(short) == (
        "Broker: cash would be \N{MINUS SIGN}1,595.00 USD (at its lowest \N{MINUS SIGN}2,200.00, on 2023-08-01)"
    )
    assert any("the file says that Broker holds 2,000.00 USD; what is booked comes to" in each for each in found.notes)
    assert (inferred.shortfalls, inferred.notes[0]) == ((), "deposits of 2,200.00 USD in all are inferred")
    assert done.preview == inferred
    assert list(Transaction.objects.filter(inferred=True).values_list("amount", flat=True)) == [1100, 1100]


def test_an_inferred_deposit_goes_with_its_import_and_an_older_one_is_counted_anew(portfolio):
    commit(portfolio, HEADER + "2023-02-01,buy,OAK,10,110,,,USD,\n", infer_deposits=True)
    before = folder()

    commit(portfolio, HEADER + "2023-01-02,deposit,,,,500,,USD,\n", "late.csv")
    counted = list(Transaction.objects.filter(inferred=True, removed_in=None).values_list("amount", flat=True))
    imports.undo(portfolio=portfolio, author="anna", at=AT)

    assert counted == [600]
    assert folder() == before


def test_an_account_on_margin_owes_what_it_owes(portfolio):
    text = HEADER + "2023-02-01,buy,OAK,10,110,,,USD,Depot\n2023-02-01,buy,OAK,10,110,,,USD,Other one\n"

    found = preview(portfolio, text, margin=("Other one",), infer_deposits=True)
    unknown = preview(portfolio, text, margin=("Else",))
    commit(portfolio, text, margin=("Other one",), infer_deposits=True)

    assert found.shortfalls == ()
    assert [(each.column, each.suggestion) for each in unknown.findings] == [("margin", "one of Depot, Other one")]
    assert Transaction.objects.get(inferred=True).account == "Assets:Depot:Cash:USD"
    assert preview(portfolio, HEADER + "2023-03-01,buy,OAK,1,110,,,USD,Other one\n").shortfalls == ()


# --- names


def test_names_that_a_ledger_can_not_write_come_in_and_go_out_and_are_told(portfolio):
    text = HEADER + "2023-02-01,buy,7203.T,10,2000,,,JPY,日本円口座\n2023-02-02,sell,7203.T,4,2100,,,JPY,日本円口座\n"

    found = preview(portfolio, text)
    commit(portfolio, text)
    with_it = folder()
    imports.undo(portfolio=portfolio, author="anna", at=AT)

    assert found.accounts == {"日本円口座": "Assets:Account-日本円口座"}
    assert "account '日本円口座' is Assets:Account-日本円口座 in the ledger" in found.warnings
    assert "S'7203.T" in next(text.decode() for path, text in with_it.items() if path.startswith("imports/"))
    assert not any("日本" in text.decode() for text in folder().values())


def test_a_symbol_is_read_back_as_itself(portfolio):
    commit(portfolio, HEADER + "2023-02-01,buy,7203.T,10,2000,,,JPY,\n2023-03-01,dividend,7203.T,,,100,,JPY,\n")

    assert {row.security.symbol for row in Transaction.objects.select_related("security")} == {"7203.T"}


def test_names_that_are_nearly_those_of_others_are_told_with_the_others(portfolio):
    commit(portfolio, HEADER + "2023-02-01,deposit,,,,500,,EUR,Depot\n")
    columns = "date,typ,currency,amount\n2023-02-01,deposit,EUR,5\n"
    fees = "date,type,symbol,quantity,unit_price,fees,currency,account\n2023-02-02,buy,OAK,1,7,3,USD,Depott\n"

    (header,) = preview(portfolio, columns).findings
    (symbol,) = preview(portfolio, HEADER + "2023-02-02,buy,oka,1,7,,,USD,\n").findings
    (kind,) = preview(portfolio, HEADER + "2023-02-02,bye,OAK,1,7,,,USD,\n").findings
    found = preview(portfolio, fees)

    assert header.suggestion.startswith("perhaps typ is it: name it type; ")
    assert symbol.suggestion == "perhaps OAK, or load its market data first"
    assert kind.suggestion == "perhaps buy"
    assert "the column fees is not read: if it is the fee, name it so in the first line" in found.notes
    assert "the account Depott is new: if it is Depot, write it so in the file" in found.notes


def test_a_stated_balance_is_told_of_against_each_row_that_moves_it_and_else_against_the_file(portfolio):
    commit(portfolio, HEADER + DEPOSIT)
    files = folder()
    files["main.beancount"] += b"2023-06-01 balance Assets:Broker:Cash:EUR  20000.00 EUR\n"
    entry.enter(portfolio=portfolio, files=files, message="state", author="anna", at=AT)

    one = preview(portfolio, HEADER + "2023-03-01,deposit,,,,50,,EUR,\n2023-07-01,deposit,,,,70,,EUR,\n")
    many = preview(portfolio, HEADER + "".join(f"2023-03-0{day},deposit,,,,1,,EUR,\n" for day in range(1, 8)))
    later = preview(portfolio, HEADER + "2023-07-01,deposit,,,,70,,EUR,\n")

    (beside,) = one.findings
    assert (beside.row, beside.reason) == (
        2,
        "the ledger states that Broker holds 20,000.00 EUR at the start of 2023-06-01; with this file it would hold 20,050.00 EUR,"
        " 50.00 too much",
    )
    assert [(each.row, each.suggestion[:27]) for each in many.findings] == [(0, "7 rows that move it, from 2")]
    assert later.is_good


# --- anything at all

DAYS = st.sampled_from(["2023-02-01", "2023-02-02", "2023-02-30", "2024-06-21", "2030-01-01", "", "1/2/2023"])
KINDS = st.sampled_from([
    *("buy", "sell", "deposit", "withdrawal", "transfer_in", "transfer_out", "transfer", "dividend", "interest", "fee", "tax"),
    *("reinvested_dividend", "fx", "split", "spin_off", "merger", "symbol_change", "return_of_capital", "cash_in_lieu", "no"),
])  # fmt: skip
NUMBERS = st.sampled_from(
    ["", "0", "1", "2", "10", "0.5", "1e-9", "1e12", "0.333333333333", "-1", "all", "1,200", "x", "9" * 24]
)
SYMBOLS = st.sampled_from(["", "OAK", "7203.T", "BTP30", "CALL", "EUR", "USD", "NONE", '"'])
ACCOUNTS = st.sampled_from(["", "A", "a b", "日本", '"""', "Assets:Broker", "Assets:None", "🙂", "InTransit"])
COLUMNS = {
    "date": DAYS,
    "type": KINDS,
    "symbol": SYMBOLS,
    "quantity": NUMBERS,
    "unit_price": NUMBERS,
    "amount": st.one_of(st.just(""), NUMBERS),
    "fee": st.sampled_from(["", "1", "100"]),
    "currency": st.sampled_from(["EUR", "USD", "GBp", "AED", "", "XXX"]),
    "account": ACCOUNTS,
    "to_symbol": SYMBOLS,
    "to_unit_price": NUMBERS,
    "to_account": ACCOUNTS,
    "ratio": st.sampled_from(["", "2:1", "1:3", "0", "0.1", "a:b"]),
    "counter_amount": NUMBERS,
    "lot": st.sampled_from(["", "", "", "old"]),
}


def _cell(text):
    return '"' + text.replace('"', '""') + '"'


@pytest.mark.parametrize("method", ["FIFO", "HIFO", "NAMED", "AVERAGE"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_rows_are_taken_or_refused_by_name(portfolio, method, data):
    """Most rows are refused one by one, so that each is tried alone, after some that can be taken."""
    portfolio.booking_method = method
    header = ",".join(COLUMNS) + "\n"
    empty = dict.fromkeys(COLUMNS, "")
    first = [
        {"date": "2023-02-01", "type": "buy", "symbol": "OAK", "quantity": "3", "unit_price": "7", "currency": "EUR"},
        {"date": "2023-02-01", "type": "buy", "symbol": "OAK", "quantity": "3", "unit_price": "8", "currency": "USD"},
    ]
    row = data.draw(
        st.fixed_dictionaries({**COLUMNS, "date": st.just("2023-02-02")} if data.draw(st.booleans()) else COLUMNS)
    )
    lines = [",".join(map(_cell, {**empty, **each}.values())) for each in [*first, row]]

    found = preview(portfolio, header + "\n".join(lines) + "\n", infer_deposits=data.draw(st.booleans()))

    assert found.findings or len(found.added) + len(found.known) in (2, 3)
    assert all(each.reason and len(str(each)) < 1000 for each in found.findings)
    assert not any("Posting(" in str(each) or "Traceback" in str(each) for each in found.findings)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
        max_leaves=8,
    ),
    st.sampled_from(
        ["accountId", "date", "type", "symbol", "quantity", "unitPrice", "fee", "currency", "comment", "id"]
    ),
)
def test_random_json_is_taken_or_refused_by_name(portfolio, value, key):
    document = json.loads(GHOSTFOLIO)
    document["activities"][0][key] = value
    document["accounts"].append(value)
    document["accounts"][0]["balances"] = value

    found = preview(portfolio, json.dumps(document), "export.json")

    assert found.findings or found.added


def test_a_file_that_is_no_file_is_refused_by_what_it_is(portfolio):
    cases = {
        b"date|type|currency|amount\n2023-01-02|deposit|EUR|5\n": "has its cells parted by `|`",
        "Datum;Art;Währung\n".encode("cp1252"): "is not UTF-8",
        b"Day,What,Money\n1,2,3\n": "is in no format that is known: its columns are day, what, money",
        b"date,type,currency,amount\n2023-01-02,deposit,EUR,5\n": "",
        b"date\ttype\tcurrency\tamount\n2023-01-02\tdeposit\tEUR\t5\n": "",
        b"date;type;currency;amount\n2023-01-02;deposit;EUR;5\n": "",
    }

    for content, reason in cases.items():
        found = preview(portfolio, content)
        assert [each.reason for each in found.findings] == ([reason] if reason else [])
        assert reason or found.format == "tieout-csv"


def test_what_an_import_refuses_a_preview_has_refused(portfolio):
    text = HEADER + "2023-02-01,sell,OAK,1,7,,,EUR,\n"

    with pytest.raises(ImportRefused) as refused:
        commit(portfolio, text)

    assert refused.value.findings == preview(portfolio, text).findings
    assert said(preview(portfolio, text)) == [(2, "quantity", "is more than is held on that day")]
