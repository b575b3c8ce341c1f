"""`python -m benchmarks.steps NAME`: microseconds of a step that does nothing, in a chain, as JSON. Needs no server."""

import gc
import json
import os
import re
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from config import telemetry

STEPS, RUNS = 50, 100
IDS: telemetry.Ids = {
    "pattern_id": "chain",
    "pattern_version": "1.0.0",
    "pricing_pack_id": "PP_2013-03-01_ECB_EUR_r1",
    "execution_id": "e" * 36,
}


def ours() -> Callable[[], Any]:
    """The orchestrator and the runtime as a request uses them; breakers are of this process, as a no-op needs no Redis."""
    from agents.registry import Registry
    from agents.result import RequestContext, Result
    from agents.runtime import AgentRuntime
    from agents.tests.fakes import context
    from execution import patterns
    from execution.executor import orchestrator
    from execution.executor.provider_calls import ProviderCalls

    offered = Registry()

    @offered.capability("bench.next", agent="bench")
    def _next(ctx: RequestContext, *, x: int) -> Result[int]:
        return Result(x + 1, sources=(), asof=ctx.asof_date, ttl=0)

    chain = [
        {"capability": "bench.next", "as": f"s{number}", "args": {"x": f"{{{{state.s{number - 1}}}}}" if number else 0}}
        for number in range(STEPS)
    ]
    document = {
        "id": "chain",
        "version": "1.0.0",
        "title": "Chain",
        "description": "Counts its steps.",
        "inputs": {},
        "steps": chain,
        "outputs": [f"s{STEPS - 1}"],
        "panels": [],
    }
    pattern, ctx, runtime = patterns.parse(document), context(), AgentRuntime(offered)

    def run() -> Any:
        with telemetry.span("pattern.run", **IDS):
            return orchestrator.run(pattern, {}, ctx, runtime, ProviderCalls()).outputs[f"s{STEPS - 1}"]

    return run


TEMPLATE = re.compile(r"^\{\{\s*(inputs|state|ctx)\.([\w.]+)\s*\}\}$")


def minimal() -> Callable[[], Any]:
    """The least that a declarative runner does: templates parsed once, a state, one span and one record a step."""
    from opentelemetry import trace

    tracer = trace.get_tracer("minimal")
    functions = {"bench.next": lambda x: x + 1}
    steps = []
    for number in range(STEPS):
        match = TEMPLATE.match(f"{{{{state.s{number - 1}}}}}" if number else "{{inputs.x}}")
        assert match is not None
        steps.append((f"s{number}", "bench.next", [("x", match[1], match[2].split("."))]))

    def run() -> Any:
        scopes: dict[str, dict[str, Any]] = {"inputs": {"x": 0}, "state": {}}
        records = []
        with tracer.start_as_current_span("pattern.run"):
            for name, capability, arguments in steps:
                resolved = {}
                for argument, scope, path in arguments:
                    node: Any = scopes[scope]
                    for part in path:
                        node = node[part]
                    resolved[argument] = node
                started = perf_counter()
                with tracer.start_as_current_span("step") as span:
                    attributes: dict[str, Any] = {**IDS, "capability": capability, "agent": "bench"}
                    for key, value in attributes.items():
                        span.set_attribute(key, value)
                    scopes["state"][name] = functions[capability](**resolved)
                records.append({"as": name, "status": "ok", "duration_ms": (perf_counter() - started) * 1000})
        return scopes["state"][f"s{STEPS - 1}"]

    return run


RUNNERS: dict[str, Callable[[], Callable[[], Any]]] = {"ours": ours, "minimal": minimal}


def microseconds(run: Callable[[], Any]) -> float:
    """Of one step: the median of the runs. Spans are sent between the runs: a request does not wait for its own."""
    from config.telemetry import tracing

    gc.collect()
    gc.freeze()  # as a web process does
    if run() != STEPS:
        raise RuntimeError("the chain does not count its steps")
    took = []
    for _ in range(RUNS):
        started = perf_counter()
        run()
        took.append(perf_counter() - started)
        tracing.flush()
    return median(took) / STEPS * 1e6


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    from config.telemetry import tracing

    django.setup()
    tracing.start("command")
    json.dump(microseconds(RUNNERS[sys.argv[1]]()), sys.stdout)
