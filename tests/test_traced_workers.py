"""Traces of the bell and of workers: through Celery, from children that are recycled, and beside a receiver that is away."""

import json
import os
import subprocess
import sys
import time

import pytest
from celery import Celery
from django.conf import settings

from execution.models import NightlyRun, RunState
from tests import tracing

pytestmark = [pytest.mark.slow, pytest.mark.role("job")]

BELL = "execution.tasks.take_up_stale_runs"
RECYCLED = ("--concurrency", "1", "--max-tasks-per-child", "1")


@pytest.fixture
def receiver(tmp_path):
    with tracing.receiving(tmp_path) as receiver:
        yield receiver


@pytest.fixture
def queue():
    return f"traced-{os.getpid()}-{time.monotonic_ns()}"


@pytest.fixture
def log(tmp_path):
    return tmp_path / "worker.log"


def ring(task: str, queue: str, **how) -> None:
    bell = Celery(broker=settings.CELERY_BROKER_URL)
    bell.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    bell.send_task(task, queue=queue, **how)


def worker(database, queue, *options, log, **environment):
    return tracing.celery(
        database, "worker", "-Q", f"{queue},celery", "--loglevel", "INFO", *options, log=log, **environment
    )


def is_run_of(task):
    return lambda span: span.name == f"run/{task}"


def until(condition, *, within_s=120):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_ten_of_ten_spans_arrive_from_children_that_are_recycled_after_each_task(empty, receiver, queue, log):
    parents = [f"{number:032x}" for number in range(1, 11)]

    with worker(empty.database, queue, *RECYCLED, log=log, **receiver.environment):
        for parent in parents:
            ring(BELL, queue, headers={"traceparent": f"00-{parent}-{'cd' * 8}-01"})
        spans = receiver.wait_for(lambda spans: len(list(filter(is_run_of(BELL), spans))) >= 10, within_s=240)

    runs = list(filter(is_run_of(BELL), spans))
    assert sorted(span.trace_id for span in runs) == parents
    assert {span.parent_id for span in runs} == {"cd" * 8}
    assert {span.process for span in runs} == {"worker"}
    assert len({span.resource["service.instance.id"] for span in runs}) == 10
    queries = [span for span in spans if span.attributes.get("db.system") == "postgresql"]
    assert {span.span_id for span in runs} <= {query.parent_id for query in queries}


def test_a_night_is_one_trace_from_the_bell_through_its_messages_to_the_last_query(begun, receiver, queue, log):
    with worker(begun.database, queue, "--concurrency", "2", log=log, **receiver.environment):
        ring("execution.tasks.ring_nightly", queue)
        until(lambda: NightlyRun.objects.filter(state__in=(RunState.DONE, RunState.FAILED)).exists(), within_s=240)
        spans = receiver.wait_for(lambda spans: any(map(is_run_of("execution.tasks.run_nightly"), spans)))
    spans = [
        span for span in receiver.spans() if not span.attributes.get("celery.task_name", "").endswith("stale_runs")
    ]

    by_id = {span.span_id: span for span in spans}

    def way(span) -> list[str]:
        """Names from the root to the span."""
        return [*way(by_id[span.parent_id]), span.name] if span.parent_id else [span.name]

    assert NightlyRun.objects.get().state == RunState.DONE
    assert len({span.trace_id for span in spans}) == 1
    to_night = [
        "run/execution.tasks.ring_nightly",
        "apply_async/execution.tasks.run_nightly",
        "run/execution.tasks.run_nightly",
    ]
    runs = [span for span in spans if span.name == "job.run"]
    assert [
        (*way(span)[:-1], span.attributes["tieout.job"]) for span in sorted(runs, key=lambda span: span.start_ns)
    ] == [
        (*to_night, job)
        for job in ("build_pack", "reconcile_ledger", "compute_metrics", "prewarm_factors", "mark_pack_fresh")
    ]
    (pack,) = {span.attributes["tieout.pricing_pack_id"] for span in runs[1:]}
    chunks = [span for span in spans if span.name == "chunk.run"]
    assert {(span.attributes["tieout.job"], span.attributes["tieout.pricing_pack_id"]) for span in chunks} == {
        ("compute_metrics", pack)
    }
    last = max(
        (span for span in spans if span.attributes.get("db.system") == "postgresql"), key=lambda span: span.end_ns
    )
    assert way(last)[:3] == to_night


def test_beat_begins_a_trace_that_the_worker_continues(empty, receiver, log, tmp_path):
    beat = tracing.celery(
        empty.database, "beat", "--pidfile=", "--loglevel", "INFO", log=tmp_path / "beat.log", **receiver.environment
    )
    with worker(empty.database, "celery", "--concurrency", "1", log=log, **receiver.environment), beat:
        spans = receiver.wait_for(lambda spans: any(runs_and_their_senders(spans)), within_s=120)

    run, published = next(runs_and_their_senders(spans))
    assert (published.name, published.process, published.parent_id) == (f"apply_async/{BELL}", "beat", "")
    assert (run.process, run.trace_id) == ("worker", published.trace_id)
    # Beat asks for its schedule every few seconds: that is nobody's work, and no trace.
    asked = {f"apply_async/{each['task']}" for each in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {span.name for span in spans if not span.parent_id} <= asked


def runs_and_their_senders(spans):
    """Runs of the bell, each with the span that sent it: the two come from two processes, in either order."""
    by_id = {span.span_id: span for span in spans}
    return ((span, by_id[span.parent_id]) for span in spans if is_run_of(BELL)(span) and span.parent_id in by_id)


@pytest.mark.parametrize("receiver_is", ["hanging", "closed", "nonsense"])
def test_a_receiver_that_is_away_is_told_once_and_tasks_are_done(empty, queue, log, receiver_is):
    with tracing.unresponsive() as hanging:
        address = {"hanging": hanging, "closed": tracing.closed(), "nonsense": "nonsense"}[receiver_is]
        traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, **tracing.PROMPT}
        with worker(empty.database, queue, *RECYCLED, log=log, **traced):
            for _ in range(4):
                ring(BELL, queue)
            until(lambda: log.read_text().count("succeeded") == 4)

    events = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert len([event for event in events if "OTEL_EXPORTER_OTLP_ENDPOINT" in str(event["event"])]) == 1


FORKED = """
import os, time
import django
django.setup()
from config import telemetry
from config.telemetry import tracing

tracing.load()
for _ in range(6):
    child = os.fork()
    if child == 0:
        tracing.start("worker")
        with telemetry.span("job.run", job="build_pack"):
            pass
        began = time.monotonic()
        tracing.flush()
        print("waited" if time.monotonic() - began > 1 else "went on", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize("receiver_is", ["hanging", "closed"])
def test_of_children_one_after_another_the_first_alone_waits_for_a_receiver_that_is_away(empty, receiver_is):
    with tracing.unresponsive() as hanging:
        address = {"hanging": hanging, "closed": tracing.closed()}[receiver_is]
        done = subprocess.run(
            [sys.executable, "-c", FORKED],
            cwd=tracing.PROJECT,
            env=tracing.environment_of(empty.database)
            | {"DJANGO_SETTINGS_MODULE": "config.settings", "OTEL_EXPORTER_OTLP_ENDPOINT": address},
            capture_output=True,
            text=True,
            check=True,
        )

    assert done.stdout.split("\n")[:-1] == ["waited", *["went on"] * 5]
