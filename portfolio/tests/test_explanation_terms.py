"""A number that is missing never goes into another as 0."""

from datetime import date
from decimal import Decimal

import pytest

from portfolio.books import Event
from portfolio.explanation.lives import Life
from portfolio.explanation.terms import Items, NoSuchFigure, Term, product, total


def test_nothing_is_made_of_a_number_that_is_missing():
    amount, rate = Term("amount", Decimal("100.00"), "USD"), Term("rate", None)
    converted = product("converted", (amount, rate), "CAD")

    assert converted.value is None
    with pytest.raises(NoSuchFigure):
        _ = converted.known_value
    assert total("paid", [Items("items", (amount, converted))], "CAD").value is None


def test_zero_is_a_number_that_is_known():
    assert Term("fee", Decimal(0), "CAD").known_value == 0


@pytest.mark.parametrize("kind", ["transfer_in", "transfer_out"])
@pytest.mark.parametrize("missing", [{"quantity": None, "security": 1}, {"quantity": Decimal(5), "security": None}])
def test_a_transfer_of_units_that_nobody_stated_is_no_flow_of_0(kind, missing):
    event = Event("T1", 1, date(2013, 1, 2), kind, **missing)

    with pytest.raises(NoSuchFigure):
        Life.flow(None, event, 0)
