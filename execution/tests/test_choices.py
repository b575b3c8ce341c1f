"""What staff may change is in the key of a result: an edit makes another result, and what was computed stays and replays."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction

from execution import executor
from execution.executor import Request
from execution.patterns import publishing
from execution.tests import staging
from portfolio.models import Benchmark, BenchmarkComponent, Portfolio
from pricing.models import FactorSeries, Security

HEAD = date(2013, 3, 1)


@pytest.fixture
def world(private_demo):
    """The public portfolio of the demo, measured against two of its shares."""
    with private_demo.role("job"), transaction.atomic():
        made = Benchmark.objects.create(name="Two shares")
        for symbol, weight in (("MSFT", "0.4"), ("IBM", "0.6")):
            security = Security.objects.get(symbol=symbol)
            BenchmarkComponent.objects.create(benchmark=made, security=security, weight=Decimal(weight))
        Portfolio.objects.filter(slug="public").update(benchmark=made)
    return private_demo


def ask(world, pattern="portfolio_overview", **how):
    with world.role("job"):
        public = Portfolio.objects.select_related("owner").get(slug="public")
    return executor.execute(Request(pattern, {}, portfolio_id=public.pk, asof_date=HEAD, **how), user=public.owner)


def weigh(world, **weights):
    with world.role("job"), transaction.atomic():
        for symbol, weight in weights.items():
            BenchmarkComponent.objects.filter(security__symbol=symbol).update(weight=Decimal(weight))


def test_another_weight_is_another_result_and_the_first_still_replays(world):
    before = ask(world)
    again = ask(world)
    weigh(world, MSFT="0.5", IBM="0.5")
    after = ask(world)

    shown = [each.result["perf_metrics"]["benchmark_twr_1y"] for each in (before, after)]
    assert shown[0]["status"] == "ok"
    assert shown[0]["value"] != shown[1]["value"]
    assert [each.result["metrics"]["benchmark_definition"] for each in (before, after)] == [
        "0.6 IBM, 0.4 MSFT, rebalanced monthly",
        "0.5 IBM, 0.5 MSFT, rebalanced monthly",
    ]
    assert again.execution_id == before.execution_id != after.execution_id
    with world.role("job"):
        owner = Portfolio.objects.select_related("owner").get(slug="public").owner
    for each in (before, after):
        assert executor.replay(each.execution_id, user=owner).result == each.result


def test_a_factors_list_is_in_the_key_of_what_reads_it_and_of_nothing_else(world):
    document = staging.pattern(
        "factors",
        steps=[
            {
                "capability": "portfolio.historical_nav",
                "args": {"portfolio_id": "{{inputs.portfolio_id}}"},
                "as": "nav",
            },
            {"capability": "risk.compute_factor_exposures", "args": {"nav": "{{state.nav}}"}, "as": "exposures"},
        ],
        outputs=["exposures"],
    )
    with world.role("job"):
        publishing.publish(document)
    overview, before = ask(world), ask(world, "fake_factors")
    with world.role("app"):
        FactorSeries.objects.filter(factor="usd").delete()
    after = ask(world, "fake_factors")

    assert ask(world).execution_id == overview.execution_id
    assert before.result["exposures"]["factors"]["usd"]["status"] == "degraded"
    assert after.result["exposures"]["factors"]["usd"]["reason"] == "no_series"
    equity = before.result["exposures"]["factors"]["equity"]
    assert (equity["basis"]["series"], equity["reason"].split(", ")[0]) == ("benchmark", "benchmark")
