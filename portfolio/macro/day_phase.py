"""What the economy was said to be in on a day: its regime, or the phase of one of its cycles."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DayPhase:
    """The regime or phase that fitted best. `score`, `margin` and `scores` are without figures where it was unknown."""

    subject: str
    """`regime`, or the type of a cycle."""
    method: str
    name: str
    score: float | None
    margin: float | None
    scores: Mapping[str, float]
    """How well each fitted, 0 to 1."""
    reason: str
    """Why it was unknown; else empty."""
