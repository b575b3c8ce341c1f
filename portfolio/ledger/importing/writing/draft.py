"""An entry before it is text."""

from dataclasses import dataclass, field
from datetime import date

from ..rows import Row


@dataclass(slots=True)
class Draft:
    """`note` is the narration of an entry that no row says anything of."""

    title: str
    legs: list[str] = field(default_factory=list)
    note: str = ""


def entry_date(row: Row) -> date:
    """When a row is booked: income when it is paid."""
    return row.pay_date or row.date
