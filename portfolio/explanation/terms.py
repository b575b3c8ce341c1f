"""A figure taken apart: the numbers that went into it, how, and the rows that each rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import prod
from typing import TypeAlias

from config.errors import TieoutError
from portfolio.performance.formulas import Formula

Number: TypeAlias = Decimal | float | int


@dataclass(frozen=True, slots=True)
class Close:
    """The close of a security in a pack, by its row; of one that was carried, in the pack that had it last."""

    pack_id: str
    security: int


@dataclass(frozen=True, slots=True)
class Fixing:
    """The rate from one currency to another in a pack, by the rows of its published legs."""

    pack_id: str
    frm: str
    to: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What was known of a series on a day: its newest figure, or that of an observation date."""

    series: str
    on: date
    of: date | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A transaction of the ledger."""

    entry_id: str


@dataclass(frozen=True, slots=True)
class Action:
    """A corporate action, by its row in the pack that knew it last."""

    symbol: str
    ex_date: date
    action: str


@dataclass(frozen=True, slots=True)
class Setting:
    """What staff or an owner chose, as it was when the answer was computed."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Input:
    """What was asked for, or the default of the capability that took it."""

    name: str
    value: Number | str


Row: TypeAlias = Close | Fixing | Observation | Entry | Action | Setting | Input


@dataclass(frozen=True, slots=True)
class Term:
    """One number. `formula` says how it is made of its terms, by their names; one without terms is as its rows have it.

    path   where the number itself is explained, where that is not here
    """

    name: str
    value: Number | None
    unit: str = ""
    formula: str = ""
    terms: tuple["Part", ...] = ()
    rows: tuple[Row, ...] = ()
    path: str = ""
    label: str = ""

    @property
    def known_value(self) -> Number:
        """The value, for a number that is made of it. Raises NoSuchFigure where it is missing: nothing can be made of it then."""
        if self.value is None:
            raise NoSuchFigure
        return self.value


@dataclass(frozen=True, slots=True)
class Items:
    """Numbers of one kind, which a formula takes together under one name."""

    name: str
    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """A number for each of some days. `path` leads on, with the day in place of {date}; empty where it ends here."""

    name: str
    dates: tuple[date, ...]
    values: tuple[float, ...]
    unit: str = ""
    path: str = ""


Part: TypeAlias = Term | Items | Series


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a figure is, how it is made, and of what.

    method   of an estimate, which no formula of its terms gives: how it is estimated; the terms are what it is estimated from
    """

    what: str
    term: Term
    method: str = ""


class NoSuchFigure(TieoutError):
    """An answer has no figure of this path, or one that nobody can explain yet."""


def figure(formula: Formula, name: str, value: Number | None, unit: str, *parts: Part) -> Explanation:
    """A figure of the registry of formulas, made of some parts; one that is not known has none."""
    return Explanation(formula.what, Term(name, value, unit, formula.expression, () if value is None else parts))


def total(name: str, parts: Sequence[Items], unit: str) -> Term:
    """The sum of all items, unrounded; without a value where one of them has none."""
    values = [item.value for part in parts for item in part.items]
    value = None if None in values else sum((each for each in values if each is not None), Decimal(0))
    formula = " + ".join(f"sum({part.name})" for part in parts)
    return Term(name, value, unit, formula, tuple(parts))


def product(name: str, terms: Sequence[Term], unit: str, label: str = "") -> Term:
    """The product of some terms, unrounded; without a value where one of them has none."""
    values = [term.value for term in terms]
    value = None if None in values else prod(each for each in values if each is not None)
    return Term(name, value, unit, " * ".join(term.name for term in terms), tuple(terms), label=label)
