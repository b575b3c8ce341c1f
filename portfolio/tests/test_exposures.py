"""Factor exposures: which series stands for a factor, and what the rows say when none does."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from portfolio.performance import exposure_history, factor_exposures, factor_series
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.factor_series import FactorChoice
from portfolio.performance.risk_free import RiskFree
from portfolio.tests.made import days, life
from pricing import market
from pricing.market import MissingSeries
from pricing.models import Factor
from pricing.packs.rows import KnownObservation

START = np.datetime64("2020-01-06")
DAYS = np.arange(START, START + 140)[np.is_busday(np.arange(START, START + 140))]
CHOICES = (
    FactorChoice("credit", "BAMLC0A0CM", "", "difference", ""),
    FactorChoice("credit", "BAA10Y", "", "difference", "baa_spread"),
    FactorChoice("equity", "SP500", "", "return", ""),
    FactorChoice("inflation", "T10YIE", "", "difference", ""),
    FactorChoice("real_rate", "DFII10", "", "difference", ""),
    FactorChoice("real_rate", "DGS10", "CPI", "difference", "nominal_rate"),
)


@pytest.fixture
def pack(monkeypatch):
    """A pack of the series that a test puts in: name -> {day: value}."""
    known, trailing = {}, {}

    def observations_by_series(pack, names):
        return {
            name: [
                KnownObservation(name, day, Decimal(repr(float(value))), day, "", "bureau", "")
                for day, value in sorted(known[name].items())
            ]
            for name in names
            if name in known
        }

    def series(pack, name, *, dates):
        if name not in trailing:
            raise MissingSeries(name, date(2020, 6, 1))
        return trailing[name]

    monkeypatch.setattr(market, "observations_by_series", observations_by_series)
    monkeypatch.setattr(market, "series", series)
    return SimpleNamespace(known=known, trailing=trailing)


def put(pack, series, values, dates=DAYS):
    pack.known[series] = {day.item(): value for day, value in zip(dates, values, strict=True)}


def noise(seed, scale=0.01):
    return np.random.default_rng(seed).normal(0, scale, len(DAYS) - 1)


def levels(steps, start=100.0):
    return start * np.concatenate(([1.0], np.cumprod(1 + steps)))


def loaded(history, choices=CHOICES):
    return factor_series.load(SimpleNamespace(), choices, history.dates)


def exposures(history, risk_free_rate=0.0, degraded=()):
    free = RiskFree("UST3M", np.full(len(history.dates), risk_free_rate), degraded, ())
    return {row.factor: row for row in factor_exposures.regress(history, loaded(history), free, None).rows}


def test_a_portfolio_that_is_the_factor_twice_has_a_beta_of_two(pack):
    steps = noise(1)
    put(pack, "SP500", levels(steps))

    found = exposures(life(DAYS, levels(2 * steps, 1000)))

    equity = found["equity"]
    assert (equity.status, equity.reason, equity.series_id) == ("ok", "", "SP500")
    assert equity.beta == pytest.approx(2)
    assert equity.variance_share == pytest.approx(1)
    assert equity.observations == len(steps)


def test_yields_are_differences_in_decimal(pack):
    steps = noise(2, 0.0005)
    put(pack, "T10YIE", 100 * (0.02 + np.concatenate(([0.0], np.cumsum(steps)))))

    found = exposures(life(DAYS, levels(3 * steps, 1000)))

    # ten basis points are 0.0010: a return of three times the change is a beta of three
    assert found["inflation"].beta == pytest.approx(3, rel=1e-6)


def test_a_factor_without_a_series_is_unavailable_and_the_others_are_not(pack):
    put(pack, "SP500", levels(noise(1)))

    found = exposures(life(DAYS, levels(noise(3), 1000)))

    assert set(found) == set(Factor.values)
    for factor in set(Factor.values) - {"equity"}:
        row = found[factor]
        assert (row.status, row.reason, row.beta, row.observations) == ("unavailable", "no_series", None, None)
    assert found["equity"].status == "ok"


def test_a_proxy_stands_in_where_the_first_choice_is_missing_and_says_so(pack):
    put(pack, "BAA10Y", levels(noise(4), 3.0))

    row = exposures(life(DAYS, levels(noise(3), 1000)))["credit"]

    assert (row.series_id, row.status, row.reason) == ("BAA10Y", "degraded", "baa_spread")
    assert row.beta is not None


def test_the_first_choice_stands_where_both_are_there(pack):
    put(pack, "BAA10Y", levels(noise(4), 3.0))
    put(pack, "BAMLC0A0CM", levels(noise(5), 1.0))

    row = exposures(life(DAYS, levels(noise(3), 1000)))["credit"]

    assert (row.series_id, row.status) == ("BAMLC0A0CM", "ok")


def test_a_real_rate_by_proxy_takes_the_trailing_inflation_off(pack):
    steps = noise(6, 0.0005)
    put(pack, "DGS10", 100 * (0.03 + np.concatenate(([0.0], np.cumsum(steps)))))

    without = exposures(life(DAYS, levels(3 * steps, 1000)))["real_rate"]
    pack.trailing["CPI"] = SimpleNamespace(
        value=np.full(len(DAYS), 102.0), year_ago=np.full(len(DAYS), 100.0), sources=("bls",)
    )
    found = exposures(life(DAYS, levels(3 * steps, 1000)))["real_rate"]

    assert (without.status, without.reason) == ("unavailable", "no_series")
    assert (found.status, found.reason) == ("degraded", "nominal_rate")
    assert found.beta == pytest.approx(3, rel=1e-6)


def test_days_without_the_series_are_dropped(pack):
    steps = noise(1)
    values = levels(steps)
    put(pack, "SP500", np.delete(values, [10, 11]), np.delete(DAYS, [10, 11]))

    row = exposures(life(DAYS, levels(2 * steps, 1000)))["equity"]

    # the steps into days 10 and 11, and out of 11, are incomplete
    assert row.observations == len(steps) - 3
    assert row.beta == pytest.approx(2)


def test_too_few_days_are_no_exposure(pack):
    put(pack, "SP500", levels(noise(1)))

    row = exposures(life(DAYS[:60], levels(noise(3), 1000)[:60]))["equity"]

    assert (row.status, row.beta) == ("unavailable", None)
    assert "60" in row.reason


def test_without_a_risk_free_rate_nothing_is_known(pack):
    put(pack, "SP500", levels(noise(1)))

    history = life(DAYS, levels(noise(3), 1000))

    rows = factor_exposures.regress(history, loaded(history), None, None).rows

    assert {(row.factor, row.status, row.reason) for row in rows} == {
        (factor, "unavailable", "no_risk_free_rate") for factor in Factor.values
    }


def test_a_foreign_risk_free_rate_degrades_what_rests_on_it(pack):
    put(pack, "SP500", levels(noise(1)))
    put(pack, "BAA10Y", levels(noise(4), 3.0))

    found = exposures(life(DAYS, levels(noise(3), 1000)), degraded=("risk_free_currency",))

    assert (found["equity"].status, found["equity"].reason) == ("degraded", "risk_free_currency")
    assert found["credit"].reason == "baa_spread, risk_free_currency"


def test_the_level_of_a_day_is_that_days_own(pack):
    put(pack, "SP500", [1.0, 3.0], days("2020-01-06", "2020-01-08"))

    on = days("2020-01-03", "2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09")
    (equity,) = factor_series.load(SimpleNamespace(), CHOICES, on).levels.values()
    level = equity.values[:, 0]

    assert np.isnan(level).tolist() == [True, False, True, False, True]
    assert level[[1, 3]].tolist() == [1.0, 3.0]


def explained(history, *, benchmark=None, rate=0.0, degraded=()):
    free = RiskFree("UST3M", np.full(len(history.dates), rate), degraded, ("treasury",))
    market_by_benchmark = FactorChoice("equity", factor_series.BENCHMARK, "", "return", "benchmark")
    return factor_exposures.record(
        history,
        loaded(history, (*CHOICES, market_by_benchmark)),
        free,
        portfolio_id="p",
        pack_id="PP_2020-05-22_ECB_EUR_r1",
        benchmark=benchmark,
    )


def test_shares_sum_to_one_and_contributions_to_the_portfolios_return(pack):
    put(pack, "SP500", levels(noise(1)))
    put(pack, "T10YIE", 2.0 + np.concatenate(([0.0], np.cumsum(noise(2, 0.05)))))
    put(pack, "BAA10Y", levels(noise(4), 3.0))
    daily = 0.8 * noise(1) + 0.5 * noise(2, 0.05) / 100 + noise(7, 0.004)
    history = life(DAYS, levels(daily, 1000))

    found, sources = explained(history, rate=0.03)

    known = [row for row in found.rows if row.status != "unavailable"]
    assert [row.factor for row in known] == ["inflation", "credit", "equity"]
    assert sum(row.variance_share for row in known) + found.residual_share.value == pytest.approx(1, abs=1e-12)
    assert found.r_squared.value == pytest.approx(1 - found.residual_share.value)
    parts = (
        sum(row.contribution for row in known) + found.risk_free_contribution.value + found.residual_contribution.value
    )
    assert found.total_return.value == pytest.approx(history.value[-1] / history.value[0] - 1)
    assert parts == pytest.approx(found.total_return.value, abs=1e-12)
    assert found.risk_free_contribution.value > 0
    assert found.market_beta.value == pytest.approx(0.8, abs=0.1)
    assert found.market_beta.basis["standard_error"] > 0
    assert sources[0] == "bureau/BAA10Y"
    assert {source.partition("/")[0] for source in sources} == {"bureau", "treasury"}


def test_a_regression_agrees_with_least_squares_by_the_normal_equations(pack):
    f, g = noise(1), noise(2, 0.0005)
    put(pack, "SP500", levels(f))
    put(pack, "T10YIE", 100 * (0.02 + np.concatenate(([0.0], np.cumsum(g)))))
    daily = 0.8 * f + 2 * g + noise(7, 0.004)

    found = {row.factor: row for row in explained(life(DAYS, levels(daily, 1000)))[0].rows}

    x = np.column_stack((np.ones(len(f)), g, f))
    solved = np.linalg.solve(x.T @ x, x.T @ daily)
    residual = daily - x @ solved
    errors = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * (residual @ residual) / (len(f) - 3))
    assert [found[each].beta for each in ("inflation", "equity")] == pytest.approx(solved[1:])
    assert [found[each].standard_error for each in ("inflation", "equity")] == pytest.approx(errors[1:])
    assert found["equity"].t_statistic == pytest.approx(solved[2] / errors[2])


def test_the_equity_factor_is_a_premium_over_the_risk_free_rate(pack):
    steps = noise(1)
    put(pack, "SP500", levels(steps))
    free = 1.05 ** (np.diff(DAYS).astype(int) / 365) - 1
    history = life(DAYS, levels(free + 2 * (steps - free), 1000))

    found, _ = explained(history, rate=0.05)

    assert found.market_beta.value == pytest.approx(2)
    assert found.alpha.value == pytest.approx(0, abs=1e-12)


def test_the_benchmark_stands_for_the_market_where_the_pack_has_no_index(pack):
    steps = noise(1)
    benchmark = BenchmarkReturns("World", np.concatenate(([0.0], steps)), degraded=("price_index",), sources=("wood",))
    history = life(DAYS, levels(2 * steps, 1000))

    without, _ = explained(history)
    beside, sources = explained(history, benchmark=benchmark)
    put(pack, "SP500", levels(noise(9)))
    first, _ = explained(history, benchmark=benchmark)

    assert (without.factors["equity"].reason, without.r_squared.status) == ("no_series", "unavailable")
    equity = beside.factors["equity"]
    assert (equity.status, equity.reason) == ("degraded", "benchmark, price_index")
    assert equity.value == pytest.approx(2)
    assert "wood" in sources
    assert (first.factors["equity"].basis["series"], first.factors["equity"].status) == ("SP500", "ok")


def test_a_factor_that_did_not_move_is_unavailable_and_the_others_are_not(pack):
    steps = noise(1)
    put(pack, "SP500", levels(steps))
    put(pack, "T10YIE", np.full(len(DAYS), 2.0))

    found = exposures(life(DAYS, levels(2 * steps, 1000)))

    assert (found["inflation"].status, found["inflation"].reason) == ("unavailable", "no_variation")
    assert (found["inflation"].series_id, found["inflation"].beta) == ("T10YIE", None)
    assert found["equity"].beta == pytest.approx(2)


def test_flows_leave_the_betas_as_they_are(pack):
    put(pack, "SP500", levels(noise(1)))
    put(pack, "BAA10Y", levels(noise(4), 3.0))
    daily = np.concatenate(([0.0], 0.8 * noise(1) + noise(3, 0.004)))
    inflow, outflow = np.zeros(len(DAYS)), np.zeros(len(DAYS))
    inflow[[0, 20, 50]], outflow[[30, 70]] = [1000, 90_000, 5], [60_000, 10_000]
    values, worth = [], 0.0
    for step, money_in, money_out in zip(daily, inflow, outflow, strict=True):
        worth = (worth + money_in) * (1 + step) - money_out
        values.append(worth)

    quiet = exposures(life(DAYS, 1000 * np.cumprod(1 + daily)))
    moved = exposures(life(DAYS, values, inflow=inflow, outflow=outflow))

    for factor in ("equity", "credit"):
        assert moved[factor].beta == pytest.approx(quiet[factor].beta, rel=1e-9)
        assert moved[factor].variance_share == pytest.approx(quiet[factor].variance_share, rel=1e-9)


def test_a_series_that_goes_on_comes_before_one_that_ended(pack):
    put(pack, "BAMLC0A0CM", levels(noise(5), 1.0)[:30], DAYS[:30])
    put(pack, "BAA10Y", levels(noise(4), 3.0))

    row = exposures(life(DAYS, levels(noise(3), 1000)))["credit"]

    assert (row.series_id, row.status) == ("BAA10Y", "degraded")


# --- through time


def betas_by_week(life_of, rate=0.0, degraded=(), lookback_days=1000):
    free = RiskFree("UST3M", np.full(len(life_of.dates), rate), degraded, ("treasury",))
    return exposure_history.history(life_of, loaded(life_of), free, lookback_days=lookback_days, benchmark=None)


def test_the_weeks_of_a_history_end_on_their_last_day_and_the_last_one_on_the_last_day():
    # Thursday, Friday | Monday | a week without a day | Sunday | Monday
    dates = np.array(["1969-12-25", "1969-12-26", "1969-12-29", "1970-01-11", "1970-01-12"], dtype="datetime64[D]")

    assert exposure_history.week_ends(dates).tolist() == [1, 2, 3, 4]


def test_each_week_has_the_beta_that_was_found_on_its_last_day(pack):
    put(pack, "SP500", levels(noise(1)))
    put(pack, "T10YIE", 2.0 + np.concatenate(([0.0], np.cumsum(noise(2, 0.05)))))
    daily = levels(0.8 * noise(1) + noise(7, 0.004), 1000)

    found, sources = betas_by_week(life(DAYS, daily), rate=0.03)

    assert found.dates.tolist() == [each.item() for each in DAYS[4::5]]
    for place, last in enumerate(range(4, len(DAYS), 5)):
        then = exposures(life(DAYS[: last + 1], daily[: last + 1]), 0.03)
        assert {name: series[place] for name, series in found.betas.items()} == {
            name: row.beta for name, row in then.items()
        }
        assert found.observations[place] == then["equity"].observations
    assert found.betas["equity"][-1] is not None
    assert "treasury" in sources
    assert any(each.startswith("bureau") for each in sources)


def test_a_beta_that_doubled_is_two_before_and_rises_after(pack):
    steps = noise(1)
    put(pack, "SP500", levels(steps))
    late = np.arange(len(steps)) >= 80

    found, _ = betas_by_week(life(DAYS, levels(np.where(late, 4 * steps, 2 * steps), 1000)))

    equity = dict(zip(found.dates.tolist(), found.betas["equity"], strict=True))
    young = [beta for on, beta in equity.items() if on < DAYS[60].item()]
    before = [beta for on, beta in equity.items() if DAYS[60].item() <= on <= DAYS[80].item()]
    assert set(young) == {None}
    assert before == pytest.approx([2] * len(before))
    assert 2 < list(equity.values())[-1] < 4
    assert found.unavailable == dict.fromkeys(("real_rate", "inflation", "credit", "usd"), "no_series")


def test_a_look_back_has_the_weeks_that_end_in_it_and_a_doubt_is_said(pack):
    put(pack, "SP500", levels(noise(1)))

    found, _ = betas_by_week(life(DAYS, levels(noise(3), 1000)), degraded=("risk_free_currency",), lookback_days=10)

    assert found.dates.tolist() == [DAYS[-11].item(), DAYS[-6].item(), DAYS[-1].item()]
    assert found.degraded == {"equity": "risk_free_currency"}


def test_without_a_rate_or_days_there_are_no_weeks_and_a_reason(pack):
    put(pack, "SP500", levels(noise(1)))
    whole = life(DAYS, levels(noise(3), 1000))

    without_rate, _ = exposure_history.history(whole, loaded(whole), None, lookback_days=5, benchmark=None)
    of_a_day, _ = betas_by_week(life(DAYS[:1], [1000]))

    assert set(without_rate.unavailable.values()) == {"no_risk_free_rate"}
    assert set(of_a_day.unavailable.values()) == {"no_observations"}
    for each in (without_rate, of_a_day):
        assert len(each.dates) == len(each.r_squared) == 0
        assert each.betas == dict.fromkeys(("real_rate", "inflation", "credit", "usd", "equity"), ())
