"""Where a return came from: parts of real lives, and lives that were tampered with."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from portfolio import valuation
from portfolio.performance import (
    brinson,
    contributions,
    currency_attribution,
    daily_returns,
    holding_parts,
    holding_returns,
    holding_risk,
    windows,
)
from portfolio.performance.benchmark_index import BenchmarkReturns, Component
from portfolio.tests.made import book, event, lot, market

TWO = ("2020-01-06", "2020-01-07")
THREE = (*TWO, "2020-01-08")


def held(dates, closes, rates, *, deposit="13000"):
    """100 shares at 50 US dollars, bought on the first day with all that was deposited."""
    events = [
        event(dates[0], "deposit", deposit),
        event(dates[0], "fx", "5000", "USD", counter=("-6500", "CAD")),
        event(dates[0], "buy", "-5000", "USD", security=1, quantity="100"),
    ]
    priced = market(dates, {"OAK": closes}, currencies={"OAK": "USD"}, fx={"USD": rates})
    return valuation.history(book(events, [lot(1, "100", dates[0], currency="USD")]), priced)


def last_days(life, count):
    return currency_attribution.attribute(life, windows.last_days(life, count))


def test_the_bridge_of_one_holding_ties_out_with_the_golden():
    found = last_days(held(TWO, [50, 55], [1.30, 1.36], deposit="6500"), 1)

    # 100 shares, 50 to 55, FX 1.30 to 1.36: 980 = 650 + 300 + 30 (docs/measurement.md, Worked examples)
    assert 6500 * found.local_return.value == pytest.approx(650)
    assert 6500 * found.fx_return.value == pytest.approx(300)
    assert 6500 * found.interaction.value == pytest.approx(30)
    assert 6500 * found.total_return.value == pytest.approx(980)


def test_ten_percent_then_five_percent_fx_ties_out_with_the_golden():
    found = last_days(held(THREE, [50, 55, 55], [1.30, 1.30, 1.365], deposit="6500"), 2)

    assert 100 * found.local_return.value == pytest.approx(10)
    assert 100 * found.fx_return.value == pytest.approx(5)
    assert 100 * found.interaction.value == pytest.approx(0.5)
    (oak,) = (row for row in found.by_holding if row.symbol == "OAK")
    assert 100 * np.array([oak.local, oak.fx, oak.interaction]) == pytest.approx([10.251938, 5.248062, 0], abs=5e-7)


def test_rows_and_dealing_add_up_to_the_return_in_both_groupings():
    life = held(THREE, [50, 51, 49], [1.31, 1.33, 1.28])

    found = currency_attribution.attribute(life, windows.span_of(life, "itd"))

    assert found.fx_dealing.value == pytest.approx((5000 * 1.31 - 6500) / 13000, rel=0.02)
    for rows in (found.by_holding, found.by_currency):
        assert sum(row.total for row in rows) + found.fx_dealing.value == pytest.approx(
            found.total_return.value, abs=1e-12
        )
    assert {row.symbol for row in found.by_holding} == {"OAK", "USD", "CAD"}
    assert {row.currency for row in found.by_currency} == {"CAD", "USD"}


def test_the_headline_is_the_linked_return():
    life = held(THREE, [50, 51, 49], [1.30, 1.33, 1.28])

    found = currency_attribution.attribute(life, windows.span_of(life, "itd"))

    linked = np.prod(1 + daily_returns.measure(life).returns) - 1
    assert found.local_return.value + found.fx_return.value + found.interaction.value == pytest.approx(
        linked, abs=1e-12
    )
    assert found.error_bps < 1e-6
    assert (found.days, found.first_date.isoformat()) == (3, "2020-01-05")


def test_all_in_base_currency_has_no_fx():
    events = [event(TWO[0], "deposit", "100"), event(TWO[0], "buy", "-100", security=1, quantity="10")]
    life = valuation.history(book(events, [lot(1, "10", TWO[0])]), market(TWO, {"OAK": [10, 11]}))

    found = currency_attribution.attribute(life, windows.span_of(life, "itd"))

    assert (found.fx_return.value, found.interaction.value, found.fx_dealing.value) == (0, 0, 0)
    assert found.local_return.value == pytest.approx(0.1)


def test_parts_that_miss_the_return_are_not_shown():
    life = held(TWO, [50, 55], [1.30, 1.36])
    tampered = replace(life, weights=life.weights * 1.01)

    with pytest.raises(valuation.InvariantViolated) as violated:
        last_days(tampered, 1)

    assert violated.value.asof_date.isoformat() == TWO[1]


def owing(closes):
    """Bought on credit: 100 shares at 50 CAD with 1,000 paid in."""
    events = [event(THREE[0], "deposit", "1000"), event(THREE[0], "buy", "-5000", security=1, quantity="100")]
    return valuation.history(book(events, [lot(1, "100", THREE[0])]), market(THREE, {"OAK": closes}))


@pytest.mark.parametrize(
    ("closes", "reason"), [([50, 30, 20], "starts_at_or_below_zero"), ([50, 50, 39], "total_loss")]
)
def test_a_return_that_can_not_be_taken_apart_says_so_of_every_part(closes, reason):
    life = owing(closes)
    span = windows.span_of(life, "itd")
    benchmark = BenchmarkReturns(
        "Mix",
        np.zeros(3),
        components=(Component("OAK", "CAD", "equity", "XNYS", 1.0),),
        component_returns=np.zeros((3, 1)),
        component_weights=np.ones((3, 1)),
    )

    split = currency_attribution.attribute(life, span)
    added = contributions.contribute(life, span)
    decided = brinson.attribute(life, span, benchmark, by="kind", kinds={"OAK": ("equity", "XNYS")})
    own, parts = holding_parts.contribution(life, "OAK", span), holding_parts.currency(life, "OAK", span)

    assert (split.by_holding, split.by_currency, split.error_bps) == ((), (), None)
    assert (added.rows, added.top, decided.segments) == ((), (), ())
    for figure in (
        *(split.local_return, split.fx_return, split.interaction, split.total_return, split.fx_dealing),
        *(added.total_return, decided.excess_return, decided.allocation),
        *(own.total_contribution, own.pct_of_portfolio_return, own.portfolio_return, parts.local_contribution),
    ):
        assert (figure.value, figure.status) == (None, "unavailable")
        assert reason in figure.reason


def test_a_series_has_no_value_on_a_day_that_has_no_return():
    life = owing([50, 30, 60])

    span = windows.life(life)

    own = holding_returns.returns(life, "OAK", span, None)
    risked = holding_risk.measure(life, "OAK", span, SimpleNamespace(positions=(), currency="CAD"))

    assert own.portfolio_returns == (0.0, None, None)
    assert own.daily_returns == pytest.approx((0.0, -0.4, 1.0))
    assert own.total_return.value == pytest.approx(0.2)
    for figure in (risked.portfolio_volatility, risked.beta_to_portfolio, risked.correlation):
        assert (figure.value, figure.reason) == (None, "total_loss")


@pytest.mark.parametrize("timing", ["start", "end"])
def test_parts_under_another_flow_timing_are_degraded(timing):
    events = [
        event(THREE[0], "deposit", "1000"),
        event(THREE[0], "buy", "-1000", security=1, quantity="100"),
        event(THREE[1], "deposit", "500"),
        event(THREE[2], "withdrawal", "-200"),
    ]
    life = valuation.history(
        book(events, [lot(1, "100", THREE[0])], flow_timing=timing), market(THREE, {"OAK": [10, 11, 12]})
    )
    span = windows.span_of(life, "itd")
    benchmark = BenchmarkReturns(
        "Mix",
        np.array([0.0, 0.01, 0.01]),
        components=(Component("OAK", "CAD", "equity", "XNYS", 1.0),),
        component_returns=np.array([[0.0], [0.01], [0.01]]),
        component_weights=np.ones((3, 1)),
    )

    split = currency_attribution.attribute(life, span)
    added = contributions.contribute(life, span)
    decided = brinson.attribute(life, span, benchmark, by="kind", kinds={"OAK": ("equity", "XNYS")})

    by_hand = 1600 / 1500 * (1500 + 200) / 1600 - 1
    for figure in (split.total_return, added.total_return, decided.portfolio_return, decided.excess_return):
        assert (figure.status, figure.reason) == ("degraded", "default_flow_timing")
        assert figure.basis["flow_timing"] == "in_start_out_end"
    assert split.total_return.value == added.total_return.value == pytest.approx(by_hand)
    assert decided.portfolio_return.value == pytest.approx(by_hand)
    assert (split.flow_timing, added.flow_timing) == (timing, timing)
    assert holding_parts.contribution(life, "OAK", span).total_contribution.reason == "default_flow_timing"


def test_parts_that_miss_the_return_are_not_shown_under_any_timing():
    life = replace(held(TWO, [50, 55], [1.30, 1.36]), flow_timing="end")

    with pytest.raises(valuation.InvariantViolated):
        last_days(replace(life, weights=life.weights * 1.01), 1)
