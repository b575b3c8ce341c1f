"""The regime of the economy: its rules, and its record against the recessions that the NBER dated."""

import csv
import gzip
from datetime import date
from functools import cache
from unittest import mock

import numpy as np
import pytest

from portfolio.analytics.macro import regimes
from portfolio.analytics.macro import standing as standings
from portfolio.analytics.macro.regimes import INPUTS, Regime
from portfolio.analytics.macro.vintages import Vintages
from portfolio.macro import indicators, regime
from portfolio.macro.definitions import DEFINITIONS
from portfolio.macro.indicators import Indicator
from pricing.packs.deltas import LagRule, release_dates
from pricing.tests.folders import DATA
from pricing.tests.test_archive import needs_data

RECESSIONS = (("2001-04", "2001-11"), ("2008-01", "2009-06"), ("2020-03", "2020-04"))
"""Months after the peak up to the trough: NBER, "US Business Cycle Expansions and Contractions"."""
LAGS = {"T10Y2Y": LagRule("business_days", 1), "BAA10Y": LagRule("business_days", 1)}
LAGS |= {"UNRATE": LagRule("days_from_month_start", 40), "CPIAUCSL": LagRule("days_from_month_start", 45)}
MONTHS = np.arange("1993-07", "2023-01", dtype="datetime64[M]")
BETWEEN = np.array(["2005-01", "2014-12"], dtype="datetime64[M]")
"""Middles of the two expansions between the recessions: where the record is cut to leave one out."""


def made(**vintages):
    """Indicators of monthly and daily series that a test makes."""
    choices = {
        name: (
            Indicator(
                DEFINITIONS[name], (name,), "D" if name in ("T10Y2Y", "BAA10Y") else "M", (each,), (), ("maker",)
            ),
        )
        for name, each in vintages.items()
    }
    return indicators.as_of(choices, date(2022, 12, 30))


