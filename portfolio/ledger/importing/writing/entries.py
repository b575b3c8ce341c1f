"""The entries of one row."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from config.decimals import trimmed

from ..accounts import plain
from ..rows import Row, RowFinding
from ..shelf import UnrankedLots
from . import corporate_actions, deals, money, transfers
from .draft import Draft, entry_date
from .metadata import metadata_of
from .refusal import RowRefused
from .state import LedgerState

LegsMaker: TypeAlias = Callable[[LedgerState, Row], Iterator[list[str]]]


def write_entries(state: LedgerState, name: str, row: Row) -> list[str]:
    """The text of a row's entries; empty where none can be made, which is a finding then."""
    state.replay(entry_date(row))
    if row.text:
        return [_with_id(row.text, name)]
    state.moves = []
    state.dealt_in = set()
    try:
        drafts = [Draft(_title_of(row), legs) for legs in _LEGS[row.kind](state, row)]
    except RowRefused as why:
        state.findings.append(RowFinding(row.row, why.column, why.reason, why.suggestion, why.value))
        return []
    except UnrankedLots as why:
        state.findings.append(RowFinding(row.row, "lot", "is needed", str(why)))
        return []
    drafts = [*state.moves, *drafts]
    return [_as_text(state, numbered_id(name, number), row, each) for number, each in enumerate(drafts, 1)]


def _as_text(state: LedgerState, name: str, row: Row, entry: Draft) -> str:
    meta = [("id", f'"{name}"'), *(() if entry.note else metadata_of(state, row))]
    narration = entry.note or row.note or _default_narration(row)
    return "\n".join(
        [
            f'{entry_date(row).isoformat()} * "{entry.title}" "{plain(narration)[:200]}"',
            *(f"  {key}: {value}" for key, value in meta),
            *(f"  {leg}" for leg in entry.legs),
        ]
    )


def numbered_id(name: str, number: int) -> str:
    """The id of a further entry of one row."""
    return name if number == 1 else f"{name[:58]}-{number}"


def _title_of(row: Row) -> str:
    return "Transfer" if row.kind in ("departure", "arrival") else row.kind.replace("_", " ").capitalize()


def _default_narration(row: Row) -> str:
    quantity = "all" if row.whole else "" if row.quantity is None else trimmed(row.quantity)
    return " ".join(
        part for part in [_title_of(row), quantity, row.symbol, row.to_symbol and f"to {row.to_symbol}"] if part
    )


def _with_id(text: str, name: str) -> str:
    """The entry with its id, which it may have already."""
    if re.search(r"^[ \t]+id:", text, re.MULTILINE):
        return text
    first, _, rest = text.partition("\n")
    return f'{first}\n  id: "{name}"\n{rest}'


_LEGS: Final[Mapping[str, LegsMaker]] = {
    "buy": deals.buy,
    "sell": deals.sell,
    "cash_in_lieu": deals.sell,
    "deposit": money.deposit,
    "withdrawal": money.withdrawal,
    "transfer_in": transfers.transfer_in,
    "transfer_out": transfers.transfer_out,
    "transfer": transfers.transfer,
    "departure": transfers.departure,
    "arrival": transfers.arrival,
    "dividend": money.dividend,
    "reinvested_dividend": deals.reinvested_dividend,
    "interest": money.interest,
    "fee": money.fee,
    "tax": money.tax,
    "fx": money.fx,
    "split": corporate_actions.split,
    "spin_off": corporate_actions.spin_off,
    "merger": corporate_actions.symbol_change,
    "symbol_change": corporate_actions.symbol_change,
    "return_of_capital": corporate_actions.return_of_capital,
}
