"""A stored row that is not what it was made from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowDifference:
    """Where a row differs from what it was made from.

    row       what names it: an entry, a day, a pack
    column    the first column that differs; empty: the whole row is missing, or is one too many
    expected  as text; of a row that is one too many ""
    stored    as text; of a row that is missing ""
    """

    table: str
    row: str
    column: str = ""
    expected: str = ""
    stored: str = ""

    @property
    def place(self) -> str:
        """Where, without a value: for a log and for staff, who may not see a portfolio's figures."""
        return f"{self.table} {self.row}: {self.column or ('is missing' if self.expected else 'was put in')}"

    def __str__(self) -> str:
        if not self.column:
            return f"{self.place} ({self.expected or self.stored})"
        return f"{self.table} {self.row}: {self.column} is {self.stored or 'empty'}, not {self.expected or 'empty'}"
