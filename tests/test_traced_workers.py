"""Traces of the bell and of workers: through Celery, from children that are recycled, and beside a receiver that is away."""

import json
import os
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
        ("compute_metrics", pack),
        ("prewarm_factors", pack),
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
        spans = receiver.wait_for(lambda spans: any(map(is_run_of(BELL), spans)), within_s=120)

    run = next(filter(is_run_of(BELL), spans))
    (published,) = [span for span in spans if span.span_id == run.parent_id]
    assert (published.name, published.process, published.parent_id) == (f"apply_async/{BELL}", "beat", "")
    assert (run.process, run.trace_id) == ("worker", published.trace_id)
    # Beat asks for its schedule every few seconds: that is nobody's work, and no trace.
    assert {span.name for span in spans if not span.parent_id} == {f"apply_async/{BELL}"}


def seconds_of(database, queue, log, address) -> tuple[float, list[dict[str, object]]]:
    """How long six recycled children take for a task each, and what they said."""
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, **tracing.PROMPT} if address else {}
    with worker(database, queue, *RECYCLED, log=log, **traced):
        ring(BELL, queue)
        until(lambda: "succeeded" in log.read_text())
        started = time.monotonic()
        for _ in range(6):
            ring(BELL, queue)
        until(lambda: log.read_text().count("succeeded") >= 7)
        took = time.monotonic() - started
    return took, [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


@pytest.mark.parametrize("receiver_is", ["hanging", "closed", "nonsense"])
def test_a_receiver_that_is_away_is_told_once_and_holds_no_task_up(empty, queue, log, tmp_path, receiver_is):
    with tracing.unresponsive() as hanging:
        address = {"hanging": hanging, "closed": tracing.closed(), "nonsense": "nonsense"}[receiver_is]
        took_s, events = seconds_of(empty.database, queue, log, address)
    without_s, _ = seconds_of(empty.database, queue, tmp_path / "untraced.log", None)

    told = [event["event"] for event in events if "OTEL_EXPORTER_OTLP_ENDPOINT" in str(event["event"])]
    assert len(told) == 1
    # Six children that waited would take twelve seconds. What is more than one wait is the noise of the machine.
    assert took_s < without_s * 1.5 + 4
