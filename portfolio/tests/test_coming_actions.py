"""What corporate actions mean for what is held: units on the ex-date, money at the pack's rate. All by hand."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from portfolio.books import Book
from portfolio.books.entries import LotState
from portfolio.valuation import coming_actions
from pricing.fx import Leg
from pricing.market import Market
from pricing.packs.rows import KnownAction

ASOF = date(2020, 1, 10)
OAK = 7


def lot(quantity, begins, ends=None):
    values = dict.fromkeys(LotState.__slots__)
    return LotState(**values | {"security": OAK, "quantity": Decimal(quantity), "valid_from": begins, "valid_to": ends})


def book(*lots, base="USD"):
    return Book(UUID(int=1), base, "end", (), lots)


def market(**usd_of):
    legs = {
        ("EUR", currency): Leg("EUR", currency, Decimal(rate), ASOF, "central") for currency, rate in usd_of.items()
    }
    return Market("PP", ASOF, "EUR", {}, legs)


def action(kind, day, *, ratio=None, amount=None, currency="USD", symbol="OAK"):
    told = {"ratio": ratio and Decimal(ratio), "amount": amount and Decimal(amount)}
    return KnownAction(symbol, kind, day, told["ratio"], told["amount"], currency, None, date(2020, 1, 2), "wood")


def impacts(held, *actions, first=date(2019, 1, 1), last=date(2021, 1, 1), at=None):
    found = coming_actions.between(actions, {"OAK": OAK}, asof_date=ASOF, first=first, last=last)
    return coming_actions.impacts(found, held, at or market(USD="1.25"))


def test_a_dividend_to_come_is_of_the_units_that_are_held_now():
    told = impacts(book(lot(100, date(2019, 1, 2))), action("dividend", date(2020, 2, 3), amount="0.3"))

    (row,) = told.actions
    assert (row.portfolio_quantity, row.cash, row.portfolio_impact) == (100, Decimal("30.00"), Decimal("30.00"))
    assert (told.summary.total_actions, told.summary.dividends_expected) == (1, Decimal("30.00"))
    assert told.sources == ("wood",)


def test_a_dividend_gone_ex_is_of_the_units_at_the_close_before_though_they_are_sold_since():
    held = book(lot(100, date(2019, 1, 2), date(2019, 7, 1)), lot(40, date(2019, 7, 1), date(2019, 12, 2)))

    rows = impacts(
        held,
        action("dividend", date(2019, 7, 1), amount=1),
        action("dividend", date(2019, 7, 2), amount=1),
        action("dividend", date(2019, 12, 3), amount=1),
    ).actions

    assert [(row.date.month, row.date.day, row.portfolio_quantity) for row in rows] == [(7, 1, 100), (7, 2, 40)]


def test_a_split_before_a_dividend_makes_more_units_of_it_and_one_on_its_day_or_later_none():
    split, paid = action("split", date(2020, 2, 3), ratio=3), {"kind": "dividend", "amount": "0.1"}
    days = [date(2020, 2, 2), date(2020, 2, 3), date(2020, 2, 4)]

    told = impacts(book(lot(10, date(2019, 1, 2))), split, *(action(day=day, **paid) for day in days))

    by_day = {(row.type, row.date.day): row for row in told.actions}
    assert [by_day["dividend", day].portfolio_quantity for day in (2, 3, 4)] == [10, 10, 30]
    assert (by_day["split", 3].portfolio_quantity, by_day["split", 3].quantity_change) == (10, 20)
    assert (by_day["split", 3].portfolio_impact, told.summary.splits_pending) == (None, 1)


def test_a_dividend_abroad_is_in_base_currency_by_published_legs():
    held = book(lot(100, date(2019, 1, 2)), base="CAD")

    told = impacts(held, action("dividend", date(2020, 2, 3), amount=1), at=market(USD="1.25", CAD="1.50"))

    assert told.actions[0].portfolio_impact == Decimal("120.00")
    assert told.sources == ("central", "wood")


def test_without_a_rate_there_is_no_money_and_no_sum():
    told = impacts(
        book(lot(100, date(2019, 1, 2)), base="CAD"),
        action("dividend", date(2020, 2, 3), amount=1),
        action("dividend", date(2020, 2, 4), amount=1, currency="CAD"),
    )

    assert [(row.portfolio_impact, row.status, row.reason) for row in told.actions] == [
        (None, "unavailable", "missing_rate(USD/CAD)"), (Decimal("100.00"), "ok", None),
    ]  # fmt: skip
    assert told.summary.dividends_expected is None


@pytest.mark.parametrize(
    "other",
    [
        action("dividend", date(2022, 1, 3), amount=1),
        action("dividend", date(2018, 1, 3), amount=1),
        action("dividend", date(2020, 2, 3), amount=1, symbol="ELM"),
    ],
)
def test_other_days_and_other_securities_are_left_out(other):
    assert impacts(book(lot(100, date(2017, 1, 2))), other).actions == ()
