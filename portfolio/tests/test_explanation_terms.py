"""A number that is missing never goes into another as 0."""

from decimal import Decimal

import pytest

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
