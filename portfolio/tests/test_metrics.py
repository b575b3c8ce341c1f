"""Windows cut from a life, and what each figure of the record says about itself. Goldens: docs/measurement.md, Worked examples."""

from dataclasses import fields, replace

import numpy as np
import pytest

from portfolio.analytics.errors import InvalidInput
from portfolio.performance import calendar_years, daily_returns, observations, rolling, windows
from portfolio.performance import record as metrics_record
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.daily_returns import Undefined
from portfolio.performance.measures import FIGURE_OF_KEY
from portfolio.performance.risk_free import RiskFree
from portfolio.tests.made import NAN, day, life
from portfolio.valuation import InvariantViolated


def weekdays(first, last):
    every = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    return every[np.is_busday(every)]


def record(history, risk_free=None):
    return metrics_record.metrics(history, portfolio_id="p", pack_id="PP_2020-01-01_ECB_EUR_r1", risk_free=risk_free)


def growing(first, last, rate=0.001, **how):
    dates = weekdays(first, last)
    return life(dates, 1000 * (1 + rate) ** np.arange(len(dates)), **how)


def risk_free(history, rate=0.05, degraded=()):
    return RiskFree("UST3M", np.full(len(history.dates), rate), degraded, ("treasury",))


# --- windows


def test_a_window_opens_at_the_last_pack_on_or_before_its_anniversary():
    # 2019-03-02 is a Saturday
    history = growing("2015-01-05", "2020-03-02")

    opened = {name: windows.span_of(history, name).opened for name in ("1d", "mtd", "qtd", "ytd", "1y", "3y", "5y")}

    assert opened == {
        "1d": day("2020-02-28"),
        "mtd": day("2020-02-28"),
        "qtd": day("2019-12-31"),
        "ytd": day("2019-12-31"),
        "1y": day("2019-03-01"),
        "3y": day("2017-03-02"),
        "5y": day("2015-03-02"),
    }


@pytest.mark.parametrize(
    ("last", "name", "opened"),
    [
        ("2020-03-31", "mtd", "2020-02-28"),  # 29 February 2020 is a Saturday
        ("2020-03-01", "mtd", "2020-02-28"),
        ("2020-02-29", "mtd", "2020-01-31"),
        ("2020-06-30", "qtd", "2020-03-31"),
        ("2020-07-01", "qtd", "2020-06-30"),
        ("2020-12-31", "ytd", "2019-12-31"),
        ("2023-01-03", "ytd", "2022-12-30"),  # the year ended on a Saturday
        ("2023-01-03", "qtd", "2022-12-30"),
        ("2023-01-03", "mtd", "2022-12-30"),
        ("2021-02-26", "1y", "2020-02-26"),
        ("2020-02-28", "1y", "2019-02-28"),
        ("2020-02-29", "1y", "2019-02-28"),
        ("2020-02-29", "5y", "2015-02-27"),  # the 28th is a Saturday
    ],
)
def test_a_window_opens_before_its_month_quarter_or_year(last, name, opened):
    dates = weekdays("2014-01-01", last)
    if dates[-1] != np.datetime64(last):
        dates = np.append(dates, np.datetime64(last))

    span = windows.span_of(life(dates, np.linspace(100, 200, len(dates))), name)

    assert (span.opened, span.closed) == (day(opened), day(last))


@pytest.mark.parametrize("name", ["mtd", "qtd", "ytd", "1y", "3y", "5y"])
def test_a_window_opens_with_the_portfolio_at_the_earliest(name):
    opening = {
        "mtd": "2020-02-29", "qtd": "2019-12-31", "ytd": "2019-12-31", "1y": "2019-03-02", "3y": "2017-03-02",
        "5y": "2015-03-02",
    }[name]  # fmt: skip
    after = str(np.datetime64(opening) + 1)

    there, younger = (record(life([first, "2020-03-02"], [100, 110])) for first in (opening, after))

    assert there[f"twr_{name}"].status == there[f"mwr_{name}"].status == "ok"
    for kind in ("twr", "mwr"):
        figure = younger[f"{kind}_{name}"]
        if name in windows.TO_DATE:  # from inception, as since inception is
            assert (figure.value, figure.status) == (younger[f"{kind}_itd"].value, "degraded")
            assert (figure.reason, figure.basis["first"]) == ("since_inception", opening)
        else:
            assert (figure.value, figure.status, figure.reason) == (None, "unavailable", "short_history")


