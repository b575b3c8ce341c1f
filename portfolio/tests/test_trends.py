"""What changed over the last weeks."""

import numpy as np
import pytest

from portfolio.macro import regime, trends
from portfolio.tests.test_regimes import daily, made
from portfolio.tests.test_scenarios import T, column, holdings, valued


def history_of(before, after, sessions=T + 260):
    """A holding whose beta to equities was one number for a year, and is another since."""
    noise = np.random.default_rng(8).normal(0, 0.002, (sessions, 1))
    own = np.where(np.arange(sessions)[:, None] < T, before, after)
    return holdings(lambda f: own * f[:, [column("equity")]] + noise, sessions=sessions)


def detect(known, history, weeks=52):
    betas = trends.betas(valued(1000), history, weeks=weeks)
    return trends.detect(known, regime.history(known, weeks=weeks), betas, weeks=weeks)


def test_betas_are_those_of_the_year_before_each_week():
    betas = trends.betas(valued(1000), history_of(1.0, 1.5), weeks=51)

    assert len(betas.dates) == 52
    assert betas.betas["equity"][0] == pytest.approx(1.0, abs=0.1)
    assert betas.betas["equity"][-1] == pytest.approx(1.5, abs=0.1)
    assert set(betas.betas["credit"]) == {None}


def test_an_exposure_that_moved_by_more_than_its_error_is_a_shift_and_noise_is_none():
    moved, same = (detect(made(), history_of(1.0, after)).rows for after in (1.5, 1.0))

    assert [(each.kind, each.name) for each in moved] == [("exposure", "equity")]
    assert same == ()


def test_an_indicator_that_moved_by_a_standard_deviation_is_a_shift():
    curve = daily(np.concatenate((np.sin(np.arange(1000)), np.full(30, 4.0))))

    rows = detect(made(T10Y2Y=curve), history_of(1.0, 1.0)).rows

    assert [(each.kind, each.name) for each in rows] == [("indicator", "T10Y2Y")]
    assert rows[0].size > 1
