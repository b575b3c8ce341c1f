"""Rows as the text of a ledger, in the conventions of docs/transactions.md.

Amounts are written as they follow from the row: what a row says was paid is the cost. Securities are sold as `{}` or by the
name of their lot: Beancount picks the lots, by the account's method. Where lots cost another currency than the sale is in, it
is `{EUR}`, the currency of their cost; where they cost several, each is named as the method takes them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, localcontext

from portfolio.ledger.reader import Entry

from ..accounts import Accounts, plain
from ..rows import Row, RowFinding
from ..shelf import Fixing, no_fixing
from .draft import entry_date
from .entries import numbered_id, write_entries
from .state import LedgerState

_PRECISE = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Written:
    """text: a file of the ledger; rows: (its first line, the row) of each entry, in rising order.

    findings  rows of which no entry can be made: what they take is not held on their day
    notes     where an entry differs from its row, in words
    """

    text: str
    rows: tuple[tuple[int, Row], ...]
    findings: tuple[RowFinding, ...] = ()
    notes: tuple[str, ...] = ()

    def row_at(self, line: int) -> Row | None:
        """The row whose entry holds a line."""
        latest = None
        for first, row in self.rows:
            if first > line:
                break
            latest = row
        return latest


def start_ledger(*, title: str, base_currency: str, method: str) -> str:
    """The text of the main file of a new ledger."""
    return (
        f'option "title" "{plain(title)}"\n'
        f'option "operating_currency" "{base_currency}"\n'
        f'option "booking_method" "{beancount_method(method)}"\n'
        'option "inferred_tolerance_default" "*:0.005"\n'
    )


def beancount_method(method: str) -> str:
    """The booking method of Beancount that stands for one of ours.

    Beancount books no average: such a portfolio's ledger takes lots first in, first out, and its rows pool them. Where lots
    are named, Beancount must not choose any.
    """
    return {"AVERAGE": "FIFO", "NAMED": "STRICT"}.get(method, method)


def write(
    rows: Sequence[tuple[str, Row]],
    *,
    heading: Iterable[str],
    base_currency: str,
    method: str,
    accounts: Accounts | None = None,
    opens: Mapping[str, str] | None = None,
    directives: Sequence[str] = (),
    before: Iterable[Entry] = (),
    trading: Mapping[str, str] | None = None,
    fixing: Fixing = no_fixing,
) -> Written:
    """A file of the ledger, its entries in order of date, of (entry id, row) in the order of the imported file.

    heading     lines of comment
    accounts    of the ledger; what else is needed is opened, by the directives of `opens` where it has one
    directives  further lines of the file, before its entries
    before      the ledger's entries, booked
    trading     symbol -> the currency that the security trades in
    """
    accounts = accounts or Accounts()
    opened_before = dict(accounts.commodities_of)
    with localcontext(_PRECISE):
        state = LedgerState(base_currency, beancount_method(method), before, accounts, trading or {}, fixing)
        parts = [part for name, row in rows for part in _stages(name, row)]
        parts_by_day = sorted(parts, key=lambda each: entry_date(each[1]))
        entries = [(row, text) for name, row in parts_by_day for text in write_entries(state, name, row)]
    lines = [
        *(f"; {plain(each)}" for each in heading),
        "",
        *accounts.directives(opens or {}, opened_before),
        *directives,
        "",
    ]
    line, placed = sum(each.count("\n") + 1 for each in lines) + 1, []
    for row, text in entries:
        placed.append((line, row))
        lines += [text, ""]
        line += text.count("\n") + 2
    return Written("\n".join(lines), tuple(placed), tuple(state.findings), tuple(state.notes))


def _stages(name: str, row: Row) -> Iterator[tuple[str, Row]]:
    """A transfer that takes some days as a departure and an arrival; any other row as it is."""
    if row.kind != "transfer" or row.to_date is None or row.to_date == row.date:
        yield name, row
        return
    yield name, replace(row, kind="departure")
    yield row.to_id or numbered_id(name, 2), replace(row, kind="arrival", date=row.to_date, settle_date=None)
