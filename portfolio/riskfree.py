"""The risk-free rate of a base currency, as a pack knows it."""

import numpy as np

from portfolio.metrics import RiskFree
from portfolio.valuation import Days
from pricing import market
from pricing.models import PricingPack, RiskFreeRate


def load(pack: PricingPack, base_currency: str, days: Days) -> RiskFree | None:
    """The annual yield known on each of `days`; None where the currency has no series, or the pack nothing of it."""
    chosen = RiskFreeRate.objects.filter(pk=base_currency).first()
    if chosen is None:
        return None
    try:
        known = market.series(pack, chosen.series_id, dates=days)
    except market.MissingSeries:
        return None
    degraded = ["risk_free_currency"] if chosen.series_currency != base_currency else []
    if known.assumed_release_date:
        degraded.append("assumed_release_date")
    return RiskFree(chosen.series_id, np.asarray(known.value) / 100.0, tuple(degraded), known.sources)
