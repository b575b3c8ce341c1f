"""How well indicators fit the bands that speak for a phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """The values at which an indicator speaks for a phase in full; an open end is infinite."""

    low: float
    high: float

    def fit(self, value: float) -> float:
        """1 inside, half for each unit of distance outside."""
        return float(0.5 ** max(self.low - value, value - self.high, 0.0))


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of a cycle: the intervals of the indicators that its rules name."""

    label: str
    intervals: Mapping[str, Interval]


def fit(phases: Sequence[Phase], weights: Mapping[str, float], values: Mapping[str, float]) -> list[float]:
    """The score of each phase, from 0 to 1: the weighted mean fit of the indicators that it names.

    weights   of all indicators; they sum to 1
    values    of all indicators, z-scores
    """
    scores = []
    for phase in phases:
        weight = sum(weights[name] for name in phase.intervals)
        fits = (weights[name] * interval.fit(values[name]) for name, interval in phase.intervals.items())
        scores.append(sum(fits) / weight)
    return scores
