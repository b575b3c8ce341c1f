"""Metrics for Prometheus. The values of labels come from closed sets, never from a request."""

from django.db import InterfaceError, OperationalError
from prometheus_client import Counter, Gauge, Histogram

from execution.models import Pattern

REQUEST_SECONDS = Histogram(
    "tieout_api_request_duration_seconds",
    "Latency of POST /v1/execute and of pages, by pattern and status",
    ("pattern_id", "status"),
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STEP_SECONDS = Histogram(
    "tieout_agent_latency_seconds",
    "Latency of a capability",
    ("agent", "capability"),
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
REFUSED = Counter("tieout_refused_total", "Requests that were not answered with a result", ("status",))
PACK_FRESHNESS = Gauge(
    "tieout_pack_freshness", "Newest pack: 0 warming, 1 fresh, 2 error", ("policy",), multiprocess_mode="mostrecent"
)
BLOCKED_PORTFOLIOS = Gauge(
    "tieout_blocked_portfolios",
    "Portfolios without an answer at the newest pack",
    ("policy",),
    multiprocess_mode="mostrecent",
)
BREAKER_STATE = Gauge(
    "tieout_circuit_breaker_state", "0 closed, 1 open, 2 half-open", ("agent",), multiprocess_mode="mostrecent"
)
PROVIDER_ON = Gauge("tieout_provider_on", "1 where there is a key", ("provider",), multiprocess_mode="mostrecent")
PROVIDER_BREAKER_STATE = Gauge(
    "tieout_provider_breaker_state",
    "0 closed, 1 open, 2 half-open; NaN while Redis is away",
    ("provider",),
    multiprocess_mode="mostrecent",
)
PROVIDER_QUOTA = Gauge(
    "tieout_provider_quota_used_ratio",
    "Share of a provider's budget that is used; NaN while Redis is away",
    ("provider", "window"),
    multiprocess_mode="mostrecent",
)


def observe_request(pattern_id: str, status: int, seconds: float) -> None:
    """Count a request and its latency. An id that is no pattern's is counted as `unknown`: nobody can grow the label set."""
    REQUEST_SECONDS.labels(_pattern_label(pattern_id, status), str(status)).observe(seconds)
    if status != 200:
        REFUSED.labels(str(status)).inc()


def _pattern_label(pattern_id: str, status: int) -> str:
    if status < 400:
        return pattern_id
    try:
        known = Pattern.objects.filter(pk=pattern_id).exists()
    except (OperationalError, InterfaceError):  # the database is away, which may be why the request was refused
        known = False
    return pattern_id if known else "unknown"


def observe_step(agent: str, capability: str, seconds: float) -> None:
    """Observe the latency of a step for which an agent was called. Both labels come from the registry."""
    STEP_SECONDS.labels(agent, capability).observe(seconds)