def test_the_anniversary_of_29_february_is_the_28th():
    history = growing("2012-01-02", "2016-02-29")

    opened = [windows.span_of(history, name).opened for name in ("1y", "3y")]

    # 2015-02-28 is a Saturday
    assert opened == [day("2015-02-27"), day("2013-02-28")]


def test_a_window_returns_what_its_closes_say():
    history = growing("2018-01-01", "2020-03-02")
    opening = int(np.searchsorted(history.dates, np.datetime64("2019-03-01")))

    twr = record(history)["twr_1y"]

    assert twr.value == pytest.approx(history.value[-1] / history.value[opening] - 1)
    assert (twr.status, twr.basis["first"], twr.basis["last"]) == ("ok", "2019-03-01", "2020-03-02")
    assert twr.basis["n"] == len(history.dates) - 1 - opening


def test_a_window_older_than_the_portfolio_is_unavailable():
    found = record(growing("2019-06-03", "2020-03-02"))

    for name in ("twr_1y", "twr_3y", "twr_5y", "mwr_1y", "max_drawdown_3y"):
        metric = found[name]
        assert (metric.value, metric.status, metric.reason) == (None, "unavailable", "short_history"), name


def test_a_window_that_opens_on_the_first_day_is_measured_from_its_close():
    dates = ["2019-03-01", "2019-09-02", "2020-03-02"]

    found = record(life(dates, [100, 110, 120]))

    assert found["twr_1y"].value == pytest.approx(0.2)


def test_a_single_day_has_no_previous_day():
    found = record(life(["2020-03-02"], [100], inflow=[80]))

    assert (found["twr_1d"].status, found["twr_1d"].reason) == ("unavailable", "short_history")
    assert found["twr_itd"].value == pytest.approx(0.25)


# --- time-weighted


def test_the_first_day_is_measured():
    found = record(life(["2020-01-06", "2020-01-07"], [99, 99], inflow=[100, 0]))

    assert found["twr_itd"].value == pytest.approx(-0.01)
    assert (found["twr_itd"].basis["first"], found["twr_itd"].basis["n"]) == ("2020-01-05", 2)


def test_under_end_timing_the_first_day_is_lost_and_said_to_be():
    found = record(life(["2020-01-06", "2020-01-07"], [99, 108.9], inflow=[100, 0], flow_timing="end"))

    assert found["twr_itd"].value == pytest.approx(0.1)
    assert (found["twr_itd"].status, found["twr_itd"].reason) == ("degraded", "first_day_excluded")
    assert found["twr_1d"].status == "ok"


def test_under_end_timing_the_first_day_is_no_observation_of_risk():
    values, inflow = [99, 108.9, 98.01], [100, 0, 0]
    dates = ["2020-01-06", "2020-01-07", "2020-01-08"]

    found = record(life(dates, values, inflow=inflow, flow_timing="end"))

    assert found["volatility_itd"].basis["n"] == 2
    assert found["volatility_itd"].basis["first"] == "2020-01-06"
    assert found["volatility_itd"].value == pytest.approx(np.std([0.1, -0.1], ddof=1) * np.sqrt(252))


def test_a_re_entry_can_not_be_measured_under_end_timing():
    history = life(
        ["2020-01-06", "2020-01-07", "2020-01-08"],
        [100, 0, 51],
        inflow=[100, 0, 50],
        outflow=[0, 100, 0],
        flow_timing="end",
    )

    assert record(history)["twr_itd"].reason == "starts_at_or_below_zero"
    assert record(history)["twr_1d"].reason == "starts_at_or_below_zero"


