"""Securities and money from elsewhere, to elsewhere, and between own accounts."""

from collections.abc import Iterator
from dataclasses import replace

from config.decimals import trimmed

from ..accounts import TRANSIT
from ..rows import Row
from .amounts import gross_of, unit_amount
from .deals import legs_of_taken
from .legs import describe_label, lot_leg, money_leg
from .lots import move_lots, put_lot
from .refusal import MISSING_ROW, RowRefused
from .sources import source_of
from .state import LedgerState


def transfer_in(state: LedgerState, row: Row) -> Iterator[list[str]]:
    assert row.quantity is not None
    cost = row.cost if row.cost is not None else gross_of(row)
    each, acquired = unit_amount(row, cost, row.quantity), row.acquired or row.date
    account = state.shares(row)
    put_lot(state, row, account, row.quantity, each, acquired)
    lot = f"{trimmed(each)} {row.currency}, {acquired.isoformat()}{describe_label(row)}"
    yield [lot_leg(account, row.quantity, row.symbol, lot), state.open("Equity:External")]


def transfer_out(state: LedgerState, row: Row) -> Iterator[list[str]]:
    account, quantity = source_of(state, row)
    yield [*legs_of_taken(state, row, account, quantity), state.open("Equity:External")]


def transfer(state: LedgerState, row: Row) -> Iterator[list[str]]:
    other = replace(row, account=row.to_account)
    if row.symbol:
        account, quantity = source_of(state, row)
        parts = state.shelf.take(account, row.symbol, quantity, label=row.lot or None)
        yield move_lots(state, row, account, state.shares(other), parts)
        return
    amount = gross_of(row)
    yield [money_leg(state.cash(row), -amount, row.currency), money_leg(state.cash(other), amount, row.currency)]


def departure(state: LedgerState, row: Row) -> Iterator[list[str]]:
    account, quantity = source_of(state, row)
    parts = state.shelf.take(account, row.symbol, quantity, label=row.lot or None)
    yield move_lots(state, row, account, _transit_account(state, row), parts)


def arrival(state: LedgerState, row: Row) -> Iterator[list[str]]:
    """What is on its way comes in, at most as much as left: it may have been split meanwhile."""
    transit = _transit_account(state, row)
    in_transit = state.shelf.units_of(transit, row.symbol)
    assert row.quantity is not None
    parts = state.shelf.take(transit, row.symbol, min(in_transit, row.quantity))
    if not parts:
        raise RowRefused("symbol", "has not left the other account", MISSING_ROW, row.symbol)
    yield move_lots(state, row, transit, state.shares(replace(row, account=row.to_account)), parts)


def _transit_account(state: LedgerState, row: Row) -> str:
    return state.accounts.shares(TRANSIT, row.symbol, row.currency, state.shelf, state.method)
