"""The capabilities of returns, risk and attribution, asked through patterns on the demo: what they say of each other agrees."""

import pytest
from django.db import transaction

from execution.patterns import publishing
from execution.tests import staging
from portfolio.models import Benchmark, BenchmarkComponent, Portfolio
from pricing.models import Security
from tests import plugin

NAV = {
    "capability": "portfolio.historical_nav",
    "args": {"portfolio_id": "{{inputs.portfolio_id}}"},
    "as": "nav",
}


def step(capability, name, **args):
    return {"capability": capability, "args": {"nav": "{{state.nav}}", **args}, "as": name}


def figures(world):
    """All of the figures of the public portfolio, measured against IBM."""
    with world.role("job"):
        with transaction.atomic():
            made = Benchmark.objects.create(name="IBM")
            BenchmarkComponent.objects.create(benchmark=made, security=Security.objects.get(symbol="IBM"), weight=1)
        Portfolio.objects.filter(slug="public").update(benchmark=made)
        steps = [
            NAV,
            step("metrics.compute_twr", "twr"),
            step("metrics.compute_mwr", "mwr"),
            step("metrics.compute", "whole"),
            step("metrics.risk", "risk"),
            step("metrics.rolling", "rolling", window=252),
            step("attribution.contribution", "contribution", lookback_days=252),
            step("attribution.currency", "currency", lookback_days=252),
            step("attribution.brinson", "brinson", lookback_days=252, by="kind"),
            step("risk.compute_factor_exposures", "factors"),
        ]
        outputs = [each["as"] for each in steps[1:]]
        publishing.publish(staging.pattern("figures", steps=steps, outputs=outputs))
    return world.post("owner", {"pattern_id": "fake_figures", "portfolio_id": str(world.public_id)})


@pytest.fixture(scope="module")
def answered(demo_database, django_db_blocker):
    """A database with the figures, and what was answered."""
    with plugin.template(plugin.SHARED[plugin.DEMO]) as name:
        with plugin.at_work(plugin.Demo(name), django_db_blocker) as world:
            given = figures(world)
        yield name, given


@pytest.fixture
def answer(answered):
    return answered[1]


@pytest.fixture
def measured(answered, django_db_blocker):
    yield from plugin.copy_of(answered[0], plugin.Demo, django_db_blocker)


def test_every_figure_is_served_and_the_records_agree(answer):
    assert answer.status_code == 200, answer.content[:600]
    result = answer.json()["result"]

    whole = result["whole"]
    for part in ("twr", "mwr", "risk"):
        figures = {name: each for name, each in result[part].items() if isinstance(each, dict)}
        assert len(figures) > 6
        assert figures == {name: whole[name] for name in figures}, part
    year = result["rolling"]
    assert year["volatility"][-1] == pytest.approx(whole["volatility_1y"]["value"], rel=1e-11)
    assert year["sharpe"][-1] == pytest.approx(whole["sharpe_1y"]["value"], rel=1e-9)
    assert year["beta"][-1] == pytest.approx(whole["beta_1y"]["value"], rel=1e-11)
    assert whole["excess_twr_1y"]["value"] == pytest.approx(
        whole["twr_1y"]["value"] - whole["benchmark_twr_1y"]["value"], abs=1e-12
    )


def test_parts_sum_to_the_whole_as_served(answer):
    result = answer.json()["result"]

    for view in ("since_inception", "lookback"):
        contribution = result["contribution"][view]
        total = result["currency"][view]["total_return"]["value"]
        assert contribution["total_return"]["value"] == pytest.approx(total, abs=1e-9)
        assert sum(row["contribution"] for row in contribution["rows"]) == pytest.approx(total, abs=1e-9)
        brinson = result["brinson"][view]
        parts = sum(row[part] for row in brinson["segments"] for part in ("allocation", "selection", "interaction"))
        assert parts == pytest.approx(brinson["excess_return"]["value"], abs=1e-9)
        assert {row["segment"] for row in brinson["segments"]} == {"cash", "equity"}
    factors = result["factors"]
    known = [row for row in factors["rows"] if row["beta"] is not None]
    assert sum(row["variance_share"] for row in known) + factors["residual_share"]["value"] == pytest.approx(
        1, abs=1e-8
    )
    parts = sum(row["contribution"] for row in known) + factors["risk_free_contribution"]["value"]
    assert parts + factors["residual_contribution"]["value"] == pytest.approx(
        factors["total_return"]["value"], abs=1e-8
    )


def test_one_holding_is_explained_as_the_overview_counts_it(demo):
    with demo.role("job"):
        held = Security.objects.get(symbol="AAPL").pk
    overview = demo.ask().json()["result"]

    answers = [
        demo.post(
            "owner",
            {"pattern_id": "holding_deep_dive", "portfolio_id": str(demo.public_id), "inputs": {"security_id": each}},
        )
        for each in (held, 10**9)
    ]

    assert [each.status_code for each in answers] == [200, 404], answers[0].content[:600]
    found = answers[0].json()["result"]
    row = next(each for each in overview["contribution"]["lookback"]["rows"] if each["symbol"] == "AAPL")
    assert found["contribution"]["total_contribution"]["value"] == row["contribution"]
    valued = next(each for each in overview["valued_positions"]["positions"] if each["symbol"] == "AAPL")
    assert found["risk"]["market_value"] == valued["market_value"]
    assert found["risk"]["pct_portfolio_risk"]["status"] == "ok"
    assert (answers[1].json()["type"], answers[1].json()["step"]) == ("security-not-found", "holding")


COUNTS_AND_SHARES = {
    "yield_on_cost",
    "days", "observations", "window", "periods_per_year", "data_points", "year", "age_sessions", "age_days", "security_id",
    "error_bps",
    "position_weight", "weight", "average_weight",
}  # fmt: skip
"""Numbers that are no metrics: how many, whose, how far off, and shares of today's value."""
ROWS = {"rows", "top", "bottom", "by_holding", "by_currency", "segments", "worst", "largest", "years"}
"""Parts that sum to a figure, whose status is theirs, and rows of tables."""


def bare_numbers(value, path=()):
    """The paths of numbers that stand without status and reason, outside rows and series."""
    if isinstance(value, dict) and not {"value", "status", "reason", "basis"} <= value.keys():
        for name, each in value.items():
            if name not in ROWS:
                yield from bare_numbers(each, (*path, name))
    elif isinstance(value, list) and not all(isinstance(each, int | float | None) for each in value):
        for each in value:
            yield from bare_numbers(each, path)
    elif isinstance(value, int | float) and not isinstance(value, bool) and path[-1] not in COUNTS_AND_SHARES:
        yield path


def test_no_measure_is_served_without_its_status_and_reason(answer, measured):
    with measured.role("job"):
        held = Security.objects.get(symbol="AAPL").pk
    results = {"figures": answer.json()["result"]}
    for pattern, inputs in (
        ("portfolio_overview", {}),
        ("holding_deep_dive", {"security_id": held}),
        ("money_bridge", {}),
    ):
        body = {"pattern_id": pattern, "portfolio_id": str(measured.public_id), "inputs": inputs}
        results[pattern] = measured.post("owner", body).json()["result"]

    found = set(bare_numbers(results))

    of_value = {
        path
        for path in found
        if path[1:3] in ((("valued_positions", "concentration")), ("valued_positions", "quality"))
    }
    assert of_value
    assert found - of_value == set()
