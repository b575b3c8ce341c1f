"""The macro patterns on the demo, whose packs lack unemployment and a credit spread: what is known is told, the rest by name."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portfolio.macro import indicators
from pricing.market.series import _read_steps


def execute(world, pattern, **inputs):
    answer = world.post("owner", {"pattern_id": pattern, "portfolio_id": str(world.public_id), "inputs": inputs})
    assert answer.status_code == 200, answer.content
    return answer.json()["result"]


def test_the_overview_knows_what_the_packs_have_and_names_what_they_lack(demo):
    overview = execute(demo, "portfolio_macro_overview")

    regime = overview["regime"]
    assert (regime["regime_name"], regime["score"]["reason"]) == ("unknown", "unknown(BAA10Y, UNRATE)")
    readings = {each["name"]: each for each in overview["indicators"]["readings"]}
    assert readings["T10Y2Y"]["series"] == "UST10Y - UST2Y"
    assert readings["CPIAUCSL"]["series"] == "CUSR0000SA0"
    assert readings["CPIAUCSL"]["value"]["reason"] == "assumed_release_date, revised_vintage"
    # "The all items index increased 1.6 percent over the last 12 months": BLS, Consumer Price Index, January 2013.
    assert readings["CPIAUCSL"]["value"]["value"] == pytest.approx(1.6, abs=0.1)


def test_the_series_of_a_cold_overview_are_read_in_few_statements(demo):
    """Of indicators, of the risk-free rate, of the factors, of the growth of prices: each at once, over all packs."""
    _read_steps.cache_clear()
    indicators._load.cache_clear()

    with CaptureQueriesContext(connection) as asked:
        execute(demo, "portfolio_macro_overview", confidence_level=0.937)

    of_series = [
        query["sql"] for query in asked.captured_queries if '"pricing_packobservation"."series_id" IN' in query["sql"]
    ]
    assert 0 < len(of_series) <= 4


def test_the_page_says_why_there_is_no_regime(demo):
    page = demo.client("owner").get("/portfolios/public/portfolio_macro_overview/").content.decode()

    assert "no series that can speak for BAA10Y, UNRATE" in page


def test_a_scenario_revalues_the_dollar_and_names_the_factors_that_the_packs_lack(demo):
    result = execute(demo, "portfolio_scenario_analysis", scenario_id="rates_up")["scenario_result"]

    applied = {each["factor"]: each["applied"] for each in result["factors"]}
    assert (applied["real_rate"]["status"], applied["real_rate"]["reason"]) == ("degraded", "nominal_rate")
    assert (applied["equity"]["status"], applied["equity"]["reason"]) == ("unavailable", "missing_factor")
    assert result["total_delta_pl_pct"]["status"] == "degraded"
    # All that is held is in dollars, which rise by 2 % against the Canadian dollar of the portfolio.
    in_dollars = sum(Decimal(each["market_value"]) for each in result["positions"] if each["currency"] == "USD")
    assert Decimal(result["fx_delta"]) == pytest.approx(in_dollars * Decimal("0.02"), abs=Decimal("0.05"))
    assert result["standard_error"]["value"] > 0


def test_every_scenario_is_told_the_largest_loss_first(demo):
    rows = execute(demo, "portfolio_scenario_analysis")["all_scenarios"]["rows"]

    changes = [each["total_delta_pl"] for each in rows if each["total_delta_pl"] is not None]
    assert len(rows) == 22
    assert [Decimal(each) for each in changes] == sorted(Decimal(each) for each in changes)
    assert {each["scenario_id"]: each["not_applied"] for each in rows if each["total_delta_pl"] is None} == {
        "credit_spread_tightening": "credit, equity",
        "inflation_reaccel": "inflation",
    }


@pytest.mark.parametrize(
    ("inputs", "pointers"),
    [
        ({"scenario_id": "rates_sideways"}, ["/inputs/scenario_id"]),
        ({"scenario_id": "custom"}, ["/inputs/custom_shocks"]),
        (
            {"scenario_id": "custom", "custom_shocks": {"equity": -3, "gold": 1}},
            ["/inputs/custom_shocks/equity", "/inputs/custom_shocks/gold"],
        ),
    ],
)
def test_a_scenario_that_can_not_be_run_is_the_callers_mistake(demo, inputs, pointers):
    answer = demo.post(
        "owner",
        {"pattern_id": "portfolio_scenario_analysis", "portfolio_id": str(demo.public_id), "inputs": inputs},
    )

    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]) == (400, "invalid-request")
    assert [each["pointer"] for each in answer.json()["errors"]] == pointers


def test_the_drawdown_at_risk_of_the_demo_tells_what_it_lacks_and_how_it_would_have_held(demo):
    dar = execute(demo, "portfolio_macro_overview")["dar"]

    assert (dar["dar_value"]["status"], dar["dar_value"]["reason"]) == ("degraded", "factor_in_residuals")
    assert 0 < dar["dar_value"]["basis"]["low"] < dar["dar_value"]["value"] < dar["dar_value"]["basis"]["high"] < 1
    assert sum(each["variance_share"] for each in dar["rows"]) == pytest.approx(1.0)
    assert (dar["calibration"]["rate"]["status"], dar["calibration"]["rate"]["reason"]) == (
        "degraded",
        "calibration_short",
    )
    assert 50 <= dar["calibration"]["windows"] < 250


def test_a_cycle_without_series_is_unknown_by_name_and_amplifies_nothing(demo):
    risk = execute(demo, "portfolio_cycle_risk")

    assert risk["stdc"]["composite_score"]["reason"] == "unknown(BAA10Y, UNRATE)"
    assert risk["cycle_risk_map"]["amplification"] is None
    assert "cycle_unknown" in risk["dar"]["dar_value"]["reason"]


def test_cycles_are_asked_without_a_portfolio(demo):
    answer = demo.post("owner", {"pattern_id": "macro_cycles_overview"})

    rows = {each["cycle_type"]: each for each in answer.json()["result"]["overview"]["cycles"]}
    assert rows["long_term_debt"]["composite_score"]["reason"] == (
        "unknown(CREDIT_IMPULSE, DEBT_GDP, REAL_POLICY_RATE)"
    )
    assert len(rows["empire"]["indicators"]) == 6


def test_the_page_of_the_cycles_has_a_card_for_each(demo):
    page = demo.client("owner").get("/portfolios/public/macro_cycles_overview/").content.decode()

    assert all(title in page for title in ("Short-term debt cycle", "Long-term debt cycle", "Internal order"))
    assert "draw a" not in page


def test_the_three_ways_out_of_debt_are_compared(demo):
    rows = execute(demo, "cycle_deleveraging_scenarios")["deleveraging"]["rows"]

    assert {each["scenario_id"] for each in rows} == {"money_printing", "austerity", "default"}


def test_trends_have_a_beta_for_each_week(demo):
    trends = execute(demo, "macro_trend_monitor", lookback_weeks=26)

    assert len(trends["factor_history"]["betas"]["real_rate"]) == 27
    assert None not in trends["factor_history"]["betas"]["real_rate"]
    assert set(trends["factor_history"]["betas"]["credit"]) == {None}


def test_the_steps_of_a_scenario_sum_to_its_change_and_are_named_in_words(demo):
    result = execute(demo, "portfolio_scenario_analysis", scenario_id="usd_up")

    steps, total = result["charts"]["steps"], result["scenario_result"]["total_delta_pl"]
    assert sum(Decimal(each["value"]) for each in steps) == Decimal(total) != 0
    changes = sorted(Decimal(each["delta_pl"]) for each in result["scenario_result"]["positions"])
    assert [Decimal(each["change"]) for each in result["charts"]["bars"]] == changes
    page = demo.client("owner").get("/portfolios/public/portfolio_scenario_analysis/").content.decode()
    assert "Returns on rates that moved" in page
    assert all(each["label"] not in page for each in steps if "_" in each["label"])


@pytest.mark.parametrize(
    "pattern",
    [
        "portfolio_macro_overview",
        "portfolio_scenario_analysis",
        "portfolio_cycle_risk",
        "cycle_deleveraging_scenarios",
        "macro_trend_monitor",
    ],
)
def test_a_page_draws_all_of_its_panels(demo, pattern):
    page = demo.client("owner").get(f"/portfolios/public/{pattern}/")

    assert page.status_code == 200
    assert "draw a" not in page.content.decode()