def test_one_year_is_cumulative_and_three_and_five_are_annual():
    dates = ["2015-03-02", "2017-03-02", "2019-03-01", "2020-03-02"]

    found = record(life(dates, [100, 110, 150, 165]))

    assert found["twr_1y"].value == pytest.approx(0.1)
    assert found["twr_3y"].value == pytest.approx(1.5 ** (1 / 3) - 1)
    assert found["twr_5y"].value == pytest.approx(1.65 ** (1 / 5) - 1)
    assert [found["twr_1y"].basis["annualised"], found["twr_3y"].basis["annualised"]] == [False, True]


def test_two_years_since_inception_tie_out_with_the_golden():
    found = record(life(["2018-01-01", "2020-01-02"], [100, 121]))

    # 731 days
    assert found["twr_itd_annualised"].value == pytest.approx(0.09985659, abs=5e-9)
    assert found["mwr_itd"].value == pytest.approx(found["twr_itd_annualised"].value, abs=1e-9)


def test_half_a_year_ties_out_with_the_golden_and_is_not_annualised():
    found = record(life(["2020-01-01", "2020-07-01"], [100, 105]))

    # 182 days: XIRR 10.279560 % a year, 5 % in the period
    assert found["mwr_itd"].value == pytest.approx(0.05, abs=1e-9)
    assert found["mwr_itd"].basis["annualised"] is False
    assert (found["twr_itd_annualised"].value, found["twr_itd_annualised"].reason) == (None, "under_a_year")


@pytest.mark.parametrize(
    ("last", "days", "status"),
    [("2020-12-29", 363, "unavailable"), ("2020-12-30", 364, "unavailable"), ("2020-12-31", 365, "ok")],
)
def test_a_life_is_annualised_from_its_365th_day_on(last, days, status):
    found = record(life(["2020-01-01", "2020-06-01", last], [100, 90, 110]))

    for name in ("twr_itd_annualised", "gross_twr_itd_annualised", "calmar_itd"):
        figure = found[name]
        assert figure.status == status, name
        assert status == "ok" or figure.reason == "under_a_year", name
    assert found["twr_itd"].value == pytest.approx(0.1)
    assert found["mwr_itd"].basis["annualised"] is (days >= 365)
    assert found["mwr_itd"].value == pytest.approx(0.1)


def test_both_returns_count_from_the_date_of_the_first_flow():
    # 2018-01-06 is a Saturday
    history = life(["2018-01-08", "2020-01-06"], [100, 121], flows=[("2018-01-06", 100.0)])

    found = record(history)

    assert found["twr_itd_annualised"].value == pytest.approx(1.21 ** (365 / 730) - 1)
    assert found["mwr_itd"].value == pytest.approx(found["twr_itd_annualised"].value, abs=1e-12)


def test_a_short_period_has_its_mwr_where_the_yearly_rate_overflows():
    # 0.9^365 - 1 is 2e-17 above -100 %; 8^365 is no number
    fallen, risen = (record(life(["2019-12-31", "2020-01-01"], [100, last])) for last in (90, 800))

    for found, expected in ((fallen, -0.1), (risen, 7.0)):
        assert found["mwr_ytd"].value == found["mwr_mtd"].value == pytest.approx(expected, rel=1e-13)
        assert found["mwr_ytd"].basis["annualised"] is False


def test_a_portfolio_emptied_and_re_entered_has_both_returns():
    dates = ["2020-01-06", "2020-03-02", "2020-06-01", "2020-07-06"]

    found = record(life(dates, [100, 0, 50, 55], inflow=[100, 0, 50, 0], outflow=[0, 110, 0, 0]))

    assert found["twr_itd"].value == pytest.approx(1.1 * 1.1 - 1)
    rate = found["mwr_itd"].value
    growth = (1 + rate) ** (1 / 182)
    paid = [(-100, 182), (110, 126), (-50, 35), (55, 0)]
    assert sum(amount * growth**left for amount, left in paid) == pytest.approx(0, abs=1e-9)


