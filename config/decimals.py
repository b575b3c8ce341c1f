"""Decimal numbers as text, never with an exponent: `1E+3` is written 1000, and zero has no sign."""

from decimal import Decimal
from typing import overload


@overload
def plain(number: Decimal) -> str: ...
@overload
def plain(number: Decimal | None) -> str | None: ...
def plain(number: Decimal | None) -> str | None:
    """Every digit that the number has, trailing zeros included: 1.50. None stays None."""
    if number is None:
        return None
    return format(abs(number) if number.is_zero() else number, "f")


@overload
def trimmed(number: Decimal, *, places: int | None = None) -> str: ...
@overload
def trimmed(number: Decimal | None, *, places: int | None = None) -> str | None: ...
def trimmed(number: Decimal | None, *, places: int | None = None) -> str | None:
    """The number without trailing zeros, 1.5, and rounded half-even to `places` first, where they are given."""
    if number is None:
        return None
    text = plain(number if places is None else round(number, places))
    return text.rstrip("0").rstrip(".") if "." in text else text
