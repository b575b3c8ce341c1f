"""A life that can't be measured from some day on is answered: what is undefined says so, and the rest stands."""

import pytest
from django.contrib.auth import get_user_model

from execution import executor
from execution.patterns import publishing
from execution.tests import staging
from execution.tests.test_figures_served import NAV, step
from pricing.models import Security
from tests import small

pytestmark = pytest.mark.role("job")

# 1 CAD is paid in; a share is bought on credit, and the commission is more than what there was.
ON_CREDIT = (
    small.ACCOUNTS
    + """
2020-01-06 * "Deposit" "first"
  id: "D1"
  Assets:Cash:CAD  1.00 CAD
  Equity:External  -1.00 CAD

2020-01-07 * "Buy" "Buy 1 OAK"
  id: "B1"
  fx_trade: "USDCAD=1.30"
  Assets:Shares:OAK  1 OAK {101 USD}
  Assets:Cash:USD  -106.00 USD
  Expenses:Commission  5.00 USD
"""
)


def test_every_pattern_answers_for_a_portfolio_that_owes_more_than_it_has(empty, tmp_path):
    steps = [
        NAV,
        step("metrics.rolling", "rolling", window=2),
        step("attribution.brinson", "brinson", lookback_days=2, by="kind"),
        step("risk.compute_factor_exposures", "factors"),
    ]
    figures = staging.pattern("figures", steps=steps, outputs=[each["as"] for each in steps])
    for document in (*publishing.read_library().values(), figures):
        publishing.publish(document)
    small.night(small.begin(tmp_path, ON_CREDIT))
    anna, oak = get_user_model().objects.get(username="anna"), Security.objects.get(symbol="OAK").pk

    result = {
        name: executor.execute(
            executor.Request(name, inputs, portfolio_id=small.portfolio().pk), user=anna
        ).result
        for name, inputs in (
            ("portfolio_overview", {}), ("holding_deep_dive", {"security_id": oak}), ("money_bridge", {}), ("fake_figures", {}),
        )
    }  # fmt: skip

    overview, dive = result["portfolio_overview"], result["holding_deep_dive"]
    below, lost = "starts_at_or_below_zero", "total_loss"
    for figure, reason in (
        (overview["perf_metrics"]["twr_itd"], below),
        (overview["currency_attr"]["since_inception"]["total_return"], below),
        (overview["contribution"]["lookback"]["total_return"], below),
        # Since inception restarts after the loss; a look-back of a holding holds the day of the loss itself.
        (dive["contribution"]["total_contribution"], lost),
        (dive["currency_attr"]["fx_contribution"], lost),
    ):
        assert (figure["value"], figure["status"], figure["reason"]) == (None, "unavailable", reason)
    assert overview["historical_nav"]["total_return_pct"][-1] is None
    assert None in dive["position_perf"]["portfolio_returns"]
    assert result["fake_figures"]["rolling"]["twr"][-1] is None
