"""Scenarios: betas of one regression, exchange rates revalued, the error told, and three months that really were."""

import csv
import gzip
import json
from datetime import date
from decimal import Decimal
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import env
from portfolio.analytics.errors import UndefinedRatio
from portfolio.analytics.macro import joint_betas as regression
from portfolio.macro import presets, scenarios
from portfolio.macro.holding_history import FactorSource, HoldingHistory
from pricing.models import Factor
from pricing.tests.folders import DATA
from pricing.tests.test_archive import needs_data

T = 252
NAMES = tuple(Factor.values)


def holdings(returns, *, known=("real_rate", "equity", "usd"), seed=5, sessions=T):
    """Sessions of factors that a test's holdings are made of; `returns` makes (T, N) of (T, 5) changes."""
    changes = np.random.default_rng(seed).normal(0, [4e-4, 3e-4, 3e-4, 5e-3, 1e-2], (sessions, len(NAMES)))
    changes[:, [place for place, each in enumerate(NAMES) if each not in known]] = np.nan
    table = returns(np.nan_to_num(changes))
    return HoldingHistory(
        date(2020, 1, 1), date(2020, 12, 31), sessions,
        tuple(
            FactorSource(each, each.upper(), "ok", None) if each in known
            else FactorSource(each, "", "unavailable", "missing_factor")
            for each in NAMES
        ),
        tuple(f"S{place}" for place in range(table.shape[1])), ("equity",) * table.shape[1], (),
        np.arange(sessions).astype("datetime64[D]"),
        table, changes, np.zeros((sessions, 0)), ("maker",),
    )  # fmt: skip


def valued(*amounts, currencies=None, cash=(), base="CAD"):
    rows = [
        SimpleNamespace(
            security_id=place, symbol=f"S{place}", name=f"Security {place}", market_value=Decimal(amount),
            currency=(currencies or [base] * len(amounts))[place],
        )
        for place, amount in enumerate(amounts)
    ]  # fmt: skip
    balances = [SimpleNamespace(currency=currency, market_value=Decimal(amount)) for currency, amount in cash]
    total = sum((each.market_value for each in (*rows, *balances)), Decimal(0))
    return SimpleNamespace(
        asof_date=date(2020, 12, 31), currency=base, total_value=total, positions=tuple(rows), cash=tuple(balances)
    )


def run(scenario, portfolio, history):
    return scenarios.run(scenario, portfolio, scenarios.fit(history), cost_bp=20.0)


def column(name):
    return NAMES.index(name)


def twice_the_market(changes):
    return 2.0 * changes[:, [column("equity")]]


def test_a_holding_that_is_the_market_twice_loses_twice_the_shock():
    record = run(presets.custom({"equity": -0.10}), valued(1000), holdings(twice_the_market))

    assert record.total_delta_pl == Decimal("-200.00")
    assert record.post_shock_nav == Decimal("800.00")
    assert record.total_delta_pl_pct.status == "ok"
    assert record.standard_error.value == pytest.approx(0.0, abs=1e-9)


def test_basis_points_are_hundredths_of_a_percent():
    record = run(
        presets.custom({"real_rate_bp": 100}), valued(1000), holdings(lambda f: -7.0 * f[:, [column("real_rate")]])
    )

    assert record.total_delta_pl == Decimal("-70.00")


def test_the_standard_error_is_that_of_the_textbook():
    noise = np.random.default_rng(2).normal(0, 0.01, (T, 1))
    history = holdings(lambda f: 1.3 * f[:, [column("equity")]] + noise, known=("equity",))
    record = run(presets.custom({"equity": -0.2}), valued(1000), history)

    # Simple regression: the slope's variance is s^2 / sum of (x - mean)^2, s^2 with n - 2 (Greene, Econometric Analysis, 4.3).
    x, y = history.changes[:, column("equity")], history.returns[:, 0]
    slope, intercept = np.polyfit(x, y, 1)
    squared = np.square(y - slope * x - intercept).sum() / (T - 2)
    assert record.standard_error.value == pytest.approx(
        0.2 * np.sqrt(squared / np.square(x - x.mean()).sum()), rel=1e-9
    )
    assert record.positions[0].standard_error == pytest.approx(record.standard_error.value, rel=1e-9)
    assert record.interval_low.value < record.total_delta_pl_pct.value < record.interval_high.value


