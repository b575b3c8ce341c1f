"""What this process counts of decisions on rights, for Prometheus."""

from prometheus_client import Counter

from compliance.terms import Outcome, Use

DECISIONS = Counter(
    "tieout_rights_decisions",
    "What a source said to a use of its data, each time it was asked; a source that nobody registered is `unknown`",
    ("provider", "use", "outcome"),
)


def count(provider: str, use: Use, outcome: Outcome) -> None:
    """Count one answer of a registered provider."""
    DECISIONS.labels(provider, use.value, outcome.value).inc()
