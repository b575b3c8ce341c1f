"""Runs the steps of a pattern, one after the other, and writes down what happened to each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from time import perf_counter
from typing import Any, Literal

from agents.breaker import AgentFailed
from agents.result import RequestContext, Result
from agents.runtime import AgentRuntime
from compliance.refusal import RightDenied
from config.breaker import BreakerOpen
from config.errors import TieoutError
from execution import patterns
from execution.executor.provider_calls import ProviderCalls
from execution.patterns import conditions, templating
from execution.patterns.document import ParsedPattern, Step
from execution.patterns.templating import Scope
from pricing.providers.http import ProviderBusy, ProviderFailed, ProviderOff, RequestRefused

Status = Literal["ok", "skipped", "failed", "not_reached"]


class StepTimedOut(TieoutError):
    """The step took longer than it may. Raised once it is over: a running call can't be stopped from inside a process."""

    def __init__(self, timeout_s: float, took_s: float) -> None:
        super().__init__(f"took {took_s:.1f} s, may take {timeout_s:g} s")
        self.timeout_s, self.took_s = timeout_s, took_s


PASSING = (AgentFailed, BreakerOpen, ProviderBusy, ProviderFailed, StepTimedOut)
"""Failures that may be gone when the step is tried again."""
NOT_FINAL = (*PASSING, ProviderOff, RequestRefused, RightDenied)
"""Failures that may be gone some day though the five that a result is a function of stay: with another key, by other rights."""


@dataclass(frozen=True, slots=True)
class StepTrace:
    """What happened to one step. Fields that have no answer are null: a step that did not run has no duration."""

    name: str  # `as`
    capability: str
    agent: str | None
    status: Status = "not_reached"
    reason: str | None = None
    started_at: datetime | None = None
    duration_ms: float | None = None
    asof: date | None = None
    ttl: int | None = None
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "as": self.name,
            "capability": self.capability,
            "agent": self.agent,
            "status": self.status,
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "duration_ms": self.duration_ms,
            "asof": self.asof.isoformat() if self.asof else None,
            "ttl": self.ttl,
            "sources": list(self.sources),
            "warnings": list(self.warnings),
        }
        if self.reason is not None:
            entry["reason"] = self.reason
        return entry


def trace_as_dict(trace: Iterable[StepTrace]) -> dict[str, Any]:
    """The trace as answers and rows have it."""
    return {"steps": [step.as_dict() for step in trace]}


class StepFailed(TieoutError):
    """A step that had to work did not. `trace` has every step of the pattern, those after it not reached."""

    def __init__(
        self, step: str, capability: str, agent: str | None, cause: TieoutError, trace: tuple[StepTrace, ...]
    ) -> None:
        super().__init__(f"step {step} ({capability}) failed: {cause}")
        self.step, self.capability, self.agent, self.cause, self.trace = step, capability, agent, cause, trace


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Stands for an output whose step has no answer."""

    reason: str
    status: Literal["unavailable"] = "unavailable"
    value: None = None


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A finished run.

    outputs    by name, in the pattern's order: the object the step gave, or Unavailable
    state      by name, the values of all steps that ran, which the panels read
    trace      one entry a step, in the order of the document
    sources    by name, of all steps that ran: provider codes of the rows that a value rests on, also by way of other steps
    warnings   of all steps, each once
    transient  a step was left out, or answered, for a reason that may pass (breaker, dependency, time, a provider that is off): not
               to be stored
    """

    outputs: Mapping[str, Any]
    state: Mapping[str, Any]
    trace: tuple[StepTrace, ...]
    sources: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]
    transient: bool


Report = Callable[[StepTrace], object]
"""Is told of each step that has run; what it raises ends the run."""


def tell_nobody(step: StepTrace) -> None:
    """A report that nobody waits for."""


