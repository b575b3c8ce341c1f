"""The rules of quality over the corporate actions of an archive, with what staff have decided. Pure; no Django."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from pricing.archive.contents import ActionRow, ArchiveReading
from pricing.quality.action_rules import ClosesOfOne, find_doubtful_actions
from pricing.quality.move_rules import Events
from pricing.quality.suspects import Decisions, Kind, Quotes, Rule, Suspect


@dataclass(frozen=True, slots=True)
class JudgedActions:
    """The actions that may enter a pack, those that are doubted and undecided, the (symbol, action, ex-date) of those that staff
    accepted, and all suspects."""

    usable: list[ActionRow]
    doubtful: list[ActionRow]
    accepted: frozenset[tuple[str, str, date]]
    suspects: tuple[Suspect, ...]


def judge_actions(
    reading: ArchiveReading, closes: Quotes, basis_of: Mapping[str, str], decisions: Decisions
) -> JudgedActions:
    """All actions of the archive. `basis_of` is the price basis of each symbol."""
    doubts: dict[ActionRow, list[Suspect]] = {}
    by_symbol: dict[str, list[ActionRow]] = {}
    for row in reading.actions:
        by_symbol.setdefault(row.symbol, []).append(row)
    for symbol, rows in by_symbol.items():
        rows.sort(key=lambda row: (row.ex_date, row.action))
        remaining = [row for row in rows if _identity(row) not in decisions.rejected]
        fine = [row for row in remaining if _identity(row) in decisions.accepted_rows]
        of_symbol = _closes_of(symbol, closes, basis_of[symbol])
        for row, rule, reason in find_doubtful_actions(remaining, of_symbol, accepted=fine):
            doubts.setdefault(row, []).append(_suspect(row, rule, reason))
    for row in reading.quarantined:
        doubts.setdefault(row, []).append(_suspect(row, Rule.SOURCE_DOUBTS, f"its source calls it {row.quality}"))
    usable: list[ActionRow] = []
    doubtful: list[ActionRow] = []
    accepted: set[tuple[str, str, date]] = set()
    suspects: list[Suspect] = []
    taken_keys = {(row.symbol, row.action, row.ex_date) for row in reading.actions if row not in doubts}
    for row in (*reading.actions, *reading.quarantined):
        row_doubts = doubts.get(row, [])
        suspects += row_doubts
        if _identity(row) in decisions.rejected:
            continue
        key = (row.symbol, row.action, row.ex_date)
        if not all(map(decisions.accepts, row_doubts)) or (row_doubts and key in taken_keys):
            doubtful.append(row)  # of two actions of a day, the undoubted one stands
            continue
        usable.append(row)
        taken_keys.add(key)
        if row_doubts:
            accepted.add(key)
    return JudgedActions(usable, doubtful, frozenset(accepted), tuple(suspects))


def explaining_events(actions: JudgedActions, symbols: Sequence[str], basis_of: Mapping[str, str]) -> dict[int, Events]:
    """By the number of a symbol, what may have moved its closes. A rejected action explains nothing; a doubted one may."""
    number_of = {symbol: number for number, symbol in enumerate(symbols)}
    of_symbol: dict[str, tuple[list[ActionRow], list[ActionRow]]] = {}
    for place, rows in enumerate((actions.usable, actions.doubtful)):
        for row in rows:
            of_symbol.setdefault(row.symbol, ([], []))[place].append(row)
    return {
        number_of[symbol]: Events(
            splits=_dated_amounts(usable, "split"),
            dividends=_dated_amounts((*usable, *doubtful), "dividend")
            if basis_of[symbol] != "total_return_adjusted"
            else (),
            doubtful_splits=_dated_amounts(doubtful, "split"),
            adjusted=basis_of[symbol] != "raw",
        )
        for symbol, (usable, doubtful) in of_symbol.items()
    }


def _dated_amounts(rows: Sequence[ActionRow], action: str) -> tuple[tuple[np.datetime64, float], ...]:
    """(ex-date, ratio or amount) of the rows of one kind."""
    return tuple(
        (np.datetime64(row.ex_date, "D"), float((row.ratio or 1) if action == "split" else (row.amount or 0)))
        for row in rows
        if row.action == action
    )


def _closes_of(symbol: str, closes: Quotes, basis: str) -> ClosesOfOne:
    number = closes.keys.index(symbol)
    begin, end = np.searchsorted(closes.key, [number, number + 1]).tolist()
    value = closes.value[begin:end]
    usable = np.isfinite(value) & (value > 0)
    return ClosesOfOne(closes.date[begin:end][usable], value[usable], basis != "raw")


def _identity(row: ActionRow) -> tuple[Kind, str, date, str]:
    """What a decision of staff is about: kind, key, date and value as they stand in quarantine."""
    number = row.ratio if row.action == "split" else row.amount
    value = "" if row.action == "delisting" else format(number or Decimal(0), "f")
    return "action", f"{row.symbol}/{row.action}", row.ex_date, value


def _suspect(row: ActionRow, rule: Rule, reason: str) -> Suspect:
    return Suspect(*_identity(row), rule, reason, row.source)
