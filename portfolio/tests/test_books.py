"""A revision's rows as the calculations take them."""

from dataclasses import FrozenInstanceError
from datetime import date
from decimal import Decimal

import pytest

from portfolio import books
from portfolio.models import LedgerRevision, Portfolio
from portfolio.tests.made import book, day, event, parcel

EVENTS = [
    event("2020-01-06", "deposit", "1000"),
    event("2020-01-07", "fx", "100", "USD", counter=("-130", "CAD")),
    event("2020-01-07", "buy", "-90", "USD", security=1, quantity="9"),
    event("2020-01-09", "split", "0", "", security=1, ratio="2"),
    event("2020-01-10", "sell", "60", "USD", security=1, quantity="6"),
]
PARCELS = [
    parcel(1, "9", "2020-01-07", "2020-01-09", unit_cost="10", currency="USD"),
    parcel(1, "18", "2020-01-09", "2020-01-10", unit_cost="5", currency="USD"),
    parcel(1, "12", "2020-01-10", unit_cost="5", currency="USD"),
]


def test_cash_is_every_leg_up_to_the_close_of_a_day():
    made = book(EVENTS, PARCELS)

    balances = {on: made.cash(day(on)) for on in ("2020-01-05", "2020-01-06", "2020-01-07", "2020-01-10")}

    assert balances == {
        "2020-01-05": {},
        "2020-01-06": {"CAD": 1000},
        "2020-01-07": {"CAD": 870, "USD": 10},
        "2020-01-10": {"CAD": 870, "USD": 70},
    }


def test_a_parcel_is_held_from_its_first_day_until_the_one_that_takes_it_over():
    made = book(EVENTS, PARCELS)

    held = [made.quantities(day(f"2020-01-{number:02}")).get(1) for number in range(6, 12)]

    assert held == [None, 9, 9, 18, 12, 12]


def test_a_walk_over_days_sees_what_each_day_alone_sees():
    made = book(EVENTS, PARCELS)
    days = [date(2020, 1, number) for number in range(5, 13)]

    for on, state in zip(days, books.states(made, days), strict=True):
        units = {key[1]: quantity for key, quantity in state.units.items() if quantity}

        assert (state.date, state.cash, units) == (on, made.cash(on), made.quantities(on))


def test_a_walk_keeps_cost_through_a_split():
    made = book(EVENTS, PARCELS)

    costs = [
        state.cost.get(("Assets:Shares", 1)) for state in books.states(made, [day("2020-01-08"), day("2020-01-09")])
    ]

    assert costs == [90, 90]


def test_the_first_event_begins_the_book_and_an_empty_one_has_none():
    assert book(EVENTS).first_date == day("2020-01-06")
    assert book([]).first_date is None


def test_a_book_can_not_be_changed():
    with pytest.raises(FrozenInstanceError):
        book(EVENTS).events = ()


@pytest.mark.role("job")
def test_a_loaded_book_is_the_ledgers_in_its_order(demo):
    portfolio = Portfolio.objects.get(slug="second")

    loaded = books.load(portfolio, books.newest_reconciled(portfolio))

    # demo/ledger/second/main.beancount begins with a deposit and a conversion at 1.205153
    assert loaded.base_currency == "CAD"
    assert [(each.kind, each.amount, each.currency) for each in loaded.events[:2]] == [
        ("deposit", Decimal("30000.00"), "CAD"),
        ("fx", Decimal("2450.70"), "USD"),
    ]
    assert (loaded.events[1].counter_amount, loaded.events[1].counter_currency) == (Decimal("-2953.47"), "CAD")
    assert loaded.first_date == books.first_date(portfolio) == date(2005, 1, 3)
    assert list(loaded.events) == sorted(loaded.events, key=lambda each: each.date)


@pytest.mark.role("job")
def test_a_portfolio_that_was_never_read_has_neither_revision_nor_first_day(demo):
    public = Portfolio.objects.get(slug="public")
    unread = Portfolio(owner=public.owner, policy=public.policy, slug="unread")

    assert books.newest_reconciled(unread) is None
    assert books.first_date(unread) is None


@pytest.mark.role("job")
def test_nobodys_rows_belong_to_a_revision_before_the_first(demo):
    portfolio = Portfolio.objects.get(slug="second")

    before = books.load(portfolio, LedgerRevision(portfolio=portfolio, number=0))

    assert (before.events, before.parcels) == ((), ())
