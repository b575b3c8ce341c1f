"""GET /metrics: counts by pattern and status, labels from closed sets."""

import re

from django.test import Client

from agents.result import RequestContext, Result
from execution.tests import staging


def series(name):
    """Labels -> value of one metric."""
    text = Client().get("/metrics").content.decode()
    found = {}
    for labels, value in re.findall(rf"^{name}\{{([^}}]*)\}} (\S+)$", text, re.MULTILINE):
        found[labels] = float(value)
    return found


def counted(pattern_id, status):
    return series("tieout_api_request_duration_seconds_count").get(f'pattern_id="{pattern_id}",status="{status}"', 0.0)


def test_answers_are_counted_by_pattern_with_their_latency(demo):
    before = counted("portfolio_overview", 200)

    demo.ask()

    assert counted("portfolio_overview", 200) == before + 1
    buckets = series("tieout_api_request_duration_seconds_bucket")
    assert any('pattern_id="portfolio_overview"' in labels and 'le="+Inf"' in labels for labels in buckets)


def test_refusals_are_counted_under_the_pattern_that_was_asked_for(demo):
    before = counted("portfolio_overview", 400)

    demo.ask(asof_date="yesterday", inputs={"colour": "red"})

    assert counted("portfolio_overview", 400) == before + 1


def test_patterns_that_do_not_exist_share_one_label(demo):
    before = counted("unknown", 404)

    for number in range(5):
        demo.ask(pattern_id=f"made_up_{number}")
    demo.ask(pattern_id="made_up_6", require_fresh=False)

    assert counted("unknown", 404) == before + 5
    assert not [labels for labels in series("tieout_api_request_duration_seconds_count") if "made_up" in labels]


def test_a_pattern_published_after_it_was_asked_for_is_counted_by_its_name(private_demo, monkeypatch):
    def late(ctx: RequestContext) -> Result[dict[str, int]]:
        return Result({"n": 1}, sources=("ledger",), asof=ctx.asof_date, ttl=0)

    private_demo.ask(pattern_id="fake_late")
    before = counted("fake_late", 200)

    with staging.offering(private_demo, monkeypatch, late=late):
        private_demo.ask(pattern_id="fake_late")

    assert counted("fake_late", 200) == before + 1


def test_each_step_that_ran_is_counted_by_agent_and_capability(demo):
    name, labels = (
        "tieout_agent_latency_seconds_count",
        'agent="financial_analyst",capability="ledger.positions",outcome="ok"',
    )
    before = series(name).get(labels, 0.0)

    demo.ask(inputs={"lookback_days": 81})
    demo.ask(inputs={"lookback_days": 81})

    assert series(name)[labels] == before + 1


def test_packs_and_breakers_have_their_gauges(private_demo):
    fresh = series("tieout_pack_freshness")
    staging.set_packs(private_demo, "error", job="build_pack", reason="x")

    error = series("tieout_pack_freshness")

    assert (fresh['policy="ECB_EUR"'], error['policy="ECB_EUR"']) == (1.0, 2.0)
    assert series("tieout_circuit_breaker_state")['agent="financial_analyst"'] in (0.0, 1.0, 2.0)


def test_no_id_is_a_label(demo):
    answer = demo.ask().json()

    text = Client().get("/metrics").content.decode()

    for told in (
        answer["execution_id"],
        str(demo.public_id),
        answer["metadata"]["pricing_pack_id"],
        answer["metadata"]["ledger_commit_hash"],
        "owner",
    ):
        assert told not in text
