import dataclasses
import json
import time
from datetime import date, datetime
from decimal import Decimal

import pytest

from agents.registry import ArgumentsInvalid, UnknownCapability
from agents.runtime import AgentRuntime
from agents.tests.fakes import PORTFOLIO_ID, context
from config.breaker import BreakerOpen
from execution import canonical, patterns
from execution.executor import orchestrator
from execution.executor.network_call import StepTimedOut
from execution.executor.orchestrator import StepFailed, Unavailable
from execution.executor.provider_calls import ProviderCalls
from execution.patterns import PatternInvalid
from execution.patterns.conditions import ConditionFailed, ConditionInvalid
from execution.patterns.templating import TemplateInvalid, TemplateUnresolved
from execution.tests import fakes
from execution.tests.fakes import MissingPrice, document, offered, step

POSITIONS = step("ledger.positions", "held", {"portfolio_id": "{{ctx.portfolio_id}}"})
VALUED = step("pricing.apply_pack", "valued", {"positions": "{{state.held}}"})


@pytest.fixture(autouse=True)
def calls():
    fakes.calls.clear()
    return fakes.calls


def run(*steps, given=None, runtime=None, **parts):
    pattern = patterns.parse(document(*steps, **parts))
    inputs = patterns.effective_inputs(pattern, given or {})
    return orchestrator.run(pattern, inputs, context(), runtime or AgentRuntime(offered), ProviderCalls())


def failure(*steps, **more):
    with pytest.raises(StepFailed) as failed:
        run(*steps, **more)
    return failed.value


def told(trace):
    return [(step.name, step.status, step.reason) for step in trace]


def test_steps_run_in_order_and_state_is_kept_between_them(calls):
    outcome = run(POSITIONS, VALUED, outputs=["valued"])

    assert [name for name, _ in calls] == ["ledger.positions", "pricing.apply_pack"]
    assert list(outcome.outputs) == ["valued"]
    assert outcome.outputs["valued"].total_value == Decimal("1234.50")
    assert calls[1][1]["positions"] is outcome.state["held"]


def test_templates_keep_their_types_nested_too(calls):
    inputs = {"n": {"type": "integer", "default": 7}, "none": {"type": "string"}}
    args = {
        "value": {"list": ["{{inputs.n}}", "n = {{inputs.n}}"], "ctx": "{{ctx.asof_date}}", "none": "{{inputs.none}}"}
    }

    run(step("test.echo", "x", args), step("test.echo", "y", {"value": "{{state.x.value.list.0}}"}), inputs=inputs)

    assert calls[0][1]["value"] == {"list": [7, "n = 7"], "ctx": date(2013, 3, 1), "none": None}
    assert calls[1][1]["value"] == 7


def test_a_canonical_string_reaches_the_capability_as_what_it_declares(calls):
    inputs = {"id": {"type": "uuid", "required": True}, "until": {"type": "date", "default": "2013-02-28"}}
    held = step("ledger.positions", "held", {"portfolio_id": "{{inputs.id}}"})
    valued = step("pricing.apply_pack", "valued", {"positions": "{{state.held}}", "asof_date": "{{inputs.until}}"})

    run(held, valued, inputs=inputs, given={"id": str(PORTFOLIO_ID)})

    assert calls[0][1]["portfolio_id"] == PORTFOLIO_ID
    assert calls[1][1]["asof_date"] == date(2013, 2, 28)


def test_the_trace_tells_of_each_step_who_answered_when_and_from_what():
    outcome = run(POSITIONS, VALUED)

    second = outcome.trace[1]
    assert (second.name, second.capability, second.agent, second.status) == (
        *("valued", "pricing.apply_pack", "analyst", "ok"),
    )
    assert (second.asof, second.ttl, second.sources, second.warnings) == (
        *(date(2013, 3, 1), 300, ("ECB", "archive"), ("one close is a day old",)),
    )
    assert second.duration_ms >= 0
    written = json.loads(json.dumps(second.as_dict()))
    assert list(written) == [
        *("as", "capability", "agent", "status", "started_at", "duration_ms", "asof", "ttl", "sources", "warnings")
    ]
    assert datetime.fromisoformat(written["started_at"]).tzinfo is not None


