"""What this process counts for Prometheus. The values of labels come from closed sets, never from a request.

How the world is (packs, nights, breakers) is not counted but read when Prometheus asks: execution/web/world.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from django.db import InterfaceError, OperationalError
from prometheus_client import Counter, Histogram

from execution.models import Pattern

REQUEST_SECONDS = Histogram(
    "tieout_api_request_duration_seconds",
    "Latency of POST /v1/execute and of pages of patterns, by pattern and status",
    ("pattern_id", "status"),
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REQUEST_ERRORS = Counter(
    "tieout_request_errors", "Requests that were refused or failed, by the type of the problem", ("error_type",)
)
EXECUTIONS = Counter(
    "tieout_pattern_executions",
    "Executions of patterns: computed, served from the store, or failed in a step",
    ("pattern_id", "outcome"),
)
STEP_SECONDS = Histogram(
    "tieout_agent_latency_seconds",
    "Latency of a capability that was called",
    ("agent", "capability", "outcome"),
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
PACK_BUILD_SECONDS = Histogram(
    "tieout_pack_build_duration_seconds",
    "Duration of a night, from its first job to its packs being open to readers, or to the failure",
    ("outcome",),
    buckets=(60, 300, 600, 1200, 1800, 3600),
)
JOB_SECONDS = Histogram(
    "tieout_job_duration_seconds",
    "Duration of an attempt at a job of the night",
    ("job", "outcome"),
    buckets=(1, 5, 15, 60, 300, 600, 1200, 1800, 3600),
)
CHUNK_SECONDS = Histogram(
    "tieout_chunk_duration_seconds",
    "Duration of a chunk of a job",
    ("job", "outcome"),
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300),
)


def observe_request(pattern_id: str, status: int, seconds: float) -> None:
    """Count a request and its latency. An id that is no pattern's is counted as `unknown`: nobody can grow the label set."""
    REQUEST_SECONDS.labels(_pattern_label(pattern_id, status), str(status)).observe(seconds)


def _pattern_label(pattern_id: str, status: int) -> str:
    if status < 400:
        return pattern_id
    try:
        exists = Pattern.objects.filter(pk=pattern_id).exists()
    except (OperationalError, InterfaceError):  # the database is away, which may be why the request was refused
        exists = False
    return pattern_id if exists else "unknown"


def count_request_error(error_type: str) -> None:
    """Count an answer that is a problem, by its type: one of the table in execution/web/problems/table.py."""
    REQUEST_ERRORS.labels(error_type).inc()


def count_execution(pattern_id: str, outcome: str) -> None:
    """Count an execution of a published pattern: `computed`, `stored`, `failed`."""
    EXECUTIONS.labels(pattern_id, outcome).inc()


def observe_step(agent: str, capability: str, outcome: str, seconds: float) -> None:
    """Observe the latency of a step for which an agent was called. Agent and capability come from the registry."""
    STEP_SECONDS.labels(agent, capability, outcome).observe(seconds)


@contextmanager
def observe_duration(histogram: Histogram, **labels: str) -> Iterator[None]:
    """Observe how long the block takes, with its outcome: `done`, or `failed` where it raises."""
    started, outcome = perf_counter(), "failed"
    try:
        yield
        outcome = "done"
    finally:
        histogram.labels(**labels, outcome=outcome).observe(perf_counter() - started)
