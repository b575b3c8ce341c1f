"""What happened to each step of a run."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

Status = Literal["ok", "skipped", "failed", "not_reached"]


@dataclass(frozen=True, slots=True)
class StepTrace:
    """What happened to one step. Fields that have no answer are null: a step that did not run has no duration."""

    name: str  # `as`
    capability: str
    agent: str | None
    status: Status = "not_reached"
    reason: str | None = None
    started_at: datetime | None = None
    duration_ms: float | None = None
    asof: date | None = None
    ttl: int | None = None
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "as": self.name,
            "capability": self.capability,
            "agent": self.agent,
            "status": self.status,
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "duration_ms": self.duration_ms,
            "asof": self.asof.isoformat() if self.asof else None,
            "ttl": self.ttl,
            "sources": list(self.sources),
            "warnings": list(self.warnings),
        }
        if self.reason is not None:
            entry["reason"] = self.reason
        return entry


def trace_as_dict(trace: Iterable[StepTrace]) -> dict[str, Any]:
    """The trace as answers and rows have it."""
    return {"steps": [step.as_dict() for step in trace]}


Report = Callable[[StepTrace], object]
"""Is told of each step that has run; what it raises ends the run."""


def tell_nobody(step: StepTrace) -> None:
    """A report that nobody waits for."""
