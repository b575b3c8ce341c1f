"""Regime, exposures and drawdown at risk, as the bars and the gauge of a chart."""

from dataclasses import dataclass, field
from decimal import Decimal

from portfolio.macro.drawdown import DarRecord
from portfolio.macro.regime import RegimeRecord, RegimeScore
from portfolio.performance.factor_exposures import REGRESSION, FactorRecord
from portfolio.performance.metric import Metric

NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class FactorBar:
    """A beta with its 95 % interval, by the normal distribution."""

    factor: str
    beta: float = field(metadata=REGRESSION)
    standard_error: float = field(metadata=REGRESSION)
    low: float = field(metadata=REGRESSION)
    high: float = field(metadata=REGRESSION)


@dataclass(frozen=True, slots=True)
class MacroChart:
    """What is not known has no bar."""

    regime: str
    scores: tuple[RegimeScore, ...]
    """The best first."""
    factors: tuple[FactorBar, ...]
    """The largest exposure first, whatever its sign."""
    drawdown_at_risk: Metric
    """A fraction of the highest value, for the gauge."""
    drawdown_amount: Decimal | None
    confidence: float


def chart(regime: RegimeRecord, exposures: FactorRecord, dar: DarRecord) -> MacroChart:
    """The bars of the scores and of the betas, and the gauge."""
    scored = [(each.score.value, each) for each in regime.regime_scores if each.score.value is not None]
    bars = [
        FactorBar(
            row.factor,
            row.beta,
            row.standard_error,
            row.beta - NORMAL_95 * row.standard_error,
            row.beta + NORMAL_95 * row.standard_error,
        )
        for row in exposures.rows
        if row.beta is not None and row.standard_error is not None
    ]
    return MacroChart(
        regime=regime.label,
        scores=tuple(each for _, each in sorted(scored, key=lambda pair: (-pair[0], pair[1].label))),
        factors=tuple(sorted(bars, key=lambda each: (-abs(each.beta), each.factor))),
        drawdown_at_risk=dar.dar_value,
        drawdown_amount=dar.dar_amount,
        confidence=dar.confidence,
    )
