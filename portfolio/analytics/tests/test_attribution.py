import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.analytics import attribution, returns
from portfolio.analytics.errors import InvalidInput, UndefinedReturn

few = settings(max_examples=settings().max_examples * 3 // 5)
LOCAL = np.array([[0.02, 0.01], [-0.01, 0.03]])
FX = np.array([[0.0, 0.0], [0.01, -0.02]])


def parts(effects):
    return [100 * effects.local, 100 * effects.fx, 100 * effects.interaction]


def test_local_gain_then_fx_gain_ties_out_with_the_golden():
    result = attribution.currency_attribution([[0.10], [0.0]], [[0.0], [0.05]], [[1.0], [1.0]])

    # docs/measurement.md, Worked examples
    assert parts(result.compounded) == pytest.approx([10, 5, 0.5], abs=1e-12)
    assert parts(result.contribution) == pytest.approx([10.251938, 5.248062, 0.0], abs=5e-7)
    assert result.total == pytest.approx(0.155)


def test_two_drifting_holdings_tie_out_with_the_golden():
    local = np.array([[2.0, 1.0], [-1.0, 3.0]]) / 100
    fx = np.array([[1.0, -2.0], [0.5, 1.0]]) / 100
    weights = drifting([0.6, 0.4], local, fx)

    result = attribution.currency_attribution(local, fx, weights)

    # docs/measurement.md, Worked examples
    assert 100 * result.total == pytest.approx(2.687407, abs=5e-7)
    assert parts(result.contribution) == pytest.approx([2.175823, 0.498833, 0.012751], abs=5e-7)
    assert parts(result.compounded) == pytest.approx([2.170741, 0.505689, 0.010977], abs=5e-7)


def drifting(start, local, fx):
    worth, rows = np.array(start), []
    for day in (1 + local) * (1 + fx):
        rows.append(worth / worth.sum())
        worth = worth * day
    return np.array(rows)


@st.composite
def portfolios(draw):
    days, holdings = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    weights = rng.dirichlet(np.ones(holdings), days)
    shape = (days, holdings)
    return rng.normal(0, 0.03, shape), rng.normal(0, 0.02, shape), weights, rng.normal(0, 0.001, days)


@few
@given(portfolios())
def test_both_views_and_each_day_sum_to_the_return(given_portfolio):
    local, fx, weights, other = given_portfolio
    daily = (weights * ((1 + local) * (1 + fx) - 1)).sum(axis=1) + other

    result = attribution.currency_attribution(local, fx, weights, other=other)

    assert result.total == pytest.approx(returns.link(daily), abs=1e-14)
    for view in (result.compounded, result.contribution):
        assert view.local + view.fx + view.interaction == pytest.approx(result.total, abs=1e-14)
    np.testing.assert_allclose(result.daily.local + result.daily.fx + result.daily.interaction, daily, atol=1e-15)
    assert result.holdings.total.sum() + result.holdings.other == pytest.approx(result.total, abs=1e-14)


def test_everything_in_base_cash_is_zero():
    result = attribution.currency_attribution(np.zeros((3, 1)), np.zeros((3, 1)), np.ones((3, 1)))

    assert parts(result.compounded) == parts(result.contribution) == [0, 0, 0]
    assert result.total == 0.0


def test_a_deal_off_the_fixing_is_an_fx_effect_of_no_holding():
    result = attribution.currency_attribution([[0.0], [0.0]], [[0.0], [0.0]], [[1.0], [1.0]], other=[0.001, 0.0])

    assert result.contribution.fx == pytest.approx(0.001) == result.holdings.other
    assert result.compounded.fx == pytest.approx(0.001)
    assert result.holdings.fx.tolist() == [0.0]


def test_contributions_with_cash_and_fees_tie_out_with_the_golden():
    rows = attribution.contributions([600, 300, 100], [100, 0, 0], [721, 297, 99], [0, 0, 0])

    # docs/measurement.md, Worked examples
    np.testing.assert_allclose(100 * rows, [1.909091, -0.272727, -0.090909], atol=5e-7)
    assert 100 * rows.sum() == pytest.approx(1.545455, abs=5e-7)


def test_linked_contributions_sum_to_the_linked_return():
    rng = np.random.default_rng(5)
    daily = rng.normal(0, 0.01, (50, 4))

    linked = attribution.carino_link(daily, daily.sum(axis=1))

    assert linked.sum() == pytest.approx(returns.link(daily.sum(axis=1)), abs=1e-14)


def test_hedged_return_ties_out_with_the_golden():
    hedged = attribution.hedged_returns(0.01, 0.02, 0.045, 0.0525)

    assert 100 * hedged == pytest.approx(0.957772, abs=5e-7)  # docs/measurement.md, Worked examples


def test_brinson_fachler_ties_out_with_the_golden():
    result = attribution.brinson([0.7, 0.3], [0.06, 0.01], [0.5, 0.5], [0.05, 0.02])

    # docs/measurement.md, Worked examples
    np.testing.assert_allclose(100 * result.allocation, [0.30, 0.30], atol=1e-12)
    np.testing.assert_allclose(100 * result.selection, [0.50, -0.50], atol=1e-12)
    np.testing.assert_allclose(100 * result.interaction, [0.20, 0.20], atol=1e-12)
    assert 100 * result.excess == pytest.approx(1.0)


@few
@given(portfolios())
def test_linked_brinson_effects_sum_to_the_excess_return(given_portfolio):
    earned, bench_earned, weights, _ = given_portfolio
    bench = np.full_like(weights, 1 / weights.shape[1])

    result = attribution.brinson(weights, earned, bench, bench_earned)

    whole = result.allocation.sum() + result.selection.sum() + result.interaction.sum()
    assert result.portfolio == pytest.approx(returns.link((weights * earned).sum(axis=1)), abs=1e-14)
    assert whole == pytest.approx(result.excess, abs=1e-14)


def test_a_day_of_total_loss_cannot_be_linked():
    with pytest.raises(UndefinedReturn) as raised:
        attribution.currency_attribution([[0.1], [-1.0]], [[0.0], [0.0]], [[1.0], [1.0]])

    assert raised.value.index == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: attribution.currency_attribution(LOCAL, FX[:1], LOCAL),
        lambda: attribution.currency_attribution(LOCAL, FX * np.nan, LOCAL),
        lambda: attribution.currency_attribution(LOCAL, FX, LOCAL, other=[0.0]),
        lambda: attribution.currency_attribution(LOCAL, FX, LOCAL, other=[0.0, np.inf]),
        lambda: attribution.carino_link(LOCAL, [0.1]),
        lambda: attribution.brinson([0.7, 0.2], [0, 0], [0.5, 0.5], [0, 0]),
        lambda: attribution.brinson([[np.nan]], [[0]], [[0]], [[0]]),
        lambda: attribution.hedged_returns(0.01, np.nan, 0, 0),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call):
    with pytest.raises(InvalidInput):
        call()
