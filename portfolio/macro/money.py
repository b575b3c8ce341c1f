"""Money that is estimated in floating point, as it is shown."""

from decimal import Decimal

from portfolio.valuation import quantise


def estimated(amount: float, currency: str) -> Decimal:
    """The amount to the minor unit of its currency, half-even."""
    return quantise(Decimal(repr(float(amount))), currency)
