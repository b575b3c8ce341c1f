"""What an import would do, and why it may be refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from config.errors import TieoutError
from portfolio.books.book import Book
from portfolio.books.cash_shortfalls import Shortfall
from portfolio.ledger.importing.rows import MAX_BYTES, Row, RowFinding

BREAK: Final = "the books would differ"
"""Beginning of the warning of a break."""


class ImportRefused(TieoutError):
    """Nothing of the file is taken; `findings` say why, by row and column."""

    def __init__(self, findings: tuple[RowFinding, ...]) -> None:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"{findings[0]}{more}")
        self.findings = findings


class ImportTooLarge(TieoutError):
    """Refused before it is read."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes; an import takes at most {MAX_BYTES}: cut it by years")
        self.size = size


@dataclass(frozen=True, slots=True)
class Choices:
    """What a file alone does not say, and who imports it may choose.

    infer_deposits     where cash would be below zero, a deposit is inferred that no row names
    margin             accounts, by the names of the file or of the ledger, whose cash may be below zero
    confirm_transfers  securities that leave one account and come to another within ten days are one move
    leave_out          rows of the file, by their numbers, that are not taken
    """

    infer_deposits: bool = False
    margin: tuple[str, ...] = ()
    confirm_transfers: bool = False
    leave_out: frozenset[int] = frozenset()


NO_CHOICES: Final = Choices()


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do. `known` rows are in the ledger already; with findings nothing would be taken.

    ignored     columns and parts of the file that are not read
    notes       where what is taken differs from the row, or from what the file says itself
    lacks       prices and rates that are missing for what the file brings, by name and day
    breaks      where the books would differ: the revision would be broken
    shortfalls  cash that would be below zero, by account and currency
    unconfirmed rows that may be one move between own accounts (out, in); each is taken as a flow unless that is confirmed
    accounts    names in the file -> the accounts that they stand for, where these are written otherwise
    labels      account -> the name that its owner gave it
    book        the portfolio's book with the file in it; None where the file has findings, or nothing new
    """

    name: str
    format: str
    sha256: str
    added: tuple[Row, ...]
    known: tuple[Row, ...]
    findings: tuple[RowFinding, ...]
    ignored: tuple[str, ...]
    notes: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    shortfalls: tuple[Shortfall, ...] = ()
    unconfirmed: tuple[tuple[Row, Row], ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    book: Book | None = field(default=None, compare=False, repr=False)

    @property
    def is_good(self) -> bool:
        return not self.findings

    @property
    def warnings(self) -> tuple[str, ...]:
        """Everything that the owner of a file that can be taken should read, in words."""
        return (
            *(f"{BREAK}: {each}" for each in self.breaks),
            *(self.describe(each) for each in self.shortfalls),
            *self.lacks,
            *map(_describe_pair, self.unconfirmed),
            *self.notes,
            *(f"account {name!r} is {account} in the ledger" for name, account in self.accounts.items()),
        )

    def describe(self, shortfall: Shortfall) -> str:
        lowest = f"at its lowest {money(shortfall.lowest)}, on {shortfall.lowest_on}"
        after = f"cash would be {money(shortfall.balance)} {shortfall.currency}"
        same = shortfall.lowest == shortfall.balance
        return f"{self.labels.get(shortfall.account, shortfall.account)}: {after}" + ("" if same else f" ({lowest})")


def _describe_pair(pair: tuple[Row, Row]) -> str:
    out, into = pair
    return (
        f"{plain_number(out.quantity)} {out.symbol} leave on {out.date} (row {out.row}) and as many come on {into.date}"
        f" (row {into.row}): taken as going out and coming in from outside, unless it is confirmed that they are one move"
        " between own accounts"
    )


def money(amount: Decimal) -> str:
    return f"{amount:,.2f}".replace("-", "\N{MINUS SIGN}")


def plain_number(number: Decimal | None) -> str:
    return "" if number is None else f"{number:f}"
