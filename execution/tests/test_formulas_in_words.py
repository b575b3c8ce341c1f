"""Formulas and numbers of explanations as an owner reads them."""

import re
from pathlib import Path

import pytest

from execution.figures.formulas import formula_words, name_words
from execution.web.pages.explained import Addresses, line, number_text
from portfolio.performance import formulas

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("round_money(quantity * price * rate)", "quantity × price × exchange rate, rounded to the minor unit"),
        ("EUR_CAD / EUR_USD", "EUR/CAD ÷ EUR/USD"),
        ("prod(1 + daily_returns) - 1", "product of (1 + daily returns) − 1"),
        ("a - (b - c)", "a − (b − c)"),
        ("(a - b) - c", "a − b − c"),
        ("a / (b * c)", "a ÷ (b × c)"),
        ("-sum(items)", "−sum of the items"),
        ("(1 + annual_yield) ** (days / 365) - 1", "(1 + annual yield) to the power of (days ÷ 365) − 1"),
        ("sum((holdings / sum(holdings)) ** 2)", "sum of (holdings ÷ sum of holdings)²"),
        ("-percentile(returns, 1 - level)", "−percentile of returns at (1 − level)"),
        ("cov(returns, benchmark) / var(benchmark)", "covariance of returns and benchmark ÷ variance of benchmark"),
        ("round_money(sum(items)) + carried", "(sum of the items) rounded to the minor unit + carried"),
    ],
)
def test_a_formula_reads_as_a_sentence_of_its_terms(formula, words):
    assert formula_words(formula) == words


def test_every_formula_of_the_registry_has_words():
    text = Path(formulas.__file__).read_text()
    written = re.findall(r'Formula\(\s*f?"[^"]*",\s*((?:"[^"]*"\s*)+)', text)
    expressions = ["".join(re.findall(r'"([^"]*)"', each)) for each in written]

    assert len(expressions) > 60
    for expression in filter(None, expressions):
        assert not re.search(r"[a-z]_[a-z]|\*|[a-z]\(", formula_words(expression))


@pytest.mark.parametrize("formula", ["open(path)", "a.b", "a if b else c", "sum(x, y)", "'text'"])
def test_what_is_no_formula_is_refused(formula):
    with pytest.raises(ValueError, match="is in no formula"):
        formula_words(formula)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("AAPL", "AAPL"),
        ("T000382", "T000382"),
        ("2013-03-01", "2013-03-01"),
        ("BRK_B", "BRK_B"),
        ("fx_in", "exchange rate of the cost"),
    ],
)
def test_symbols_and_entries_stay_as_they_are(name, words):
    assert name_words(name) == words


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("305674.06", "CAD", "305,674.06"),
        ("305674.059969230769", "CAD", "305,674.06"),
        ("142492.65624", "CAD", "142,492.6562"),
        ("1234.5", "JPY", "1,234.5"),
        ("1.033615384615384615", "CAD per USD", "1.033615"),
        (0.0927526924765, "number", "0.0927527"),
        (3.0120468466066086e-06, "fraction", f"0.000301205{NBSP}%"),
        (-0.161123, "fraction", f"−16.1123{NBSP}%"),
        (0, "fraction", f"0{NBSP}%"),
        (2579, "days", "2,579"),
        (None, "CAD", "—"),
    ],
)
def test_a_number_is_written_by_its_unit(value, unit, text):
    assert number_text(value, unit) == text


def test_items_that_are_summed_have_their_sum_below_them():
    items = [{"name": each, "value": value, "unit": "CAD"} for each, value in (("a", "0.10"), ("b", "0.20"))]
    term = {"name": "total", "value": "0.30", "unit": "CAD", "terms": [{"name": "items", "items": items}]}

    summed, counted = (line(term | {"formula": formula}, str)["parts"][0] for formula in ("sum(items)", "count(items)"))

    assert summed["total"] == {"text": "0.30", "unit": "CAD"}
    assert counted["total"] is None


def test_of_a_long_list_the_rest_is_counted():
    items = [{"name": str(number), "value": 1, "unit": "units"} for number in range(501)]
    term = {"name": "t", "value": 501, "unit": "units", "formula": "sum(x)", "terms": [{"name": "x", "items": items}]}

    part = line(term, Addresses(str, str, str))["parts"][0]

    assert (len(part["lines"]), part["left_out"], part["total"]["text"]) == (500, 1, "501")


def test_a_corporate_action_and_a_setting_say_what_they_are():
    pack = {"pack_id": "P1", "source": "derived:s", "flags": "", "symbol": "AAPL", "ex_date": "2012-08-09"}
    rows = [
        {"kind": "action", "action": "dividend", "amount": "2.65", "currency": "USD", **pack},
        {"kind": "action", "action": "split", "ratio": "2", **pack},
        {"kind": "setting", "setting": "benchmark", "value": "Two: 0.6 IBM, 0.4 MSFT, rebalanced monthly"},
    ]

    dividend, split, setting = line({"name": "t", "value": 1, "unit": "", "rows": rows}, Addresses(str, str, str))[
        "rows"
    ]

    assert (dividend["words"], dividend["day"]) == ("dividend of AAPL, 2.65 USD", "2012-08-09")
    assert split["words"] == "split of AAPL, 2 for 1"
    assert (setting["words"], setting["day"]) == ("Two: 0.6 IBM, 0.4 MSFT, rebalanced monthly", "")
