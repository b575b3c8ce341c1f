"""Steps that call a provider: side by side, beside what computes, and no longer than they may take."""

import threading
import time
from typing import Any

import pytest
from django.db import connection

from agents.registry import Registry
from agents.result import RequestContext, Result
from agents.runtime import AgentRuntime, CapabilityFailed
from agents.tests.fakes import context
from config.errors import TieoutError
from execution import patterns
from execution.executor import orchestrator
from execution.executor.network_call import StepTimedOut
from execution.executor.orchestrator import RunTimedOut, StepFailed
from execution.executor.provider_calls import ProviderCalls
from execution.tests.fakes import document, step

PATIENCE_S = 10.0
"""Long enough for any machine; where the steps run as they should, nobody waits for it."""


class NewsAway(TieoutError):
    pass


class Permitted(ProviderCalls):
    def permit(self, capability: Any, sources: Any) -> None:
        pass


def run(registry, *steps, calls=None):
    pattern = patterns.parse(document(*steps))
    return orchestrator.run(pattern, {}, context(), AgentRuntime(registry), calls or Permitted())


def answer(ctx: RequestContext, value: Any = "yes") -> Result[dict[str, Any]]:
    return Result({"value": value}, sources=(), asof=ctx.asof_date, ttl=0)


@pytest.fixture
def own():
    return Registry()


@pytest.fixture
def never(own):
    """Set at the end, so that no thread of a test outlives it."""
    over = threading.Event()

    @own.capability("news.late", agent="reader", provider="newsapi")
    def late(ctx: RequestContext) -> Result[dict[str, Any]]:
        over.wait(PATIENCE_S)
        return answer(ctx)

    yield over
    over.set()


def test_two_calls_wait_at_the_same_time(own):
    both = threading.Barrier(2, timeout=PATIENCE_S)

    @own.capability("news.read", agent="reader", provider="newsapi")
    def read(ctx: RequestContext) -> Result[dict[str, Any]]:
        both.wait()
        return answer(ctx)

    finished = run(own, step("news.read", "first"), step("news.read", "second"))

    assert [each.status for each in finished.trace] == ["ok", "ok"]
    assert finished.sources == {"first": ("newsapi",), "second": ("newsapi",)}


def test_what_computes_goes_on_meanwhile_and_what_needs_the_answer_waits(own):
    computed = threading.Event()

    @own.capability("news.read", agent="reader", provider="newsapi")
    def read(ctx: RequestContext) -> Result[dict[str, Any]]:
        assert computed.wait(PATIENCE_S)
        return answer(ctx, "read")

    @own.capability("count.up", agent="counter")
    def up(ctx: RequestContext, *, of: str) -> Result[dict[str, Any]]:
        computed.set()
        return answer(ctx, f"{of} counted")

    finished = run(
        own,
        step("news.read", "news"),
        step("count.up", "beside", {"of": "ledger"}),
        step("count.up", "after", {"of": "{{state.news.value}}"}),
    )

    assert finished.outputs["after"] == {"value": "read counted"}
    assert finished.sources["after"] == ("newsapi",)


def test_a_time_out_ends_the_wait_and_not_only_the_step(own, never):
    with pytest.raises(StepFailed) as failed:
        run(own, step("news.late", "news", timeout_s=0.05))

    assert isinstance(failed.value.cause, StepTimedOut)
    assert not never.is_set()


def test_a_late_answer_of_a_step_that_may_be_omitted_is_in_no_record(own, never):
    calls = Permitted()

    finished = run(own, step("news.late", "news", timeout_s=0.05, on_error="omit"), calls=calls)
    never.set()

    assert finished.outputs["news"].status == "unavailable"
    assert finished.transient
    assert calls.answers == {}


def test_a_call_takes_as_long_as_it_takes_whatever_else_runs_until_it_is_waited_for(own):
    @own.capability("news.read", agent="reader", provider="newsapi")
    def read(ctx: RequestContext, *, wait_s: float) -> Result[dict[str, Any]]:
        time.sleep(wait_s)
        return answer(ctx)

    @own.capability("count.up", agent="counter")
    def up(ctx: RequestContext) -> Result[dict[str, Any]]:
        time.sleep(0.4)
        return answer(ctx)

    finished = run(
        own,
        step("news.read", "quick", {"wait_s": 0.0}),
        step("news.read", "late", {"wait_s": 0.2}, timeout_s=0.05, on_error="omit"),
        step("count.up", "beside"),
    )

    quick, late, _ = finished.trace
    assert quick.duration_ms < 200
    assert (late.status, late.reason.endswith("may take 0.05 s")) == ("failed", True)


def test_what_a_call_raises_is_the_failure_of_its_step(own):
    @own.capability("news.away", agent="reader", provider="newsapi")
    def away(ctx: RequestContext) -> Result[dict[str, Any]]:
        raise NewsAway("it wants to be left alone")

    with pytest.raises(StepFailed) as failed:
        run(own, step("news.away", "news"))

    assert isinstance(failed.value.cause, NewsAway)


def test_a_call_has_no_database(own):
    @own.capability("news.nosy", agent="reader", provider="newsapi")
    def nosy(ctx: RequestContext) -> Result[dict[str, Any]]:
        connection.cursor().execute("SELECT 1")
        return answer(ctx)

    try:
        with pytest.raises(StepFailed) as failed:
            run(own, step("news.nosy", "news"))
    finally:
        connection.close()

    assert isinstance(failed.value.cause, CapabilityFailed)


def test_no_step_begins_once_the_time_of_the_whole_pattern_is_over(own, monkeypatch):
    began = []

    @own.capability("count.up", agent="counter")
    def up(ctx: RequestContext) -> Result[dict[str, Any]]:
        began.append("up")
        monkeypatch.setattr(orchestrator, "RUN_S", 0.0)
        return answer(ctx)

    with pytest.raises(StepFailed) as failed:
        run(own, step("count.up", "first"), step("count.up", "second", on_error="omit"))

    assert isinstance(failed.value.cause, RunTimedOut)
    assert began == ["up"]
    assert [each.status for each in failed.value.trace] == ["ok", "failed"]


def test_what_is_on_record_is_not_called_again(own, never):
    calls = Permitted(
        {"news": {"data": {"value": "then"}, "sources": ["newsapi"], "asof": "2013-03-01", "ttl": 0, "warnings": []}}
    )

    finished = run(own, step("news.late", "news"), calls=calls)

    assert finished.outputs["news"] == {"value": "then"}
