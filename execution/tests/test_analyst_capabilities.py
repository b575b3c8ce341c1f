"""Capabilities of the analyst that patterns may call by themselves: what they answer, and that each figure is explained."""

import pytest

from agents.financial_analyst import positions
from execution.explanation.tests.figures import ask, check, figures_of
from execution.patterns import publishing
from execution.tests import staging
from portfolio.analytics.errors import InvalidInput
from pricing.models import Security


def step(capability, name, **args):
    return {"capability": capability, "args": args, "as": name}


OF_PORTFOLIO = {"portfolio_id": "{{inputs.portfolio_id}}"}


@pytest.fixture
def answer(private_demo):
    with private_demo.role("job"):
        held = Security.objects.get(symbol="IBM").pk
        of_one = {"positions": "{{state.positions}}", "security_id": held}
        steps = [
            step("portfolio.get_valued_positions", "at_once", **OF_PORTFOLIO),
            step("ledger.positions", "positions", **OF_PORTFOLIO),
            step("pricing.apply_pack", "valued", positions="{{state.positions}}"),
            step("get_transaction_history", "transactions", **of_one),
            step("get_transaction_history", "newest", **of_one, limit=2),
            step("get_transaction_history", "of_nothing", positions="{{state.positions}}", security_id=10**9),
            step("portfolio.historical_nav", "nav", **OF_PORTFOLIO),
            step("metrics.risk", "risk", nav="{{state.nav}}"),
            step("metrics.compute_sharpe", "ratios", nav="{{state.nav}}"),
        ]
        outputs = [each["as"] for each in steps if each["as"] not in ("positions", "nav")]
        publishing.publish(staging.pattern("analyst", steps=steps, outputs=outputs))
    return ask(private_demo, "fake_analyst")


def test_valued_in_one_step_is_valued_in_two(answer):
    result, sources = answer["result"], answer["metadata"]["sources"]

    assert result["at_once"] == result["valued"]
    assert result["at_once"]["positions"]
    assert "ledger" in sources


def test_the_newest_entries_of_a_security_are_the_first_of_all_of_them(answer):
    whole, newest, nothing = (answer["result"][name] for name in ("transactions", "newest", "of_nothing"))

    days = [each["date"] for each in whole["entries"]]
    assert days == sorted(days, reverse=True)
    assert len(days) > 2
    assert newest["entries"] == whole["entries"][:2]
    assert whole["first_date"] == newest["first_date"] == days[-1]
    assert nothing == {"first_date": None, "entries": []}


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_no_entries_is_refused_by_name(limit):
    with pytest.raises(InvalidInput, match=f"limit is {limit}, at least one entry is needed"):
        positions.get_transaction_history(None, positions=None, security_id=1, limit=limit)


def test_the_sharpe_ratios_are_those_of_the_record_of_risk(answer):
    risk, ratios = answer["result"]["risk"], answer["result"]["ratios"]

    assert {name for name in ratios if name.startswith("sharpe_")} == {
        f"sharpe_{window}" for window in ("30d", "60d", "90d", "1y", "3y", "5y", "itd")
    }
    assert ratios == {name: risk[name] for name in ratios}


@pytest.mark.parametrize("output", ["at_once", "newest", "ratios"])
def test_each_of_their_figures_is_explained(private_demo, answer, output):
    figures = list(figures_of(answer["result"][output], f"/{output}"))

    for path, value in figures:
        check(private_demo, answer, path, value, set(), follow=1 if output == "ratios" else 0)

    assert figures
