"""A revision's rows as the calculations take them."""

from dataclasses import FrozenInstanceError
from datetime import date, timedelta
from decimal import Decimal

import pytest

from portfolio import books
from portfolio.books import balances
from portfolio.models import LedgerRevision, Portfolio
from portfolio.tests.made import book, day, event, lot
from pricing.models import Security

EVENTS = [
    event("2020-01-06", "deposit", "1000"),
    event("2020-01-07", "fx", "100", "USD", counter=("-130", "CAD")),
    event("2020-01-07", "buy", "-90", "USD", security=1, quantity="9"),
    event("2020-01-09", "split", "0", "", security=1, ratio="2"),
    event("2020-01-10", "sell", "60", "USD", security=1, quantity="6"),
]
LOTS = [
    lot(1, "9", "2020-01-07", "2020-01-09", unit_cost="10", currency="USD"),
    lot(1, "18", "2020-01-09", "2020-01-10", unit_cost="5", currency="USD"),
    lot(1, "12", "2020-01-10", unit_cost="5", currency="USD"),
]


def test_cash_is_every_leg_up_to_the_close_of_a_day():
    made = book(EVENTS, LOTS)

    balances = {on: made.cash(day(on)) for on in ("2020-01-05", "2020-01-06", "2020-01-07", "2020-01-10")}

    assert balances == {
        "2020-01-05": {},
        "2020-01-06": {"CAD": 1000},
        "2020-01-07": {"CAD": 870, "USD": 10},
        "2020-01-10": {"CAD": 870, "USD": 70},
    }


def test_a_lot_is_held_from_its_first_day_until_the_state_that_follows():
    made = book(EVENTS, LOTS)

    held = [made.quantities(day(f"2020-01-{number:02}")).get(1) for number in range(6, 12)]

    assert held == [None, 9, 9, 18, 12, 12]


@pytest.mark.role("job")
@pytest.mark.parametrize("slug", ["public", "second"])
def test_a_walk_over_the_rows_sums_what_the_book_of_each_day_holds(slug, demo):
    portfolio = Portfolio.objects.get(slug=slug)
    revision = books.newest_reconciled(portfolio)
    made = books.load(portfolio, revision)
    symbols = dict(Security.objects.values_list("id", "symbol"))
    first = made.first_date
    days = [first - timedelta(1), *(first + timedelta(step) for step in range(0, 4000, 97))]

    for on, state in zip(days, balances.by_day(revision, days), strict=True):
        held, worth = {}, {}
        for each in filter(lambda one: one.is_open(on), made.lots):
            key = (each.account, symbols[each.security])
            held[key] = held.get(key, 0) + each.quantity
            worth[key] = worth.get(key, 0) + each.quantity * each.unit_cost
        assert state.cash == made.cash(on)
        assert state.units == held
        assert {key: round(state.cost[key], 18) for key in held} == {
            key: round(cost, 18) for key, cost in worth.items()
        }


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

    assert (before.events, before.lots) == ((), ())
