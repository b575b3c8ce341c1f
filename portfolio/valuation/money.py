"""Money as it is computed (34 digits) and as it is shown (the minor unit of its currency)."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import overload

DECIMAL_DIGITS = 34


MINOR_UNITS: Mapping[str, Decimal] = {
    "JPY": Decimal(1),
    "KRW": Decimal(1),
    "KWD": Decimal("0.001"),
    "BHD": Decimal("0.001"),
}
"""Where a currency's minor unit is not a hundredth (ISO 4217)."""


@overload
def quantise(amount: Decimal, currency: str) -> Decimal: ...
@overload
def quantise(amount: Decimal | None, currency: str) -> Decimal | None: ...
def quantise(amount: Decimal | None, currency: str) -> Decimal | None:
    """Money as it is shown: once, at output, half-even, to the minor unit. None, for what is not known, stays None."""
    if amount is None:
        return None
    return amount.quantize(MINOR_UNITS.get(currency, Decimal("0.01")), rounding=ROUND_HALF_EVEN)


def without_trailing_zeros(quantity: Decimal) -> Decimal:
    """The same number without zeros at its end, and without an exponent."""
    with localcontext() as context:
        context.prec = 100
        short = quantity.normalize()
        return short if short.as_tuple().exponent <= 0 else short.quantize(Decimal(1))  # type: ignore[operator]
