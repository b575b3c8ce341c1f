"""What changed over the last weeks."""

from datetime import date, timedelta

import numpy as np
import pytest

from portfolio.macro import cycles, phases, regime, trends
from portfolio.macro.day_phase import DayPhase
from portfolio.tests.test_regimes import daily, made
from portfolio.tests.test_scenarios import T, column, holdings, valued


def history_of(before, after, sessions=T + 260):
    """A holding whose beta to equities was one number for a year, and is another since."""
    noise = np.random.default_rng(8).normal(0, 0.002, (sessions, 1))
    own = np.where(np.arange(sessions)[:, None] < T, before, after)
    return holdings(lambda f: own * f[:, [column("equity")]] + noise, sessions=sessions)


def detect(known, history, weeks=52):
    betas = trends.betas(valued(1000), history, weeks=weeks)
    days = [known.asof_date - timedelta(weeks=each) for each in range(weeks, -1, -1)]
    judged = {day: phases.judge(known, day) for day in days}
    regimes = regime.history({day: each[regime.SUBJECT][0] for day, each in judged.items()})
    spans = cycles.history({each.id: {day: of[each.id][0] for day, of in judged.items()} for each in cycles.CYCLES})
    return trends.detect(known, regimes, spans, betas, weeks=weeks)


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


def test_each_change_of_a_cycle_is_a_shift_with_the_week_since_which_it_is_known():
    days = [date(2022, 11, 4) + timedelta(weeks=each) for each in range(6)]
    names = ["unknown", "Expansion", "Expansion", "Top", "unknown", "Top"]
    told = {
        day: DayPhase("long_term_debt", "ltdc_v2", name, *((None,) * 2 if name == "unknown" else (0.5, 0.1)), {}, "x")
        for day, name in zip(days, names, strict=True)
    }
    silent = {day: DayPhase("", "", "unknown", None, None, {}, "unknown(GINI)") for day in days}

    spans = cycles.history({each.id: told if each is cycles.LONG_TERM else silent for each in cycles.CYCLES}).spans
    betas = trends.betas(valued(1000), history_of(1.0, 1.0), weeks=52)
    history = cycles.CycleHistory(spans, "ok", None)
    rows = trends.detect(made(), regime.history(silent), history, betas, weeks=52).rows

    assert [(each.phase_label, each.since, each.until) for each in spans] == [
        ("Expansion", days[1], days[2]),
        ("Top", days[3], days[3]),
        ("Top", days[5], days[5]),
    ]
    assert [(each.kind, each.before, each.after, each.since) for each in rows] == [
        ("cycle", "Expansion", "Top", days[3])
    ]