def test_a_value_rests_on_the_sources_of_all_steps_it_names():
    outcome = run(POSITIONS, VALUED, step("test.echo", "x", when="state.valued.total_value > 1"))

    assert outcome.sources == {
        "held": ("ledger",),
        "valued": ("ECB", "archive", "ledger"),
        "x": ("ECB", "archive", "ledger"),
    }
    assert outcome.warnings == ("one close is a day old",)


def test_a_true_condition_runs_the_step_and_a_false_one_skips_it_with_its_text():
    inputs = {"flag": {"type": "boolean", "default": True}}
    steps = step("test.echo", "x", when="{{inputs.flag}} == true"), step("test.echo", "y", when="!inputs.flag")

    outcome = run(*steps, inputs=inputs)

    assert told(outcome.trace) == [("x", "ok", None), ("y", "skipped", "condition !inputs.flag")]
    assert outcome.outputs["y"] == Unavailable("skipped(condition !inputs.flag)")
    assert canonical.render(outcome.outputs["y"]) == {
        "value": None,
        "status": "unavailable",
        "reason": "skipped(condition !inputs.flag)",
    }


@pytest.mark.parametrize("when", ["inputs.days > 'a'", "state.x.value.count > 3", "inputs.days", "1 / 0 == 1"])
def test_a_condition_that_has_no_answer_fails_the_step_and_never_skips_it(when, calls):
    failed = failure(
        step("test.echo", "x"), step("test.echo", "y", when=when), inputs={"days": {"type": "integer", "default": 5}}
    )

    assert isinstance(failed.cause, ConditionFailed)
    assert failed.step == "y"
    assert [status for _, status, _ in told(failed.trace)] == ["ok", "failed"]
    assert len(calls) == 1


def test_a_step_that_needs_a_skipped_one_is_skipped_and_so_on_down():
    outcome = run(
        step("test.echo", "a", when="false"),
        step("test.echo", "b", {"value": ["{{state.a.value}}"]}),
        step("test.echo", "c", when="state.b.value == 1"),
        step("test.echo", "d"),
    )

    assert told(outcome.trace) == [
        ("a", "skipped", "condition false"),
        ("b", "skipped", "upstream: a"),
        ("c", "skipped", "upstream: b"),
        ("d", "ok", None),
    ]
    assert outcome.outputs["c"] == Unavailable("skipped(upstream: b)")


def test_a_step_may_ask_whether_another_one_ran():
    outcome = run(
        step("test.echo", "a", when="false"),
        step("test.echo", "with", when="has(state.a)"),
        step("test.echo", "without", when="!has(state.a)"),
        step("test.echo", "guarded", when="has(state.a) && state.a.value > 1"),
    )

    assert [status for _, status, _ in told(outcome.trace)] == ["skipped", "skipped", "ok", "skipped"]


def test_a_failing_step_carries_cause_and_the_trace_so_far(calls):
    failed = failure(step("test.echo", "a"), step("test.missing_price", "b"), step("test.echo", "c"))

    assert (failed.step, failed.capability, failed.agent) == ("b", "test.missing_price", "echo")
    assert isinstance(failed.cause, MissingPrice)
    assert failed.__cause__ is failed.cause
    assert told(failed.trace) == [
        ("a", "ok", None),
        ("b", "failed", "no close of AAPL on 2013-03-01"),
        ("c", "not_reached", None),
    ]
    assert failed.trace[2].as_dict()["started_at"] is None
    assert len(calls) == 1


def test_an_omitted_step_fails_alone_and_what_needs_it_is_skipped():
    outcome = run(
        step("test.missing_price", "a", on_error="omit"),
        step("test.echo", "b", {"value": "{{state.a}}"}),
        step("test.echo", "c"),
    )

    assert told(outcome.trace) == [
        ("a", "failed", "no close of AAPL on 2013-03-01"),
        ("b", "skipped", "upstream: a"),
        ("c", "ok", None),
    ]
    assert outcome.outputs["a"] == Unavailable("failed(no close of AAPL on 2013-03-01)")
    assert outcome.outputs["b"] == Unavailable("skipped(upstream: a)")
    assert not outcome.transient


