"""The macro patterns on the demo, whose packs lack unemployment and a credit spread: what is known is told, the rest by name."""

from decimal import Decimal

import pytest


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
    assert readings["CPIAUCSL"]["value"]["value"] == pytest.approx(0.016, abs=1e-3)


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

    changes = [Decimal(each["total_delta_pl"]) for each in rows]
    assert len(rows) == 22
    assert changes == sorted(changes)


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


@pytest.mark.parametrize("pattern", ["portfolio_macro_overview", "portfolio_scenario_analysis"])
def test_a_page_draws_all_of_its_panels(demo, pattern):
    page = demo.client("owner").get(f"/portfolios/public/{pattern}/")

    assert page.status_code == 200
    assert "draw a" not in page.content.decode()
