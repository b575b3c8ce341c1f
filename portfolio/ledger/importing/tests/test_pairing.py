"""Which rows of a file are one move between own accounts."""

from datetime import date
from decimal import Decimal

import pytest

from portfolio.ledger.importing.pairing import pair
from portfolio.ledger.importing.rows import Row


def row(number, kind, day, account, quantity=100, symbol="ACME", **more):
    return Row(
        row=number, kind=kind, date=date(2024, 2, day), account=account, symbol=symbol, quantity=Decimal(quantity),
        currency="USD", **more,
    )  # fmt: skip


def pairs_of(*rows, confirmed=False, known=()):
    result = pair(rows, confirmed=confirmed, is_known=lambda each: each.digest() in known)
    return [(each.row, each.kind) for each in result.rows], [
        (out.row, into.row) for out, into in result.unconfirmed_pairs
    ]


OUT, INTO = row(2, "transfer_out", 1, "Alpha"), row(3, "transfer_in", 1, "Beta")


def test_a_pair_of_one_day_is_one_transfer_without_a_price():
    result = pair([OUT, INTO], confirmed=False, is_known=lambda each: False).rows

    assert [(each.kind, each.account, each.to_account, each.to_date) for each in result] == [
        ("transfer", "Alpha", "Beta", None)
    ]


@pytest.mark.parametrize(
    "other",
    [
        row(3, "transfer_in", 1, "Alpha"),  # the same account
        row(3, "transfer_in", 1, "Beta", 99),
        row(3, "transfer_in", 1, "Beta", symbol="OAK"),
        row(3, "transfer_in", 12, "Beta"),  # eleven days
    ],
)
def test_what_does_not_fit_is_no_pair(other):
    assert pairs_of(OUT, other, confirmed=True) == ([(2, "transfer_out"), (3, "transfer_in")], [])


def test_a_pair_of_different_days_needs_confirmation():
    later = row(3, "transfer_in", 11, "Beta")

    assert pairs_of(OUT, later) == ([(2, "transfer_out"), (3, "transfer_in")], [(2, 3)])
    assert pairs_of(OUT, later, confirmed=True) == ([(2, "transfer")], [])


def test_the_nearest_in_time_belong_together():
    rows = [
        OUT,
        row(3, "transfer_in", 3, "Beta"),
        row(4, "transfer_in", 1, "Gamma"),
        row(5, "transfer_out", 3, "Alpha"),
    ]

    assert pairs_of(*rows) == ([(2, "transfer"), (5, "transfer")], [])


def test_a_pair_imported_as_two_stays_two_and_one_as_one_stays_one():
    later = row(3, "transfer_in", 5, "Beta")
    (whole,) = pair([OUT, later], confirmed=True, is_known=lambda each: False).rows

    as_two = pairs_of(OUT, later, confirmed=True, known={OUT.digest(), later.digest()})
    as_one = pairs_of(OUT, later, known={whole.digest()})

    assert as_two == ([(2, "transfer_out"), (3, "transfer_in")], [])
    assert as_one == ([(2, "transfer")], [])