def run(
    pattern: ParsedPattern,
    inputs: Mapping[str, Any],
    ctx: RequestContext,
    runtime: AgentRuntime,
    calls: ProviderCalls,
    report: Report = tell_nobody,
) -> FinishedRun:
    """Run a linted pattern with its effective inputs.

    A step that needs a skipped or omitted one is skipped; a condition that can't be answered fails its step.
    raises  StepFailed; PatternInvalid, TemplateInvalid, ConditionInvalid for a pattern that was never linted
    """
    ordered = patterns.steps_to_run(pattern)
    traces = {s.name: StepTrace(s.name, s.capability, runtime.agent_of(s.capability)) for s in pattern.steps}
    unknown = [
        patterns.Violation("/outputs", f"no step is named {name}") for name in pattern.outputs if name not in traces
    ]
    if unknown:
        raise patterns.PatternInvalid(unknown)
    state: dict[str, Any] = {}
    sources: dict[str, tuple[str, ...]] = {}
    scope = Scope(inputs=inputs, state=state, ctx=templating.context_values(ctx))
    transient = False
    for step, needs in ordered:
        upstream = sorted(name for name in needs.required if name in traces and name not in state)
        if upstream:
            traces[step.name] = replace(traces[step.name], status="skipped", reason=f"upstream: {upstream[0]}")
            continue
        started_at, started = datetime.now(UTC), perf_counter()
        try:
            rests_on = {code for name in needs.all & sources.keys() for code in sources[name]}
            result = _run_step(step, scope, ctx, runtime, calls, sorted(rests_on))
        except TieoutError as cause:
            traces[step.name] = replace(
                traces[step.name],
                status="failed",
                reason=str(cause),
                started_at=started_at,
                duration_ms=_since(started),
            )
            if step.on_error != "omit":
                failed = traces[step.name]
                raise StepFailed(
                    step.name, step.capability, failed.agent, cause, tuple(traces[s.name] for s in pattern.steps)
                ) from cause
            transient = transient or isinstance(cause, NOT_FINAL)
            continue
        if result is None:
            traces[step.name] = replace(
                traces[step.name], status="skipped", reason=f"condition {step.when}", started_at=started_at
            )
            continue
        transient = transient or not result.is_final
        state[step.name] = result.data
        sources[step.name] = tuple(sorted(rests_on.union(result.sources)))
        traces[step.name] = replace(
            traces[step.name],
            status="ok",
            started_at=started_at,
            duration_ms=_since(started),
            asof=result.asof,
            ttl=result.ttl,
            sources=tuple(sorted(set(result.sources))),
            warnings=result.warnings,
        )
        report(traces[step.name])
    trace = tuple(traces[step.name] for step in pattern.steps)
    return FinishedRun(
        outputs={name: _output(name, state, traces) for name in pattern.outputs},
        state=state,
        trace=trace,
        sources=sources,
        warnings=tuple(dict.fromkeys(warning for each in trace for warning in each.warnings)),
        transient=transient,
    )


def _run_step(
    step: Step,
    scope: Scope,
    ctx: RequestContext,
    runtime: AgentRuntime,
    calls: ProviderCalls,
    sources: Sequence[str],
) -> Result[Any] | None:
    """The step's result, None when its condition does not hold. `sources` are those that its arguments rest on."""
    if step.when is not None and not conditions.compile(step.when).holds(scope):
        return None
    arguments = templating.resolve(step.args, scope)
    called = runtime.find(step.capability)
    is_recorded = called is not None and called.recorded
    if is_recorded and (recorded := calls.answer(step.name)) is not None:
        return recorded
    started = perf_counter()
    result = runtime.call(step.capability, ctx, arguments, sources=sources, permit=calls.permit).result
    if called is not None and is_recorded:
        result = calls.record(step.name, called.provider if called.is_on() else "", result)
    took_s = perf_counter() - started
    if step.timeout_s is not None and took_s > step.timeout_s:
        raise StepTimedOut(step.timeout_s, took_s)
    return result


def _output(name: str, state: Mapping[str, Any], traces: Mapping[str, StepTrace]) -> Any:
    if name in state:
        return state[name]
    return Unavailable(f"{traces[name].status}({traces[name].reason})")


def _since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 3)
