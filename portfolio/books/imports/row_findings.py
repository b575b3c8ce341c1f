"""Findings against the rows of an import: those of its ledger in the words of its file, and those of all layers together."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from portfolio.books.imports.previews import Preview, plain_number
from portfolio.ledger.importing import as_written
from portfolio.ledger.importing.rows import MAX_FINDINGS, Row, RowFinding

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


def in_order(findings: Iterable[RowFinding]) -> tuple[RowFinding, ...]:
    """Each once, by row, those of the file as a whole first; at most MAX_FINDINGS."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda each: each.row)[:MAX_FINDINGS])


def with_more(preview: Preview, findings: Iterable[RowFinding]) -> Preview:
    return replace(preview, findings=in_order([*preview.findings, *findings]))


def rows_apart(new: Sequence[tuple[str, Row]], findings: Sequence[RowFinding], content: bytes) -> list[tuple[str, Row]]:
    """The new rows that a ledger can judge although others are refused: those that have nothing to do with them.

    A row of a security that a refused row is of, too, is none: what is held of it is not known. Where the file as a whole is at
    fault there is none at all, and entries of Beancount, whose securities are not known here, need one another.
    """
    faulty_rows = {each.row for each in findings}
    if 0 in faulty_rows or any(row.text for _, row in new):
        return []
    words = " ".join(as_written.texts_of_rows(content, faulty_rows).values())
    doubtful = {row.symbol for _, row in new if row.row in faulty_rows or (row.symbol and row.symbol in words)}
    while True:
        further = {row.to_symbol for _, row in new if row.symbol in doubtful and row.to_symbol} - doubtful
        if not further:
            break
        doubtful |= further
    doubtful -= {""}
    return [
        (name, row)
        for name, row in new
        if row.row not in faulty_rows and row.symbol not in doubtful and row.to_symbol not in doubtful
    ]
