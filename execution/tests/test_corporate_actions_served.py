"""Corporate actions of the demo, whose sources say nothing ahead: none to come, and the dividends gone ex since December 2012."""

import pytest


def execute(world, **inputs):
    body = {"pattern_id": "corporate_actions_upcoming", "portfolio_id": str(world.public_id), "inputs": inputs}
    answer = world.post("owner", body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_dividends_gone_ex_are_told_in_units_and_money(demo):
    told = execute(demo)["result"]

    rows = {row["symbol"]: row for row in told["dividends_with_impact"]["actions"]}
    # The demo's ledger: "IBM dividend on 858 shares" at 0.85, "AAPL dividend on 687 shares" at 2.65, and 4,254 shares of MSFT.
    assert {symbol: (row["date"], row["portfolio_quantity"], row["cash"]) for symbol, row in rows.items()} == {
        "IBM": ("2013-02-06", "858", "729.30"),
        "AAPL": ("2013-02-07", "687", "1820.55"),
        "MSFT": ("2013-02-19", "4254", "978.42"),
    }


def test_what_nobody_announced_is_not_coming_and_dates_of_earnings_are_unavailable(demo):
    told = execute(demo)["result"]

    assert told["actions_with_impact"]["summary"]["total_actions"] == 0
    assert told["earnings"] == {"status": "unavailable", "reason": "no_source(earnings)"}


def test_sources_are_those_of_the_rows(demo):
    assert execute(demo)["metadata"]["sources"] == ["derived:bokeh-wiki", "ecb-eurofxref", "ledger"]


@pytest.mark.parametrize("days", [0, 366, "soon"])
def test_days_out_of_range_are_the_callers_mistake(demo, days):
    body = {
        "pattern_id": "corporate_actions_upcoming",
        "portfolio_id": str(demo.public_id),
        "inputs": {"days_ahead": days},
    }

    answer = demo.post("owner", body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/inputs/days_ahead")


def test_the_page_draws_all_of_its_panels(demo):
    page = demo.client("owner").get("/portfolios/public/corporate_actions_upcoming/")

    assert page.status_code == 200
    assert "Dividends gone ex" in page.content.decode()
    assert "draw a" not in page.content.decode()
