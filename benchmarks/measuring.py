"""Rounds, medians, ratios."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Goal:
    """At most so much, of the value or of its ratio to the base."""

    at_most: float
    of: str = "value"

    def is_met(self, value: float, ratio: float) -> bool:
        return (ratio if self.of == "ratio" else value) <= self.at_most


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table. `base` is the floor's median in the same unit, `ratio` the median of the rounds' own ratios."""

    name: str
    value: float
    unit: str
    base: float | None = None
    ratio: float | None = None
    goal: str | None = None
    met: bool | None = None


def line(
    name: str,
    unit: str,
    values: Sequence[float],
    bases: Sequence[float],
    *,
    goal: Goal | None = None,
    scale: float = 1.0,
) -> Line:
    """The line of a case with its floor: the n-th value and the n-th base are of one round."""
    value = median(values) * scale
    ratio = median(ours / floor for ours, floor in zip(values, bases, strict=True))
    goal_text = None if goal is None else f"{goal.of} ≤ {goal.at_most:g}"
    met = None if goal is None else goal.is_met(value, ratio)
    return Line(name, round(value, 4), unit, round(median(bases) * scale, 4), round(ratio, 3), goal_text, met)


def part(name: str, unit: str, values: Sequence[float]) -> Line:
    """The line of something that is in the value of another, and has no floor of its own."""
    return Line(f"  of which {name}", round(median(values), 4), unit)


def line_without_floor(name: str, unit: str, values: Sequence[float], goal: Goal) -> Line:
    """The line of what has no floor: a person waits for it, or a size is fixed."""
    value = median(values)
    return Line(name, round(value, 4), unit, goal=f"{goal.of} ≤ {goal.at_most:g}", met=goal.is_met(value, value))


def round_robin(cases: Mapping[str, Callable[[], float]], *, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """One sample of each case a round, in an order that rotates, so that other load falls on all of them alike."""
    samples: dict[str, list[float]] = {name: [] for name in cases}
    names = list(cases)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            samples[name].append(cases[name]())
    return samples


def p95(values: Sequence[float]) -> float:
    sorted_values = sorted(values)
    return sorted_values[min(len(sorted_values) - 1, int(0.95 * len(sorted_values)))]


def peak_mib(process: Path = Path("/proc/self")) -> float:
    """The most memory a process has had resident since its program began (proc(5): status, VmHWM).

    Not ru_maxrss, which a process takes over from the one that forked it.
    """
    status = dict(each.split(":", 1) for each in (process / "status").read_text().splitlines())
    return int(status["VmHWM"].removesuffix("kB")) / 1024
