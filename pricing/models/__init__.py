"""Rows of the market: reference data that may be edited, and packs, which are evidence and never change once sealed."""

from .archives import MarketArchive
from .packs import (
    PackAction,
    PackContent,
    PackObservation,
    PackPrice,
    PackRate,
    PackStatus,
    PricingPack,
    PricingPolicy,
)
from .quarantine import Decision, QuarantinedRow
from .securities import PriceBasis, QuoteUnit, Security, SecurityAlias, SymbolOverride
from .series import Factor, FactorSeries, RiskFreeRate, Series, SeriesLag

__all__ = [
    "Decision",
    "Factor",
    "FactorSeries",
    "MarketArchive",
    "PackAction",
    "PackContent",
    "PackObservation",
    "PackPrice",
    "PackRate",
    "PackStatus",
    "PriceBasis",
    "PricingPack",
    "PricingPolicy",
    "QuarantinedRow",
    "QuoteUnit",
    "RiskFreeRate",
    "Security",
    "SecurityAlias",
    "Series",
    "SeriesLag",
    "SymbolOverride",
]
