"""What this process counts of the requests to providers, for Prometheus."""

from collections.abc import Iterable
from typing import Final, Literal

from prometheus_client import Counter, Histogram

RequestOutcome = Literal["ok", "failed", "busy", "refused"]
OUTCOMES: Final[tuple[RequestOutcome, ...]] = ("ok", "failed", "busy", "refused")

REQUESTS = Counter(
    "tieout_provider_requests",
    "Requests that were sent to a provider: answered, failed, told to wait (429), refused (other 4xx)",
    ("provider", "outcome"),
)
LATENCY = Histogram(
    "tieout_provider_latency_seconds",
    "Time until a provider's answer was read, or was given up",
    ("provider",),
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25),
)


def observe(provider: str, outcome: RequestOutcome, seconds: float) -> None:
    """Count one request and its latency."""
    REQUESTS.labels(provider, outcome).inc()
    LATENCY.labels(provider).observe(seconds)


def start_at_zero(providers: Iterable[str]) -> None:
    """Let the counters stand at zero, so that the first failure is a rise and not the birth of a series."""
    for provider in providers:
        for outcome in OUTCOMES:
            REQUESTS.labels(provider, outcome)