def test_a_portfolio_that_was_emptied_for_good_keeps_its_returns():
    found = record(
        life(["2020-01-06", "2020-07-06", "2020-07-07"], [100, 0, 0], outflow=[0, 110, 0], inflow=[100, 0, 0])
    )

    assert found["twr_itd"].value == pytest.approx(0.1)
    assert (found["twr_1d"].value, found["twr_1d"].status) == (0.0, "ok")
    # the rate that made 10 % in 182 days, over the 183 of the window
    assert (found["mwr_mtd"].value, found["mwr_mtd"].status) == (pytest.approx(1.1 ** (183 / 182) - 1), "ok")


def test_money_weighted_puts_every_flow_on_its_own_date():
    dates = ["2018-01-01", "2018-07-02", "2019-01-01"]
    on_a_sunday = [("2018-01-01", 100.0), ("2018-07-01", 100.0)]

    found = record(life(dates, [100, 200, 220], inflow=[100, 100, 0], flows=on_a_sunday))

    # -100 and -100 after 181 days, +220 after 365
    rate = found["mwr_itd"].value
    assert 100 * (1 + rate) + 100 * (1 + rate) ** (184 / 365) == pytest.approx(220)


def test_money_that_comes_after_the_first_deal_spoils_only_windows_with_that_day():
    dates = weekdays("2024-06-24", "2024-12-31")
    values = np.full(len(dates), 999_074.82)
    values[0], values[1], values[-1] = -10.0, 999_990.24, 1_000_335.24
    inflow = np.zeros(len(dates))
    inflow[1] = 1_000_000

    found = record(life(dates, values, inflow=inflow))

    assert (found["twr_1d"].value, found["twr_1d"].status) == (pytest.approx(1_000_335.24 / 999_074.82 - 1), "ok")
    for name in ("twr_mtd", "twr_qtd", "mwr_mtd"):
        assert found[name].status == "ok", name
    assert found["twr_itd"].value == pytest.approx(1_000_335.24 / 999_990.0 - 1)
    for name in ("twr_itd", "max_drawdown", "current_drawdown", "volatility_itd"):
        figure = found[name]
        assert (figure.status, figure.reason, figure.basis["first"]) == ("degraded", "since 2024-06-24", "2024-06-24")
    assert (found["twr_ytd"].value, found["twr_ytd"].reason) == (None, "starts_at_or_below_zero")
    assert found["twr_ytd"].basis["undefined"] == "2024-06-24"
    assert found["volatility_30d"].status == "ok"
    # money is weighed whatever a day returned: nothing was put in before 25 June
    assert found["mwr_itd"].value is not None


def test_only_the_day_that_starts_below_zero_has_no_return():
    history = life(["2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09"], [100, -5, 10, 11], inflow=[100, 0, 10, 0])

    daily = daily_returns.measure(history)

    assert daily.returns == pytest.approx([0, NAN, 1, 0.1], nan_ok=True)
    assert daily.undefined == (Undefined(1, day("2020-01-07"), "total_loss"),)
    assert record(history)["twr_itd"].reason == "since 2020-01-07"


@pytest.mark.parametrize("timing", ["in_start_out_end", "start", "end"])
def test_a_total_loss_takes_the_windows_that_hold_it(timing):
    dates = ["2015-03-02", "2015-03-03", "2020-03-02"]

    found = record(life(dates, [100, 100, -5], flow_timing=timing))

    for name in ("twr_itd", "twr_1d", "twr_1y", "twr_3y", "twr_itd_annualised", "max_drawdown"):
        figure = found[name]
        assert (figure.value, figure.status, figure.reason) == (None, "unavailable", "total_loss"), name
        assert figure.basis["undefined"] == "2020-03-02"


def test_after_a_total_loss_returns_start_where_money_comes_in_again():
    dates = ["2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09", "2020-01-10"]

    found = record(life(dates, [100, 0, 0, 50, 55], inflow=[100, 0, 0, 50, 0]))

    assert (found["twr_itd"].value, found["twr_itd"].reason) == (pytest.approx(0.1), "since 2020-01-08")
    assert found["twr_mtd"].reason == "total_loss"


