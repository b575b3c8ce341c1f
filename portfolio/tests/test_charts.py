"""What charts are drawn from, by hand: slices that sum to the value, steps that sum to the change."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.macro import macro_chart, scenario_chart
from portfolio.performance import allocation_chart
from portfolio.performance.metric import Metric, unavailable

D = Decimal


def valued(amounts, *, cash=None):
    rows = tuple(SimpleNamespace(symbol=symbol, market_value=D(value)) for symbol, value in amounts.items())
    total = sum((row.market_value for row in rows), D(cash or 0))
    balances = () if cash is None else (SimpleNamespace(currency="CAD", market_value=D(cash)),)
    return SimpleNamespace(currency="CAD", total_value=total, positions=rows, cash=balances)


def scenario(total, *, factors=(), fx="0", both="0", positions=()):
    return SimpleNamespace(
        total_delta_pl=None if total is None else D(total),
        factors=tuple(SimpleNamespace(factor=name, contribution=value and D(value)) for name, value in factors),
        fx_delta=D(fx),
        interaction_delta=D(both),
        positions=tuple(
            SimpleNamespace(symbol=symbol, market_value=D(value), delta_pl=D(change))
            for symbol, value, change in positions
        ),
    )


def test_slices_are_the_securities_by_value_and_then_cash():
    made = allocation_chart.chart(valued({"OAK": "250.00", "ELM": "600.00"}, cash="150.00"))

    assert [(each.label, each.value, each.weight) for each in made.allocation] == [
        ("ELM", D("600.00"), 0.6), ("OAK", D("250.00"), 0.25), ("Cash", D("150.00"), 0.15),
    ]  # fmt: skip
    assert (made.total_value, made.currency) == (D("1000.00"), "CAD")


def test_from_the_eleventh_on_securities_are_one_slice():
    made = allocation_chart.chart(valued({f"S{place:02}": str(100 - place) for place in range(12)}))

    assert [each.label for each in made.allocation] == [f"S{place:02}" for place in range(10)] + ["Others"]
    assert made.allocation[-1].value == D(90 + 89)


@given(st.lists(st.decimals(-10_000, 10_000, places=2), max_size=14), st.decimals(-10_000, 10_000, places=2))
def test_whatever_is_held_the_slices_sum_to_the_value(amounts, cash):
    held = valued({f"S{place}": amount for place, amount in enumerate(amounts)}, cash=cash)

    made = allocation_chart.chart(held)

    assert sum(each.value for each in made.allocation) == held.total_value
    if held.total_value > 0:
        assert sum(each.weight for each in made.allocation) == pytest.approx(1, abs=1e-6)
    else:
        assert {each.weight for each in made.allocation} == {None}


def test_steps_sum_to_the_change_and_what_rounding_leaves_is_one_of_them():
    made = scenario_chart.chart(
        scenario(
            "-100.00",
            factors=[("equity", "-80.00"), ("credit", None), ("usd", "5.00")],
            fx="-24.00",
            both="-1.01",
            positions=[("OAK", "500.00", "-20.00"), ("ELM", "400.00", "-80.00")],
        )
    )

    assert [(each.label, each.value) for each in made.steps] == [
        ("equity", D("-80.00")), ("usd", D("5.00")), ("exchange_rates", D("-24.00")),
        ("return_on_moved_rates", D("-1.01")), ("rounding", D("0.01")),
    ]  # fmt: skip
    assert [(each.symbol, each.before, each.change, each.after) for each in made.bars] == [
        ("ELM", D("400.00"), D("-80.00"), D("320.00")), ("OAK", D("500.00"), D("-20.00"), D("480.00")),
    ]  # fmt: skip


def test_a_scenario_that_could_not_be_applied_has_nothing_to_draw():
    made = scenario_chart.chart(scenario(None, positions=[("OAK", "500.00", "0.00")]))

    assert (made.bars, made.steps) == ((), ())


def test_a_beta_has_an_interval_of_1_96_errors_and_what_is_unknown_has_no_bar():
    def score(label, metric):
        return SimpleNamespace(label=label, score=metric)

    def row(factor, beta, error):
        return SimpleNamespace(factor=factor, beta=beta, standard_error=error)

    at_risk = Metric(0.12, "ok", None, {})
    made = macro_chart.chart(
        SimpleNamespace(
            label="Late",
            regime_scores=(
                score("Early", Metric(0.25, "ok", None, {})),
                score("Late", Metric(0.75, "ok", None, {})),
                score("None", unavailable("unknown")),
            ),
        ),
        SimpleNamespace(rows=(row("usd", 0.5, 0.25), row("credit", None, None), row("equity", -2.0, 0.5))),
        SimpleNamespace(dar_value=at_risk, dar_amount=D("-120.00"), confidence=0.95),
    )

    assert [(each.factor, each.beta, each.low, each.high) for each in made.factors] == [
        ("equity", -2.0, pytest.approx(-2.98), pytest.approx(-1.02)),
        ("usd", 0.5, pytest.approx(0.01), pytest.approx(0.99)),
    ]
    assert (made.regime, [each.label for each in made.scores]) == ("Late", ["Late", "Early"])
    assert (made.drawdown_at_risk, made.drawdown_amount, made.confidence) == (at_risk, D("-120.00"), 0.95)
