"""Drawdown at risk: simulated paths, their error, and whether a limit is judged rightly beside models whose rate is planted."""

import numpy as np
import pytest

from portfolio.analytics.errors import InvalidInput
from portfolio.analytics.macro import drawdown_at_risk as simulation
from portfolio.analytics.macro.coverage import coverage
from portfolio.macro import drawdown
from portfolio.tests.test_scenarios import T, column, holdings, twice_the_market, valued

PLANTED = [(0.025, "too_high"), (0.05, "calibrated"), (0.10, "too_low")]
"""True rate, and what is to be said of a limit that states 5 %."""


def measure(portfolio, history, **how):
    return drawdown.measure(portfolio, history, **{"confidence": 0.95, "sessions": 30, "seed": 11, **how})


@pytest.mark.slow
def test_the_typical_fall_is_that_of_a_brownian_path():
    falls = simulation.simulate(sessions=2000, seed=3, draws=5000).falls

    # E[max drawdown] of a driftless Brownian motion is sqrt(pi / 2) sigma sqrt(T) (Magdon-Ismail et al. 2004, eq. 2).
    assert falls.mean() / np.sqrt(2000) == pytest.approx(np.sqrt(np.pi / 2), rel=0.03)


def test_the_fall_of_a_path_counts_from_its_highest_point_and_the_start():
    assert simulation.path_drawdown([0.10, -0.20, 0.05]) == pytest.approx(0.20)
    assert simulation.path_drawdown([-0.10, 0.02]) == pytest.approx(0.10)
    assert simulation.path_drawdown([0.01, 0.02]) == 0.0


@pytest.mark.slow
def test_the_interval_of_the_simulation_holds_the_level_of_twenty_times_the_draws():
    exact = simulation.simulate(sessions=30, seed=1, draws=200_000).at(0.95, 0.01)[0]

    value, low, high = simulation.simulate(sessions=30, seed=2).at(0.95, 0.01)

    assert low <= exact <= high
    assert low < value < high


def test_no_path_is_drawn_of_nothing():
    with pytest.raises(InvalidInput):
        simulation.simulate(sessions=0, seed=1)


def right_verdicts(rate, verdict, *, series, seed):
    """Of series of 2,000 windows whose limit is exceeded at a true rate, how many are judged rightly against 5 %."""
    limits = simulation.simulate(sessions=30, seed=99, draws=200_000)
    limit = limits.at(1 - rate, 0.01)[0]
    generator = np.random.default_rng(seed)
    right = 0
    for _ in range(series):
        paths = np.cumsum(0.01 * generator.standard_normal((2000, 30)), axis=1)
        peaks = np.maximum(np.maximum.accumulate(paths, axis=1), 0.0)
        hits = 1 - np.exp(-(peaks - paths).max(axis=1)) > limit
        right += coverage(hits, stated=0.05).verdict == verdict
    return right


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "verdict"), PLANTED)
def test_a_limit_whose_true_rate_is_planted_is_judged_rightly(rate, verdict):
    assert right_verdicts(rate, verdict, series=40, seed=7) >= 38


def test_the_tests_of_coverage_agree_with_published_cases():
    # Kupiec 1995: of 255 days at 5 % the test of size 0.05 does not reject from 7 to 20 failures (6 < N < 21).
    inside = {n: coverage(np.arange(255) < n, stated=0.05).kupiec > 0.05 for n in (6, 7, 20, 21)}

    assert inside == {6: False, 7: True, 20: True, 21: False}


def test_hits_that_come_together_are_clustered():
    hits = np.zeros(2000, dtype=bool)
    hits[:100] = True

    assert coverage(hits, stated=0.05).verdict == "clustered"


def test_the_parts_of_the_variance_sum_to_that_of_the_portfolio():
    noise = np.random.default_rng(4).normal(0, 0.01, (T, 2))
    noise[:, 1] += noise[:, 0]  # what two holdings have in common besides the factors counts, too
    history = holdings(lambda f: f[:, [column("equity")]] * [1.0, 0.5] + noise)
    record = measure(valued(600, 400), history)

    portfolio = history.returns @ [0.6, 0.4]
    assert record.volatility.value == pytest.approx(portfolio.std(ddof=1), rel=1e-9)
    assert sum(row.variance_share for row in record.rows) == pytest.approx(1.0)
    assert {row.kind for row in record.rows} == {"factor", "holding"}


def test_the_same_portfolio_has_the_same_draws_and_another_pack_moves_by_its_data_alone():
    calm, wild = holdings(twice_the_market), holdings(lambda f: 4.0 * f[:, [column("equity")]])

    first, again, other = (measure(valued(1000), each) for each in (calm, calm, wild))

    assert first == again
    ratio = np.log1p(-other.dar_value.value) / np.log1p(-first.dar_value.value)
    assert ratio == pytest.approx(2.0, rel=1e-9)


def test_a_factor_without_series_and_a_short_calibration_are_told():
    record = measure(valued(1000), holdings(twice_the_market))

    assert (record.dar_value.status, record.dar_value.reason) == ("degraded", "factor_in_residuals")
    assert record.calibration.rate.status == "unavailable"


def test_under_two_hundred_and_fifty_windows_a_calibration_is_short():
    judged = measure(valued(1000), holdings(twice_the_market, sessions=252 + 30 * 80)).calibration

    assert (judged.windows, judged.rate.reason) == (80, "calibration_short")
    assert judged.low <= judged.rate.value <= judged.high


def test_cash_in_the_base_currency_is_at_no_risk():
    record = measure(valued(cash=[("CAD", 100)]), holdings(lambda f: f[:, :0]))

    assert (record.dar_value.status, record.dar_value.reason) == ("unavailable", "nothing_at_risk")


def test_an_amplified_phase_multiplies_the_volatility_and_an_unknown_one_says_so():
    plain, amplified, unknown = (
        measure(valued(1000), holdings(twice_the_market), amplification=each) for each in (1.0, 1.5, None)
    )

    assert amplified.volatility.value == pytest.approx(1.5 * plain.volatility.value)
    assert unknown.volatility.value == plain.volatility.value
    assert "cycle_unknown" in unknown.dar_value.reason
