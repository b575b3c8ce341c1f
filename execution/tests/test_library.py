"""The patterns that are shipped, on the demo with its benchmark: what each page shows, and what it says is missing."""

import html
import re

import pytest

from agents import registry
from execution import patterns
from execution.operations import demo as verb
from execution.patterns import publishing
from portfolio.models import Portfolio
from tests.plugin import role

LIBRARY = {document["id"]: document for document in publishing.read_library().values()}
SHOWN = {
    "portfolio_risk": ("Value at risk, one day, 95 %", "Information ratio", "−42.00 %"),
    "rolling_figures": ("Sharpe ratio", "Tracking error", verb.BENCHMARK),
    "factor_exposures": (
        "Beta to each factor, week by week", *("UST10Y", "The packs' own rates", "The portfolio's benchmark"),
        "Inflation, Credit are unavailable: the packs hold no series of it.",
    ),
    "brinson_attribution": ("Allocation", "Selection", "Interaction", verb.BENCHMARK),
    "money_weighted_returns": ("Same money in the benchmark", "+23.02 %"),
    "hedged_benchmark": (
        "+720.52 %",
        "Benchmark, its currencies sold forward is unavailable: the packs hold no one-month rates of both currencies.",
    ),
}  # fmt: skip
"""Pattern -> what its page says of the demo."""


def test_every_capability_of_the_analyst_is_in_a_pattern():
    used = {step.capability for document in LIBRARY.values() for step in patterns.parse(document).steps}

    offered = {each.name for each in registry.default.all() if each.agent == "financial_analyst"}
    assert offered - used == set()


@pytest.fixture
def measured(private_demo):
    """The demo as its command makes it: with a benchmark."""
    with role("job"):
        Portfolio.objects.update(benchmark=verb.make_benchmark())
    return private_demo


def text_of(page: bytes) -> str:
    words = html.unescape(re.sub(r"<[^>]+>", " ", page.decode())).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\s+", " ", words)


def test_each_page_shows_its_figures_and_no_panel_is_empty(measured):
    client = measured.client("owner")

    for pattern_id, expected in SHOWN.items():
        response = client.get(f"/portfolios/public/{pattern_id}/")
        words = text_of(response.content)

        assert response.status_code == 200, pattern_id
        for each in expected:
            assert each in words, (pattern_id, each)
        assert "Unavailable:" not in words, pattern_id
        assert "no_benchmark" not in words


def test_the_demos_benchmark_is_made_once_and_its_weights_are_a_whole(measured):
    with role("job"):
        again = verb.make_benchmark()

    assert sorted(again.components.values_list("security__symbol", flat=True)) == ["AAPL", "IBM", "MSFT"]
    assert sum(verb.COMPONENTS.values()) == 1


def test_without_a_benchmark_the_pages_say_so(demo):
    words = text_of(demo.client("owner").get("/portfolios/public/rolling_figures/").content)

    assert "Tracking error is unavailable: the portfolio has no benchmark, which can be chosen under Settings." in words
    assert "Volatility" in words
