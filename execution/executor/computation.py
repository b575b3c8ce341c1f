"""What a plan comes to: its steps, run on one snapshot of the database."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agents import registry
from agents.result import RequestContext
from agents.runtime import AgentRuntime
from config import scope
from config.redis_client import shared_redis
from config.strict_json import TooLarge
from execution import canonical, metering
from execution.executor import blame, orchestrator, reading, step_trace
from execution.executor.market_view import MarketView
from execution.executor.planning import Plan
from execution.executor.provider_calls import ProviderCalls
from execution.patterns import PatternInvalid
from execution.patterns.conditions import ConditionInvalid
from execution.patterns.templating import TemplateInvalid
from pricing import packs

MAX_RESULT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Computed:
    """A result and what belongs to it, as an execution's row has them."""

    text: str
    result_hash: str
    trace: Mapping[str, Any]
    sources: Mapping[str, list[str]]
    warnings: Sequence[str]
    recorded: Mapping[str, Any]
    transient: bool


@lru_cache(maxsize=1)
def runtime() -> AgentRuntime:
    """The one runtime of this process. Its breakers are shared with other processes through Redis."""
    return AgentRuntime(registry.default, client=shared_redis())


def compute(plan: Plan, calls: ProviderCalls, report: step_trace.Report = step_trace.tell_nobody) -> Computed:
    """Run the steps of a plan. They can not write to the database, and the pack is verified to be what was sealed.

    calls    with what providers answered before, in a replay
    raises   StepFailed with the trace so far, PackCorrupt, TooMuchToRead, NotRenderable, TooLarge
    """
    ctx = context_of(plan)
    with scope.snapshot():
        packs.require_intact(pack=plan.pack)
        reading.require_readable(plan)
        run = _run_steps(plan, ctx, calls, report)
    rendered = {name: canonical.render(data) for name, data in run.outputs.items()}
    text = canonical.canonical_bytes(rendered)
    if len(text) > MAX_RESULT_BYTES:
        raise TooLarge(MAX_RESULT_BYTES)
    return Computed(
        text=text.decode(),
        result_hash=hashlib.sha256(text).hexdigest(),
        trace=step_trace.trace_as_dict(run.trace),
        sources={name: list(run.sources.get(name, ())) for name in run.outputs},
        warnings=run.warnings,
        recorded=calls.answers,
        transient=run.transient,
    )


def context_of(plan: Plan) -> RequestContext:
    """What the steps of a plan know."""
    return RequestContext(
        portfolio_id=plan.portfolio.pk if plan.portfolio else None,
        asof_date=plan.pack.asof_date,
        pricing_pack_id=plan.pack.pk,
        base_currency=plan.portfolio.base_currency if plan.portfolio else None,
        ledger_commit_hash=plan.revision.commit if plan.revision else None,
        portfolio=plan.portfolio,
        pack=plan.pack,
        revision=plan.revision,
        market=MarketView(plan.pack, plan.reference_series),
    )


def _run_steps(
    plan: Plan, ctx: RequestContext, calls: ProviderCalls, report: step_trace.Report
) -> orchestrator.FinishedRun:
    try:
        run = orchestrator.run(plan.pattern, plan.inputs, ctx, runtime(), calls, report)
    except orchestrator.StepFailed as failure:
        _meter(failure.trace)
        raise blame.settle(plan.pattern, failure) from failure.cause
    except (PatternInvalid, TemplateInvalid, ConditionInvalid) as invalid:
        raise blame.of_document(plan.pattern) from invalid
    _meter(run.trace)
    return run


def _meter(trace: Iterable[step_trace.StepTrace]) -> None:
    for step in trace:
        if step.agent is not None and step.duration_ms is not None:
            metering.observe_step(step.agent, step.capability, step.status, step.duration_ms / 1000)
