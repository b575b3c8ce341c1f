"""Any name can stand in a ledger, and no two symbols stand there as one commodity. Beancount's own lexer is the judge."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.ledger import names

LEXER = """
import json, sys
from beancount.core import account
from beancount.parser import lexer
names = json.load(sys.stdin)
def tokens(text):
    words = [(name, value) for name, _, _, value in lexer.lex_iter_string(text + "\\n")]
    return [each for each in words if each[0] != "EOL"]
def is_commodity(name):
    words = tokens(f"1 {name}")
    capital = len(name) == 1 and words[1][0] in ("CAPITAL", "FLAG", "CURRENCY")
    return len(words) == 2 and (capital or words[1] == ("CURRENCY", name))
def is_account(name):
    return tokens(name) == [("ACCOUNT", name)] and account.is_valid(name)
print(json.dumps([[n for n in names[0] if not is_commodity(n)], [n for n in names[1] if not is_account(n)]]))
"""


def refused(commodities=(), accounts=()):
    """Those that Beancount's lexer, in a process of its own, does not take."""
    payload = json.dumps([list(commodities), list(accounts)])
    done = subprocess.run([sys.executable, "-c", LEXER], input=payload, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


SYMBOLS = [
    *("AAPL", "V", "BRK.B", "BRK-B", "BTC-USD", "7203.T", "0700.HK", "2B78", "912828P38", "0P0000X", "EURUSD=X"),
    *("^GSPC", "RDSa", "TRUE", "FALSE", "NULL", "X.", "AB-", "S'A", "S''25E", "'", "/ESZ4", "日本", "a b", "ES=F", "€"),
]
ACCOUNTS = [
    *("401(k) – Müller & Söhne", '"Account1" X111111', "A B", "Сбербанк", "日本円口座", "खाता", "حساب", "חשבון", "บัญชี"),
    *("ǆ", "ßeta", "🙂", "", "-", "a:b", "½", "Ⅷ", "계좌", "e\u0301"),
]
ANY = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=32)


@pytest.mark.parametrize(
    ("symbol", "commodity"),
    [("AAPL", "AAPL"), ("BRK.B", "BRK.B"), ("7203.T", "S'7203.T"), ("^GSPC", "S''25EGSPC"), ("TRUE", "S'TRUE")],
)
def test_a_symbol_stands_in_a_ledger_as_itself_where_it_can(symbol, commodity):
    assert names.commodity(symbol) == commodity
    assert names.symbol(commodity) == symbol


@given(ANY)
def test_a_commodity_is_read_back_as_its_symbol(symbol):
    assert names.symbol(names.commodity(symbol)) == symbol


@given(st.text("S'0123456789ABCDEF._-", min_size=1, max_size=12))
def test_what_a_hand_wrote_as_a_commodity_is_never_a_second_name_of_the_writer(commodity):
    symbol = names.symbol(commodity)

    assert symbol == commodity or names.commodity(symbol) == commodity


@settings(max_examples=3, deadline=None)
@given(st.lists(ANY, min_size=200, max_size=300, unique=True))
def test_beancount_takes_every_name(drawn):
    commodities = [names.commodity(symbol) for symbol in [*SYMBOLS, *drawn]]
    accounts = [f"Assets:{names.component(name)}:{names.leaf(name)}" for name in [*ACCOUNTS, *SYMBOLS, *drawn]]

    assert refused(commodities, accounts) == [[], []]
    assert len(set(commodities)) == len({*SYMBOLS, *drawn})


def test_names_that_fold_alike_get_a_number():
    assert names.component("A B") == names.component("A-B") == "A-B"
    assert names.distinct("A-B", {"A-B", "A-B-2"}) == "A-B-3"
