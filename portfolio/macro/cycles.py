"""The cycles of the economy: which phase its indicators fit best, or which series the packs lack for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from portfolio.analytics.macro import regimes
from portfolio.analytics.macro.fitting import Interval, Phase, fit
from portfolio.macro.day_phase import DayPhase
from portfolio.macro.indicators import Indicators
from portfolio.performance.metric import Metric, degraded, doubts_of, unavailable

UNKNOWN = "unknown"
_OPEN = float("inf")
_RULES: Mapping[str, Interval] = {
    "falling_sharp": Interval(-_OPEN, -1.0),
    "falling": Interval(-_OPEN, -0.5),
    "negative": Interval(-_OPEN, -0.5),
    "rising_moderate": Interval(0.0, 1.0),
    "rising": Interval(0.5, _OPEN),
    "high": Interval(0.5, _OPEN),
    "rising_rapid": Interval(1.0, _OPEN),
    "very_high": Interval(1.0, _OPEN),
}
"""What a rule's word means on a z-score."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle as it is defined. Without phases its indicators are only named: nothing publishes them for packs to hold."""

    id: str
    title: str
    method: str
    weights: Mapping[str, float]
    """They sum to 1."""
    phases: tuple[Phase, ...] = ()


def _phase(label: str, **rules: str) -> Phase:
    return Phase(label, {name: _RULES[rule] for name, rule in rules.items()})


SHORT_TERM = Cycle(
    "short_term_debt",
    "Short-term debt cycle",
    "stdc_v2",
    {"T10Y2Y": 0.35, "UNRATE": 0.25, "CPIAUCSL": 0.25, "BAA10Y": 0.15},
    tuple(
        Phase(label, {name: Interval(band.low, band.high) for name, band in zip(regimes.INPUTS, bands, strict=True)})
        for label, bands in zip(
            ("Early Recovery", "Mid Expansion", "Late Expansion / Boom", "Early Recession", "Deep Recession"),
            regimes.BANDS.values(),
            strict=True,
        )
    ),
)
LONG_TERM = Cycle(
    "long_term_debt",
    "Long-term debt cycle",
    "ltdc_v2",
    {"DEBT_GDP": 0.40, "REAL_POLICY_RATE": 0.30, "CREDIT_IMPULSE": 0.30},
    (
        _phase("Deleveraging", DEBT_GDP="falling", REAL_POLICY_RATE="high"),
        _phase("Reflation", REAL_POLICY_RATE="negative", CREDIT_IMPULSE="rising"),
        _phase("Expansion", DEBT_GDP="rising_moderate"),
        _phase("Bubble", DEBT_GDP="rising_rapid", CREDIT_IMPULSE="very_high"),
        _phase("Top", REAL_POLICY_RATE="rising"),
        _phase("Debt Crisis", CREDIT_IMPULSE="falling_sharp"),
    ),
)
EMPIRE = Cycle(
    "empire",
    "Rise and decline of powers",
    "empire_v1",
    {
        "RESERVE_SHARE": 0.30, "WORLD_GDP_SHARE": 0.25, "FIN_CENTER_INDEX": 0.20, "MILITARY_POWER": 0.15,
        "INTERNAL_ORDER": 0.05, "INNOVATION_RATE": 0.05,
    },
)  # fmt: skip
CIVIL = Cycle(
    "civil", "Internal order", "civil_v1", {"GINI": 1 / 3, "INSTITUTIONAL_TRUST": 1 / 3, "POLARISATION": 1 / 3}
)
CYCLES = (SHORT_TERM, LONG_TERM, EMPIRE, CIVIL)


@dataclass(frozen=True, slots=True)
class PhaseScore:
    phase_number: int
    phase_label: str
    score: Metric


@dataclass(frozen=True, slots=True)
class CycleIndicator:
    name: str
    title: str
    z: Metric
    weight: float


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """The phase that fits best. Without a series the score is unavailable by the names of all that the packs lack."""

    cycle_type: str
    title: str
    asof_date: date
    phase_label: str
    phase_number: int | None
    composite_score: Metric
    """Of the phase, from 0 to 1; no probability."""
    margin: Metric
    phases: tuple[PhaseScore, ...]
    indicators: tuple[CycleIndicator, ...]
    method_version: str


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """Weeks that a cycle was in one phase, as it was known then."""

    title: str
    phase_label: str
    since: date
    until: date
    """The last of its weeks."""


