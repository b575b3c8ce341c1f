"""Rows that move money alone."""

from collections.abc import Iterator
from decimal import Decimal

from config.decimals import trimmed

from ..rows import Row
from .amounts import gross_of, paid_of
from .legs import charge_legs, money_leg
from .state import LedgerState


def deposit(state: LedgerState, row: Row) -> Iterator[list[str]]:
    return _flow(state, row, gross_of(row))


def withdrawal(state: LedgerState, row: Row) -> Iterator[list[str]]:
    return _flow(state, row, -gross_of(row))


def _flow(state: LedgerState, row: Row, amount: Decimal) -> Iterator[list[str]]:
    external = state.open("Equity:External")
    yield [money_leg(state.cash(row), amount, row.currency), money_leg(external, -amount, row.currency)]


def dividend(state: LedgerState, row: Row) -> Iterator[list[str]]:
    return _income(state, row, "Income:Dividends")


def interest(state: LedgerState, row: Row) -> Iterator[list[str]]:
    return _income(state, row, "Income:Interest")


def _income(state: LedgerState, row: Row, account: str) -> Iterator[list[str]]:
    gross = gross_of(row)
    yield [
        money_leg(state.cash(row), gross - row.fee - row.tax, row.currency),
        *charge_legs(state, row),
        money_leg(state.open(account), -gross, row.currency),
    ]


def fee(state: LedgerState, row: Row) -> Iterator[list[str]]:
    account = {"custody": "Expenses:Custody", "management": "Expenses:Management"}.get(row.fee_kind, "Expenses:Fees")
    return _charge(state, row, account, row.gross or row.fee)


def tax(state: LedgerState, row: Row) -> Iterator[list[str]]:
    return _charge(state, row, "Expenses:Taxes", row.gross or row.tax)


def _charge(state: LedgerState, row: Row, account: str, amount: Decimal) -> Iterator[list[str]]:
    yield [money_leg(state.cash(row), -amount, row.currency), money_leg(state.open(account), amount, row.currency)]


def fx(state: LedgerState, row: Row) -> Iterator[list[str]]:
    assert row.quantity is not None
    paid = paid_of(row)
    legs = [
        money_leg(state.cash(row), row.quantity, row.currency, f" @@ {trimmed(paid)} {row.symbol}"),
        money_leg(state.cash(row, row.symbol), -paid, row.symbol),
    ]
    yield legs + ([money_leg(state.cash(row), -row.fee, row.currency)] if row.fee else []) + charge_legs(state, row)
