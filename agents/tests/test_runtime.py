import logging

import psycopg
import pytest
from django.db import OperationalError

from agents.breaker import StorageAway
from agents.registry import ArgumentsInvalid, BadCapability, Registry, UnknownCapability
from agents.result import RequestContext, Result
from agents.runtime import AgentRuntime, CapabilityFailed, DependencyAway, NotPermitted
from agents.tests import fakes
from config.breaker import CLOSED, BreakerOpen
from config.errors import TieoutError


class MissingPrice(TieoutError):
    pass


@pytest.fixture
def offered():
    own = Registry()

    @own.capability("count.up", agent="counter")
    def up(ctx: RequestContext, *, by: int) -> Result[dict[str, int]]:
        return Result({"n": by + 1}, sources=("ECB",), asof=ctx.asof_date, ttl=60)

    @own.capability("count.broken", agent="counter")
    def broken(ctx: RequestContext) -> Result[dict[str, int]]:
        raise KeyError("secret of the house")

    @own.capability("count.away", agent="counter")
    def away(ctx: RequestContext) -> Result[dict[str, int]]:
        raise ConnectionRefusedError("10.0.0.7")

    @own.capability("count.unstored", agent="counter")
    def unstored(ctx: RequestContext) -> Result[dict[str, int]]:
        raise OperationalError("server closed the connection") from psycopg.OperationalError("10.0.0.7")

    @own.capability("count.named", agent="counter")
    def named(ctx: RequestContext) -> Result[dict[str, int]]:
        raise MissingPrice("no close of AAPL")

    @own.capability("count.nothing", agent="counter")
    def nothing(ctx: RequestContext) -> Result[dict[str, int]]:
        return {"n": 1}  # type: ignore[return-value]

    @own.capability("word.say", agent="speaker")
    def say(ctx: RequestContext) -> Result[dict[str, str]]:
        return Result({"said": "yes"}, sources=(), asof=ctx.asof_date, ttl=0)

    return own


def call(runtime, name, arguments, **how):
    return runtime.prepare(name, fakes.context(), arguments, **how)()


def test_it_maps_each_agent_to_its_capabilities(offered):
    runtime = AgentRuntime(offered)

    assert runtime.agents == {
        "counter": ("count.away", "count.broken", "count.named", "count.nothing", "count.unstored", "count.up"),
        "speaker": ("word.say",),
    }
    assert runtime.agent_of("word.say") == "speaker"
    assert runtime.agent_of("word.shout") is None


def test_an_agent_registered_later_is_routed_to(offered):
    runtime = AgentRuntime(Registry())

    runtime.register(offered.all())

    assert call(runtime, "word.say", {}).agent == "speaker"


def test_two_agents_can_not_offer_one_name(offered):
    other = Registry()

    @other.capability("word.say", agent="parrot")
    def say(ctx: RequestContext) -> Result[dict[str, str]]:
        raise NotImplementedError

    with pytest.raises(BadCapability):
        AgentRuntime(offered).register(other.all())


def test_an_answer_carries_agent_capability_and_duration(offered):
    answered = call(AgentRuntime(offered), "count.up", {"by": 1})

    assert answered.result.data == {"n": 2}
    assert answered.result.sources == ("ECB",)
    assert (answered.capability, answered.agent) == ("count.up", "counter")
    assert 0 <= answered.duration_ms < 1000


def test_an_unknown_capability_is_named_with_near_ones(offered):
    with pytest.raises(UnknownCapability) as unknown:
        call(AgentRuntime(offered), "words.say", {})

    assert unknown.value.near == ("word.say",)


def test_a_strangers_error_becomes_a_named_one_that_tells_nothing(offered, caplog):
    with caplog.at_level(logging.ERROR), pytest.raises(CapabilityFailed) as failed:
        call(AgentRuntime(offered), "count.broken", {})

    assert "secret" not in str(failed.value)
    assert isinstance(failed.value.__cause__, KeyError)
    assert [(r.message, r.exc_info is not None) for r in caplog.records] == [("capability failed", True)]


def test_a_capability_that_gives_back_no_result_has_failed(offered):
    with pytest.raises(CapabilityFailed):
        call(AgentRuntime(offered), "count.nothing", {})


def test_a_named_error_passes_as_it_is_and_never_opens_the_breaker(offered):
    runtime = AgentRuntime(offered)

    for _ in range(100):
        with pytest.raises(MissingPrice):
            call(runtime, "count.named", {})

    assert set(runtime.breaker_states().values()) == {CLOSED}


def test_an_outage_of_the_database_is_named_and_never_opens_the_breaker(offered):
    runtime = AgentRuntime(offered)

    for _ in range(100):
        with pytest.raises(StorageAway) as away:
            call(runtime, "count.unstored", {})

    assert "10.0.0.7" not in str(away.value)
    assert set(runtime.breaker_states().values()) == {CLOSED}


def test_a_hundred_bad_arguments_never_open_the_breaker(offered):
    runtime = AgentRuntime(offered)

    for _ in range(100):
        with pytest.raises(ArgumentsInvalid):
            call(runtime, "count.up", {"by": "many"})

    assert runtime.breaker_states()["count.up"] == CLOSED


def test_five_failures_of_a_dependency_open_the_breaker_of_that_capability_only(offered):
    runtime = AgentRuntime(offered)

    for _ in range(5):
        with pytest.raises(DependencyAway):
            call(runtime, "count.away", {})

    with pytest.raises(BreakerOpen) as refused:
        call(runtime, "count.away", {})
    assert refused.value.name == "count.away"
    assert call(runtime, "count.up", {"by": 1}).result.data == {"n": 2}
    assert [name for name, state in runtime.breaker_states().items() if state] == ["count.away"]


def test_a_portfolio_whose_data_break_a_capability_never_closes_it_to_the_others(offered):
    runtime = AgentRuntime(offered)

    for _ in range(100):
        with pytest.raises(CapabilityFailed):
            call(runtime, "count.broken", {})

    assert call(runtime, "count.up", {"by": 1}).result.data == {"n": 2}
    assert set(runtime.breaker_states().values()) == {CLOSED}


def test_a_provider_is_called_only_where_somebody_was_asked_and_let_it():
    own, called, asked = Registry(), [], []

    @own.capability("news.read", agent="reader", provider="newsapi")
    def read(ctx: RequestContext, *, symbol: str) -> Result[dict[str, str]]:
        called.append(symbol)
        return Result({}, sources=(), asof=ctx.asof_date, ttl=0)

    runtime = AgentRuntime(own)
    with pytest.raises(NotPermitted):
        call(runtime, "news.read", {"symbol": "AAPL"})
    before = list(called)
    call(runtime, "news.read", {"symbol": "AAPL"}, sources=("ledger",), permit=lambda *given: asked.append(given))

    assert (before, called) == ([], ["AAPL"])
    assert [(capability.provider, sources) for capability, sources in asked] == [("newsapi", ("ledger",))]
