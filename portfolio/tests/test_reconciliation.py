"""The two books side by side: what is a difference, and what is none."""

import random
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest

from portfolio.reconciliation import (
    BASIS_POINTS,
    Balances,
    Comparison,
    Difference,
    Outcome,
    Prices,
    error_bp,
    find_breaks,
    find_split_breaks,
)

OAK, ELM = ("Assets:Shares", "OAK"), ("Assets:Shares", "ELM")


def balances(*, units="10", cost="500", cash="100", value="10000"):
    return Balances(
        units={OAK: Decimal(units)},
        cost={OAK: Decimal(cost)},
        cash={"CAD": Decimal(cash)},
        value=None if value is None else Decimal(value),
    )


def kinds(ledger, database):
    return [each.kind for each in find_breaks(ledger, database)]


def test_equal_books_have_no_breaks():
    assert find_breaks(balances(), balances()) == ()


@pytest.mark.parametrize(
    ("database", "expected"), [("10000.99", []), ("10001.00", []), ("10001.01", ["VALUATION_MISMATCH"])]
)
def test_a_value_may_differ_by_one_basis_point_and_by_no_more(database, expected):
    assert kinds(balances(), balances(value=database)) == expected
    below = format(20000 - Decimal(database), "f")
    assert kinds(balances(), balances(value=below)) == expected


def test_the_basis_point_is_of_the_ledgers_value():
    (found,) = find_breaks(balances(value="10000"), balances(value="10002"))

    assert (found.error_bp, found.difference) == (Decimal(2), Decimal(2))
    assert (found.ledger_value, found.database_value) == (Decimal(10000), Decimal(10002))


@pytest.mark.parametrize(("database", "expected"), [("100.01", []), ("99.99", []), ("100.011", ["CASH_MISMATCH"])])
def test_cash_may_differ_by_a_cent_and_by_no_more(database, expected):
    assert kinds(balances(), balances(cash=database)) == expected


@pytest.mark.parametrize(("database", "expected"), [("500.01", []), ("499.99", []), ("499.98", ["COST_MISMATCH"])])
def test_cost_may_differ_by_a_cent_and_by_no_more(database, expected):
    assert kinds(balances(), balances(cost=database)) == expected


@pytest.mark.parametrize("database", ["10.0000000001", "9.9999999999", "-10"])
def test_quantities_are_equal_to_the_last_digit(database):
    assert kinds(balances(), balances(units=database)) == ["QUANTITY_MISMATCH"]


def test_a_quantity_of_another_scale_is_the_same_quantity():
    assert find_breaks(balances(units="10"), balances(units="10.000")) == ()


def test_a_position_or_cash_that_one_side_lacks_is_named():
    ledger = Balances({OAK: Decimal(1)}, {OAK: Decimal(5)}, {"USD": Decimal(3)}, Decimal(8))
    database = Balances({ELM: Decimal(2)}, {ELM: Decimal(5)}, {}, Decimal(8))

    found = {
        (each.kind, each.commodity): (each.ledger_value, each.database_value) for each in find_breaks(ledger, database)
    }

    assert found == {
        ("MISSING_POSITION", "OAK"): (1, 0),
        ("MISSING_POSITION", "ELM"): (0, 2),
        ("COST_MISMATCH", "OAK"): (5, 0),
        ("COST_MISMATCH", "ELM"): (0, 5),
        ("CASH_MISMATCH", "USD"): (3, 0),
    }


def test_cash_that_came_to_zero_is_as_if_it_was_never_there():
    ledger = Balances({}, {}, {"USD": Decimal("0.00")}, Decimal(0))

    assert find_breaks(ledger, Balances({}, {}, {}, Decimal(0))) == ()


@pytest.mark.parametrize(("ledger", "database"), [(None, "1"), ("1", None), (None, None), ("0", "1")])
def test_a_value_that_can_not_be_compared_is_a_break(ledger, database):
    (found,) = find_breaks(balances(value=ledger), balances(value=database))

    assert (found.kind, found.error_bp) == ("VALUATION_MISMATCH", None)


def test_nothing_against_nothing_is_no_distance():
    assert error_bp(Decimal(0), Decimal(0)) == 0


def test_a_negative_value_is_measured_by_its_size():
    assert error_bp(Decimal(-10000), Decimal(-10001)) == 1


CENT = Decimal("0.011")