@pytest.mark.parametrize(
    ("base", "currency", "move"),
    [
        ("CAD", "USD", 0.05),
        ("USD", "CAD", 1 / 1.05 - 1),
        ("CAD", "EUR", 0.0),
        ("USD", "USD", 0.0),
        ("EUR", "USD", 0.05),
    ],
)
def test_a_dollar_that_rises_revalues_it_against_all_others_and_leaves_their_crosses(base, currency, move):
    record = run(
        presets.custom({"usd": 0.05}), valued(1000, currencies=[currency], base=base), holdings(twice_the_market)
    )

    assert record.positions[0].fx_return == pytest.approx(move)
    assert float(record.fx_delta) == pytest.approx(1000 * move, abs=0.005)


def test_foreign_cash_is_revalued_and_all_parts_sum_to_the_total():
    scenario = presets.custom({"usd": 0.05, "equity": -0.1})
    record = run(scenario, valued(1000, currencies=["USD"], cash=[("USD", 200)]), holdings(twice_the_market))

    # 1000 x (0.8 x 1.05 - 1) and 200 x 0.05
    assert record.total_delta_pl == Decimal("-150.00")
    parts = [each.contribution or Decimal(0) for each in record.factors]
    assert sum(parts, record.fx_delta + record.interaction_delta) == record.total_delta_pl


def test_a_shock_of_a_factor_without_series_is_not_applied_and_says_so():
    record = run(presets.find("credit_spread_widening"), valued(1000), holdings(twice_the_market))

    credit = next(each for each in record.factors if each.factor == "credit")
    assert (credit.applied.status, credit.applied.reason, credit.contribution) == (
        "unavailable",
        "missing_factor",
        None,
    )
    assert (record.total_delta_pl_pct.status, record.total_delta_pl_pct.reason) == ("degraded", "missing_factor")
    assert (record.not_applied, record.interval_low.reason) == ("credit", "missing_factor")


def test_a_scenario_of_which_nothing_can_be_applied_has_no_change_and_not_a_zero():
    record = run(presets.find("inflation_reaccel"), valued(1000), holdings(twice_the_market))

    assert (record.total_delta_pl, record.total_delta_pl_pct.value) == (None, None)
    assert record.total_delta_pl_pct.reason == record.standard_error.reason == "missing_factor"


@pytest.mark.parametrize(("times", "is_beyond"), [(4.9, False), (5.1, True)])
def test_a_shock_beyond_five_times_the_largest_move_of_the_window_is_extrapolated(times, is_beyond):
    history = holdings(twice_the_market)
    largest = regression.largest_moves(history.changes, sessions=30)[column("real_rate")]
    record = run(presets.custom({"real_rate_bp": times * largest * 1e4}), valued(1000), history)

    assert (record.factors[0].applied.reason == "extrapolated") == is_beyond


def test_nothing_held_loses_more_than_all():
    record = run(presets.custom({"equity": -0.9}), valued(1000), holdings(twice_the_market))

    assert record.post_shock_nav == Decimal("0.00")
    assert record.positions[0].delta.reason == "floored"


def test_a_holding_with_too_few_sessions_keeps_its_value_and_says_why():
    history = holdings(lambda f: np.column_stack((2 * f[:, 4], np.where(np.arange(T) < T - 59, np.nan, f[:, 4]))))
    record = run(presets.custom({"equity": -0.1}), valued(1000, 1000), history)

    assert [str(each.delta_pl) for each in record.positions] == ["-200.00", "0.00"]
    assert record.positions[1].delta.reason == "too_few_sessions"


def test_an_asset_class_that_a_stress_does_not_name_is_told():
    record = run(presets.find("TECH_BUST_2000"), valued(1000), holdings(twice_the_market))

    assert record.total_delta_pl == Decimal("-450.00")
    other = run(presets.find("TECH_BUST_2000"), valued(1000, currencies=["GBP"]), holdings(twice_the_market))
    assert other.total_delta_pl_pct.reason == "missing_currency"


def test_cash_alone_is_revalued():
    record = run(presets.find("usd_rally"), valued(cash=[("USD", 100), ("CAD", 50)]), holdings(lambda f: f[:, :0]))

    assert record.total_delta_pl == Decimal("5.00")


def test_a_hedge_sells_what_moves_one_to_one_with_the_market():
    record = run(presets.custom({"equity": -0.1}), valued(1000), holdings(twice_the_market))

    (hedge,) = record.hedges
    assert (hedge.size, hedge.gain, hedge.cost) == (Decimal("2000.00"), Decimal("200.00"), Decimal("4.00"))
    assert hedge.share_of_loss == pytest.approx(1.0)


def test_factors_that_move_as_one_are_refused():
    changes = np.random.default_rng(1).normal(size=(T, 1))

    with pytest.raises(UndefinedRatio, match="not independent"):
        regression.joint_betas(changes, np.column_stack((changes, 3 * changes)))


