"""As of any day: what was held then is needed, and nothing else."""

import pytest


def overview(demo, asof):
    body = {
        "pattern_id": "portfolio_overview", "portfolio_id": str(demo.public_id), "inputs": {}, "asof_date": asof,
        "require_fresh": True,
    }  # fmt: skip
    return demo.post("owner", body)


@pytest.mark.parametrize("asof", ["2002-12-02", "2003-06-30", "2004-08-18", "2008-02-29"])
def test_the_overview_opens_on_days_before_a_later_purchase_was_listed(demo, asof):
    served = overview(demo, asof)

    assert served.status_code == 200, served.content
    result = served.json()["result"]
    assert result["historical_nav"]["last_date"] in (asof, None)
    assert result["valued_positions"]["asof_date"] == asof
