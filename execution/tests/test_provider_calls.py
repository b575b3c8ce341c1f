"""A provider is called only where the rights let it, once, and a replay reads what it said."""

import json
from datetime import date

import pytest
from django.db import transaction

from agents.claude import narratives
from agents.result import RequestContext, Result
from compliance import registry
from compliance.models import RightsDecision
from config import scope
from execution import executor
from execution.executor.provider_calls import ProviderCalls
from execution.models import Execution
from execution.tests import staging

PROVIDER, PRICES = "newsapi", "bokeh-wiki"


@pytest.fixture
def world(private_demo):
    with private_demo.role("job"):
        registry.load(replace=True)
    return private_demo


def offer(world, monkeypatch, *, reads_as_model=False, is_on=lambda: True):
    """A capability that calls a provider, with what the pack says of the positions as its argument; and its calls."""
    called = []

    def news(ctx: RequestContext, *, about: dict | None = None) -> Result[dict[str, int]]:
        called.append(about)
        return Result({"call": len(called)}, sources=(), asof=ctx.asof_date, ttl=0, warnings=("said once",))

    registered = {"provider": PROVIDER, "reads_as_model": reads_as_model, "is_on": is_on}
    return staging.offering(world, monkeypatch, registered=registered, news=news), called


def pattern(**step):
    return staging.pattern(
        "news",
        version="1.1.0",
        steps=[
            {"capability": "ledger.positions", "args": {"portfolio_id": "{{inputs.portfolio_id}}"}, "as": "before"},
            {"capability": "pricing.apply_pack", "args": {"positions": "{{state.before}}"}, "as": "priced"},
            {
                "capability": "fake.news",
                "args": {"about": {"value": "{{state.priced.total_value}}"}},
                "as": "made",
                **step,
            },
        ],
        outputs=["made"],
    )


def ask(world):
    return world.ask(pattern_id="fake_news")


def decisions(world):
    with scope.acting_as(world.user("owner")), transaction.atomic():
        return [(row.use, row.outcome, row.refusing) for row in RightsDecision.objects.order_by("id")]


@pytest.fixture
def published(monkeypatch):
    """Publish a changed pattern where the capability is offered."""
    from execution.patterns import publishing

    def publish(world, **step):
        with world.role("job"):
            publishing.publish(pattern(**step))

    return publish


def test_an_answer_is_recorded_served_again_and_read_by_a_replay(world, monkeypatch, published):
    offered, called = offer(world, monkeypatch)
    with offered:
        published(world)
        first, again = ask(world).json(), ask(world).json()
        replayed = executor.replay(first["execution_id"], user=world.user("owner"))

    assert len(called) == 1
    assert first["result"]["made"] == again["result"]["made"] == replayed.result["made"] == {"call": 1}
    assert PROVIDER in first["metadata"]["sources"]
    with scope.acting_as(world.user("owner")), transaction.atomic():
        row = Execution.objects.get(pk=first["execution_id"])
    assert row.recorded["made"]["data"] == {"call": 1}
    staging.by_force(world, "UPDATE execution_execution SET recorded = '{}' WHERE id = %s", [row.pk])
    with scope.acting_as(world.user("owner")), transaction.atomic():
        assert executor.store.is_intact(Execution.objects.get(pk=row.pk)) is False


def test_a_provider_that_may_not_be_shown_is_not_called(world, monkeypatch, published):
    staging.decide_rights(world, PROVIDER, "deny")
    offered, called = offer(world, monkeypatch)
    with offered:
        published(world)
        answer = ask(world)

    assert called == []
    assert (answer.status_code, answer.json()["type"], answer.json()["use"]) == (403, "right-denied", "display")
    assert decisions(world) == [("display", "deny", [PROVIDER])]


def test_a_language_model_is_given_nothing_that_rests_on_a_source_which_refuses_it(world, monkeypatch, published):
    staging.decide_rights(world, PRICES, "licence-required", use="agent")
    offered, called = offer(world, monkeypatch, reads_as_model=True)
    with offered:
        published(world)
        answer = ask(world)
        staging.decide_rights(world, PRICES, "attribute", use="agent")
        allowed = ask(world)

    assert answer.status_code == 403
    assert [(each["provider"], each["use"], each["licence"]) for each in answer.json()["refusals"]] == [
        (PRICES, "agent", f"a licence of {PRICES} for agent")
    ]
    assert (allowed.status_code, len(called)) == (200, 1)
    assert [(use, outcome) for use, outcome, _ in decisions(world)] == [
        ("agent", "licence-required"), ("agent", "attribute"),
    ]  # fmt: skip


def test_nobody_is_asked_where_it_answers_without_its_provider(world, monkeypatch, published):
    staging.decide_rights(world, PRICES, "deny", use="agent")
    offered, called = offer(world, monkeypatch, reads_as_model=True, is_on=lambda: False)
    with offered:
        published(world)
        answer = ask(world).json()

    assert len(called) == 1
    assert PROVIDER not in answer["metadata"]["sources"]
    assert decisions(world) == []


def test_what_a_language_model_wrote_is_on_record_as_it_wrote_it_and_in_no_answer():
    narrative = narratives.Narrative("x", (), (), "model", None, "", "m", "h", "as it was written")
    calls = ProviderCalls()

    given = calls.record("told", "anthropic", Result(narrative, sources=(), asof=date(2026, 3, 2), ttl=0))

    assert "raw_answer" not in given.data
    assert given.sources == ("anthropic",)
    assert calls.answers["told"]["beside"] == {"raw_answer": "as it was written"}
    assert ProviderCalls(json.loads(json.dumps(calls.answers))).answer("told") == given


def test_a_refused_step_that_may_be_left_out_leaves_an_answer_that_is_not_stored(world, monkeypatch, published):
    staging.decide_rights(world, PROVIDER, "deny")
    offered, called = offer(world, monkeypatch)
    with offered:
        published(world, on_error="omit")
        refused = ask(world)
        staging.decide_rights(world, PROVIDER, "attribute")
        allowed = ask(world)

    assert refused.json()["result"]["made"]["status"] == "unavailable"
    assert allowed.json()["result"]["made"] == {"call": 1}
    assert len(called) == 1
