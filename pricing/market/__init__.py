"""What the calculations may see of a pack: the market of its date in `Decimal`, its history in frozen arrays, series, actions.

Packs never change, so what was read of one stays in the process under its seal, which pins all of it.
"""

from pricing.market.actions import actions
from pricing.market.as_of import Market, as_of, cross, legs_between
from pricing.market.classification import Classification, classifications
from pricing.market.delistings import DELISTED
from pricing.market.fundamentals import ReportedFigure, fundamentals
from pricing.market.history import History, history, seen_by
from pricing.market.missing import REASONS, MissingPrice
from pricing.market.series import (
    MissingSeries,
    SeriesHistory,
    known_on,
    observations,
    observations_by_series,
    series,
    vintages,
)
from pricing.packs.rows import Close

__all__ = [
    "DELISTED",
    "REASONS",
    "Classification",
    "Close",
    "History",
    "Market",
    "MissingPrice",
    "MissingSeries",
    "ReportedFigure",
    "SeriesHistory",
    "actions",
    "as_of",
    "classifications",
    "cross",
    "fundamentals",
    "history",
    "known_on",
    "legs_between",
    "observations",
    "observations_by_series",
    "seen_by",
    "series",
    "vintages",
]
