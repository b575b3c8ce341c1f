"""Findings of the ledger against an import's text, as findings against the rows that it was made of."""

import re

from portfolio.books.imports.previews import plain_number
from portfolio.ledger.importing.rows import Row, RowFinding

_TAKES_LOTS = frozenset({"sell", "cash_in_lieu", "transfer_out", "transfer"})
_NOT_HELD = re.compile(r"Not enough lots|No position matches|.* of which [0-9.]+ is held")


_UNFILLED, _AMBIGUOUS = "Too many missing numbers", "Ambiguous matches"
"""How Beancount and the books say it; a lot that nothing is left of has no cost that Beancount could fill in."""
_MISSING_ROW = "a purchase, split or transfer may be missing, or the rows of that day are in another order"


def of_entry(row: Row, reason: str) -> RowFinding:
    """The ledger's reason against the entry of a row, as a finding in the words of its file where it is about lots."""
    not_held = _NOT_HELD.match(reason)
    if row.text and not_held:
        return RowFinding(row.row, "", "takes lots that are not held on that day", _MISSING_ROW)
    if row.kind in _TAKES_LOTS and (not_held or reason.startswith(_UNFILLED)):
        return RowFinding(
            row.row, "quantity", "is more than is held on that day", _MISSING_ROW, plain_number(row.quantity)
        )
    if row.kind in _TAKES_LOTS and reason.startswith(_AMBIGUOUS):
        return RowFinding(row.row, "lot", "is needed: several could be meant", "the name that the lot was bought with")
    return RowFinding(row.row, "", reason)