def test_a_long_only_return_below_minus_one_hundred_percent_is_never_shown():
    history = life(["2020-01-06", "2020-01-07"], [100, -5])
    owes_nothing = replace(history, cash=np.zeros(2))

    assert record(history)["twr_1d"].reason == "total_loss"
    with pytest.raises(InvariantViolated, match="a long-only return is not below -100 % does not hold on 2020-01-07"):
        record(owes_nothing)


def test_under_end_timing_a_day_may_lose_more_than_it_opened_with():
    history = life(["2020-01-06", "2020-01-07"], [1, 9_991], inflow=[1, 10_000], flow_timing="end")

    assert record(history)["twr_1d"].reason == "total_loss"


# --- risk


def test_only_what_is_scaled_to_a_year_says_so():
    history = growing("2018-01-01", "2020-03-02")
    noisy = replace(history, value=history.value * (1 + 0.01 * np.sin(np.arange(len(history.dates)))))
    benchmark = BenchmarkReturns("Mix", np.cos(np.arange(len(history.dates))) / 100)

    found = metrics_record.metrics(
        noisy,
        portfolio_id="p",
        pack_id="PP_2020-01-01_ECB_EUR_r1",
        risk_free=risk_free(noisy),
        benchmark=benchmark,
    )

    yearly = (
        "volatility",
        "sharpe",
        "sortino",
        "downside_deviation",
        "calmar",
        "alpha",
        "tracking_error",
        "information_ratio",
    )
    plain = (
        "win_rate",
        "value_at_risk",
        "expected_shortfall",
        "beta",
        "correlation",
        "max_drawdown",
        "current_drawdown",
    )
    seen = set()
    for key, figure in found.items():
        for names, annualised in ((yearly, True), (plain, False)):
            if key.startswith(names) and figure.basis:
                assert figure.basis["annualised"] is annualised, key
                seen.add(annualised)
    assert seen == {True, False}


def test_a_life_without_an_observation_says_so_of_every_figure():
    history = life(["2020-01-06"], [100], observed=[False])

    found = metrics_record.metrics(
        history,
        portfolio_id="p",
        pack_id="PP_2020-01-01_ECB_EUR_r1",
        risk_free=None,
        benchmark=BenchmarkReturns("Mix", np.array([NAN])),
    )

    assert (found["beta_itd"].value, found["beta_itd"].status) == (None, "unavailable")


def test_days_without_a_session_are_linked_into_the_next():
    values = [100, 101, 101, 102, 104]
    history = life(
        ["2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09", "2020-01-10"],
        values,
        observed=[True, True, False, True, True],
    )

    found = record(history)

    expected = np.std([0, 101 / 100 - 1, 102 / 101 - 1, 104 / 102 - 1], ddof=1) * np.sqrt(252)
    assert found["volatility_itd"].value == pytest.approx(expected)
    assert found["volatility_itd"].basis["n"] == 4


def test_one_exchange_has_252_periods_a_year_and_several_the_observed():
    one, two = (growing("2020-01-06", "2020-12-31", exchanges=each) for each in (("XNYS",), ("XLON", "XNYS")))

    per_year = [record(each)["volatility_itd"].basis["periods_per_year"] for each in (one, two)]

    # 2020-01-06 to 2020-12-31 are 361 days
    assert per_year == [252, pytest.approx(len(two.dates) / (361 / 365))]


def test_the_last_thirty_observations_are_counted_from_the_end():
    history = growing("2020-01-06", "2020-06-30")

    found = record(history)

    assert found["volatility_30d"].basis["n"] == 30
    assert found["volatility_30d"].basis["first"] == str(history.dates[-31])


def test_the_risk_free_return_of_a_period_ties_out_with_the_golden():
    # Thursday, Friday, Monday
    history = life(["2020-01-09", "2020-01-10", "2020-01-13"], [100, 100, 100])

    found = observations.observed_returns(history, risk_free(history))

    assert found.closes.tolist() == [day("2020-01-09"), day("2020-01-10"), day("2020-01-13")]
    assert found.risk_free == pytest.approx([0.0001336806, 0.0004010955], abs=5e-11)


