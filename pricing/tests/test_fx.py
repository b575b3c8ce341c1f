"""Crosses come from published legs, unrounded, or not at all."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing import fx

DAY = date(2013, 3, 1)
RATES = st.decimals(min_value="0.0001", max_value="10000", places=5)


def legs(**rates):
    found = {}
    for pair, rate in rates.items():
        base, quote = pair.split("_")
        found[base, quote] = fx.Leg(base, quote, Decimal(rate), DAY, "central")
    return found


def test_a_cross_keeps_34_digits():
    published = legs(EUR_USD="1.3000", EUR_CAD="1.3437")  # the ECB's rates of 2013-03-01

    usd_cad = fx.cross(published, pivot="EUR", frm="USD", to="CAD", asof_date=DAY)

    assert usd_cad == Decimal("1.033615384615384615384615384615385")


@pytest.mark.parametrize(
    ("frm", "to", "rate"),
    [
        ("EUR", "USD", "1.25"),
        ("USD", "EUR", "0.8"),
        ("CAD", "USD", "0.78125"),
        ("USD", "CAD", "1.28"),
        ("GBP", "EUR", "1.25"),
        ("EUR", "GBP", "0.8"),
        ("GBP", "CAD", "2"),
        ("CAD", "GBP", "0.5"),
        ("GBP", "USD", "1.5625"),
        ("USD", "USD", "1"),
        ("JPY", "JPY", "1"),
    ],
)
def test_legs_are_used_in_whichever_direction_they_are_published(frm, to, rate):
    published = legs(EUR_USD="1.25", EUR_CAD="1.6", GBP_EUR="1.25")

    assert fx.cross(published, pivot="EUR", frm=frm, to=to, asof_date=DAY) == Decimal(rate)


@given(RATES, RATES)
def test_there_and_back_is_one_to_33_digits(usd, cad):
    published = legs(EUR_USD=usd, EUR_CAD=cad)

    there = fx.cross(published, pivot="EUR", frm="USD", to="CAD", asof_date=DAY)
    back = fx.cross(published, pivot="EUR", frm="CAD", to="USD", asof_date=DAY)

    assert abs(there * back - 1) < Decimal("1e-26")


def test_a_missing_rate_is_named_by_the_pair_asked_for():
    with pytest.raises(fx.MissingRate) as caught:
        fx.cross(legs(EUR_USD="1.3"), pivot="EUR", frm="USD", to="CAD", asof_date=DAY)

    assert (caught.value.frm, caught.value.to, caught.value.asof_date) == ("USD", "CAD", DAY)


@pytest.mark.parametrize(
    ("unit", "currency", "price"),
    [
        ("GBp", "GBP", "12.345"),
        ("GBX", "GBP", "12.345"),
        ("ZAc", "ZAR", "12.345"),
        ("ILA", "ILS", "12.345"),
        ("GBP", "GBP", "1234.5"),
    ],
)
def test_minor_units_go_by_their_own_case(unit, currency, price):
    assert fx.trading_currency(unit) == currency
    assert fx.in_trading_currency(Decimal("1234.5"), unit) == Decimal(price)


def test_currencies_are_three_letters_each():
    assert {"USD", "CAD", "EUR", "ZMW", "BGN", "TRL"} <= fx.CURRENCIES
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in fx.CURRENCIES)
