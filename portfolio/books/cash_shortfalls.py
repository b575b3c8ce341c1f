"""Cash of a ledger's accounts by day, and where it would be below zero."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from portfolio.ledger.journal import LedgerTransaction

ZERO: Final = Decimal(0)


HALF_A_CENT: Final = Decimal("0.005")


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Cash of an account that would be below zero at the end of some day: at its lowest, and after the last entry."""

    account: str
    currency: str
    balance: Decimal
    lowest: Decimal
    lowest_on: date


def cash_by_day(transactions: Iterable[LedgerTransaction]) -> dict[tuple[str, str], dict[date, Decimal]]:
    """(account, currency) -> day -> balance at its end, of the days on which it changed, rising."""
    by_day: dict[tuple[str, str], dict[date, Decimal]] = {}
    balances: dict[tuple[str, str], Decimal] = {}
    for event in transactions:
        for leg in event.cash:
            key = (leg.account, leg.currency)
            balances[key] = balances.get(key, ZERO) + leg.amount
            by_day.setdefault(key, {})[event.date] = balances[key]
    return by_day


def find_shortfalls(
    transactions: Iterable[LedgerTransaction], *, margin: Collection[str] = ()
) -> tuple[Shortfall, ...]:
    """Accounts whose cash falls below zero on some day, each with its lowest balance and its last.

    margin  accounts that may owe: they and those below them are passed over
    """
    shortfalls = []
    for (account, currency), days in sorted(cash_by_day(transactions).items()):
        root = account.removesuffix(f":Cash:{currency}")
        lowest = min(days.values())
        if lowest <= -HALF_A_CENT and not any(f"{account}:".startswith(f"{each}:") for each in margin):
            on = next(day for day, amount in days.items() if amount == lowest)
            shortfalls.append(Shortfall(root, currency, list(days.values())[-1], lowest, on))
    return tuple(shortfalls)