def test_sharpe_and_sortino_are_over_the_risk_free_rate_and_name_it():
    history = growing("2020-01-06", "2020-01-17", rate=0.0)
    noisy = life(history.dates, [100, 101, 99, 102, 103, 101, 104, 105, 103, 106])
    free = risk_free(noisy)

    found = record(noisy, free)

    returns = np.concatenate(([0.0], noisy.value[1:] / noisy.value[:-1] - 1))
    elapsed = np.array([1, 1, 1, 1, 1, 3, 1, 1, 1, 1])
    excess = returns - (1.05 ** (elapsed / 365) - 1)
    downside = np.sqrt(np.mean(np.minimum(excess, 0) ** 2))
    assert found["sharpe_itd"].value == pytest.approx(excess.mean() / excess.std(ddof=1) * np.sqrt(252))
    assert found["sortino_itd"].value == pytest.approx(excess.mean() * 252 / (downside * np.sqrt(252)))
    assert found["sharpe_itd"].basis["risk_free"] == "UST3M"
    assert found["sharpe_itd"].status == "ok"


def test_the_sharpe_ratios_alone_are_those_of_the_whole_record():
    asked = {"portfolio_id": "p", "pack_id": "PP_2020-01-01_ECB_EUR_r1"}
    short = life(["2020-01-06", "2020-01-07", "2020-01-08"], [100, 101, 104.03])
    longer = life(weekdays("2019-01-07", "2020-03-02"), 1000 + np.cumsum(np.random.default_rng(3).normal(0, 9, 301)))

    # Nothing, 1 % and 3 %: their mean is 4/3 %, their deviation the root of 7/3 %, and a year has 252 days.
    by_hand = metrics_record.sharpe(short, risk_free=risk_free(short, rate=0.0), **asked)
    assert by_hand["sharpe_itd"].value == pytest.approx(4 / 3 / np.sqrt(7 / 3) * np.sqrt(252))
    for each in (short, longer):
        alone = metrics_record.sharpe(each, risk_free=risk_free(each), **asked)
        assert dict(alone) == {name: value for name, value in record(each, risk_free(each)).items() if name in alone}
    without = metrics_record.sharpe(longer, risk_free=None, **asked)
    assert {metric.reason for metric in without.figures.values()} == {"no_risk_free_rate"}


def test_another_currencys_rate_degrades_and_none_makes_unavailable():
    history = life(["2020-01-06", "2020-01-07", "2020-01-08"], [100, 101, 100])
    unknown_at_first = RiskFree("UST3M", np.array([NAN, 0.05, 0.05]), (), ())

    foreign = record(history, risk_free(history, degraded=("risk_free_currency",)))["sharpe_itd"]
    none, late = record(history)["sharpe_itd"], record(history, unknown_at_first)["sharpe_itd"]

    assert (foreign.status, foreign.reason) == ("degraded", "risk_free_currency")
    assert [(each.value, each.reason) for each in (none, late)] == [(None, "no_risk_free_rate")] * 2


def test_a_drawdown_names_its_peak_trough_and_recovery_and_the_current_one():
    dates = ["2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09", "2020-01-10", "2020-01-13"]

    found = record(life(dates, [100, 120, 90, 125, 130, 117]))

    assert found["max_drawdown"].value == pytest.approx(-0.25)
    assert [found["max_drawdown"].basis[name] for name in ("peak", "trough", "recovery")] == [
        "2020-01-07",
        "2020-01-08",
        "2020-01-09",
    ]
    assert found["current_drawdown"].value == pytest.approx(-0.1)
    assert found["current_drawdown"].basis["peak"] == "2020-01-10"


