"""A value of a result as it is shown on a page and in a terminal."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from config import plain_text
from execution.figures import privacy
from execution.figures.basis import basis_words, turning_points
from execution.figures.formats import DASH, FORMATS, MINUS, MOST_DIGITS, is_zero
from execution.figures.names import name_words
from execution.figures.reasons import reason_words

CHANGES: Final = ("percentage", "currency")
"""Formats of gains and losses."""
TONES: Final[Mapping[str, str]] = {"+": "gain", MINUS: "loss"}


@dataclass(frozen=True, slots=True)
class Figure:
    """Text in a format, and what a reader must know of it.

    status   ok, degraded or unavailable
    note     why the status is not ok
    basis    what the figure rests on
    hint     dates that are shown next to it
    unit     its currency, where it is money
    """

    text: str
    kind: str
    status: str = "ok"
    note: str = ""
    basis: str = ""
    hint: str = ""
    unit: str = ""
    exact: Decimal | None = None
    """The number itself, where it is one."""
    path: str = ""
    """Where it stands in the result, as a JSON pointer, so that a page can open it; empty for what stands in none."""
    is_change: bool = False
    """Whether it is a gain or a loss, which is told from other amounts by its sign, an arrow and a colour."""
    security_id: int | None = None
    """The holding that a row is about, on its first cell, so that a page can link to it."""

    @property
    def is_negative(self) -> bool:
        return self.text.startswith(MINUS)

    @property
    def tone(self) -> str:
        """The class of its colour: a gain, a loss, or another number below zero."""
        if self.is_change and self.text[:1] in TONES:
            return TONES[self.text[0]]
        return "neg" if self.is_negative else ""

    @property
    def is_numeric(self) -> bool:
        return self.kind not in ("text", "name", "date")

    @property
    def explanation(self) -> str:
        """Note and basis, for a tooltip and for a screen reader."""
        return "; ".join(part for part in (self.note, self.basis) if part)


def missing(kind: str, reason: str) -> Figure:
    """A dash, with the reason in words."""
    return Figure(DASH, kind, status="unavailable", note=reason)


def from_value(value: Any, kind: str, *, currency: str = "", signed: bool = False) -> Figure:
    """A value, or a metric {value, status, reason, basis}, in the format `kind`. Amounts are hidden where a reader wants that.

    currency   the unit of money
    signed     it is a gain or a loss: a percentage or money above zero is written with a plus
    """
    if isinstance(value, Mapping) and "status" in value:
        return _metric(value, kind, currency=currency, signed=signed)
    if value is None:
        return missing(kind, reason_words("not_given"))
    if kind == "name":
        kind, value = "text", name_words(str(value))
    if kind in ("text", "date"):
        words = {True: "yes", False: "no"}[value] if isinstance(value, bool) else plain_text.printable(str(value))
        return Figure(words, kind)
    if kind not in FORMATS:
        return missing(kind, f"there is no format {kind}")
    exact = _exact(value)
    if exact is None:
        return missing(kind, reason_words("not_a_number"))
    if exact.adjusted() >= MOST_DIGITS:
        return missing(kind, f"it is a number of more than {MOST_DIGITS} digits")
    text = FORMATS[kind](exact, currency)
    is_change = signed and kind in CHANGES
    if is_change and exact > 0 and not is_zero(text):
        text = f"+{text}"
    if kind in privacy.AMOUNTS:
        text = privacy.amount(text, sign=text[0] if text[0] in TONES else "")
    return Figure(text, kind, unit=currency if kind == "currency" else "", exact=exact, is_change=is_change)


def _metric(metric: Mapping[str, Any], kind: str, *, currency: str, signed: bool) -> Figure:
    basis = metric.get("basis") or {}
    bare = from_value(metric.get("value"), kind, currency=currency, signed=signed)
    explained = replace(bare, basis=basis_words(basis), hint=turning_points(basis))
    if metric["status"] == "ok":
        return explained
    return replace(explained, status=metric["status"], note=reason_words(metric.get("reason") or "not_given"))


def _exact(value: Any) -> Decimal | None:
    """A number of a result, exactly: decimals come as text, ratios as floats whose shortest form is meant."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return None
    return exact if exact.is_finite() else None
