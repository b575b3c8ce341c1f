"""Any series, however short, constant, broken off, late or corrected: figures within their bounds, or why there are none."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.analytics.macro.regimes import INPUTS
from portfolio.analytics.macro.standing import Standing
from portfolio.analytics.macro.vintages import Vintages
from portfolio.macro import holding_history, phases
from portfolio.performance.factor_series import FactorChoice, FactorLevels, Levels
from portfolio.tests.test_regimes import made

LAST = date(2022, 12, 30)
DAILY = ("T10Y2Y", "BAA10Y")


@st.composite
def series(draw, name):
    """Figures of a series that ends some time before the day, known with a lag, and some of them corrected later."""
    step = 1 if name in DAILY else 30
    length = draw(st.sampled_from([0, 1, 11, 29, 30, 60, 260, 700]))
    end = LAST - timedelta(days=draw(st.sampled_from([0, 3, 20, 90, 400])))
    observed = np.array([end - timedelta(days=step * each) for each in range(length)][::-1], dtype="datetime64[D]")
    if name not in DAILY:
        observed = np.unique(observed.astype("datetime64[M]")).astype("datetime64[D]")
    level = draw(st.sampled_from([0.0, 1.0, -3.5, 1e-9, 1e9]))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    value = level + draw(st.sampled_from([0.0, 1e-14, 1.0, 1e6])) * chance.standard_normal(len(observed))
    known = observed + np.timedelta64(draw(st.sampled_from([1, 40, 500])), "D")
    corrected = chance.random(len(observed)) < draw(st.sampled_from([0.0, 0.3]))
    return Vintages(
        np.concatenate((observed, observed[corrected])),
        np.concatenate((known, known[corrected] + np.timedelta64(60, "D"))),
        np.concatenate((value, value[corrected] * 1.5 + 1)),
    )


@given(st.data(), st.sets(st.sampled_from(INPUTS)), st.integers(0, 3000))
def test_a_phase_has_figures_or_a_reason(data, names, back):
    known = made(**{name: data.draw(series(name), label=name) for name in sorted(names)})
    day = LAST - timedelta(days=back)

    judged = phases.judge(known, day)

    lacking = sorted(
        name for name in INPUTS if not isinstance(known.standing_on(name, np.datetime64(day, "D")), Standing)
    )
    for subject in ("regime", "short_term_debt"):
        assert judged[subject][0].reason == (f"unknown({', '.join(lacking)})" if lacking else "")
    for phase, _ in judged.values():
        if phase.reason:
            assert (phase.name, phase.score, phase.margin, phase.scores) == ("unknown", None, None, {})
        else:
            assert 0 <= phase.margin <= phase.score <= 1
            assert max(phase.scores.values()) == phase.score


@given(st.data(), st.sampled_from(INPUTS), st.integers(0, 1500))
def test_what_becomes_known_later_changes_nothing_of_an_earlier_day(data, name, back):
    whole = data.draw(series(name))
    day = np.datetime64(LAST - timedelta(days=back), "D")
    until = whole.known <= day
    cut = Vintages(whole.observed[until], whole.known[until], whole.value[until])

    assert made(**{name: whole}).standing_on(name, day) == made(**{name: cut}).standing_on(name, day)


@pytest.mark.parametrize(
    "levels",
    [np.full(300, 2.0), np.append(np.full(240, np.nan), np.arange(60.0)), np.full(300, np.nan)],
    ids=["constant", "short", "missing"],
)
def test_a_factor_whose_series_can_not_speak_is_missing_from_scenarios_by_name(levels):
    choice = FactorChoice("real_rate", "UST10Y", "", "difference", "")
    known = FactorLevels((choice,), {choice: Levels(levels[:, None], False, ("treasury",))})

    sources, changes = holding_history._factors(known, None, np.arange(300))

    assert {(each.series_id, each.status, each.reason) for each in sources} == {("", "unavailable", "missing_factor")}
    assert np.isnan(changes).all()