def test_a_drawdown_from_the_first_day_has_its_peak_on_the_day_before():
    found = record(life(["2020-01-06", "2020-01-07"], [90, 80], inflow=[100, 0]))

    assert found["max_drawdown"].value == pytest.approx(-0.2)
    assert found["max_drawdown"].basis["peak"] == "2020-01-05"
    assert found["max_drawdown"].basis["recovery"] is None


@pytest.mark.parametrize(
    ("observations", "status", "reason"),
    [(29, "unavailable", "short_history"), (30, "degraded", "few_observations"), (99, "degraded", "few_observations")],
)
def test_value_at_risk_says_how_much_it_rests_on(observations, status, reason):
    dates = weekdays("2020-01-06", "2020-12-31")[:observations]

    tail = record(life(dates, 100 + np.sin(np.arange(observations))))["value_at_risk_1d"]

    assert (tail.status, tail.reason) == (status, reason)


def test_value_at_risk_is_the_percentile_of_the_losses():
    values = 100 + np.sin(np.arange(100))

    found = record(life(weekdays("2020-01-06", "2020-12-31")[:100], values))

    returns = np.concatenate(([0.0], values[1:] / values[:-1] - 1))
    cut = np.percentile(returns, 5)
    assert found["value_at_risk_1d"].status == "ok"
    assert found["value_at_risk_1d"].value == pytest.approx(-cut)
    assert found["expected_shortfall_1d"].value == pytest.approx(-returns[returns <= cut].mean())


@pytest.mark.parametrize("timing", ["in_start_out_end", "start", "end"])
def test_flows_through_a_flat_portfolio_are_neither_risk_nor_return(timing):
    dates = weekdays("2019-01-01", "2020-03-02")
    inflow, outflow = np.zeros(len(dates)), np.zeros(len(dates))
    inflow[[0, 10, 40]], outflow[[20, 60, 200]] = [100_000, 50_000, 7], [50_000, 20_000, 80_006]
    history = life(dates, np.cumsum(inflow - outflow), inflow=inflow, outflow=outflow, flow_timing=timing)

    found = record(history, risk_free(history, rate=0.0))

    for name in (
        "twr_itd",
        "twr_1y",
        "volatility_itd",
        "volatility_1y",
        "max_drawdown",
        "current_drawdown",
        "value_at_risk_1d",
    ):
        assert found[name].value == 0.0, name
    assert found["mwr_itd"].value == pytest.approx(0.0, abs=1e-12)
    assert (found["sharpe_itd"].status, found["sortino_itd"].status) == ("unavailable", "unavailable")


def test_a_flat_life_has_no_sharpe_and_says_why():
    history = life(["2020-01-06", "2020-01-07", "2020-01-08"], [100, 100, 100])

    sharpe = record(history, risk_free(history, rate=0.0))["sharpe_itd"]

    assert (sharpe.value, sharpe.status) == (None, "unavailable")
    assert sharpe.reason


# --- the record


def test_every_figure_has_a_value_or_a_reason():
    for history in (growing("2014-01-01", "2020-03-02"), life(["2020-01-06"], [100]), life(["2020-01-06"], [0])):
        found = record(history, risk_free(history))

        assert set(found.figures) == set(FIGURE_OF_KEY.values())
        for name, figure in found.figures.items():
            assert figure.status in ("ok", "degraded", "unavailable"), name
            assert (figure.value is None) is (figure.status == "unavailable"), name
            assert figure.value is None or np.isfinite(figure.value), name
            assert (figure.reason is None) is (figure.status == "ok"), name


def test_the_caption_names_currency_policy_timing_and_first_day():
    said = record(life(["2020-01-06", "2020-01-07"], [100, 101])).head.basis_caption

    for part in ("in CAD", "ECB_EUR", "money in counts from the start", "since 2020-01-06"):
        assert part in said


def test_the_short_record_has_the_figures_of_the_whole_one():
    history = growing("2017-01-02", "2020-03-02")

    short, whole = metrics_record.twr(history, portfolio_id="p", pack_id="PP_2020-01-01_ECB_EUR_r1"), record(history)

    assert dict(short) == {key: whole[key] for key in short}


