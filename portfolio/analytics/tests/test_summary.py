"""Many portfolios at once give what each gives alone."""

import numpy as np
import pytest

from portfolio.analytics import returns, risk
from portfolio.analytics.errors import InvalidInput, UndefinedRate


def table(days=200, portfolios=70, seed=4):
    rng = np.random.default_rng(seed)
    benchmark = rng.normal(0.0004, 0.01, days)
    return benchmark[:, None] * rng.uniform(0.5, 1.5, portfolios) + rng.normal(0, 0.006, (days, portfolios)), benchmark


@pytest.mark.parametrize("rate", [0.0, 0.0001, np.linspace(0, 0.0002, 200)], ids=["none", "number", "series"])
def test_the_summary_equals_the_single_measures(rate):
    r, b = table()
    r[3, 5], r[:, 6], r[9, 7] = np.nan, 0.01, -1.5

    found = risk.summary(r, b, risk_free=rate, mar=rate)

    single = {
        "total_return": returns.link(r),
        "volatility": risk.volatility(r),
        "sharpe_ratio": risk.sharpe_ratio(r, risk_free=rate),
        "sortino_ratio": risk.sortino_ratio(r, mar=rate),
        "max_drawdown": risk.max_drawdown(r),
        "beta": risk.beta(r, b),
        "alpha": risk.alpha(r, b, risk_free=rate),
    }
    for name, values in single.items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-12, atol=1e-12, err_msg=name)


def test_the_summary_is_for_tables():
    with pytest.raises(InvalidInput):
        risk.summary([0.1, 0.2], [0.1, 0.2])


def test_a_rate_is_the_same_alone_and_in_a_table():
    rng = np.random.default_rng(8)
    days = np.sort(rng.integers(0, 900, (9, 60)), axis=0)
    amounts = rng.choice([-1, 0, 1], (9, 60)) * np.exp(rng.normal(0, 2, (9, 60)))
    dates = np.datetime64("2015-01-02") + days

    found = returns.money_weighted_return(dates, amounts)

    for column in range(60):
        try:
            alone = returns.money_weighted_return(dates[:, column], amounts[:, column])
        except UndefinedRate:
            alone = np.nan
        np.testing.assert_array_equal(found[column], alone)
    assert 0 < np.isnan(found).sum() < 60
