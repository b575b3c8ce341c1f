"""The regime of the economy as of a pack, and as it was known on earlier days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from portfolio.analytics.macro import regimes
from portfolio.analytics.macro.regimes import INPUTS, Verdict
from portfolio.analytics.macro.standing import Standing
from portfolio.macro.day_phase import DayPhase
from portfolio.macro.indicators import Indicators
from portfolio.performance.metric import Metric, degraded, doubts_of, unavailable

SUBJECT = "regime"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Driver:
    """An indicator's part in the score of the regime."""

    name: str
    title: str
    z: Metric
    share: Metric
    """Of the regime's score; the shares sum to 1."""


@dataclass(frozen=True, slots=True)
class RegimeScore:
    regime_name: str
    label: str
    score: Metric


@dataclass(frozen=True, slots=True)
class RegimeRecord:
    """The regime whose bands the indicators fit best. A score runs from 0 to 1 and is no probability."""

    asof_date: date
    regime_name: str
    """`unknown` where an indicator is not known; the reason of the score says which."""
    label: str
    score: Metric
    margin: Metric
    """The score less that of the next regime."""
    regime_scores: tuple[RegimeScore, ...]
    drivers: tuple[Driver, ...]
    method: str


@dataclass(frozen=True, slots=True)
class RegimePoint:
    """The regime as it was known on a day."""

    date: date
    regime_name: str
    label: str
    score: float | None
    margin: float | None


@dataclass(frozen=True, slots=True)
class RegimeHistory:
    """Each as it was known on its day. `dates` and `scores` rise, `points` begin with the newest."""

    points: tuple[RegimePoint, ...]
    dates: tuple[date, ...]
    scores: dict[str, tuple[float | None, ...]]
    """By regime, on `dates`."""
    reason: str | None
    """Why the newest is unknown."""


def detect(indicators: Indicators) -> RegimeRecord:
    """The regime as of the indicators' day."""
    readings = [indicators.reading(name) for name in INPUTS]
    missing = [each.name for each in readings if not each.z.is_known]
    if missing:
        reason = unknown(missing)
        blank = unavailable(reason)
        return RegimeRecord(
            asof_date=indicators.asof_date,
            regime_name=UNKNOWN,
            label=label_of(UNKNOWN),
            score=blank,
            margin=blank,
            regime_scores=tuple(RegimeScore(each.value, label_of(each), blank) for each in regimes.Regime),
            drivers=tuple(Driver(each.name, each.title, each.z, blank) for each in readings),
            method=regimes.METHOD,
        )
    verdict = regimes.classify([each.z.value for each in readings if each.z.value is not None])
    doubts = [doubt for each in readings for doubt in doubts_of(each.z)]
    basis = {"method": regimes.METHOD, "n": len(readings)}

    def figure(value: float) -> Metric:
        return degraded(Metric(value, "ok", None, basis), doubts)

    return RegimeRecord(
        asof_date=indicators.asof_date,
        regime_name=verdict.regime.value,
        label=label_of(verdict.regime),
        score=figure(verdict.scores[verdict.regime]),
        margin=figure(verdict.margin),
        regime_scores=tuple(
            RegimeScore(each.value, label_of(each), figure(score)) for each, score in verdict.scores.items()
        ),
        drivers=tuple(
            Driver(each.name, each.title, each.z, figure(share))
            for each, share in zip(readings, verdict.shares, strict=True)
        ),
        method=regimes.METHOD,
    )


def history(phases: Mapping[date, DayPhase]) -> RegimeHistory:
    """The regimes of days, in rising order, as they were known on them."""
    newest = list(phases.values())[-1]
    return RegimeHistory(
        points=tuple(
            RegimePoint(day, each.name, label_of(each.name), each.score, each.margin)
            for day, each in reversed(list(phases.items()))
        ),
        dates=tuple(phases),
        scores={
            each.value: tuple(phase.scores.get(each.value) for phase in phases.values()) for each in regimes.Regime
        },
        reason=newest.reason or None,
    )


def as_known(indicators: Indicators, day: date) -> DayPhase:
    """The regime from what was public on a day."""
    verdict = verdict_as_known(indicators, np.datetime64(day, "D"))
    if isinstance(verdict, str):
        return DayPhase(SUBJECT, regimes.METHOD, UNKNOWN, None, None, {}, verdict)
    scores = {each.value: score for each, score in verdict.scores.items()}
    name = verdict.regime.value
    return DayPhase(SUBJECT, regimes.METHOD, name, scores[name], verdict.margin, scores, "")


def verdict_as_known(indicators: Indicators, day: np.datetime64) -> Verdict | str:
    """The verdict from what was public on a day, or why it is unknown."""
    standings = {name: indicators.standing_on(name, day) for name in INPUTS}
    missing = [name for name, each in standings.items() if isinstance(each, str)]
    if missing:
        return unknown(missing)
    return regimes.classify([each.z for each in standings.values() if isinstance(each, Standing)])


def sources(indicators: Indicators) -> tuple[str, ...]:
    """The providers of the regime's indicators."""
    own_indicators = (indicators.by_name[name] for name in INPUTS if name in indicators.by_name)
    return tuple(sorted({source for each in own_indicators for source in each.sources}))


def unknown(names: list[str]) -> str:
    """The reason of an unknown regime: unknown(BAA10Y, UNRATE)."""
    return f"{UNKNOWN}({', '.join(sorted(names))})"


def label_of(regime_name: str) -> str:
    """The name as a person writes it: Early expansion."""
    return regime_name.replace("_", " ").capitalize()
