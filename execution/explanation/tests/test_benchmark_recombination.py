"""Every figure that rests on a benchmark, taken apart down to its components' closes, rates, splits and dividends."""

import pytest

from execution.explanation.tests.figures import ask, check, figures_of, follow_days
from execution.operations import demo as verb
from portfolio.models import OneMonthRate, Portfolio, Rebalance
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


@pytest.mark.parametrize("by", ["currency", "exchange"])
def test_decisions_against_the_benchmark(measured, by):
    answer = ask(measured, "brinson_attribution", by=by)
    figures = list(figures_of(answer["result"]))

    assert sum("/segments/" in path for path, _ in figures) >= 24
    for path, value in figures:
        check(measured, answer, path, value, set(), follow=2)


@pytest.mark.parametrize("effect", ["allocation", "selection", "interaction"])
def test_what_a_segment_added_leads_to_the_holdings_of_a_day(measured, effect):
    answer = ask(measured, "brinson_attribution")
    segments = answer["result"]["brinson"]["lookback"]["segments"]

    seen = set()
    for number in range(len(segments)):
        follow_days(measured, answer, f"/brinson/lookback/segments/{number}/{effect}", seen)

    assert any("/holdings/AAPL/weight" in place for place in seen)
    assert any("/components/AAPL/weight" in place for place in seen)


@pytest.mark.parametrize("window", [21, 252])
def test_figures_of_windows_of_observations(measured, window):
    answer = ask(measured, "rolling_figures", window=window)
    figures = list(figures_of(answer["result"]))

    assert {path.split("/")[2] for path, _ in figures if not path.startswith("/ratios/")} == {
        "window", "periods_per_year", "twr", "volatility", "sharpe", "beta", "correlation", "tracking_error",
    }  # fmt: skip
    for path, value in figures:
        check(measured, answer, path, value, set(), follow=1)


def test_a_benchmark_whose_currencies_are_sold_forward(measured):
    """The rates are none of one month, and one is another country's: what is shown is that they are taken."""
    with role("job"):
        for currency, series in (("USD", "UST3M"), ("CAD", "UST2Y")):
            OneMonthRate.objects.create(currency=currency, series_id=series)
    answer = ask(measured, "hedged_benchmark")

    seen = set()
    for view in ("lookback", "since_inception"):
        path = f"/currency_attr/{view}/benchmark_hedged_return"
        check(
            measured, answer, path, answer["result"]["currency_attr"][view]["benchmark_hedged_return"]["value"], set()
        )
        follow_days(measured, answer, path, seen)

    assert answer["result"]["currency_attr"]["lookback"]["benchmark_hedged_return"]["value"] is not None
    assert any(place.endswith("/components/IBM/hedged") for place in seen)
