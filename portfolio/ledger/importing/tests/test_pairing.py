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


def paired(*rows, confirmed=False, known=()):
    found = pair(rows, confirmed=confirmed, is_known=lambda each: each.digest() in known)
    return [(each.row, each.kind) for each in found.rows], [(out.row, into.row) for out, into in found.unconfirmed]


OUT, INTO = row(2, "transfer_out", 1, "Alpha"), row(3, "transfer_in", 1, "Beta")


def test_of_one_day_they_are_one_transfer_that_keeps_no_price():
    found = pair([OUT, INTO], confirmed=False, is_known=lambda each: False).rows

    assert [(each.kind, each.account, each.to_account, each.to_date) for each in found] == [
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
    assert paired(OUT, other, confirmed=True) == ([(2, "transfer_out"), (3, "transfer_in")], [])


def test_of_different_days_they_are_one_only_if_that_is_confirmed():
    later = row(3, "transfer_in", 11, "Beta")

    assert paired(OUT, later) == ([(2, "transfer_out"), (3, "transfer_in")], [(2, 3)])
    assert paired(OUT, later, confirmed=True) == ([(2, "transfer")], [])


def test_the_nearest_in_time_belong_together():
    rows = [
        OUT,
        row(3, "transfer_in", 3, "Beta"),
        row(4, "transfer_in", 1, "Gamma"),
        row(5, "transfer_out", 3, "Alpha"),
    ]

    assert paired(*rows) == ([(2, "transfer"), (5, "transfer")], [])


def test_what_came_in_as_two_stays_two_and_what_came_as_one_is_known_as_one():
    later = row(3, "transfer_in", 5, "Beta")
    (whole,) = pair([OUT, later], confirmed=True, is_known=lambda each: False).rows

    as_two = paired(OUT, later, confirmed=True, known={OUT.digest(), later.digest()})
    as_one = paired(OUT, later, known={whole.digest()})

    assert as_two == ([(2, "transfer_out"), (3, "transfer_in")], [])
    assert as_one == ([(2, "transfer")], [])
