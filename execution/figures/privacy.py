"""Whether amounts are written for the eyes of one reader, or left out because somebody else looks at the screen.

It is a choice of who reads a page, kept for the time of one request. What stays: percentages, ratios, dates, signs.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

HIDDEN: Final = "•••"
"""Stands where an amount is hidden."""
AMOUNTS: Final = frozenset({"number", "currency"})
"""Formats of money, prices, quantities and counts."""
_NUMBERS: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:T[\d:.]+)?"  # a day
    r"|(?P<number>(?<![\w.,-])[-−]?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?)(?P<percent>[ \N{NO-BREAK SPACE}]?(?:%|bp\b))?"
)

_is_on: ContextVar[bool] = ContextVar("amounts_are_hidden", default=False)


@contextmanager
def hiding(*, is_on: bool) -> Iterator[None]:
    """Inside the block amounts are hidden, or are not."""
    before = _is_on.set(is_on)
    try:
        yield
    finally:
        _is_on.reset(before)


def is_on() -> bool:
    return _is_on.get()


def amount(text: str, *, sign: str = "") -> str:
    """A number that has been written, or what stands for it with its `sign`."""
    return f"{sign}{HIDDEN}" if _is_on.get() and text else text


def sentence(text: str) -> str:
    """Words that somebody wrote, without the numbers in them where amounts are hidden: days and percentages stay."""
    return _NUMBERS.sub(_without_number, text) if _is_on.get() else text


def _without_number(match: re.Match[str]) -> str:
    return HIDDEN if match["number"] and not match["percent"] else match[0]