def test_an_unknown_scenario_and_shocks_out_of_range_are_refused_with_all_that_is_wrong():
    with pytest.raises(presets.ScenarioUnknown):
        presets.find("rates_sideways")
    with pytest.raises(presets.ShocksInvalid) as refused:
        presets.custom({"equity": -2, "usd": True, "gold": 0.1, "credit_bp": float("nan")})
    assert len(refused.value.findings) == 4
    with pytest.raises(presets.ShocksInvalid):
        presets.custom({})


SIZES = st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=3))


@given(st.dictionaries(st.one_of(st.sampled_from([*presets.UNITS]), st.text(max_size=80)), SIZES, max_size=6))
def test_any_shocks_are_refused_by_every_name_that_is_wrong_or_lie_within_their_bounds(shocks):
    def is_good(name, size):
        is_number = isinstance(size, int | float) and not isinstance(size, bool)
        return name in presets.UNITS and is_number and abs(size) <= presets.UNITS[name][2]

    wrong = [name[:64] for name, size in shocks.items() if not is_good(name, size)] or ([] if shocks else [""])
    if wrong:
        with pytest.raises(presets.ShocksInvalid) as refused:
            presets.custom(shocks)
        assert [name for name, _ in refused.value.findings] == wrong
        return
    scenario = presets.custom(shocks)
    assert all(np.isfinite(size) for size in scenario.shocks.values())


def test_the_pattern_offers_every_scenario_and_the_callers_own():
    document = json.loads((env.PROJECT / "execution/library/portfolio_scenario_analysis.json").read_text())

    assert set(document["inputs"]["scenario_id"]["enum"]) == {"custom", *presets.SCENARIOS}


CRISES = [("2008-09-01", "2008-09-30"), ("2011-08-01", "2011-08-31"), ("2020-03-01", "2020-03-31")]


@cache
def real():
    with gzip.open(DATA / "prices.csv.gz", "rt") as file:
        closes: dict[str, dict[str, float]] = {}
        for row in csv.DictReader(file):
            closes.setdefault(row["symbol"], {})[row["date"]] = float(row["close"])
    with gzip.open(DATA / "macro.csv.gz", "rt") as file:
        series: dict[str, dict[str, float]] = {}
        for row in csv.DictReader(file):
            if row["series_id"] in ("DGS10", "BAA10Y"):
                series.setdefault(row["series_id"], {})[row["date"]] = float(row["value"])
    return closes, series


def coverage(first, last):
    """Share of the holdings whose return over a span lay in the interval that the betas of the year before gave it."""
    closes, series = real()
    days = sorted(closes["SPX"])
    begin = next(place for place, day in enumerate(days) if day >= first) - 1
    end = max(place for place, day in enumerate(days) if day <= last)
    window = days[begin - T : begin + 1]

    def changes(span):
        levels = np.array([[series[name].get(day, np.nan) / 100 for name in ("DGS10", "BAA10Y")] for day in span])
        index = np.array([closes["SPX"].get(day, np.nan) for day in span])
        return np.column_stack((np.diff(levels, axis=0), index[1:] / index[:-1] - 1))

    symbols = [each for each in closes if each != "SPX" and {window[0], days[begin], days[end]} <= set(closes[each])]
    table = np.array([[closes[each].get(day, np.nan) for each in symbols] for day in window])
    betas = regression.joint_betas(table[1:] / table[:-1] - 1, changes(window))
    shock, sessions = changes([days[begin], days[end]])[0], end - begin
    tail = regression.tail_factor(changes(window), shock, sessions=sessions)
    low, high = betas.interval(shock, sessions=sessions, tail=tail)
    real_returns = np.array([closes[each][days[end]] / closes[each][days[begin]] - 1 for each in symbols])
    return len(symbols), float(((real_returns >= low) & (real_returns <= high)).mean())


@pytest.mark.slow
@needs_data
@pytest.mark.parametrize(("first", "last"), CRISES)
def test_what_holdings_did_in_months_of_crisis_lies_in_the_interval_of_the_day_before(first, last):
    holdings_known, covered = coverage(first, last)

    assert holdings_known >= 25
    assert covered >= 0.80


@pytest.mark.slow
@needs_data
def test_in_ordinary_months_the_interval_is_not_too_wide():
    months = [f"{year}-{month:02d}" for year in range(2004, 2018) for month in (2, 5, 8, 11)]

    covered = [coverage(f"{month}-01", f"{month}-28")[1] for month in months]

    assert 0.85 <= np.mean(covered) <= 0.95