def edited(kind, book, key, currency, step):
    """A book with one edit beyond the tolerance of its kind."""
    match kind:
        case "units":
            return replace(book, units=book.units | {key: book.units[key] + step / 10**6})
        case "lost":
            return replace(book, units={each: book.units[each] for each in book.units if each != key})
        case "cost":
            return replace(book, cost=book.cost | {key: book.cost[key] + step * CENT})
        case "cash":
            return replace(book, cash=book.cash | {currency: book.cash[currency] + step * CENT})
        case _:
            return replace(book, value=book.value * (1 + step * Decimal("1.001") / BASIS_POINTS))


NAMED = {
    "units": "QUANTITY_MISMATCH",
    "lost": "MISSING_POSITION",
    "cost": "COST_MISMATCH",
    "cash": "CASH_MISMATCH",
    "value": "VALUATION_MISMATCH",
}


def test_every_edit_of_two_hundred_books_is_found_and_named():
    """Seeded: one edit a book; it is found, and nothing else is reported."""
    chance = random.Random(20130301)
    for _ in range(200):
        keys = [("Assets:Shares", f"S{number}") for number in range(chance.randint(1, 12))]
        ledger = Balances(
            units={key: Decimal(chance.randint(1, 10**6)) / 100 for key in keys},
            cost={key: Decimal(chance.randint(1, 10**8)) / 100 for key in keys},
            cash={each: Decimal(chance.randint(-(10**7), 10**7)) / 100 for each in ("CAD", "EUR", "USD")},
            value=Decimal(chance.randint(10**6, 10**10)) / 100,
        )
        kind, key, currency = chance.choice(sorted(NAMED)), chance.choice(keys), chance.choice(["CAD", "EUR", "USD"])

        (found,) = find_breaks(ledger, edited(kind, ledger, key, currency, Decimal(chance.choice([-1, 1]))))

        assert (found.kind, found.commodity) == (NAMED[kind], {"cash": currency, "value": ""}.get(kind, key[1]))
        assert found.difference


EX = date(2005, 2, 28)


@pytest.mark.parametrize(
    ("packed", "booked", "said"),
    [("2", None, "only the pack"), (None, "2", "only the ledger"), ("2", "3", "other ratio"), ("2", "2.0", None)],
)
def test_a_split_that_one_side_does_not_know_is_a_break(packed, booked, said):
    pack = {("AAPL", EX): Decimal(packed)} if packed else {}
    ledger = {("AAPL", EX): Decimal(booked)} if booked else {}

    found = find_split_breaks(pack, ledger)

    assert [each.kind for each in found.values()] == ([] if said is None else ["SPLIT_MISMATCH"])
    assert all(said in each.detail and "2005-02-28" in each.detail for each in found.values())


def test_the_ledgers_side_is_valued_straight_from_the_published_legs():
    prices = Prices(
        closes={1: {"OAK": Decimal("51.25")}},
        currencies={"OAK": "USD"},
        legs={1: {("EUR", "USD"): Decimal("1.25"), ("EUR", "CAD"): Decimal("1.50")}},
        pivot="EUR",
    )

    def value(units, cash, base="CAD"):
        return prices.value(1, [(symbol, Decimal(number)) for symbol, number in units], cash, base)

    assert value([("OAK", "2")], {"EUR": Decimal(10), "CAD": Decimal(5)}) == Decimal("102.5") * Decimal("1.2") + 15 + 5
    assert value([("OAK", "2")], {}, base="EUR") == Decimal("102.5") / Decimal("1.25")
    assert value([("ELM", "0")], {"GBP": Decimal(0)}) == 0
    assert value([("ELM", "1")], {}) is None
    assert value([], {"GBP": Decimal(1)}) is None
    assert value([], {"EUR": Decimal(1)}, base="GBP") is None


def test_an_outcome_counts_the_portfolios_that_break_at_each_pack():
    def compared(pack, *breaks, error="0"):
        return Comparison(SimpleNamespace(pk=pack), 3, None, None, Decimal(error), breaks)

    outcome, wrong = Outcome(), Difference("CASH_MISMATCH")

    outcome.add(SimpleNamespace(pk="one"), [compared("P1", wrong, error="0.5"), compared("P2", wrong, wrong)])
    outcome.add(SimpleNamespace(pk="two"), [compared("P1", error="0.7"), compared("P2", wrong)])
    outcome.add(SimpleNamespace(pk="three"), [compared("P1"), compared("P2")])

    assert (outcome.portfolios, outcome.failed) == (3, ["one", "two"])
    assert outcome.broken_packs == {"P1": 1, "P2": 2}
    assert outcome.max_error_bp == Decimal("0.7")
