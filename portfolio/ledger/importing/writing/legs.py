"""Postings as text."""

from decimal import Decimal

from config.decimals import trimmed
from portfolio.ledger import names

from ..accounts import plain
from ..rows import Row
from ..shelf import ShelfLot
from .state import LedgerState


def money_leg(account: str, amount: Decimal, currency: str, rest: str = "") -> str:
    return f"{account}  {trimmed(amount)} {currency}{rest}"


def lot_leg(account: str, units: Decimal, symbol: str, cost: str, rest: str = "") -> str:
    return f"{account}  {trimmed(units)} {names.commodity(symbol)} {{{cost}}}{rest}"


def charge_legs(state: LedgerState, row: Row) -> list[str]:
    tax = "Expenses:Withholding" if row.kind in ("dividend", "reinvested_dividend", "interest") else "Expenses:Taxes"
    legs = [("Expenses:Commission", row.fee), (tax, row.tax)]
    return [money_leg(state.open(account), amount, row.currency) for account, amount in legs if amount]


def describe_lot(lot: ShelfLot) -> str:
    label = f', "{lot.label}"' if lot.label else ""
    return f"{trimmed(lot.unit_cost)} {lot.currency}, {lot.acquired.isoformat()}{label}"


def describe_label(row: Row) -> str:
    return f', "{plain(row.lot)}"' if row.lot else ""
