"""What the value is made of, as the slices of a chart."""

from dataclasses import dataclass
from decimal import Decimal

from portfolio.performance.allocation import CASH
from portfolio.valuation import ValuedPositions

LARGEST = 10
OTHERS = "Others"


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the value, in base currency."""

    label: str
    """A symbol; Others for the securities after the ten largest, Cash for all balances and what was sold and is not paid."""
    value: Decimal
    weight: float | None
    """A fraction of the total; None where that is not above zero."""


@dataclass(frozen=True, slots=True)
class OverviewChart:
    """The total, and the slices that sum to it (without cash, but for cents of rounding): the largest first, Others, Cash."""

    currency: str
    total_value: Decimal
    allocation: tuple[Slice, ...]


def chart(valued: ValuedPositions) -> OverviewChart:
    """The slices of a valued portfolio. A short position is one below zero."""
    total = valued.total_value
    rows = sorted(valued.positions, key=lambda row: (-row.market_value, row.symbol))
    values = [(row.symbol, row.market_value) for row in rows[:LARGEST]]
    if rows[LARGEST:]:
        values.append((OTHERS, sum((row.market_value for row in rows[LARGEST:]), Decimal(0))))
    cash = total - sum((value for _, value in values), Decimal(0))
    if valued.cash:
        values.append((CASH, cash))
    slices = (Slice(label, value, float(value / total) if total > 0 else None) for label, value in values)
    return OverviewChart(valued.currency, total, tuple(slices))
