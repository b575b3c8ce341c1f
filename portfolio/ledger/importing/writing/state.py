"""The ledger as it stands when the entries of a row are written."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from config.decimals import trimmed
from portfolio.ledger.reader import Entry

from ..accounts import Accounts
from ..rows import Row, RowFinding
from ..shelf import Fixing, Shelf
from .draft import Draft, entry_date
from .kinds import TAKING
from .refusal import MISSING_ROW, RowRefused


class LedgerState:
    """What is open and held on the day of a row, and what writing the rows so far has found.

    before   the ledger's entries, booked; they are replayed as far as the day of each row
    trading  symbol -> the currency that the security trades in
    """

    def __init__(
        self,
        base_currency: str,
        method: str,
        before: Iterable[Entry],
        accounts: Accounts,
        trading: Mapping[str, str],
        fixing: Fixing,
    ) -> None:
        self.base, self.method, self.accounts = base_currency, method, accounts
        self.trading, self.fixing = trading, fixing
        self.shelf = Shelf(method, methods=accounts.methods, fixing=fixing, trading=trading)
        self.before = sorted(before, key=lambda entry: entry.date)
        self.replayed = 0
        self.findings: list[RowFinding] = []
        self.notes: list[str] = []
        self.moves: list[Draft] = []  # entries that have to stand before the row's own
        self.dealt_in: set[str] = set()  # the currencies of the lots that capital is returned of

    def replay(self, until: date) -> None:
        """Put the lots of the ledger's entries up to a day, that day too, on the shelf."""
        while self.replayed < len(self.before) and self.before[self.replayed].date <= until:
            self.shelf.replay(self.before[self.replayed])
            self.replayed += 1

    def root(self, row: Row) -> str:
        return self.accounts.root(row.account)

    def cash(self, row: Row, currency: str = "") -> str:
        return self.accounts.cash(self.root(row), currency or row.currency)

    def shares(self, row: Row, symbol: str = "") -> str:
        """The account for a security that comes in."""
        return self.accounts.shares(self.root(row), symbol or row.symbol, row.currency, self.shelf, self.method)

    def open(self, account: str) -> str:
        return self.accounts.open(account)

    def accounts_holding(self, row: Row) -> list[str]:
        """The accounts of a row that hold its security, those of its currency first. Raises RowRefused without one."""
        root = self.root(row)
        accounts = [
            place
            for place in self.accounts.places(root, row.symbol, self.shelf)
            if self.shelf.units_of(place, row.symbol)
        ]
        if not accounts:
            elsewhere = [place for place in self.shelf.accounts(row.symbol) if self.shelf.units_of(place, row.symbol)]
            where = f"{', '.join(sorted(self.broker_name(place) for place in elsewhere))} holds it" if elsewhere else ""
            column = "quantity" if row.kind in TAKING and not row.whole else "symbol"
            reason = "is more than is held on that day" if column == "quantity" else "is not held on that day"
            value = row.symbol if row.quantity is None else trimmed(row.quantity)
            suggestion = where or MISSING_ROW
            raise RowRefused(column, reason, suggestion, value if column == "quantity" else row.symbol)
        return sorted(accounts, key=lambda place: not place.startswith(f"{root}:{row.currency}:"))

    def broker_name(self, account: str) -> str:
        """The broker account of an account of shares, as people call it."""
        roots = [account.rsplit(":", count)[0] for count in (1, 2) if account.count(":") > count]
        return self.accounts.name_of(next((root for root in roots if root in self.accounts.known_names), roots[0]))

    def fixings(self, row: Row, currencies: Iterable[str]) -> Iterator[tuple[str, Decimal]]:
        """(currency, its rate in the currency that the security trades in), without those whose rate of the day is unknown."""
        trading = self.trading.get(row.symbol, row.currency)
        for currency in currencies:
            fixing = Decimal(1) if currency == trading else self.fixing(entry_date(row), currency, trading)
            if fixing:
                yield currency, fixing
