"""Numbers as a ledger can keep them."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

from ..rows import ZERO

QUOTIENT: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""What Beancount's own arithmetic keeps."""
_MAX_DECIMALS, _MAX_DIGITS = 20, 26


def spread(units: Sequence[Decimal], ratio: Fraction) -> list[Decimal]:
    """Units times the ratio, to as many decimals as a ledger can keep; their sum is the whole times the ratio, rounded once."""
    exact = [Fraction(each) * ratio for each in units]
    whole = sum(exact, Fraction(0))
    decimals = max(0, min(_MAX_DECIMALS, _MAX_DIGITS - len(str(max(int(whole), int(sum(units, ZERO)))))))
    steps = [int(each * 10**decimals) for each in exact]
    missing = round(whole * 10**decimals) - sum(steps)
    rest = sorted(range(len(exact)), key=lambda at: exact[at] * 10**decimals - steps[at], reverse=True)
    for at in rest[:missing]:
        steps[at] += 1
    return [Decimal(each).scaleb(-decimals) for each in steps]


def exact_ratio(ratio: Decimal) -> Fraction:
    """A ratio that was written with many digits is the simple fraction that it is rounded from: 0.083333333333 is 1:12."""
    digits = ratio.as_tuple()
    exponent = digits.exponent if isinstance(digits.exponent, int) else 0
    simple = Fraction(ratio).limit_denominator(10_000)
    if len(digits.digits) >= 12 and abs(simple - Fraction(ratio)) <= Fraction(10) ** exponent:
        return simple
    return Fraction(ratio)


def half_digit(number: Decimal) -> Decimal:
    """Half of the last digit that is printed."""
    exponent = number.as_tuple().exponent
    return Decimal(5).scaleb((exponent if isinstance(exponent, int) else 0) - 1)


def quotient(whole: Decimal, parts: Decimal) -> Decimal:
    return QUOTIENT.divide(whole, parts)