@dataclass(frozen=True, slots=True)
class CycleHistory:
    """By cycle the phases that it was said to be in, the newest last; of unknown weeks there is no span.

    Without any span `status` is unavailable, by the series that the cycles with phases lack.
    """

    spans: tuple[PhaseSpan, ...]
    status: str
    reason: str | None


def history(phases: Mapping[str, Mapping[date, DayPhase]]) -> CycleHistory:
    """The spans of cycles, by their types and days in rising order."""
    spans: list[PhaseSpan] = []
    for cycle in CYCLES:
        before = UNKNOWN
        for day, phase in phases[cycle.id].items():
            if phase.name != UNKNOWN and phase.name == before:
                spans[-1] = replace(spans[-1], until=day)
            elif phase.name != UNKNOWN:
                spans.append(PhaseSpan(cycle.title, phase.name, day, day))
            before = phase.name
    if spans:
        return CycleHistory(tuple(spans), "ok", None)
    newest = [list(phases[cycle.id].values())[-1].reason for cycle in CYCLES if cycle.phases]
    lacking = {name for each in newest for name in each.removeprefix(f"{UNKNOWN}(").removesuffix(")").split(", ")}
    return CycleHistory((), "unavailable", f"{UNKNOWN}({', '.join(sorted(lacking))})")


def compute(cycle: Cycle, indicators: Indicators) -> CycleRecord:
    """The phase of a cycle as of the indicators' day."""
    readings = {each.name: each for each in indicators.readings}
    z = {name: readings[name].z if name in readings else unavailable("no_series") for name in cycle.weights}
    missing = [name for name, each in z.items() if not each.is_known]
    titles = {name: readings[name].title if name in readings else _words(name) for name in cycle.weights}
    rows = tuple(CycleIndicator(name, titles[name], z[name], weight) for name, weight in cycle.weights.items())
    if missing:
        blank = unavailable(f"{UNKNOWN}({', '.join(sorted(missing))})")
        scores = tuple(PhaseScore(place, each.label, blank) for place, each in enumerate(cycle.phases, start=1))
        return CycleRecord(
            cycle.id, cycle.title, indicators.asof_date, "Unknown", None, blank, blank, scores, rows, cycle.method
        )
    values = {name: each.value for name, each in z.items() if each.value is not None}
    fits = fit(cycle.phases, cycle.weights, values)
    winner = int(np.argmax(fits))
    doubts = [doubt for each in z.values() for doubt in doubts_of(each)]

    def figure(value: float) -> Metric:
        return degraded(Metric(value, "ok", None, {"method": cycle.method}), doubts)

    return CycleRecord(
        cycle_type=cycle.id,
        title=cycle.title,
        asof_date=indicators.asof_date,
        phase_label=cycle.phases[winner].label,
        phase_number=winner + 1,
        composite_score=figure(fits[winner]),
        margin=figure(fits[winner] - max(each for place, each in enumerate(fits) if place != winner)),
        phases=tuple(
            PhaseScore(place + 1, phase.label, figure(score))
            for place, (phase, score) in enumerate(zip(cycle.phases, fits, strict=True))
        ),
        indicators=rows,
        method_version=cycle.method,
    )


def sources(cycle: Cycle, indicators: Indicators) -> tuple[str, ...]:
    """The providers of a cycle's indicators."""
    own_indicators = (indicators.by_name[name] for name in cycle.weights if name in indicators.by_name)
    return tuple(sorted({source for each in own_indicators for source in each.sources}))


def as_known(record: CycleRecord) -> DayPhase:
    """The phase of a cycle without what it is made of."""
    score, margin = record.composite_score.value, record.margin.value
    if score is None:
        reason = record.composite_score.reason or ""
        return DayPhase(record.cycle_type, record.method_version, UNKNOWN, None, None, {}, reason)
    scores = {each.phase_label: each.score.value for each in record.phases if each.score.value is not None}
    return DayPhase(record.cycle_type, record.method_version, record.phase_label, score, margin, scores, "")


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
