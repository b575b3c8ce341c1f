"""Deposits that no entry states: what an account needs so that its cash is not below zero."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256
from itertools import groupby

from portfolio.ledger.reader import Custom, LedgerReading

from .choices import inferred_deposits
from .transaction import ZERO, CashLeg, LedgerTransaction


def with_inferred_deposits(
    reading: LedgerReading, transactions: Sequence[LedgerTransaction]
) -> tuple[LedgerTransaction, ...]:
    """The events and, before those of each day, the inferred deposits of that day.

    A deposit is inferred where an account's cash in a currency would be below zero at the end of the day, for the accounts
    that the ledger infers deposits for. No other currency is converted for it, and no withdrawal is ever inferred.
    raises  EntryRefused for settings that are not valid
    """
    rules = inferred_deposits(reading)
    if not rules.roots:
        return tuple(transactions)
    balances: dict[tuple[str, str], Decimal] = {}
    completed: list[LedgerTransaction] = []
    for day, events in groupby(transactions, key=lambda event: event.date):
        of_the_day = list(events)
        touched: dict[tuple[str, str], Custom] = {}
        for event in of_the_day:
            for account, currency, amount in event.cash:
                if directive := rules.directive_for(account):
                    touched[account, currency] = directive
                    balances[account, currency] = balances.get((account, currency), ZERO) + amount
        for (account, currency), directive in touched.items():
            lacking = -balances[account, currency]
            if lacking > 0:
                balances[account, currency] = ZERO
                completed.append(_inferred_deposit(day, account, currency, lacking, directive))
        completed += of_the_day
    return tuple(completed)


def _inferred_deposit(
    day: dt.date, account: str, currency: str, amount: Decimal, directive: Custom
) -> LedgerTransaction:
    name = sha256(f"inferred deposit|{day.isoformat()}|{account}|{currency}".encode()).hexdigest()[:24]
    return LedgerTransaction(
        entry_id=f"I{name}",
        date=day,
        kind="deposit",
        account=account,
        amount=amount,
        currency=currency,
        note="inferred: the cash would be below zero without it",
        file=directive.file,
        line=directive.line,
        cash=(CashLeg(account, currency, amount),),
        inferred=True,
    )
