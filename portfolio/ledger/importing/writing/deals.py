"""Purchases, sales, and dividends in shares."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from config.decimals import trimmed

from ..accounts import plain
from ..rows import Row
from .amounts import gross_of, unit_amount
from .legs import charge_legs, describe_label, describe_lot, lot_leg, money_leg
from .lots import put_lot
from .sources import source_of
from .state import LedgerState


def buy(state: LedgerState, row: Row) -> Iterator[list[str]]:
    gross = gross_of(row)
    assert row.quantity is not None
    cost, account = unit_amount(row, gross, row.quantity), state.shares(row)
    put_lot(state, row, account, row.quantity, cost, row.date)
    yield [
        lot_leg(account, row.quantity, row.symbol, f"{trimmed(cost)} {row.currency}{describe_label(row)}"),
        money_leg(state.cash(row), -(gross + row.fee + row.tax), row.currency),
        *charge_legs(state, row),
    ]


def sell(state: LedgerState, row: Row) -> Iterator[list[str]]:
    account, quantity = source_of(state, row)
    gross = gross_of(replace(row, quantity=quantity) if row.whole else row)
    yield [
        *legs_of_taken(state, row, account, quantity, price=unit_amount(row, gross, quantity)),
        money_leg(state.cash(row), gross - row.fee - row.tax, row.currency),
        *charge_legs(state, row),
        state.open("Income:Realised"),
    ]


def reinvested_dividend(state: LedgerState, row: Row) -> Iterator[list[str]]:
    gross = gross_of(row)
    assert row.quantity is not None
    cost, account = unit_amount(row, gross, row.quantity), state.shares(row)
    put_lot(state, row, account, row.quantity, cost, row.date)
    yield [
        lot_leg(account, row.quantity, row.symbol, f"{trimmed(cost)} {row.currency}{describe_label(row)}"),
        *charge_legs(state, row),
        money_leg(state.open("Income:Dividends"), -(gross + row.fee + row.tax), row.currency),
    ]


def legs_of_taken(
    state: LedgerState, row: Row, account: str, quantity: Decimal, *, price: Decimal | None = None
) -> list[str]:
    """The legs of what goes, in the one form that Beancount books.

    Lots are taken by `{}` where all cost the currency of the entry, by `{EUR}` where all cost another one, and by name where
    they cost several.
    """
    currencies = {lot.currency for lot in state.shelf.lots(account, row.symbol)}
    parts = state.shelf.take(account, row.symbol, quantity, label=row.lot or None)
    at = "" if price is None else f" @ {trimmed(price)} {row.currency}"
    if len(currencies) > 1:
        if {part.currency for part in parts} != {row.currency}:
            at = ""
        return [lot_leg(account, -part.units, row.symbol, describe_lot(part), at) for part in parts]
    label = f'"{plain(row.lot)}"' if row.lot else ""
    if price is None or currencies == {row.currency}:
        return [lot_leg(account, -quantity, row.symbol, label, at)]
    (currency,) = currencies
    return [lot_leg(account, -quantity, row.symbol, ", ".join(filter(None, (currency, label))))]
