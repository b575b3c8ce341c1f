import numpy as np
import pytest

from portfolio.analytics import returns
from portfolio.analytics.errors import InvalidInput

DAYS = np.array(["2000-01-30", "2000-01-31", "2000-02-01", "2000-03-05", "2001-01-01"], dtype="datetime64[D]")
R = np.array([0.1, -0.1, 0.02, 0.03, -0.05])


def test_months_and_years_are_linked_and_empty_ones_left_out():
    months, years = returns.monthly_returns(DAYS, R), returns.yearly_returns(DAYS, np.column_stack([R, R]))

    assert months.periods.astype(str).tolist() == ["2000-01", "2000-02", "2000-03", "2001-01"]
    np.testing.assert_allclose(months.returns, [-0.01, 0.02, 0.03, -0.05], atol=1e-15)
    np.testing.assert_allclose(years.returns[:, 1], [0.99 * 1.02 * 1.03 - 1, -0.05], atol=1e-15)
    assert years.observations.tolist() == [4, 1]


@pytest.mark.parametrize("form", [list, lambda days: days.astype("datetime64[ns]"), lambda days: days.astype(str)])
def test_days_count_in_their_own_month_however_they_are_written(form):
    days = form(DAYS.tolist()) if form is list else form(DAYS)

    months, years = returns.monthly_returns(days, R), returns.yearly_returns(days, R)

    assert months.periods.astype(str).tolist() == ["2000-01", "2000-02", "2000-03", "2001-01"]
    np.testing.assert_array_equal(months.returns, returns.monthly_returns(DAYS, R).returns)
    assert years.periods.astype(str).tolist() == ["2000", "2001"]


def test_years_link_to_the_whole():
    assert returns.link(returns.yearly_returns(DAYS, R).returns) == pytest.approx(returns.link(R), abs=1e-15)


def test_what_does_not_fit_is_refused_by_name():
    for bad in (
        lambda: returns.monthly_returns(DAYS[::-1], R),
        lambda: returns.monthly_returns(DAYS[1:], R),
        lambda: returns.monthly_returns(DAYS, [0.1, np.nan, 0, 0, 0]),
    ):
        with pytest.raises(InvalidInput):
            bad()
