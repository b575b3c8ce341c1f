"""Every figure that rests on a benchmark, taken apart down to its components' closes, rates, splits and dividends."""

import pytest

from execution.explanation.tests.figures import ask, check, figures_of, follow_days
from execution.operations import demo as verb
from portfolio.models import Portfolio, Rebalance
from tests.plugin import role

pytestmark = pytest.mark.slow
OF_BENCHMARK = ("benchmark", "excess", "beta", "alpha", "tracking_error", "information_ratio", "correlation")


def demo_with_benchmark(world, rebalance):
    with role("job"):
        made = verb.make_benchmark()
        type(made).objects.filter(pk=made.pk).update(rebalance=rebalance)
        Portfolio.objects.update(benchmark=made)
    return world


@pytest.fixture
def measured(private_demo):
    return demo_with_benchmark(private_demo, Rebalance.MONTHLY)


def test_figures_of_the_benchmark(measured):
    answer = ask(measured, "performance")
    of_benchmark = [
        (path, value)
        for path, value in figures_of(answer["result"])
        if any(name.startswith(OF_BENCHMARK) for name in path.split("/"))
    ]

    assert sum(value is not None for _, value in of_benchmark) > 60
    for path, value in of_benchmark:
        check(measured, answer, path, value, set(), follow=0)


@pytest.mark.parametrize("rebalance", [Rebalance.DAILY, Rebalance.MONTHLY, Rebalance.NEVER])
def test_a_day_of_the_benchmark_leads_to_rows(private_demo, rebalance):
    demo = demo_with_benchmark(private_demo, rebalance)
    answer = ask(demo, "performance")

    seen = set()
    for path in ("/metrics/benchmark_twr_1d", "/metrics/benchmark_mwr_ytd"):
        follow_days(demo, answer, path, seen)

    assert any("/components/AAPL/return" in place for place in seen)
    assert any("/components/AAPL/weight" in place for place in seen)


@pytest.mark.parametrize("day", ["2005-02-28", "2012-08-09"], ids=["split", "dividend"])
def test_a_split_and_a_dividend_are_in_the_return_of_their_day(measured, day):
    answer = ask(measured, "performance")

    seen = set()
    follow_days(measured, answer, f"/historical_nav/days/{day}/components/AAPL/return", seen)
