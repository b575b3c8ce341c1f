import numpy as np
import pytest

from portfolio.analytics import factors, returns
from portfolio.analytics.errors import InvalidInput, TooFewObservations, UndefinedRatio


def sample(days=252, seed=11):
    rng = np.random.default_rng(seed)
    changes = rng.normal(0, [0.0005, 0.0002, 0.01], (days, 3))
    return changes @ [-5.0, 3.0, 0.8] + 0.0002 + rng.normal(0, 0.002, days), changes


def test_betas_and_errors_agree_with_the_normal_equations():
    r, changes = sample()
    design = np.column_stack([np.ones(len(r)), changes])
    solved, (left,), _, _ = np.linalg.lstsq(design, r, rcond=None)
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * left / (len(r) - 4))

    found = factors.factor_exposures(r, changes, window=252)

    np.testing.assert_allclose(found.betas, solved[1:], rtol=1e-9)
    np.testing.assert_allclose(found.standard_errors, errors[1:], rtol=1e-9)
    np.testing.assert_allclose(found.t, solved[1:] / errors[1:], rtol=1e-9)
    assert found.alpha == pytest.approx(solved[0], rel=1e-9)
    assert found.r_squared == pytest.approx(1 - left / ((r - r.mean()) ** 2).sum(), rel=1e-9)
    assert found.n == 252


def test_variance_and_contributions_sum_to_the_whole():
    r, changes = sample()

    found = factors.factor_exposures(r, changes, window=252)

    assert found.variance_shares.sum() + found.residual_share == pytest.approx(1.0, abs=1e-14)
    assert found.mean_contributions.sum() + found.alpha == pytest.approx(found.mean_return, abs=1e-16)
    assert found.contributions.sum() + found.residual_contribution == pytest.approx(found.total_return, abs=1e-14)
    assert found.total_return == pytest.approx(returns.link(r), abs=1e-13)


def test_a_factor_against_itself_has_beta_one_and_alpha_zero():
    _, changes = sample()

    found = factors.factor_exposures(changes[:, 2], changes[:, 2], window=252)

    assert found.betas == pytest.approx([1.0])
    assert found.alpha == pytest.approx(0.0, abs=1e-15)
    assert found.r_squared == pytest.approx(1.0)


def test_incomplete_days_are_dropped_and_the_window_is_the_last_rows():
    r, changes = sample(400)
    holed = changes.copy()
    holed[[200, 300], [0, 2]] = np.nan
    kept = [row for row in range(148, 400) if row not in (200, 300)]

    found = factors.factor_exposures(r, holed, window=252)
    same = factors.factor_exposures(r[kept], changes[kept], window=252)

    assert found.n == 250
    np.testing.assert_array_equal(found.betas, same.betas)


def test_a_table_gives_the_same_as_its_columns():
    r, changes = sample()
    table = np.column_stack([r, np.zeros(len(r)), np.full(len(r), np.nan)])

    found = factors.factor_exposures(table, changes, window=252)
    alone = factors.factor_exposures(r, changes, window=252)

    np.testing.assert_array_equal(found.betas[:, 0], alone.betas)
    assert np.isnan(found.betas[:, 1:]).all()
    assert np.isnan(found.r_squared).tolist() == [False, True, True]
    assert found.n.tolist() == [252, 0, 0]


def test_infinity_in_one_column_concerns_that_column_only():
    rng = np.random.default_rng(4)
    changes, table = rng.normal(0, 0.01, (80, 2)), rng.normal(0, 0.01, (80, 2))
    broken = table.copy()
    broken[70, 1] = np.inf

    found = factors.factor_exposures(broken, changes, window=80)

    assert np.isnan(found.betas[:, 1]).all()
    assert (found.n[1], np.isnan(found.total_return[1])) == (0, True)
    np.testing.assert_array_equal(found.betas[:, 0], factors.factor_exposures(table[:, 0], changes, window=80).betas)


def test_fewer_than_sixty_complete_days_are_refused():
    r, changes = sample(59)

    with pytest.raises(TooFewObservations) as raised:
        factors.factor_exposures(r, changes, window=252)

    assert (raised.value.least, raised.value.count) == (60, 59)


@pytest.mark.parametrize("column", [0, 1])
def test_factors_that_stand_still_or_repeat_each_other_are_refused(column):
    r, changes = sample()
    changes[:, column] = 0.1 if column == 0 else 2 * changes[:, 2]

    with pytest.raises(UndefinedRatio):
        factors.factor_exposures(r, changes, window=252)


@pytest.mark.parametrize(
    "call",
    [
        lambda r, changes: factors.factor_exposures(r[:-1], changes, window=252),
        lambda r, changes: factors.factor_exposures(r, changes, window=0),
        lambda r, changes: factors.factor_exposures(r, changes * np.inf, window=252),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call):
    r, changes = sample()

    with pytest.raises(InvalidInput):
        call(r, changes)
