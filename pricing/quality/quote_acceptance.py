"""The rules of quality over one table of closes, rates or figures, with what staff have decided. Pure; no Django."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from config.counts import number_of
from pricing.archive.contents import Codes, Dates
from pricing.quality import move_rules, row_rules
from pricing.quality.move_rules import Events
from pricing.quality.suspects import ACCEPTED, EXTREME, Decisions, Mask, Quotes, Rule, Suspect


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Of the R0 rows of one table before any was taken out: which were, and whether somebody still has to decide."""

    key: Codes
    date: Dates
    out: Mask
    pending: Mask
    reason: Mapping[int, str]  # by row


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a move is suspect, from where on it is extreme, and how many equal values are a feed that stands still."""

    jump: float
    extreme: float
    stale: int


CLOSE_LIMITS = Limits(move_rules.MAX_PRICE_JUMP, move_rules.EXTREME_PRICE, row_rules.STALE_CLOSES)
RATE_LIMITS = Limits(move_rules.MAX_RATE_JUMP, move_rules.EXTREME_RATE, row_rules.STALE_RATES)


@dataclass(frozen=True, slots=True)
class JudgedRows:
    """One table after its rules: the suspects, what is left out, and the flags of rows by their number before that."""

    suspects: tuple[Suspect, ...]
    left_out: LeftOut
    flags: Mapping[int, str]

    def remaining_flags(self) -> dict[int, str]:
        """Flags by row number in what remains."""
        number = np.cumsum(~self.left_out.out) - 1
        return {int(number[row]): flag for row, flag in self.flags.items() if not self.left_out.out[row]}

    def remaining(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The rows of a column that remain. Not writeable."""
        column = column[~self.left_out.out]
        column.flags.writeable = False
        return column


def judge_quotes(
    quotes: Quotes,
    others: Quotes,
    events: Mapping[int, Events],
    decisions: Decisions,
    *,
    today: date,
    foreign: Mask,
    limits: Limits,
) -> JudgedRows:
    """Closes or rates, by (key, date).

    others   what other sources say of the same keys
    events   by key: what may explain a move
    foreign  (R,) rows in another currency than their security trades in
    """
    rejected, accepted = _decided_rows(quotes, decisions)
    suspected: list[tuple[int, Suspect]] = []

    def suspect(rule: Rule, mask: Mask, reason: str) -> None:
        suspected.extend((row, quotes.suspect(row, rule, reason)) for row in np.flatnonzero(mask).tolist())

    suspect(Rule.NOT_A_NUMBER, row_rules.not_a_number(quotes.value), "is no finite number")
    suspect(Rule.NOT_POSITIVE, row_rules.not_positive(quotes.value), "is not above zero")
    suspect(Rule.FUTURE, row_rules.future_date(quotes.date, today), f"lies after {today}")
    suspect(Rule.CURRENCY, foreign, "is in another currency than the security trades in")
    suspect(
        Rule.TWO_VALUES,
        row_rules.two_values(quotes.key, quotes.date, quotes.value),
        "is one of two values of that day",
    )
    apart = row_rules.compared(quotes, others)
    for row in np.flatnonzero(apart > row_rules.TWO_SOURCE_TOLERANCE).tolist():
        reason = f"{apart[row]:.2%} from what another source says of that day"
        suspected.append((row, quotes.suspect(row, Rule.SOURCES, reason)))
    agreed = apart <= row_rules.TWO_SOURCE_TOLERANCE
    levels = (
        (row, int(quotes.key[row]), quotes.suspect(row, Rule.UNIT, f"{times:.4g} times the usual rate, {usual:.4g}"))
        for row, (times, usual) in row_rules.far_from_usual(quotes).items()
    )
    suspected += _unless_vouched(levels, agreed, decisions)
    runs = (
        (row, begin, quotes.suspect(row, Rule.STALE, _same_since(row - begin + 1, quotes.date[begin])))
        for row, begin in row_rules.stale_runs(quotes.key, quotes.value, limit=limits.stale).items()
    )
    suspected += _unless_vouched(runs, agreed, decisions)
    unusable = ~np.isfinite(quotes.value) | (quotes.value <= 0)
    never = unusable.copy()
    never[[row for row, each in suspected if not decisions.accepts(each)]] = True
    never[sorted(rejected)] = True
    moves = move_rules.find_moves(
        quotes,
        never,
        events,
        limit=limits.jump,
        extreme=limits.extreme,
        accepts=lambda row, rule: decisions.accepts(quotes.suspect(row, rule, "")),
        agreed=np.flatnonzero(agreed).tolist(),
    )
    suspected += [(row, quotes.suspect(row, *why)) for row, why in moves.suspects.items()]
    left_out = _leave_out(quotes, suspected, decisions, rejected, unusable)
    return JudgedRows(tuple(each for _, each in suspected), left_out, _flags(accepted, moves.extreme))


