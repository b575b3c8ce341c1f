from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.decimals import plain, trimmed


@pytest.mark.parametrize(
    ("number", "every_digit", "without_zeros"),
    [
        ("1E+3", "1000", "1000"),
        ("1.50", "1.50", "1.5"),
        ("-0.00", "0.00", "0"),
        ("100", "100", "100"),
        ("-2.0", "-2.0", "-2"),
    ],
)
def test_a_number_has_no_exponent_and_zero_no_sign(number, every_digit, without_zeros):
    assert (plain(Decimal(number)), trimmed(Decimal(number))) == (every_digit, without_zeros)


def test_places_round_half_even():
    assert trimmed(Decimal("0.0000125"), places=6) == "0.000012"


def test_none_stays_none():
    assert (plain(None), trimmed(None, places=2)) == (None, None)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_digit_is_lost(number):
    assert Decimal(plain(number)) == Decimal(trimmed(number)) == number
