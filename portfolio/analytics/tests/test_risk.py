from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.analytics import risk
from portfolio.analytics.errors import InvalidInput, TooFewObservations, UndefinedRatio

few = settings(max_examples=settings().max_examples * 3 // 5)
R = np.array([1, -0.5, 0.7, 0.2, -1.2, 0.4, 0.9, -0.3, 0.6, -0.1]) / 100
B = np.array([0.8, -0.4, 0.6, 0.1, -1, 0.5, 0.7, -0.4, 0.5, 0]) / 100
RF = 0.0001
ONE: list[Callable[..., Any]] = [
    risk.volatility,
    risk.downside_deviation,
    risk.sharpe_ratio,
    risk.sortino_ratio,
    risk.max_drawdown,
    risk.calmar_ratio,
    risk.win_rate,
    risk.value_at_risk,
    risk.expected_shortfall,
]
TWO: list[Callable[..., Any]] = [
    risk.beta,
    risk.alpha,
    risk.alpha_compound,
    risk.tracking_error,
    risk.information_ratio,
    risk.correlation,
]
series = st.lists(st.floats(-0.2, 0.2), min_size=2, max_size=40).map(np.array)


# docs/measurement.md, Worked examples
@pytest.mark.parametrize(
    ("measured", "golden"),
    [
        (lambda: risk.sharpe_ratio(R, risk_free=RF), 3.648787),
        (lambda: risk.sortino_ratio(R, mar=RF), 5.933489),
        (lambda: risk.beta(R, B), 1.169014),
        (lambda: 100 * risk.alpha(R, B, risk_free=RF), 2.023099),
        (lambda: 100 * risk.tracking_error(R, B), 2.251222),
        (lambda: risk.information_ratio(R, B), 3.358176),
        (lambda: risk.risk_free_returns(0.05, 1), 0.0001336806),
        (lambda: risk.risk_free_returns(0.05, 3), 0.0004010955),
    ],
)
def test_ratios_tie_out_with_the_golden(measured, golden):
    assert measured() == pytest.approx(golden, abs=5e-7)


def test_risk_free_over_days_ties_out_to_ten_places():
    paid = risk.risk_free_returns(np.array([0.05, 0.05]), np.array([1, 3]))

    np.testing.assert_allclose(paid, [0.0001336806, 0.0004010955], atol=5e-11)  # docs/measurement.md, Worked examples


def test_value_at_risk_and_expected_shortfall_tie_out_with_the_golden():
    r = np.array([-5, -4, -3, -2, -1, *np.arange(1, 16) / 10]) / 100

    assert 100 * risk.value_at_risk(r) == pytest.approx(4.05, abs=1e-12)  # docs/measurement.md, Worked examples
    assert 100 * risk.expected_shortfall(r) == pytest.approx(5.00, abs=1e-12)


def test_an_observation_that_lies_on_the_percentile_counts_as_shortfall():
    r = np.arange(-5, 6) / 100

    assert risk.value_at_risk(r, level=0.9) == pytest.approx(0.04, abs=1e-15)
    assert risk.expected_shortfall(r, level=0.9) == pytest.approx(0.045, abs=1e-15)


def test_a_rate_per_day_and_a_constant_rate_agree():
    daily = np.full(len(R), RF)

    assert risk.sharpe_ratio(R, risk_free=daily) == pytest.approx(risk.sharpe_ratio(R, risk_free=RF), rel=1e-13)
    assert risk.alpha(R, B, risk_free=daily) == pytest.approx(risk.alpha(R, B, risk_free=RF), rel=1e-13)
    assert risk.sortino_ratio(R, mar=daily) == pytest.approx(risk.sortino_ratio(R, mar=RF), rel=1e-13)


def test_volatility_divides_by_one_less_than_the_count():
    assert risk.volatility([0.01, 0.03], periods_per_year=1) == pytest.approx(np.sqrt(2) * 0.01)


@pytest.mark.parametrize(("only", "expected"), [(0.03, 0.0), (-0.03, 0.03)])
def test_downside_deviation_of_one_return_is_nothing_or_that_return(only, expected):
    assert risk.downside_deviation([only], periods_per_year=1) == pytest.approx(expected)


def test_downside_deviation_counts_every_observation():
    assert risk.downside_deviation([0.03, -0.04, 0.05, 0.0], periods_per_year=1) == pytest.approx(0.02)


def test_drawdown_begins_at_the_opening_and_has_its_points():
    fall = risk.drawdown([-0.1, -0.1, 0.3, -0.2, 0.1])

    assert fall.depth == pytest.approx(-0.2) == risk.max_drawdown([-0.1, -0.1, 0.3, -0.2, 0.1])
    assert (fall.peak, fall.trough, fall.recovery) == (3, 4, None)
    assert fall.current == pytest.approx(0.8 * 1.1 - 1)
    assert fall.current_peak == 3


def test_drawdown_from_the_opening_recovers_through_rounding():
    fall = risk.drawdown([-0.1, 1 / 9, 0.0])

    assert (fall.peak, fall.trough, fall.recovery, fall.current, fall.current_peak) == (0, 1, 2, 0.0, 3)


def test_an_index_that_never_fell_has_no_peak_or_trough():
    fall = risk.drawdown([0.0, 0.01])

    assert (fall.depth, fall.peak, fall.trough, fall.recovery, fall.current_peak) == (0.0, None, None, None, 2)


def test_drawdown_after_total_loss_is_all_of_it():
    assert risk.max_drawdown([0.1, -1.0, 0.5]) == -1.0
    assert risk.drawdown([0.1, -1.0, 0.5]).recovery is None


def test_calmar_is_the_annualised_return_over_the_deepest_fall():
    assert risk.calmar_ratio([0.2, -0.1], periods_per_year=2) == pytest.approx(0.08 / 0.1)


def test_win_rate_leaves_out_flat_days():
    assert risk.win_rate([0.01, 0.0, -0.01, 0.02]) == pytest.approx(2 / 3)


def test_a_flat_series_has_no_volatility_and_no_ratio():
    flat = np.full(30, 0.1)

    assert risk.volatility(flat) == 0.0
    for ratio in (risk.sharpe_ratio, risk.sortino_ratio, risk.calmar_ratio):
        with pytest.raises(UndefinedRatio):
            ratio(flat)
    for measure in (risk.beta, risk.alpha, risk.correlation):
        with pytest.raises(UndefinedRatio):
            measure(R, np.full(len(R), 0.1))
    with pytest.raises(UndefinedRatio):
        risk.win_rate(np.zeros(5))


def test_a_series_against_itself_has_beta_one_and_nothing_else():
    assert risk.beta(R, R) == 1.0
    assert risk.alpha(R, R, risk_free=RF) == 0.0
    assert risk.tracking_error(R, R) == 0.0
    assert risk.correlation(R, R) == pytest.approx(1.0)
    with pytest.raises(UndefinedRatio):
        risk.information_ratio(R, R)


@pytest.mark.parametrize("measure", ONE + TWO, ids=lambda measure: measure.__name__)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_never_leave_silently(measure, bad):
    broken = R.copy()
    broken[4] = bad
    others = [B] if measure in TWO else []
    table = np.column_stack([R, broken, R * 0.5 + 0.0005 * np.arange(10)])

    with pytest.raises(InvalidInput) as raised:
        measure(broken, *others)
    column = measure(table, *others)

    assert raised.value.index == 4
    assert np.isnan(column).tolist() == [False, True, False]
    assert column[0] == pytest.approx(measure(R, *others), rel=1e-12)


@pytest.mark.parametrize("measure", TWO, ids=lambda measure: measure.__name__)
def test_a_table_takes_one_benchmark_or_one_per_column(measure):
    table = np.column_stack([R, R[::-1]])

    shared, own = measure(table, B), measure(table, np.column_stack([B, B]))

    np.testing.assert_allclose(shared, own, rtol=1e-12)
    assert shared[1] == pytest.approx(measure(R[::-1], B), rel=1e-12)


@pytest.mark.parametrize("measure", ONE + TWO, ids=lambda measure: measure.__name__)
def test_too_few_observations_are_named_for_one_series_and_nan_in_a_table(measure):
    others = [np.empty(0)] if measure in TWO else []

    with pytest.raises(TooFewObservations):
        measure(np.empty(0), *others)

    assert np.isnan(measure(np.empty((0, 3)), *others)).tolist() == [True] * 3


@pytest.mark.parametrize(
    "call",
    [
        lambda: risk.beta(R, B[:-1]),
        lambda: risk.beta(R, 0.1),
        lambda: risk.beta(R, np.column_stack([B, B])),
        lambda: risk.sharpe_ratio(R, risk_free=B[:-1]),
        lambda: risk.sharpe_ratio(R, risk_free=np.nan),
        lambda: risk.volatility(np.zeros((2, 2, 2))),
        lambda: risk.volatility(R, periods_per_year=0),
        lambda: risk.value_at_risk(R, level=1.0),
        lambda: risk.max_drawdown([0.1, -1.1]),
        lambda: risk.drawdown([0.1, -1.1]),
        lambda: risk.drawdown(np.zeros((3, 2))),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call):
    with pytest.raises(InvalidInput):
        call()


@few
@given(series, st.floats(0.1, 10))
def test_beta_of_a_multiple_is_the_multiple_and_alpha_is_zero(b, multiple):
    if np.std(b) < 1e-6:
        return

    assert risk.beta(b, b) == 1.0
    assert risk.alpha(b, b) == 0.0
    assert risk.beta(multiple * b, b) == pytest.approx(multiple, rel=1e-9)


@few
@given(series)
def test_measures_keep_their_sign_and_order(r):
    assert risk.volatility(r) >= 0
    assert -1 <= risk.max_drawdown(r) <= 0
    assert risk.expected_shortfall(r) >= risk.value_at_risk(r) - 1e-15
    assert risk.drawdown(r).depth == pytest.approx(risk.max_drawdown(r), abs=1e-12)
