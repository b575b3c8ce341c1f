"""What the accounts and commodities of a ledger are."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from portfolio.ledger.reader import LedgerReading
from pricing.fx import CURRENCIES

from .refusal import UnreadableEntry

# First letters of an account's component below its root, lower case: what money there is for.
_EXPENSES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("interest", ("interest",)),
    ("tax", ("tax", "withholding")),
    ("rounding", ("rounding",)),
    ("custody", ("custody", "safekeeping")),
    ("management", ("management", "advisory")),
    ("other", ("fee", "commission", "brokerage", "charge", "bank", "stampduty", "stamp-duty", "exchange")),
)
_INCOME: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("dividend", ("dividend",)),
    ("interest", ("interest",)),
    ("realised", ("realis", "realiz", "gain", "capitalgain", "capital-gain", "pnl")),
)
_EQUITY: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (("external", ("external",)),)
_ROOTS: Final = {"Expenses": _EXPENSES, "Income": _INCOME, "Equity": _EQUITY}
_CURRENCY = re.compile(r"[A-Z]{3}")


class Chart:
    """Looks things up in the whole of one ledger."""

    def __init__(self, reading: LedgerReading) -> None:
        self._reading = reading
        self.base = reading.operating_currencies[0] if reading.operating_currencies else None
        self._purposes: dict[str, str] = {}

    @cached_property
    def securities(self) -> frozenset[str]:
        """Commodities that were ever held at cost."""
        return frozenset(p.commodity for entry in self._reading.entries for p in entry.postings if p.cost is not None)

    @cached_property
    def currencies(self) -> frozenset[str]:
        """Codes of three capitals that were never held at cost and are of ISO 4217 or used here to buy, price or report in."""
        codes = set(CURRENCIES) | set(self._reading.operating_currencies)
        codes |= {price.currency for price in self._reading.prices}
        for entry in self._reading.entries:
            for posting in entry.postings:
                if posting.cost is not None:
                    codes.add(posting.cost.currency)
                if posting.price is not None:
                    codes.add(posting.price.currency)
        return frozenset(code for code in codes if _CURRENCY.fullmatch(code)) - self.securities

    def is_money(self, commodity: str) -> bool:
        return commodity in self.currencies

    def purpose(self, account: str) -> str:
        """`asset`, or what an income, expense or equity account is for (`dividend`, `tax`, `external`...).

        Raises UnreadableEntry for an account whose name says nothing of it.
        """
        if account not in self._purposes:
            self._purposes[account] = _find_purpose(account)
        return self._purposes[account]

    def commodity_of(self, account: str) -> str | None:
        """The security that an account's last component names (`ALV-DE` for ALV.DE), if it names one."""
        symbols = self._by_leaf.get(account.rpartition(":")[2], ())
        return symbols[0] if len(symbols) == 1 else None

    @cached_property
    def _by_leaf(self) -> Mapping[str, list[str]]:
        symbols: dict[str, list[str]] = {}
        for symbol in self.securities:
            for leaf in {symbol, re.sub(r"[^A-Za-z0-9]", "-", symbol)}:
                symbols.setdefault(leaf, []).append(symbol)
        return symbols


def _find_purpose(account: str) -> str:
    root, *components = account.split(":")
    if root in ("Assets", "Liabilities"):
        return "asset"
    for component in components:
        for purpose, beginnings in _ROOTS[root]:
            if component.lower().startswith(beginnings):
                return purpose
    raise UnreadableEntry(f"account {account} has no known purpose")


def currencies(reading: LedgerReading) -> frozenset[str]:
    """The commodities that a ledger holds as money."""
    return Chart(reading).currencies