def _unless_vouched(
    doubts: Iterable[tuple[int, int, Suspect]], agreed: Mask, decisions: Decisions
) -> Iterator[tuple[int, Suspect]]:
    """The doubts that remain, with their rows.

    doubts  row, what it belongs to (the level of a pair, a run of equal values), and what is wrong with it, in order. Once
            another source agrees with one row, or staff accept one, what it belongs to is believed from there on
    """
    believed: set[int] = set()
    for row, group, suspect in doubts:
        if agreed[row]:
            believed.add(group)
        if group not in believed:
            yield row, suspect
        if decisions.accepts(suspect):
            believed.add(group)


def _same_since(days: int, first: np.datetime64) -> str:
    return f"is the same for {number_of(days, 'day')} in a row, since {first}"


def judge_figures(
    figures: Quotes, decisions: Decisions, *, today: date, percent: Sequence[bool], free: Sequence[bool]
) -> JudgedRows:
    """Figures of series, by (series, date, known_at). By series, `percent`: its unit is percent; `free`: it may jump."""
    rejected, accepted = _decided_rows(figures, decisions)
    unreadable = row_rules.not_a_number(figures.value)
    suspected = [
        (row, figures.suspect(row, Rule.NOT_A_NUMBER, "is no finite number"))
        for row in np.flatnonzero(unreadable).tolist()
    ]
    suspected += [
        (row, figures.suspect(row, Rule.FUTURE, f"lies after {today}"))
        for row in np.flatnonzero(row_rules.future_date(figures.date, today)).tolist()
    ]
    readable = ~unreadable
    readable[sorted(rejected)] = False
    readable &= ~np.array(free, dtype=bool)[figures.key] if len(figures.key) else readable
    numbers = np.flatnonzero(readable)
    place = {int(row): number for number, row in enumerate(numbers)}
    jumps = move_rules.find_figure_jumps(
        figures.key[numbers],
        figures.value[numbers],
        percent=percent,
        accepted=[place[row] for row in accepted if row in place],
    )
    suspected += [(int(numbers[row]), figures.suspect(int(numbers[row]), Rule.JUMP, why)) for row, why in jumps.items()]
    left_out = _leave_out(figures, suspected, decisions, rejected, unreadable)
    return JudgedRows(tuple(each for _, each in suspected), left_out, _flags(accepted, set()))


def _leave_out(
    quotes: Quotes, suspected: Sequence[tuple[int, Suspect]], decisions: Decisions, rejected: set[int], unusable: Mask
) -> LeftOut:
    out, pending = unusable.copy(), np.zeros(len(quotes.key), dtype=bool)
    reason: dict[int, str] = {}
    for row, suspect in suspected:
        if row in rejected or unusable[row] or not decisions.accepts(suspect):
            out[row] = True
            pending[row] |= row not in rejected
            reason[row] = str(suspect)
    for row in rejected - reason.keys():
        out[row] = True
        reason[row] = f"{quotes.kind} {quotes.keys[quotes.key[row]]} of {quotes.date[row]} was rejected"
    return LeftOut(quotes.key, quotes.date, out, pending, reason)


def _decided_rows(quotes: Quotes, decisions: Decisions) -> tuple[set[int], set[int]]:
    """Rows that staff have rejected, and rows that they have accepted."""
    number_of = {key: number for number, key in enumerate(quotes.keys)}
    both: tuple[set[int], set[int]] = (set(), set())
    for rows, decided in zip(both, (decisions.rejected, decisions.accepted_rows), strict=True):
        for kind, key, day, value in decided:
            if kind == quotes.kind and key in number_of:
                begin, end = np.searchsorted(quotes.key, [number_of[key], number_of[key] + 1]).tolist()
                begin, end = (begin + np.searchsorted(quotes.date[begin:end], np.datetime64(day, "D"), side)
                              for side in ("left", "right"))  # fmt: skip
                rows |= {row for row in range(begin, end) if quotes.text[row].decode() == value}
    return both


def _flags(accepted: set[int], extreme: set[int]) -> dict[int, str]:
    return {
        row: ",".join(flag for flag, rows in ((EXTREME, extreme), (ACCEPTED, accepted)) if row in rows)
        for row in accepted | extreme
    }
