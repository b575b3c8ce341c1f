"""How a row is refused."""

from typing import Final

MISSING_ROW: Final = "a purchase, split or transfer may be missing, or the rows of that day are in another order"


class RowRefused(Exception):
    """A row of which no entry can be made; it leaves this module as a finding."""

    def __init__(self, column: str, reason: str, suggestion: str = "", value: str = "") -> None:
        super().__init__(reason)
        self.column, self.reason, self.suggestion, self.value = column, reason, suggestion, value
