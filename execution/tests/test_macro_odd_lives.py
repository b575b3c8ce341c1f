"""The macro patterns of portfolios of which little can be said: an answer each, and reasons in place of figures."""

import pytest
from django.contrib.auth import get_user_model

from execution import executor
from execution.patterns import publishing
from execution.tests.test_undefined_lives import ON_CREDIT
from tests import small

pytestmark = pytest.mark.role("job")

CASH_ALONE = (
    small.ACCOUNTS
    + """
2020-01-06 * "Deposit" "first"
  id: "D1"
  Assets:Cash:CAD  1000.00 CAD
  Equity:External  -1000.00 CAD
"""
)
OF_A_PORTFOLIO = (
    "portfolio_macro_overview",
    "portfolio_scenario_analysis",
    "portfolio_cycle_risk",
    "cycle_deleveraging_scenarios",
    "macro_trend_monitor",
    "portfolio_sectors",
)


@pytest.mark.parametrize(
    ("ledger", "reason"),
    [(CASH_ALONE, "nothing_at_risk"), (ON_CREDIT, "not_positive"), (small.LEDGER, "too_few_sessions")],
    ids=["cash", "on credit", "one holding of a week"],
)
def test_every_pattern_answers_and_says_why_there_is_no_figure(empty, tmp_path, ledger, reason):
    for document in publishing.read_library().values():
        publishing.publish(document)
    small.night(small.begin(tmp_path, ledger))
    anna = get_user_model().objects.get(username="anna")

    result = {
        name: executor.execute(executor.Request(name, {}, portfolio_id=small.portfolio().pk), user=anna).result
        for name in OF_A_PORTFOLIO
    }

    overview = result["portfolio_macro_overview"]
    assert overview["regime"]["score"]["reason"] == "unknown(BAA10Y, CPIAUCSL, T10Y2Y, UNRATE)"
    assert (overview["dar"]["dar_value"]["value"], overview["dar"]["dar_value"]["reason"]) == (None, reason)
    assert result["portfolio_scenario_analysis"]["scenario_result"]["hedges"] == []
    assert result["macro_trend_monitor"]["trend_analysis"]["rows"] == []
    assert result["macro_trend_monitor"]["alert_suggestions"]["reason"] == "no_shift"
    unknown = "no_securities" if ledger == CASH_ALONE else "no_classification"
    assert result["portfolio_sectors"]["allocation"]["sector_known"]["reason"] == unknown
