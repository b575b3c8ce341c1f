"""Figures of a portfolio whose deposits are inferred: returns are those of its securities, which purchases put money into."""

import pytest

from execution.explanation.tests.figures import ask, check, follow_days
from execution.tests import staging

pytestmark = pytest.mark.slow

BEYOND_THE_CASH = """
2002-12-01 custom "tieout" "infer-deposits" "*"
2013-02-01 * "Buy" "beyond what is there"
  id: "T999999"
  Assets:Broker:USD:IBM                    1000 IBM {205.18 USD}
  Assets:Broker:Cash:USD                   -205180.00 USD
"""
FIGURES = ["mwr_itd", "mwr_1y", "twr_1d", "sharpe_1y", "max_drawdown"]


@pytest.fixture
def inferred(private_demo):
    staging.amend_ledger(private_demo, BEYOND_THE_CASH)
    return private_demo


def test_returns_rest_on_purchases_sales_and_dividends(inferred):
    answer = ask(inferred, "portfolio_overview")
    metrics = answer["result"]["metrics"]

    assert metrics["mwr_itd"]["basis"]["scope"] == "securities_only"
    for key in FIGURES:
        check(inferred, answer, f"/metrics/{key}", metrics[key]["value"], set(), follow=1)


def test_a_day_of_the_securities_leads_to_rows(inferred):
    answer = ask(inferred, "portfolio_overview")

    seen = set()
    for what in ("return", "holdings/IBM/local", "holdings/IBM/weight", "other"):
        follow_days(inferred, answer, f"/historical_nav/days/2013-02-01/{what}", seen)

    assert "/historical_nav/days/2013-02-01/value" in seen
