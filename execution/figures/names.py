"""Codes of a result that name a thing, in words."""

from collections.abc import Mapping
from typing import Final

NAMES: Final[Mapping[str, str]] = {
    "real_rate": "Real rate",
    "inflation": "Inflation",
    "credit": "Credit spread",
    "usd": "US dollar",
    "equity": "Equities",
    "fx_basket": "The packs' own rates",
    "benchmark": "The portfolio's benchmark",
    "exchange_rates": "Exchange rates",
    "return_on_moved_rates": "Returns on rates that moved",
    "rounding": "Rounding",
    "factor": "Factor",
    "currency": "Currency",
    "holding": "Holding",
    "regime": "Regime",
    "cycle": "Cycle",
    "indicator": "Indicator",
    "exposure": "Exposure",
    "too_low": "exceeded more often than it says",
    "too_high": "exceeded less often than it says",
    "clustered": "exceeded in clusters",
    "calibrated": "calibrated",
    "unknown": "Unknown",
}


def name_words(code: str) -> str:
    """The name of a code; what is no code of ours, as a symbol or a series, is its own name."""
    return NAMES.get(code, code)
