"""Balances that the ledger states and that an import would contradict, in the words of who stated them, with a way out."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from config.counts import number_of
from config.decimals import trimmed
from portfolio.books.imports.previews import money
from portfolio.ledger import names
from portfolio.ledger.importing.accounts import Accounts
from portfolio.ledger.importing.rows import Row, RowFinding
from portfolio.ledger.screening import Finding
from pricing.fx import CURRENCIES

MOST_ROWS: Final = 5
"""So many rows are named one by one; of more the file as a whole is told."""
_FAILED: Final = re.compile(
    r"Balance failed for '([^']+)': expected (\S+) (\S+) != accumulated (\S+) \S+ \((\S+) (too little|too much)\)"
)
_DAY: Final = re.compile(r"[ \t]*([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
IN_LEDGER: Final = (
    "leave it out if the ledger has it already, or correct its date or amount;"
    " where the statement is wrong, correct that first"
)
ELSEWHERE: Final = (
    "no row of this file does that by itself: correct the statement in the ledger, or what is booked before it"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A `balance` of the ledger that does not hold. Units of `commodity` at the start of `day`."""

    where: str
    account: str
    commodity: str
    day: date
    expected: Decimal
    accumulated: Decimal
    difference: str
    direction: str
    """too little or too much."""

    def describe(self, accounts: Accounts) -> str:
        amount = money if self.commodity in CURRENCIES else trimmed
        return (
            f"the ledger states that {accounts.name_of(self.root)} holds {amount(self.expected)} {self.commodity} at the start of"
            f" {self.day}; with this file it would hold {amount(self.accumulated)} {self.commodity},"
            f" {amount(Decimal(self.difference))} {self.direction}"
        )

    @property
    def root(self) -> str:
        """The account that an owner knows."""
        return root_of(self.account)

    def find_rows(self, rows: Collection[Row], accounts: Accounts) -> list[Row]:
        """Rows before its day that move the commodity in the account."""
        return [
            row
            for row in rows
            if row.date < self.day and (self._is_moved_by_text(row) if row.text else self._is_moved_by(row, accounts))
        ]

    def _is_moved_by(self, row: Row, accounts: Accounts) -> bool:
        roots = {accounts.root(row.account), *({accounts.root(row.to_account)} if row.to_account else ())}
        return self.root in roots and self.commodity in (row.currency, row.symbol, row.to_symbol)

    def _is_moved_by_text(self, row: Row) -> bool:
        return re.search(rf"(?m)^[ \t]+{re.escape(self.account)}(?=[ \t]|$)", row.text) is not None


def root_of(account: str) -> str:
    """An account without its last parts, which say that it holds cash, a currency or a security."""
    above = account.rpartition(":")[0]
    kind = above.rpartition(":")[2]
    return above.rpartition(":")[0] if kind == "Cash" or kind in CURRENCIES else above


def read(finding: Finding, files: Mapping[str, bytes]) -> Statement | None:
    """What the ledger states, where that is what a finding speaks of."""
    match = _FAILED.match(finding.reason)
    lines = files.get(finding.file, b"").decode("utf-8", "replace").split("\n")
    if match is None or not 0 < finding.line <= len(lines):
        return None
    day = _DAY.match(lines[finding.line - 1])
    if day is None:
        return None
    account, expected, commodity, accumulated, difference, direction = match.groups()
    return Statement(
        f"{finding.file}:{finding.line}",
        account,
        names.symbol(commodity),
        date(int(day[1]), int(day[2]), int(day[3])),
        Decimal(expected),
        Decimal(accumulated),
        difference,
        direction,
    )


def find_contradictions(
    statements: Sequence[Statement], rows: Sequence[Row], accounts: Accounts
) -> Iterator[RowFinding]:
    """Each statement against the rows that move what it states; against the file, where there is none or there are many.

    A later statement of the same account fails for the same rows, and is told for further ones alone.
    """
    reported_rows: dict[tuple[str, str], set[int]] = {}
    for statement in sorted(statements, key=lambda each: each.day):
        movers = statement.find_rows(rows, accounts)
        key = statement.account, statement.commodity
        further = [row for row in movers if row.row not in reported_rows.get(key, set())]
        if further or key not in reported_rows:
            yield from _contradict(statement, further, accounts)
        reported_rows.setdefault(key, set()).update(row.row for row in movers)


def _contradict(statement: Statement, movers: Sequence[Row], accounts: Accounts) -> Iterator[RowFinding]:
    reason = statement.describe(accounts)
    if not movers:
        yield RowFinding(0, statement.where, reason, ELSEWHERE)
    elif len(movers) > MOST_ROWS:
        first, last = movers[0].row, movers[-1].row
        yield RowFinding(
            0,
            statement.where,
            reason,
            f"{number_of(len(movers), 'row')} that move it, from {first} to {last}: {IN_LEDGER}",
        )
    else:
        for row in movers:
            yield RowFinding(row.row, statement.where, reason, f"this row moves it: {IN_LEDGER}")
