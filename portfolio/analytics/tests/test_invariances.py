"""What must not change a return or a gain, for any portfolio."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.analytics import attribution, booking, returns
from portfolio.analytics.booking import Transaction

few = settings(max_examples=settings().max_examples * 2 // 5)
daily_returns = st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=15)
START = date(2020, 1, 1)


def life(gains, opened_with):
    """Values and gross flows of a portfolio that is opened, earns these returns, and is emptied on its last day."""
    values = opened_with * np.cumprod(1 + np.array(gains))
    money_in, money_out = np.zeros(len(gains)), np.zeros(len(gains))
    money_in[0], money_out[-1] = opened_with, values[-1]
    values[-1] = 0.0
    return values, money_in, money_out


def linked(*parts):
    """The return of lives that follow each other, from the empty day before the first."""
    values, money_in, money_out = (np.concatenate([[0.0], *columns]) for columns in zip(*parts, strict=True))
    return returns.link(returns.time_weighted_returns(values, money_in, outflows=money_out))


@few
@given(daily_returns, daily_returns, st.floats(1, 1e6), st.integers(1, 5))
def test_a_closed_flat_episode_changes_no_return(first, second, amount, days):
    flat = life([0.0] * days, amount)
    empty = tuple(np.zeros((3, days)))

    between = linked(life(first, 1000.0), empty, flat, life(second, 250.0))
    before, after = linked(flat, life(first, 1000.0)), linked(life(first, 1000.0), empty, flat)

    assert between == pytest.approx(linked(life(first, 1000.0), life(second, 250.0)), abs=1e-12)
    assert before == pytest.approx(linked(life(first, 1000.0)), abs=1e-12)
    assert after == pytest.approx(linked(life(first, 1000.0)), abs=1e-12)


amounts = st.integers(1, 10**6).map(lambda cents: Decimal(cents) / 100)
buys = st.lists(st.tuples(amounts, amounts), min_size=1, max_size=5)


def bought(rows, symbol, *, first_day, account="A"):
    return [
        Transaction(START + timedelta(days=first_day + day), "buy", symbol, quantity, price, account=account)
        for day, (quantity, price) in enumerate(rows)
    ]


@few
@given(buys, amounts, amounts, st.sampled_from(["FIFO", "LIFO", "HIFO", "AVERAGE"]), st.booleans())
def test_a_closed_flat_episode_changes_no_open_lot_and_no_gain(rows, quantity, price, method, same_security):
    open_episode = bought(rows, "OAK", first_day=10)
    symbol, opened = ("OAK", 0) if same_security else ("ELM", 11)
    flat = [
        Transaction(START + timedelta(days=opened), "buy", symbol, quantity, price),
        Transaction(START + timedelta(days=opened + 2), "sell", symbol, quantity, price),
    ]

    alone = booking.book(open_episode, method=method)
    beside = booking.book(sorted(flat + open_episode, key=lambda entry: entry.date), method=method)

    assert holdings(beside) == holdings(alone)
    assert beside.realised.gain == alone.realised.gain == 0


def holdings(booked):
    return [(lot.symbol, lot.acquired, lot.quantity, lot.cost) for lot in booked.open_lots]


@few
@given(buys, buys, amounts, amounts, st.sampled_from(["FIFO", "LIFO", "HIFO", "AVERAGE"]))
def test_gains_of_two_portfolios_are_the_gain_of_their_union(one, other, price, other_price, method):
    books = []
    for account, rows, sold_at in (("A", one, price), ("B", other, other_price)):
        entries = bought(rows, "OAK", first_day=0, account=account)
        last = START + timedelta(days=20)
        books.append([*entries, Transaction(last, "sell", "OAK", rows[0][0], sold_at, account=account)])

    union = booking.book(sorted(books[0] + books[1], key=lambda entry: entry.date), method=method)
    apart = [booking.book(book, method=method) for book in books]

    # An average cost may be rounded at the 34th digit, in the union as apart.
    assert abs(union.realised.gain - sum(book.realised.gain for book in apart)) <= Decimal("1e-20")
    assert sorted(holdings(union)) == sorted(holdings(apart[0]) + holdings(apart[1]))


@st.composite
def two_portfolios(draw):
    """Opening value, money in, closing value, money out, each (D, 2)."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    days = draw(st.integers(1, 10))
    opening, money_in = generator.uniform(10, 1000, (days, 2)), generator.uniform(0, 200, (days, 2))
    grown = (opening + money_in) * (1 + generator.normal(0, 0.05, (days, 2)))
    money_out = grown * generator.uniform(0, 0.3, (days, 2))
    return opening, money_in, grown - money_out, money_out


@few
@given(two_portfolios())
def test_the_return_of_a_union_is_the_returns_weighted_by_what_was_there(books):
    opening, money_in, closing, money_out = books
    whole = opening + money_in

    alone = np.array([one_day(*(table[:, p] for table in books)) for p in range(2)]).T
    union = one_day(*(table.sum(axis=1) for table in books))
    rows = attribution.contributions(opening, money_in, closing, money_out)

    np.testing.assert_allclose(union, (whole * alone).sum(axis=1) / whole.sum(axis=1), atol=1e-13)
    np.testing.assert_allclose(rows.sum(axis=1), union, atol=1e-13)


def one_day(opening, money_in, closing, money_out):
    """Each day apart, as a table of two rows."""
    nothing = np.zeros(len(opening))
    table = returns.time_weighted_returns(
        np.array([opening, closing]), np.array([nothing, money_in]), outflows=np.array([nothing, money_out])
    )
    return table[0]


@few
@given(st.lists(st.tuples(st.floats(-0.3, 0.3), st.floats(-0.2, 0.2)), min_size=1, max_size=20), st.floats(0.1, 10))
def test_without_flows_another_base_currency_multiplies_by_its_own_return(days, usd_cad):
    local, fx = np.array(days).T
    usd = 1000 * np.cumprod([1.0, *(1 + local)])
    rates = usd_cad * np.cumprod([1.0, *(1 + fx)])
    flows = np.zeros(len(usd))

    in_usd = returns.link(returns.time_weighted_returns(usd, flows))
    in_cad = returns.link(returns.time_weighted_returns(usd * rates, flows))
    parts = attribution.currency_attribution(local[:, None], fx[:, None], np.ones((len(local), 1)))

    assert 1 + in_cad == pytest.approx((1 + in_usd) * rates[-1] / rates[0], rel=1e-12)
    assert parts.total == pytest.approx(in_cad, abs=1e-11)
    assert (1 + parts.compounded.local) * (1 + parts.compounded.fx) == pytest.approx(1 + in_cad, rel=1e-12)
    assert parts.compounded.local == pytest.approx(in_usd, abs=1e-11)
