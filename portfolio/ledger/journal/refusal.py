"""How an entry is refused."""

from typing import Final

from portfolio.ledger.screening import LedgerRefused

MAX_FINDINGS: Final = 100


class EntryRefused(LedgerRefused):
    """Entries that Beancount accepts and that we cannot read as events of a portfolio."""


class UnreadableEntry(Exception):
    """Why one entry is refused. It never leaves this package: `transactions` makes a finding of it."""
