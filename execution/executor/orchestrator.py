"""Runs the steps of a pattern, and writes down what happened to each.

Steps run one after the other, in an order that their templates allow. One that calls a provider is begun in its turn and waited
for where another step needs it, or at the end: so such calls run side by side, and beside what computes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Final, Literal

from agents.breaker import AgentFailed
from agents.registry import Capability
from agents.result import RequestContext, Result
from agents.runtime import AgentRuntime
from compliance.refusal import RightDenied
from config.breaker import BreakerOpen
from config.errors import TieoutError
from execution import patterns
from execution.executor.network_call import NetworkCall, StepTimedOut
from execution.executor.provider_calls import ProviderCalls
from execution.executor.step_trace import Report, StepTrace, tell_nobody
from execution.patterns import conditions, templating
from execution.patterns.document import ParsedPattern, Step
from execution.patterns.step_order import StepNeeds
from execution.patterns.templating import Scope
from pricing.providers.http import ProviderBusy, ProviderFailed, ProviderOff, RequestRefused

CALL_S: Final = 30.0
"""How long a step that calls a provider may take where the document does not say."""
RUN_S: Final = 120.0
"""How long all steps of a pattern may take: none is begun after that, and no provider is waited for."""


class RunTimedOut(TieoutError):
    """The steps of a pattern took longer than they may."""

    def __init__(self, took_s: float) -> None:
        super().__init__(f"the steps before it took {took_s:.0f} s, and all may take {RUN_S:.0f} s")
        self.took_s = took_s


PASSING = (AgentFailed, BreakerOpen, ProviderBusy, ProviderFailed, StepTimedOut)
"""Failures that may be gone when the step is tried again."""
NOT_FINAL = (*PASSING, ProviderOff, RequestRefused, RightDenied)
"""Failures that may be gone some day though the five that a result is a function of stay: with another key, by other rights."""


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
    steps = patterns.steps_to_run(pattern)
    under_way = _Run(pattern, inputs, ctx, runtime, calls, report)
    for step, needs in steps:
        under_way.settle(needs.all)
        under_way.begin(step, needs)
    under_way.settle()
    return under_way.finished()


@dataclass(frozen=True, slots=True)
class _Begun:
    """A step under way. `rests_on`: sources of its arguments; `call`: None once the answer is there."""

    step: Step
    rests_on: frozenset[str]
    started_at: datetime
    started: float
    call: NetworkCall | None = None

    def outcome(self) -> dict[str, Any]:
        """When it began and how long it took: a call itself, not what else ran until somebody waited for it."""
        took_s = perf_counter() - self.started if self.call is None else self.call.took_s
        return {"started_at": self.started_at, "duration_ms": round(took_s * 1000, 3)}


class _Run:
    """A run under way: what the steps gave so far, and the calls that are waited for."""

    def __init__(
        self,
        pattern: ParsedPattern,
        inputs: Mapping[str, Any],
        ctx: RequestContext,
        runtime: AgentRuntime,
        calls: ProviderCalls,
        report: Report,
    ) -> None:
        self._pattern, self._ctx, self._runtime, self._calls, self._report = pattern, ctx, runtime, calls, report
        self._traces = {s.name: StepTrace(s.name, s.capability, runtime.agent_of(s.capability)) for s in pattern.steps}
        unknown = [
            patterns.Violation("/outputs", f"no step is named {name}")
            for name in pattern.outputs
            if name not in self._traces
        ]
        if unknown:
            raise patterns.PatternInvalid(unknown)
        self._state: dict[str, Any] = {}
        self._sources: dict[str, tuple[str, ...]] = {}
        self._scope = Scope(inputs=inputs, state=self._state, ctx=templating.context_values(ctx))
        self._waiting: dict[str, _Begun] = {}
        self._transient = False
        self._started = perf_counter()

    def begin(self, step: Step, needs: StepNeeds) -> None:
        """Run a step, or begin its call. All that it needs is settled. Raises StepFailed."""
        upstream = sorted(name for name in needs.required if name in self._traces and name not in self._state)
        if upstream:
            self._note(step, status="skipped", reason=f"upstream: {upstream[0]}")
            return
        rests_on = frozenset(code for name in needs.all & self._sources.keys() for code in self._sources[name])
        begun = _Begun(step, rests_on, datetime.now(UTC), perf_counter())
        try:
            if (took_s := perf_counter() - self._started) > RUN_S:
                raise RunTimedOut(took_s)
            if step.when is not None and not conditions.compile(step.when).holds(self._scope):
                self._note(step, status="skipped", reason=f"condition {step.when}", started_at=begun.started_at)
                return
            answer = self._ask(begun)
        except TieoutError as cause:
            self._fail(begun, cause)
            return
        if isinstance(answer, Result):
            self._keep(begun, answer)
        else:
            self._waiting[step.name] = replace(begun, call=answer)

    def settle(self, names: Iterable[str] | None = None) -> None:
        """Wait for the calls of these steps, or of all. Raises StepFailed."""
        for name in list(self._waiting) if names is None else sorted(self._waiting.keys() & set(names)):
            begun = self._waiting.pop(name)
            assert begun.call is not None
            try:
                result = self._record(begun.step, begun.call.wait().result)
            except TieoutError as cause:
                self._fail(begun, cause)
            else:
                self._keep(begun, result)

    def finished(self) -> FinishedRun:
        trace = self._trace()
        return FinishedRun(
            outputs={name: self._output(name) for name in self._pattern.outputs},
            state=self._state,
            trace=trace,
            sources=self._sources,
            warnings=tuple(dict.fromkeys(warning for each in trace for warning in each.warnings)),
            transient=self._transient,
        )

    def _ask(self, begun: _Begun) -> Result[Any] | NetworkCall:
        """The step's result, or the call that will give it."""
        step = begun.step
        arguments = templating.resolve(step.args, self._scope)
        capability = self._runtime.find(step.capability)
        is_recorded = capability is not None and capability.recorded
        if is_recorded and (recorded := self._calls.answer(step.name)) is not None:
            return recorded
        call = self._runtime.prepare(
            step.capability, self._ctx, arguments, sources=sorted(begun.rests_on), permit=self._calls.permit
        )
        if _waits(capability):
            left_s = self._started + RUN_S - perf_counter()
            return NetworkCall(call, min(step.timeout_s or CALL_S, left_s))
        result = call().result
        took_s = perf_counter() - begun.started
        if step.timeout_s is not None and took_s > step.timeout_s:
            raise StepTimedOut(step.timeout_s, took_s)
        return self._record(step, result) if is_recorded else result

    def _record(self, step: Step, result: Result[Any]) -> Result[Any]:
        capability = self._runtime.find(step.capability)
        assert capability is not None
        return self._calls.record(step.name, capability.provider if capability.is_on() else "", result)

    def _keep(self, begun: _Begun, result: Result[Any]) -> None:
        name = begun.step.name
        self._transient = self._transient or not result.is_final
        self._state[name] = result.data
        self._sources[name] = tuple(sorted(begun.rests_on.union(result.sources)))
        self._note(
            begun.step,
            status="ok",
            asof=result.asof,
            ttl=result.ttl,
            sources=tuple(sorted(set(result.sources))),
            warnings=result.warnings,
            **begun.outcome(),
        )
        self._report(self._traces[name])

    def _fail(self, begun: _Begun, cause: TieoutError) -> None:
        """Put the failure of a step in the trace. Raises StepFailed where the step had to work, or the time is over."""
        step = begun.step
        self._note(step, status="failed", reason=str(cause), **begun.outcome())
        if step.on_error != "omit" or isinstance(cause, RunTimedOut):
            agent = self._traces[step.name].agent
            raise StepFailed(step.name, step.capability, agent, cause, self._trace()) from cause
        self._transient = self._transient or isinstance(cause, NOT_FINAL)

    def _note(self, step: Step, **what: Any) -> None:
        self._traces[step.name] = StepTrace(step.name, step.capability, self._traces[step.name].agent, **what)

    def _trace(self) -> tuple[StepTrace, ...]:
        """One entry a step, in the order of the document."""
        return tuple(self._traces[step.name] for step in self._pattern.steps)

    def _output(self, name: str) -> Any:
        if name in self._state:
            return self._state[name]
        return Unavailable(f"{self._traces[name].status}({self._traces[name].reason})")


def _waits(capability: Capability | None) -> bool:
    """Whether a call of it waits on the network."""
    return capability is not None and capability.recorded and capability.is_on()
