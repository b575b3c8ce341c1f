"""The macro patterns on the demo, whose packs lack unemployment and a credit spread: what is known is told, the rest by name."""

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
    assert "can't draw" not in page
