"""The market of one pack, as capabilities take it from their context."""

from dataclasses import dataclass

from execution.executor.reference_series import ReferenceSeries
from portfolio.performance import benchmarks, risk_free_rates
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.factor_series import FactorChoice
from portfolio.performance.risk_free import RiskFree
from portfolio.valuation import Days
from pricing import market
from pricing.models import PricingPack


@dataclass(frozen=True, slots=True)
class MarketView:
    """As-of values exactly, the history as arrays, and the reference series of the plan."""

    pack: PricingPack
    reference_series: ReferenceSeries

    @property
    def asof(self) -> market.Market:
        return market.as_of(self.pack)

    @property
    def history(self) -> market.History:
        return market.history(self.pack)

    def risk_free(self, base_currency: str, days: Days) -> RiskFree | None:
        return risk_free_rates.load(self.pack, self.reference_series.risk_free, base_currency, days)

    def benchmark(self, base_currency: str, days: Days) -> BenchmarkReturns | None:
        return benchmarks.load(self.pack, self.reference_series.benchmark, base_currency, days)

    @property
    def factors(self) -> tuple[FactorChoice, ...]:
        return self.reference_series.factors
