import numpy as np
import pytest

from portfolio.analytics import returns, risk, rolling
from portfolio.analytics.errors import InvalidInput, TooFewObservations

R = np.array([1, -0.5, 0.7, 0.2, -1.2, 0.4, 0.9, -0.3, 0.6, -0.1]) / 100
B = np.array([0.8, -0.4, 0.6, 0.1, -1, 0.5, 0.7, -0.4, 0.5, 0]) / 100


@pytest.mark.parametrize("measure", [risk.volatility, risk.sharpe_ratio, risk.max_drawdown, returns.link])
def test_each_window_is_measured_as_if_it_were_alone(measure):
    rolled = rolling.roll(measure, np.column_stack([R, B]), window=4)

    alone = [[measure(column[k : k + 4]) for column in (R, B)] for k in range(7)]
    np.testing.assert_allclose(rolled, alone, rtol=1e-13)
    np.testing.assert_allclose(rolling.roll(measure, R, window=4), rolled[:, 0], rtol=1e-13)


def test_a_benchmark_and_a_rate_are_cut_to_the_same_rows():
    rate = np.linspace(0, 0.001, 10)

    rolled = rolling.roll(risk.alpha, R, B, window=5, risk_free=rate)

    alone = [risk.alpha(R[k : k + 5], B[k : k + 5], risk_free=rate[k : k + 5]) for k in range(6)]
    np.testing.assert_allclose(rolled, alone, rtol=1e-12)


def test_a_table_may_have_a_table_beside_it():
    rate = np.linspace(0, 0.001, 20).reshape(10, 2)

    rolled = rolling.roll(risk.alpha, np.column_stack([R, B]), np.column_stack([B, R]), window=5, risk_free=rate)

    for column, (own, other) in enumerate(((R, B), (B, R))):
        alone = rolling.roll(risk.alpha, own, other, window=5, risk_free=rate[:, column])
        np.testing.assert_array_equal(rolled[:, column], alone)


def test_a_window_without_an_answer_is_nan():
    rolled = rolling.roll(risk.sharpe_ratio, [0.0, 0.0, 0.0, 0.01], window=3)

    assert np.isnan(rolled).tolist() == [True, False]


def test_what_does_not_fit_is_refused_by_name():
    with pytest.raises(TooFewObservations):
        rolling.roll(risk.volatility, R, window=11)
    for bad in (
        lambda: rolling.roll(risk.volatility, R, window=0),
        lambda: rolling.roll(risk.beta, R, B[1:], window=3),
    ):
        with pytest.raises(InvalidInput):
            bad()
    for bad in (
        lambda: rolling.roll(risk.volatility, [0.1, np.nan, 0.2], window=2),
        lambda: rolling.roll(risk.beta, [0.1, 0.0, 0.2], [0.1, np.nan, 0.2], window=2),
        lambda: rolling.roll(risk.sharpe_ratio, [0.1, 0.0, 0.2], window=2, risk_free=[0.1, np.inf, 0.2]),
    ):
        with pytest.raises(InvalidInput):
            bad()
