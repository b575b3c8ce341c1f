"""What a portfolio is worth: one day exactly in Decimal, its whole life as float64 arrays. They agree to 1e-9."""

from portfolio.valuation.as_of import ValuedPosition, ValuedPositions, apply, value
from portfolio.valuation.flows import Scope
from portfolio.valuation.gaps import Gap
from portfolio.valuation.invariants import InvariantViolated
from portfolio.valuation.listed import sources
from portfolio.valuation.money import quantise
from portfolio.valuation.pack_days import Days, Floats
from portfolio.valuation.position import Position, Positions, positions
from portfolio.valuation.quality import DELISTED
from portfolio.valuation.value_history import ValueHistory, Valuer, history

__all__ = [
    "DELISTED",
    "Days",
    "Floats",
    "Gap",
    "InvariantViolated",
    "Position",
    "Positions",
    "Scope",
    "ValueHistory",
    "ValuedPosition",
    "ValuedPositions",
    "Valuer",
    "apply",
    "history",
    "positions",
    "quantise",
    "sources",
    "value",
]
