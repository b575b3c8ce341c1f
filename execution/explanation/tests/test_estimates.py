"""Every figure that a pattern of the library shows is explained: by a formula that gives it, or by its method and what went in."""

import re

import pytest

from execution import executor, explanation
from execution.explanation.tests.figures import ask, check, explain, figures_of
from execution.operations import demo as verb
from execution.operations import intake
from execution.patterns import publishing
from portfolio.models import Portfolio
from pricing.models import Security
from tests import small
from tests.plugin import role

pytestmark = pytest.mark.slow

ELSEWHERE = {
    "export_portfolio_report", "hedged_benchmark", "holding_deep_dive", "income", "money_bridge", "performance",
    "portfolio_overview", "portfolio_summary", "portfolio_tax_report",
}  # fmt: skip
"""Patterns of which other tests explain every output, or whose outputs are those of others."""
ASKED = sorted({name.removesuffix(".json") for name in publishing.read_library()} - ELSEWHERE)


@pytest.fixture
def measured(private_demo):
    with role("job"):
        Portfolio.objects.update(benchmark=verb.make_benchmark())
    return private_demo


def one_of_each_kind(result, path=""):
    """Of the figures whose paths differ by numbers alone the first with a value and the first without."""
    kinds = {}
    for place, value in figures_of(result, path):
        if "/basis/" not in place:
            kinds.setdefault((re.sub(r"/\d+(?=/|$)", "/*", place), value is None), (place, value))
    return list(kinds.values())


@pytest.mark.parametrize("pattern", ASKED)
def test_no_figure_of_a_pattern_is_without_explanation(measured, pattern):
    answer = ask(measured, pattern)

    for path, value in one_of_each_kind(answer["result"]):
        check(measured, answer, path, value, set(), follow=1)


@pytest.mark.parametrize(
    "pattern", ["brinson_attribution", "factor_exposures", "portfolio_macro_overview", "portfolio_risk"]
)
def test_a_figure_without_a_value_says_so_with_its_reason(measured, pattern):
    """On the first day of the demo most have none."""
    answer = measured.ask(pattern_id=pattern, asof_date="2002-12-02").json()
    without = [path for path, value in one_of_each_kind(answer["result"]) if value is None]

    told = [explain(measured, answer["execution_id"], path) for path in without]

    assert told
    assert {each["value"] for each in told} == {None}
    assert all(each["what"] for each in told)
    assert all(each["reason"] for each in told if "reason" in each)


@pytest.mark.parametrize(
    "inputs",
    [
        {"scenario_id": "CRISIS_2008"},
        {"scenario_id": "custom", "custom_shocks": {"equity": -0.1, "usd": 0.05}},
    ],
    ids=["classes", "custom"],
)
def test_figures_of_a_scenario(measured, inputs):
    answer = ask(measured, "portfolio_scenario_analysis", **inputs)

    for path, value in one_of_each_kind(answer["result"]["scenario_result"], "/scenario_result"):
        check(measured, answer, path, value, set(), follow=0)


def test_an_estimate_says_its_method_and_what_went_in(measured):
    answer = ask(measured, "factor_exposures")
    factor = next(name for name, each in answer["result"]["exposures"]["factors"].items() if each["value"] is not None)

    told = explain(measured, answer["execution_id"], f"/exposures/factors/{factor}")

    assert "least squares" in told["method"]
    assert "formula" not in told
    series = {each["name"]: each for each in told["terms"]}
    assert {"returns", "risk_free", factor} <= series.keys()
    assert {len(each["values"]) for each in series.values()} == {answer["result"]["exposures"]["observations"]}


def test_the_change_of_a_factor_leads_to_the_rows_of_both_days(measured):
    answer = ask(measured, "factor_exposures")
    exposures = answer["result"]["exposures"]
    last = exposures["last_date"]

    told = [
        explain(measured, answer["execution_id"], f"/exposures/days/{last}/factors/{name}")
        for name, each in exposures["factors"].items()
        if each["value"] is not None
    ]

    assert told
    for each in told:
        assert each.get("method") or each["terms"], each


@pytest.mark.role("job")
def test_what_a_company_reported_leads_to_the_row_of_its_period(after_night, tmp_path):
    publishing.publish(publishing.read_library()["holding_deep_dive.json"])
    folder = small.market(tmp_path / "market")
    for name, row in (
        ("macro.csv", "2019-03-31,OAK/Revenue/Q,1250.5,bureau"),
        ("macro_series.csv", "OAK/Revenue/Q,Revenue,USD,Q,bureau"),
    ):
        with (folder / name).open("a") as file:
            file.write(f"{row}\n")
    intake.load_market_data(str(folder))
    small.night(small.policy(), restates="a company reported")
    owner, oak = small.portfolio().owner, Security.objects.get(symbol="OAK").pk
    request = executor.Request("holding_deep_dive", {"security_id": oak}, portfolio_id=small.portfolio().pk)

    served = executor.execute(request, user=owner)
    told = explanation.explain(served.execution_id, "/fundamentals/reported/figures/0/value", user=owner)

    (row,) = told["rows"]
    assert (told["value"], told["unit"], told["label"]) == ("1250.5", "USD", "Revenue")
    assert (row["series"], row["observation_date"], row["source"]) == ("OAK/Revenue/Q", "2019-03-31", "bureau")