def test_a_step_left_out_for_a_reason_that_may_pass_makes_the_outcome_transient():
    assert run(step("test.away", "a", on_error="omit"), step("test.echo", "b")).transient


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (step("test.echo", "b", {"value": "{{state.a.value.deep}}"}), TemplateUnresolved),
        (step("test.echo", "b", {"value": "{{inputs.gone}}"}), TemplateUnresolved),
        (step("test.echo", "b", {"value": "{{state.gone}}"}), TemplateUnresolved),
        (step("test.typed", "b", {"days": "{{state.a.none}}"}), ArgumentsInvalid),
        (step("test.typed", "b", {"days": "many"}), ArgumentsInvalid),
        (step("test.typed", "b", {"days": 1, "more": 2}), ArgumentsInvalid),
        (step("test.nobody", "b"), UnknownCapability),
    ],
)
def test_what_the_linter_would_have_refused_fails_its_step_by_name(broken, error):
    failed = failure(step("test.echo", "a", {"value": None}), broken)

    assert (failed.step, type(failed.cause)) == ("b", error)


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (step("test.echo", "x", {"value": "{{ctx.user.password}} {{"}), TemplateInvalid),
        (step("test.echo", "x", {"value": "{{state.x.__init__}}"}), TemplateInvalid),
        (step("test.echo", "x", when="().__class__"), ConditionInvalid),
        (step("test.echo", "x", {"value": "{{state.x}}"}), PatternInvalid),
    ],
)
def test_a_hostile_pattern_runs_no_step(broken, error, calls):
    with pytest.raises(error):
        run(step("test.echo", "first"), broken)

    assert calls == []


def test_null_passes_only_where_the_argument_takes_it(calls):
    inputs = {"until": {"type": "date"}}
    valued = step("pricing.apply_pack", "valued", {"positions": "{{state.held}}", "asof_date": "{{inputs.until}}"})

    run(POSITIONS, valued, inputs=inputs)

    assert calls[1][1]["asof_date"] is None


def test_a_step_over_its_time_fails_even_though_it_answered():
    failed = failure(step("test.slow", "x", timeout_s=0.01))

    assert isinstance(failed.cause, StepTimedOut)
    assert failed.cause.took_s >= 0.05
    assert failed.trace[0].duration_ms >= 50


def test_an_open_breaker_fails_the_step_with_its_retry_time():
    runtime = AgentRuntime(offered)
    for _ in range(5):
        with pytest.raises(StepFailed):
            run(step("test.away", "x"), runtime=runtime)

    failed = failure(step("test.away", "x"), runtime=runtime)

    assert isinstance(failed.cause, BreakerOpen)
    assert failed.cause.retry_after_s > 0


def test_an_output_of_no_step_is_refused_before_any_step_runs(calls):
    with pytest.raises(PatternInvalid):
        run(step("test.echo", "x"), outputs=["y"])

    assert calls == []


def test_two_runs_share_nothing():
    runtime = AgentRuntime(offered)
    pattern = patterns.parse(document(step("test.echo", "x", {"value": "{{ctx.pricing_pack_id}}"})))
    other = dataclasses.replace(context(), pricing_pack_id="PP_2013-02-28_ECB_EUR_r1")

    first = orchestrator.run(pattern, {}, context(), runtime, ProviderCalls())
    second = orchestrator.run(pattern, {}, other, runtime, ProviderCalls())

    assert first.outputs["x"]["value"] == "PP_2013-03-01_ECB_EUR_r1"
    assert second.outputs["x"]["value"] == "PP_2013-02-28_ECB_EUR_r1"


def test_two_hundred_steps_are_no_burden():
    steps = [step("test.echo", "s0")]
    steps += [step("test.echo", f"s{n}", {"value": f"{{{{state.s{n - 1}.none}}}}"}) for n in range(1, 200)]
    started = time.perf_counter()

    outcome = run(*steps, outputs=["s199"])

    assert {told.status for told in outcome.trace} == {"ok"}
    assert time.perf_counter() - started < 1.0
