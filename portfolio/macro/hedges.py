"""What would take a scenario's loss away: ideas with their size and an assumed cost, no advice to deal."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from portfolio.macro.money import estimated


@dataclass(frozen=True, slots=True)
class Hedge:
    """One idea. Money in the base currency."""

    instrument: str
    size: Decimal
    """What is sold."""
    gain: Decimal
    """In the scenario, before cost."""
    share_of_loss: float
    """Of the whole loss that the gain makes good; it may exceed 1."""
    cost: Decimal
    """At the assumed basis points of its size."""
    cost_bp: float


def suggest(
    base_currency: str,
    total: float,
    *,
    equity: tuple[str, float, float] | None,
    currencies: Mapping[str, tuple[float, float]],
    cost_bp: float,
) -> tuple[Hedge, ...]:
    """Ideas for a loss, the largest gain first; none where the scenario gains.

    equity       series, amount that moves one to one with it, and its shock
    currencies   currency -> amount and return in the base currency
    """
    sales = [
        (f"Sell {series} (index future)", size, -size * shock) for series, size, shock in (equity and [equity]) or []
    ]
    sales += [
        (f"Sell {currency} forward against {base_currency}", amount, -amount * move)
        for currency, (amount, move) in currencies.items()
    ]
    return tuple(
        Hedge(
            instrument=instrument,
            size=estimated(size, base_currency),
            gain=estimated(gain, base_currency),
            share_of_loss=gain / -total,
            cost=estimated(size * cost_bp / 10_000, base_currency),
            cost_bp=cost_bp,
        )
        for instrument, size, gain in sorted(sales, key=lambda each: -each[2])
        if total < 0 < min(size, gain)
    )