@cache
def real():
    """The four series of the real data, each figure known by the lag of its series."""
    with gzip.open(DATA / "macro.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["series_id"] in INPUTS]
    series = {}
    for name in INPUTS:
        own = [row for row in rows if row["series_id"] == name]
        observed = np.array([row["date"] for row in own], dtype="datetime64[D]")
        known = release_dates(observed, LAGS[name])
        series[name] = Vintages(observed, known, np.array([float(row["value"]) for row in own]))
    return made(**series)


@cache
def contractions(years=standings.YEARS):
    """(M,) whether each month end was said to lie in a contraction, as known on it, by a window of so many years."""
    ends = (MONTHS + 1).astype("datetime64[D]") - 1
    with mock.patch.object(standings, "YEARS", years):
        return np.array([regime.verdict_as_known(real(), day).is_contraction for day in ends])


def is_recession():
    return np.any(
        [
            np.isin(MONTHS, np.arange(first, np.datetime64(last) + 1, dtype="datetime64[M]"))
            for first, last in RECESSIONS
        ],
        axis=0,
    )


def without_the_recession_judged(windows):
    """(M,) what is said by the window that fits the other two recessions, and the expansions around them, best."""
    true, fold = is_recession(), np.searchsorted(BETWEEN, MONTHS, side="right")
    left_out = np.zeros(len(MONTHS), dtype=bool)
    for each in range(3):
        others = fold != each
        fitted = max(windows, key=lambda years: balanced_accuracy(contractions(years)[others], true[others]))
        left_out[~others] = contractions(fitted)[~others]
    return left_out


def balanced_accuracy(said, true):
    return (said[true].mean() + (~said[~true]).mean()) / 2


@needs_data
def test_the_regime_meets_the_recessions_of_thirty_years_better_than_a_constant():
    said, true = contractions(), is_recession()

    assert balanced_accuracy(said, true) >= 0.80
    assert balanced_accuracy(np.zeros(len(MONTHS), dtype=bool), true) == 0.5


@pytest.mark.slow
@needs_data
def test_the_window_that_fits_the_other_recessions_meets_the_one_left_out():
    assert balanced_accuracy(without_the_recession_judged((5, 10, 20)), is_recession()) >= 0.80


@needs_data
@pytest.mark.parametrize(
    ("month", "contracts"),
    [
        ("2008-11", True),
        ("2009-03", True),
        ("2020-04", True),
        ("2005-06", False),
        ("2006-12", False),
        ("2017-06", False),
    ],
)
def test_months_of_which_nobody_doubts_the_phase(month, contracts):
    assert contractions()[np.searchsorted(MONTHS, np.datetime64(month))] == contracts


@pytest.mark.parametrize(
    ("z", "winner"),
    [
        ((1.0, -1.6, -0.6, -0.6), Regime.EARLY_EXPANSION),
        ((0.7, -0.3, 0.1, 0.1), Regime.MID_EXPANSION),
        ((-0.4, -1.0, 1.5, 0.3), Regime.LATE_EXPANSION),
        ((-1.0, 0.5, 0.5, 1.0), Regime.EARLY_CONTRACTION),
        ((1.0, 2.0, -1.0, 2.0), Regime.DEEP_CONTRACTION),
    ],
)
def test_a_vector_inside_all_bands_of_a_regime_scores_one_and_wins(z, winner):
    verdict = regimes.classify(z)

    assert verdict.regime == winner
    assert verdict.scores[winner] == pytest.approx(1.0)
    assert 0 < verdict.margin <= 1
    assert sum(verdict.shares) == pytest.approx(1.0)


def test_an_indicator_counts_half_one_deviation_outside_its_band():
    inside, outside = regimes.fits([1.0, -1.0, -1.0, -1.0]), regimes.fits([-0.5, -1.0, -1.0, -1.0])

    assert outside[0, 0] / inside[0, 0] == pytest.approx(0.5)


def test_nothing_is_scored_while_an_indicator_is_missing():
    assert np.isnan(regimes.fits([1.0, np.nan, 0.0, 0.0])).all()


def monthly(values, first="2002-01", lag_days=40):
    observed = (np.datetime64(first, "M") + np.arange(len(values))).astype("datetime64[D]")
    return Vintages(observed, observed + np.timedelta64(lag_days, "D"), np.asarray(values, dtype=float))


def daily(values, last="2022-12-29"):
    days = np.arange(np.datetime64(last) - 2 * len(values), np.datetime64(last) + 1)
    observed = days[np.is_busday(days)][-len(values) :]
    return Vintages(observed, observed + np.timedelta64(1, "D"), np.asarray(values, dtype=float))


def test_missing_indicators_make_the_regime_unknown_by_their_names_and_the_rest_is_given():
    noise = np.random.default_rng(1)

    record = regime.detect(made(T10Y2Y=daily(noise.normal(size=600)), CPIAUCSL=monthly(np.linspace(100, 300, 251))))

    assert (record.regime_name, record.score.status, record.score.reason) == (
        "unknown", "unavailable", "unknown(BAA10Y, UNRATE)",
    )  # fmt: skip
    assert {each.name: each.z.is_known for each in record.drivers} == {
        "T10Y2Y": True, "UNRATE": False, "CPIAUCSL": True, "BAA10Y": False,
    }  # fmt: skip


def test_a_figure_that_was_published_later_is_not_known_before():
    figures = monthly([4.0] * 200 + [15.0], first="2006-04")
    known = figures.known[-1]

    assert figures.as_known(known - 1).value[-1] == 4.0
    assert figures.as_known(known).value[-1] == 15.0


def test_a_correction_counts_from_the_day_it_is_known():
    day = np.array(["2020-01-01", "2020-01-01"], dtype="datetime64[D]")
    figures = Vintages(day, np.array(["2020-02-10", "2020-03-10"], dtype="datetime64[D]"), np.array([3.5, 3.6]))

    assert figures.as_known(np.datetime64("2020-03-09")).value.tolist() == [3.5]
    assert figures.as_known(np.datetime64("2020-03-10")).value.tolist() == [3.6]


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        (daily(np.full(600, 1.5)), "no_variation"),
        (daily(np.arange(100.0)), "short_series"),
        (daily(np.arange(600.0), last="2022-11-30"), "stale_series"),
    ],
)
def test_a_series_that_can_not_speak_says_why(figures, reason):
    reading = made(T10Y2Y=figures).reading("T10Y2Y")

    assert (reading.z.status, reading.z.reason) == ("unavailable", reason)


def test_prices_enter_as_their_growth_in_a_year():
    reading = made(CPIAUCSL=monthly(np.concatenate((np.full(239, 100.0), np.full(12, 104.0))))).reading("CPIAUCSL")

    assert reading.value.value == pytest.approx(4.0)
