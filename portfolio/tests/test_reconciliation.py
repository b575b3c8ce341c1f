"""The two books side by side: what is a difference, and what is none."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from portfolio.books import comparison
from portfolio.books.comparison import BASIS_POINTS, Difference, error_bp, find_split_breaks, find_value_break
from portfolio.books.pack_prices import PackPrices, find_price_differences
from portfolio.books.reconciliation_rows import Comparison, ReconciliationTotals
from portfolio.ledger.statement import Inventory, OwnPrice

OAK, ELM = ("Assets:Shares", "OAK"), ("Assets:Shares", "ELM")


DAY = date(2020, 1, 6)


@dataclass(frozen=True)
class Books:
    """One side: its inventory, and what that is worth."""

    units: Mapping[Any, Any]
    cost: Mapping[Any, Any]
    cash: Mapping[Any, Any]
    value: Decimal | None

    @property
    def inventory(self):
        return Inventory(DAY, self.cash, self.units, self.cost)


def balances(*, units="10", cost="500", cash="100", value="10000"):
    return Books(
        units={OAK: Decimal(units)},
        cost={OAK: Decimal(cost)},
        cash={"CAD": Decimal(cash)},
        value=None if value is None else Decimal(value),
    )


def find_breaks(ledger, database):
    value = find_value_break(ledger.value, database.value)
    return comparison.find_breaks(ledger.inventory, database.inventory) + ((value,) if value else ())


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
    ledger = Books({OAK: Decimal(1)}, {OAK: Decimal(5)}, {"USD": Decimal(3)}, Decimal(8))
    database = Books({ELM: Decimal(2)}, {ELM: Decimal(5)}, {}, Decimal(8))

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
    ledger = Books({}, {}, {"USD": Decimal("0.00")}, Decimal(0))

    assert find_breaks(ledger, Books({}, {}, {}, Decimal(0))) == ()


@pytest.mark.parametrize(("ledger", "database"), [(None, "1"), ("1", None), (None, None), ("0", "1")])
def test_a_value_that_can_not_be_compared_is_a_break(ledger, database):
    (found,) = find_breaks(balances(value=ledger), balances(value=database))

    assert (found.kind, found.error_bp) == ("VALUATION_MISMATCH", None)


def test_nothing_against_nothing_is_no_distance():
    assert error_bp(Decimal(0), Decimal(0)) == 0


def test_a_negative_value_is_measured_by_its_size():
    assert error_bp(Decimal(-10000), Decimal(-10001)) == 1


CENT = Decimal("0.01")
ABOVE, BELOW = Decimal("1.1"), Decimal("0.9")
CURRENCIES = ("CAD", "EUR", "USD")


def made_book(chance):
    keys = [(f"Assets:Broker:{chance.randint(1, 3)}", f"S{number}") for number in range(chance.randint(2, 12))]
    return Books(
        units={key: Decimal(chance.randint(1, 10**6)) / 100 for key in keys},
        cost={key: Decimal(chance.randint(10**3, 10**8)) / 100 for key in keys},
        cash={each: Decimal(chance.randint(1, 10**7)) / 100 for each in CURRENCIES},
        value=Decimal(chance.randint(10**6, 10**10)) / 100,
    )


def lacking(values, *gone):
    return {key: value for key, value in values.items() if key not in gone}


def edited(kind, book, key, chance):
    """The book with one edit; what of it must be found: (kind, account, commodity, this value, that value)."""
    sign, code = chance.choice([-1, 1]), chance.choice(CURRENCIES)
    units, cost, cash, value = book.units[key], book.cost[key], book.cash[code], book.value
    match kind:
        case "quantity":
            new = units + sign * Decimal(10) ** -chance.randint(1, 12)
            return replace(book, units=book.units | {key: new}), [("QUANTITY_MISMATCH", *key, units, new)]
        case "missing":
            gone = replace(book, units=lacking(book.units, key), cost=lacking(book.cost, key))
            return gone, [("MISSING_POSITION", *key, units, 0), ("COST_MISMATCH", *key, cost, 0)]
        case "doubled":
            twice = replace(book, units=book.units | {key: units * 2}, cost=book.cost | {key: cost * 2})
            return twice, [("QUANTITY_MISMATCH", *key, units, units * 2), ("COST_MISMATCH", *key, cost, cost * 2)]
        case "account":
            other = ("Assets:Elsewhere", key[1])
            moved = replace(
                book,
                units=lacking(book.units, key) | {other: units},
                cost=lacking(book.cost, key) | {other: cost},
            )
            return moved, [
                ("MISSING_POSITION", *key, units, 0), ("MISSING_POSITION", *other, 0, units),
                ("COST_MISMATCH", *key, cost, 0), ("COST_MISMATCH", *other, 0, cost),
            ]  # fmt: skip
        case "date":  # bought a day later in one of the books: neither shares nor their price are there yet
            late = replace(
                book,
                units=lacking(book.units, key),
                cost=lacking(book.cost, key),
                cash=book.cash | {code: cash + cost},
            )
            return late, [
                ("MISSING_POSITION", *key, units, 0), ("COST_MISMATCH", *key, cost, 0),
                ("CASH_MISMATCH", "", code, cash, cash + cost),
            ]  # fmt: skip
        case "currency":
            other = chance.choice([each for each in CURRENCIES if each != code])
            amount = Decimal(chance.randint(2, 10**6)) / 100
            swapped = book.cash | {code: cash - amount, other: book.cash[other] + amount}
            return replace(book, cash=swapped), [
                ("CASH_MISMATCH", "", code, cash, cash - amount),
                ("CASH_MISMATCH", "", other, book.cash[other], book.cash[other] + amount),
            ]  # fmt: skip
        case "cost":
            new = cost + sign * CENT * ABOVE
            return replace(book, cost=book.cost | {key: new}), [("COST_MISMATCH", *key, cost, new)]
        case "cash":
            new = cash + sign * CENT * ABOVE
            return replace(book, cash=book.cash | {code: new}), [("CASH_MISMATCH", "", code, cash, new)]
        case "value":
            new = value * (1 + sign * Decimal("1.5") / BASIS_POINTS)
            return replace(book, value=new), [("VALUATION_MISMATCH", "", "", value, new)]
        case "cost, below":
            return replace(book, cost=book.cost | {key: cost + sign * CENT * BELOW}), []
        case "cash, below":
            return replace(book, cash=book.cash | {code: cash + sign * CENT * BELOW}), []
        case _:
            return replace(book, value=value * (1 + sign * Decimal("0.5") / BASIS_POINTS)), []


EDITS = (
    "quantity", "missing", "doubled", "account", "date", "currency", "cost", "cash", "value", "cost, below", "cash, below",
    "value, below",
)  # fmt: skip


@pytest.mark.parametrize("side", ["database", "ledger"])
def test_of_a_thousand_edits_each_above_its_tolerance_is_found_and_named_and_none_below_it(side):
    """Seeded: 500 of either book; what is found is exactly what was edited, with both values."""
    chance = random.Random(f"T46 {side}")
    done = dict.fromkeys(EDITS, 0)
    for number in range(500):
        kind, book = EDITS[number % len(EDITS)], made_book(chance)
        other, expected = edited(kind, book, chance.choice(sorted(book.units)), chance)
        ledger, database = (book, other) if side == "database" else (other, book)

        found = [
            (each.kind, each.account, each.commodity, each.ledger_value, each.database_value)
            for each in find_breaks(ledger, database)
        ]

        if side == "ledger":
            expected = [(*names, that, this) for *names, this, that in expected]
        assert sorted(found) == sorted(expected), kind
        assert all(each.difference for each in find_breaks(ledger, database))
        done[kind] += 1
    assert min(done.values()) >= 500 // len(EDITS)


EX = date(2005, 2, 28)


@pytest.mark.parametrize(
    ("packed", "booked", "said"),
    [
        ("2", None, "only the pack"),
        (None, "2", "only the ledger"),
        ("2", "3", "other ratio"),
        ("2", "2.0", None),
        ("0.3333333333", "0.3333333333333333333333333333", None),  # within 1e-9
        ("0.33333333", "0.3333333333333333333333333333", "other ratio"),
    ],
)
def test_a_split_that_one_side_does_not_know_is_a_break(packed, booked, said):
    key = ("Assets:Broker", "AAPL", EX)
    pack = {key: Decimal(packed)} if packed else {}
    ledger = {key: Decimal(booked)} if booked else {}

    found = find_split_breaks(pack, ledger)

    assert [each.kind for each in found.values()] == ([] if said is None else ["SPLIT_MISMATCH"])
    assert all(said in each.detail and "2005-02-28" in each.detail for each in found.values())
    assert all((each.account, each.commodity) == key[:2] for each in found.values())


def test_the_ledgers_side_is_valued_straight_from_the_published_legs():
    prices = PackPrices(
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

    outcome, wrong = ReconciliationTotals(), Difference("CASH_MISMATCH")

    outcome.add(SimpleNamespace(pk="one"), [compared("P1", wrong, error="0.5"), compared("P2", wrong, wrong)])
    outcome.add(SimpleNamespace(pk="two"), [compared("P1", error="0.7"), compared("P2", wrong)])
    outcome.add(SimpleNamespace(pk="three"), [compared("P1"), compared("P2")])

    assert (outcome.portfolios, outcome.failed) == (3, ["one", "two"])
    assert outcome.broken_packs == {"P1": 1, "P2": 2}
    assert outcome.max_error_bp == Decimal("0.7")


MARKET = PackPrices(
    closes={1: {"OAK": Decimal("100")}},
    currencies={"OAK": "USD"},
    legs={1: {("EUR", "USD"): Decimal("1.25"), ("EUR", "CAD"): Decimal("1.50")}},
    pivot="EUR",
)


@pytest.mark.parametrize(
    ("commodity", "number", "currency", "distance"),
    [
        ("OAK", "100.01", "USD", None),
        ("OAK", "100.02", "USD", Decimal(2) / Decimal("1.0002")),
        ("OAK", "99.98", "USD", Decimal(2) / Decimal("0.9998")),
        ("OAK", "150", "CAD", None),  # not what the pack speaks of
        ("USD", "1.20", "CAD", None),
        ("USD", "1.21", "CAD", Decimal(100) / Decimal("1.21")),
        ("GBP", "1.21", "CAD", None),
        ("ELM", "5", "USD", None),
    ],
)
def test_a_price_of_the_ledgers_own_is_told_where_it_is_more_than_a_basis_point_off(
    commodity, number, currency, distance
):
    found = find_price_differences([OwnPrice(commodity, Decimal(number), currency)], MARKET, 1)

    assert [round(each.error_bp, 12) for each in found] == ([] if distance is None else [round(distance, 12)])


def test_a_value_that_is_missing_says_what_it_lacks():
    held = [("OAK", Decimal(1)), ("ELM", Decimal(2)), ("FIR", Decimal(0))]

    lacks = list(MARKET.missing(1, held, {"GBP": Decimal(3), "JPY": Decimal(0)}, "CAD"))

    assert lacks == ["the close of ELM", "the rate EURGBP"]
    found = find_value_break(None, None, missing=lacks)
    assert "the close of ELM" in found.detail