def test_a_look_back_counts_pack_days():
    history = life(["2020-01-06", "2020-01-07", "2020-01-08"], [1, 2, 3])

    spans = [windows.last_days(history, count) for count in (2, 3, 4)]

    assert [(each.start, each.opened) if each else None for each in spans] == [
        (0, day("2020-01-06")),
        (-1, day("2020-01-05")),
        None,
    ]


@pytest.mark.parametrize("count", [0, -1])
def test_a_span_of_no_days_is_refused_by_name(count):
    history = life(["2020-01-06", "2020-01-07", "2020-01-08"], [1, 2, 3])

    with pytest.raises(InvalidInput, match="lookback days"):
        windows.last_days(history, count)
    with pytest.raises(InvalidInput, match="window"):
        rolling.rolling(history, window=count, risk_free=None)


# --- young, empty and odd lives


def test_before_the_first_transaction_every_figure_says_so():
    history = replace_days(growing("2020-01-06", "2020-01-10"), 0)
    pack_id = "PP_2020-01-03_ECB_EUR_r1"

    found = metrics_record.metrics(history, portfolio_id="p", pack_id=pack_id, risk_free=None)

    assert (found.head.asof_date, found.head.inception_date) == (day("2020-01-03"), None)
    assert {(each.value, each.status, each.reason) for each in found.figures.values()} == {
        (None, "unavailable", "not_started")
    }
    assert calendar_years.calendar_years(history) == ()
    assert rolling.rolling(history, window=5, risk_free=None).unavailable["twr"] == "not_started"


def replace_days(history, count):
    cut = {
        each.name: getattr(history, each.name)[:count]
        for each in fields(history)
        if isinstance(getattr(history, each.name), np.ndarray)
    }
    return replace(history, **cut, pack_ids=history.pack_ids[:count])


def test_a_life_without_any_session_has_no_ratios_and_says_why():
    dates = weekdays("2018-01-01", "2020-03-02")
    history = life(dates, [100.0] * len(dates), observed=[False] * len(dates), exchanges=())

    found = metrics_record.metrics(
        history, portfolio_id="p", pack_id="PP_2020-01-01_ECB_EUR_r1", risk_free=risk_free(history),
        benchmark=BenchmarkReturns("Mix", np.zeros(len(dates))),
    )  # fmt: skip

    for name in ("volatility_30d", "volatility_itd", "sharpe_1y", "value_at_risk_1d", "beta_itd", "sortino_itd"):
        figure = found[name]
        assert (figure.value, figure.status, figure.reason) == (None, "unavailable", "no_observations"), name
    assert (found["twr_itd"].value, found["max_drawdown"].value) == (0, 0)
    seen = observations.observed_returns(history, risk_free(history))
    assert (len(seen.closes), len(seen.returns)) == (0, 0)


def test_a_calendar_year_without_a_pack_day_says_so_and_the_others_stand():
    history = life(["2019-12-30", "2019-12-31", "2021-01-04", "2021-01-05"], [100, 110, 121, 121])

    years = calendar_years.calendar_years(history)

    assert [(each.year, each.label) for each in years] == [
        (2021, "2021, from 2019-12-31"), (2020, "2020"), (2019, "2019, from 2019-12-30"),
    ]  # fmt: skip
    assert years[0].twr.value == pytest.approx(0.1)
    assert (years[1].twr.value, years[1].twr.reason) == (None, "no_valued_day")
    assert [each.is_whole for each in years] == [False, False, False]


def test_a_young_portfolio_has_its_return_of_the_year_since_inception():
    history = growing("2024-03-04", "2024-06-28")

    found, (year,) = record(history), calendar_years.calendar_years(history)

    assert found["twr_ytd"].value == found["twr_itd"].value == year.twr.value
    assert (found["twr_ytd"].status, found["twr_ytd"].reason) == ("degraded", "since_inception")
    assert found["twr_ytd"].basis["first"] == "2024-03-03"
    assert (year.label, year.twr.basis["annualised"]) == ("2024, from 2024-03-04", False)
