"""The risk-free rate of a base currency, as a pack knows it."""

from dataclasses import dataclass

import numpy as np

from portfolio.performance.risk_free import RiskFree
from portfolio.valuation import Days
from pricing import market
from pricing.models import PricingPack, RiskFreeRate


@dataclass(frozen=True, slots=True)
class RiskFreeSeries:
    """Which series stands for a base currency's risk-free rate. Staff may change it, so a result says which it was."""

    series_id: str
    series_currency: str


def read_series(base_currency: str) -> RiskFreeSeries | None:
    """The series that staff chose for a base currency; None where they chose none."""
    rows = RiskFreeRate.objects.filter(pk=base_currency).values_list("series_id", "series_currency")
    return next((RiskFreeSeries(*row) for row in rows), None)


def load(pack: PricingPack, series: RiskFreeSeries | None, base_currency: str, days: Days) -> RiskFree | None:
    """The annual yield known on each of `days`; None without a series, or where the pack has nothing of it."""
    if series is None:
        return None
    try:
        yield_series = market.series(pack, series.series_id, dates=days)
    except market.MissingSeries:
        return None
    degraded = ["risk_free_currency"] if series.series_currency != base_currency else []
    if yield_series.assumed_release_date:
        degraded.append("assumed_release_date")
    return RiskFree(series.series_id, np.asarray(yield_series.value) / 100.0, tuple(degraded), yield_series.sources)
