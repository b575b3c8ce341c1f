"""What to be told of next, by what has changed: conditions that an alert could have. Nothing is sent by them."""

import math
from dataclasses import dataclass

from portfolio.macro.trends import Shift, TrendShifts, two_decimals

STEP = 0.5
"""Thresholds on z-scores are the next multiple of it."""


@dataclass(frozen=True, slots=True)
class AlertPreset:
    """A condition `metric operator threshold` on an entity, in the direction of the change, and why it is proposed."""

    title: str
    alert_type: str
    """macro: of the economy; metric: of the portfolio."""
    entity: str
    metric: str
    operator: str
    threshold: str
    trigger_description: str
    reason: str
    current_value: float | None
    change: float | None


@dataclass(frozen=True, slots=True)
class AlertPresets:
    """`status` is unavailable where nothing changed."""

    suggestions: tuple[AlertPreset, ...]
    status: str
    reason: str | None


def suggest(shifts: TrendShifts) -> AlertPresets:
    """One for each change, in their order."""
    presets = tuple(_preset(each) for each in shifts.rows)
    return AlertPresets(presets, "ok", None) if presets else AlertPresets((), "unavailable", "no_shift")


def _preset(shift: Shift) -> AlertPreset:
    since = f"{shift.before} before {shift.since.isoformat()}, {shift.after} now"
    if shift.value is None or shift.change is None:
        described = f"when it is no longer {shift.after}"
        return AlertPreset(shift.title, "macro", shift.name, "phase", "!=", shift.after, described, since, None, None)
    rises = shift.change > 0
    operator, word = (">", "above") if rises else ("<", "below")
    if shift.kind == "indicator":
        limit = (math.floor(shift.value / STEP) + 1) * STEP if rises else (math.ceil(shift.value / STEP) - 1) * STEP
        described = f"when it is {word} {two_decimals(limit)} standard deviations from its mean"
        kind, metric = "macro", "z"
    else:
        limit = shift.value + shift.change / 2
        described = f"when the beta is {word} {two_decimals(limit)}, half as far on again"
        kind, metric = "metric", "beta"
    return AlertPreset(
        shift.title,
        kind,
        shift.name,
        metric,
        operator,
        two_decimals(limit),
        described,
        since,
        shift.value,
        shift.change,
    )
