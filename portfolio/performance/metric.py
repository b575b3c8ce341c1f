"""One figure of a portfolio, with its status and what it rests on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from portfolio.analytics import returns
from portfolio.analytics.errors import Floats, UndefinedReturn
from portfolio.performance.measures import Figure

NOT_STARTED, SHORT_HISTORY, NO_OBSERVATIONS = "not_started", "short_history", "no_observations"
UNDER_A_YEAR = "under_a_year"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: a fraction unless its name says otherwise. `reason` says why it is not ok."""

    value: float | None
    status: str
    """ok; degraded, where it rests on a substitute; unavailable, where it can't be computed."""
    reason: str | None
    basis: Mapping[str, object]

    @property
    def is_known(self) -> bool:
        return self.value is not None


Figures = Mapping[Figure, Metric]


def unavailable(reason: str | None, basis: Mapping[str, object] | None = None) -> Metric:
    """A figure that can't be computed, and why."""
    return Metric(None, "unavailable", reason, {} if basis is None else basis)


def degraded(metric: Metric, doubts: Iterable[str]) -> Metric:
    """The same figure, degraded by each doubt once, beside what it is degraded by already. One without a value stays."""
    if metric.value is None:
        return metric
    reasons = list(dict.fromkeys([*doubts_of(metric), *doubts]))
    return replace(metric, status="degraded", reason=", ".join(reasons)) if reasons else metric


def doubts_of(metric: Metric) -> list[str]:
    """What a figure that has a value is degraded by."""
    return metric.reason.split(", ") if metric.reason else []


def annualised(metric: Metric, total: float, days: int) -> Metric:
    """The figure with the yearly rate that compounds to `total`; unavailable where more than all was lost."""
    try:
        return replace(metric, value=float(returns.annualise(total, days)))
    except UndefinedReturn as undefined:
        return replace(metric, value=None, status="unavailable", reason=str(undefined))


def with_gaps(values: Floats) -> tuple[float | None, ...]:
    """A series as it is served: None where it has no value."""
    return tuple(value if np.isfinite(value) else None for value in values.tolist())
