"""Numbers as a reader sees them: thousands separated by commas, a true minus sign, and none before a zero."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from config.decimals import plain, trimmed
from portfolio.valuation import quantise

DASH: Final = "—"
"""Stands where there is no figure."""
MINUS: Final = "−"
SPACE: Final = "\N{NO-BREAK SPACE}"
MOST_DIGITS: Final = 24
"""Before the point: no reader can tell a greater number from another, and it can't be rounded exactly."""
OTHER_DIGIT: Final = re.compile("[1-9]")


def number(value: Decimal, currency: str = "") -> str:
    """Every digit but trailing zeros: 12,345.6789."""
    return _grouped(trimmed(value))


def money(value: Decimal, currency: str) -> str:
    """To the minor unit of its currency, half-even: 756,411.71."""
    return _grouped(plain(quantise(value, currency)))


def percentage(value: Decimal, currency: str = "") -> str:
    """A fraction in hundredths with two decimals: 0.2301943972 is 23.02 %."""
    return f"{_grouped(plain(round(value * 100, 2)))}{SPACE}%"


def decimal_2(value: Decimal, currency: str = "") -> str:
    return _grouped(plain(round(value, 2)))


FORMATS: Final[Mapping[str, Callable[[Decimal, str], str]]] = {
    "number": number,
    "currency": money,
    "percentage": percentage,
    "decimal_2": decimal_2,
}
"""Format of a panel's item or column -> what writes it."""


def digits(kind: str, currency: str) -> int | None:
    """How many decimals a format writes; None for as many as there are."""
    if kind == "currency":
        return -int(quantise(Decimal(0), currency).as_tuple().exponent)
    return {"percentage": 2, "decimal_2": 2}.get(kind)


def rounded(value: Decimal, kind: str, currency: str) -> Decimal:
    """The number that a format writes of a value: a fraction for a percentage."""
    places = digits(kind, currency)
    if places is None:
        return value
    return round(value, places + 2 if kind == "percentage" else places)


def is_zero(text: str) -> bool:
    """Whether a number that has been written shows no digit but zero."""
    return OTHER_DIGIT.search(text) is None


def _grouped(text: str) -> str:
    sign = MINUS if text.startswith("-") and not is_zero(text) else ""
    whole, point, decimals = text.removeprefix("-").partition(".")
    return f"{sign}{int(whole):,}{point}{decimals}"
