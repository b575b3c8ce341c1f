"""How a number of a deal is made of the fields of its entry in the ledger."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from portfolio.books import Event
from portfolio.explanation.terms import Row, Term

FIELD: Final = re.compile(r"[a-z_]+")
FORMULAS: Final[tuple[tuple[str, Callable[[Event], Decimal]], ...]] = (
    ("quantity", lambda entry: entry.quantity or Decimal(0)),
    ("amount", lambda entry: entry.amount),
    ("-amount", lambda entry: -entry.amount),
    ("fee", lambda entry: entry.fee),
    ("tax", lambda entry: entry.tax),
    ("quantity * unit_price", lambda entry: _price(entry)),
    ("quantity * unit_price + fee", lambda entry: _price(entry) + entry.fee),
    ("quantity * unit_price + fee + tax", lambda entry: _price(entry) + entry.fee + entry.tax),
    ("amount + fee", lambda entry: entry.amount + entry.fee),
    ("amount + fee + tax", lambda entry: entry.amount + entry.fee + entry.tax),
    ("-amount - fee", lambda entry: -entry.amount - entry.fee),
    ("-amount - fee - tax", lambda entry: -entry.amount - entry.fee - entry.tax),
)
"""In the words of a row, which has only the fields that are not nothing."""
NEARLY: Final = Decimal("1e-20")


def explain(
    entry: Event | None, rows: tuple[Row, ...], name: str, value: Decimal, unit: str, *, share: Decimal | None = None
) -> Term:
    """A number of an entry with the formula that makes it of the row's fields, or as a share of what one makes. Where none does,
    it rests on the row alone.

    share   the part of the entry's units that the number is of
    """
    for formula, whole in _possible(entry):
        if whole == value:
            return Term(name, value, unit, "" if formula == name else formula, rows=rows)
    if share is not None and share != 1:
        for formula, whole in _possible(entry):
            if whole and abs(whole * share - value) <= abs(value) * NEARLY:
                terms = (Term("share", share, "fraction"), Term("whole", whole, unit, formula, rows=rows))
                return Term(name, value, unit, "share * whole", terms, rows=rows)
    return Term(name, value, unit, rows=rows)


def _possible(entry: Event | None) -> list[tuple[str, Decimal]]:
    if entry is None:
        return []
    return [
        (formula, make(entry))
        for formula, make in FORMULAS
        if all(getattr(entry, field) for field in FIELD.findall(formula))
    ]


def _price(entry: Event) -> Decimal:
    return (entry.quantity or Decimal(0)) * (entry.unit_price or Decimal(0))
