"""What the phase of the short-term cycle does to a portfolio's exposures."""

from collections.abc import Mapping
from dataclasses import dataclass

from portfolio.macro.cycles import CycleRecord
from portfolio.performance.factor_exposures import FactorRecord
from portfolio.performance.metric import Metric, degraded, unavailable

AMPLIFICATION: Mapping[str, float] = {
    "Early Recovery": 0.9,
    "Mid Expansion": 1.0,
    "Late Expansion / Boom": 1.2,
    "Early Recession": 1.5,
    "Deep Recession": 2.0,
}
"""By phase, what volatility is multiplied by: a convention, not an estimate."""
HIGH, MEDIUM = 1.5, 1.2
"""Amplifications above which the risk is called high, and medium."""
CONVENTION = "convention"


@dataclass(frozen=True, slots=True)
class AmplifiedFactor:
    factor: str
    beta: Metric
    amplified_beta: Metric
    variance_share: float | None


@dataclass(frozen=True, slots=True)
class CycleRisk:
    """Exposures under the phase. Without a phase nothing is amplified, and the figures say why."""

    phase_label: str
    overall_amplification: Metric
    amplification: float | None
    risk_level: str
    most_vulnerable_factor: str | None
    """The one that explains most of the variance; None where none is known."""
    rows: tuple[AmplifiedFactor, ...]


def overlay(exposures: FactorRecord, cycle: CycleRecord) -> CycleRisk:
    """The exposures of a portfolio in the phase of the short-term cycle."""
    amplification = AMPLIFICATION.get(cycle.phase_label)
    if amplification is None:
        overall = unavailable(cycle.composite_score.reason)
    else:
        overall = degraded(Metric(amplification, "ok", None, {}), [CONVENTION])
    rows = tuple(
        AmplifiedFactor(
            row.factor,
            exposures.factors[row.factor],
            _amplified(exposures.factors[row.factor], overall),
            row.variance_share,
        )
        for row in exposures.rows
    )
    rows_with_share = [row for row in rows if row.variance_share is not None]
    return CycleRisk(
        phase_label=cycle.phase_label,
        overall_amplification=overall,
        amplification=amplification,
        risk_level="unknown" if amplification is None else _level(amplification),
        most_vulnerable_factor=max(rows_with_share, key=lambda row: row.variance_share or 0.0).factor
        if rows_with_share
        else None,
        rows=rows,
    )


def _amplified(beta: Metric, overall: Metric) -> Metric:
    if beta.value is None:
        return beta
    if overall.value is None:
        return overall
    return degraded(Metric(beta.value * overall.value, beta.status, beta.reason, beta.basis), [CONVENTION])


def _level(amplification: float) -> str:
    return "high" if amplification > HIGH else "medium" if amplification > MEDIUM else "low"
