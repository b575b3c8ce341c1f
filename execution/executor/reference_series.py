"""The series that a portfolio is measured against, as staff had chosen them when a request was planned."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from execution.patterns.document import ParsedPattern
from portfolio.models import Portfolio
from portfolio.performance import benchmarks, composite, factor_series, risk_free_rates
from portfolio.performance.composite import BenchmarkDefinition
from portfolio.performance.factor_series import FactorChoice
from portfolio.performance.risk_free_rates import RiskFreeSeries

READS_FACTORS = frozenset(
    {"risk.compute_factor_exposures", "risk.get_factor_exposure_history", "macro.holding_history"}
)
"""Capabilities whose answer depends on which series stand for the factors."""


@dataclass(frozen=True, slots=True)
class ReferenceSeries:
    """The series of a request. `factors` is empty where no step of its pattern reads them."""

    risk_free: RiskFreeSeries | None = None
    benchmark: BenchmarkDefinition | None = None
    factors: tuple[FactorChoice, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As the canonical request has them; factors only where they are read."""
        series: dict[str, Any] = {
            "risk_free": asdict(self.risk_free) if self.risk_free else None,
            "benchmark": asdict(self.benchmark) if self.benchmark else None,
        }
        return series | {"factors": [asdict(each) for each in self.factors]} if self.factors else series

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "ReferenceSeries":
        risk_free, benchmark = document["risk_free"], document.get("benchmark")
        return cls(
            RiskFreeSeries(**risk_free) if risk_free else None,
            composite.define(**benchmark) if benchmark else None,
            tuple(FactorChoice(**each) for each in document.get("factors", ())),
        )

    @classmethod
    def current(cls, portfolio: Portfolio, pattern: ParsedPattern) -> "ReferenceSeries":
        """What is chosen now for a portfolio."""
        reads_factors = any(step.capability in READS_FACTORS for step in pattern.steps)
        return cls(
            risk_free_rates.read_series(portfolio.base_currency),
            benchmarks.read_definition(portfolio.benchmark_id),
            factor_series.read_choices() if reads_factors else (),
        )
