"""Cycles: weights that sum to one, phases of months that nobody doubts, and nothing in place of what lacks."""

from datetime import date

import numpy as np
import pytest

from portfolio.macro import cycle_risk, cycles, indicators
from portfolio.macro.definitions import DEFINITIONS
from portfolio.macro.indicators import Indicator
from portfolio.tests.test_regimes import made, monthly, real
from pricing.tests.test_archive import needs_data


def as_of(day):
    """The real indicators as they were known on a day."""
    return indicators.as_of(real().choices, day)


@needs_data
@pytest.mark.parametrize(
    ("day", "label"),
    [
        (date(2008, 11, 30), "Deep Recession"),
        (date(2009, 3, 31), "Deep Recession"),
        (date(2020, 4, 30), "Early Recession"),
        (date(2017, 6, 30), "Mid Expansion"),
    ],
)
def test_the_short_term_cycle_knows_the_months_that_nobody_doubts(day, label):
    assert cycles.compute(cycles.SHORT_TERM, as_of(day)).phase_label == label


@pytest.mark.parametrize("cycle", cycles.CYCLES, ids=lambda each: each.id)
def test_the_weights_of_a_cycle_sum_to_one(cycle):
    assert sum(cycle.weights.values()) == pytest.approx(1.0)
    assert {name for phase in cycle.phases for name in phase.intervals} <= set(cycle.weights)


@pytest.mark.parametrize("cycle", cycles.CYCLES, ids=lambda each: each.id)
def test_a_cycle_without_series_is_unknown_by_their_names(cycle):
    record = cycles.compute(cycle, made())

    assert (record.phase_label, record.phase_number) == ("Unknown", None)
    assert record.composite_score.reason == f"unknown({', '.join(sorted(cycle.weights))})"


def test_debt_that_rises_fast_while_credit_leaps_is_a_bubble():
    months = 12 * 21
    steady = np.concatenate((3.0 + 0.1 * np.sin(np.arange(months - 6)), np.full(6, 3.0)))
    leap = np.concatenate((np.full(months - 6, 1.003), np.full(6, 1.03)))
    known = made(
        DEBT_GDP=monthly(np.cumsum(np.concatenate((np.sin(np.arange(months - 6)), np.full(6, 3.0))))),
        REAL_POLICY_RATE=monthly(steady),
        CREDIT_IMPULSE=monthly(1000 * np.cumprod(leap + 1e-4 * np.sin(np.arange(months)))),
    )

    record = cycles.compute(cycles.LONG_TERM, known)

    assert (record.phase_label, record.method_version) == ("Bubble", "ltdc_v2")


def test_a_real_rate_is_the_rate_less_the_growth_of_prices():
    prices = monthly(100 * 1.02 ** (np.arange(252) / 12))
    rate = monthly(5.0 + 0.5 * np.sin(np.arange(252)))
    definition = DEFINITIONS["REAL_POLICY_RATE"]
    real_rate = Indicator(definition, ("FEDFUNDS", "CPIAUCSL"), "M", (rate, prices), (), ())

    figures = real_rate.as_known(np.datetime64("2023-01-31"))

    assert len(figures.value) == 240
    assert figures.value[-1] == pytest.approx(rate.value[-1] - 2.0)


def test_an_unknown_phase_amplifies_nothing():
    record = cycles.compute(cycles.SHORT_TERM, made())
    exposures = type("Exposures", (), {"rows": (), "factors": {}})

    risk = cycle_risk.overlay(exposures, record)

    assert (risk.amplification, risk.risk_level) == (None, "unknown")
    assert risk.overall_amplification.status == "unavailable"
