"""What tracing costs: a warm request with it and without, and a step that does nothing, beside the least that could be traced."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import steps, worlds
from benchmarks.measuring import Goal, Line, line, p95, round_robin
from benchmarks.serving import Site, serving, token_of
from config import env

WEB, PATH, OWNER, SLUG = "config.wsgi:application", "/v1/execute", "public-owner", "public"
REQUESTS, WARM_UP, ROUNDS = 200, 20, 9
LANGGRAPH = env.PROJECT / "var" / "langgraph" / "bin" / "python"
"""An environment of its own, made by `python -m venv var/langgraph && var/langgraph/bin/pip install langgraph`."""


def requests() -> list[Line]:
    """A stored result through HTTP: spans sent to a receiver and metrics shared between processes, against neither."""
    world = worlds.demo()
    (portfolio_id,) = world.row("SELECT id FROM portfolio_portfolio WHERE slug = %s", SLUG)
    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(portfolio_id)}

    def sample(site: Site, token: str) -> Callable[[], float]:
        return lambda: p95(site.ask(PATH, [body] * REQUESTS, token=token, warm_up=[body] * WARM_UP)[0])

    with (
        _receiving(world.folder / "spans.jsonl") as address,
        serving(world, WEB, OTEL_EXPORTER_OTLP_ENDPOINT=address) as traced,
        serving(world, WEB, PROMETHEUS_MULTIPROC_DIR=None) as bare,
    ):
        token = token_of(traced, world, OWNER)
        samples = round_robin({"on": sample(traced, token), "off": sample(bare, token)}, rounds=ROUNDS)
    goal = Goal(1.05, of="ratio")
    return [line("warm execute, p95, traced and metered", "ms", samples["on"], samples["off"], goal=goal)]


def no_op_steps() -> list[Line]:
    """Orchestrator and runtime with tracing on, against a runner that opens one span a step, and against langgraph untraced."""
    environment = worlds.migrated().environment
    with _receiving(env.var() / "spans.jsonl") as address:
        traced = environment | {"OTEL_EXPORTER_OTLP_ENDPOINT": address}
        cases: dict[str, Callable[[], float]] = {
            name: partial(_microseconds, [sys.executable, "-m", "benchmarks.steps", name], traced)
            for name in steps.RUNNERS
        }
        if LANGGRAPH.exists():
            script = str(Path(__file__).with_name("langgraph_steps.py"))
            cases["langgraph"] = lambda: _microseconds([str(LANGGRAPH), "-I", script], environment)
        samples = round_robin(cases)
    lines = [
        line(
            "no-op step, traced, against one span a step",
            "us",
            samples["ours"],
            samples["minimal"],
            goal=Goal(1.5, of="ratio"),
        )
    ]
    if "langgraph" in samples:
        quarter = Goal(0.25, of="ratio")
        lines.append(
            line("no-op step, traced, against langgraph", "us", samples["ours"], samples["langgraph"], goal=quarter)
        )
    else:
        print(f"no langgraph: there is no {LANGGRAPH}", file=sys.stderr)
    return lines


def _microseconds(command: list[str], environment: Mapping[str, str]) -> float:
    process = subprocess.run(
        command, cwd=env.PROJECT, env=dict(environment), capture_output=True, text=True, check=False
    )
    if process.returncode:
        sys.exit(process.stderr.strip())
    return float(json.loads(process.stdout))


@contextmanager
def _receiving(store: Path) -> Iterator[str]:
    """A receiver in a process of its own; its address."""
    store.unlink(missing_ok=True)
    command: list[Any] = [sys.executable, "-m", "ops.otlp_receiver", "--store", store, "receive", "--port", "0"]
    with subprocess.Popen(command, cwd=env.PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip().partition("=")[2]
        finally:
            process.terminate()


CASES: Mapping[str, Callable[[], list[Line]]] = {"tracing": requests, "steps": no_op_steps}
