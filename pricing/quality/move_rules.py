"""Rules for moves: a close or a rate against the last good one before it, a figure of a series likewise. Pure; no Django.

Never against a later one, so a run of bad values does not become its own proof. True extremes pass, with a flag.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log

import numpy as np
import numpy.typing as npt

from pricing.archive.contents import Codes, Dates, Floats
from pricing.quality.suspects import Mask, Quotes, Rule

MAX_PRICE_JUMP = 3.0
"""Of two closes in a row, splits taken out. Lies between what is true and what is wrong: the largest true move of a day that no
event explains is 2.08 (AAPL, 2000-09-29, -51.9 %), the smallest wrong factor to catch is 4."""

MAX_RATE_JUMP = 2.0
"""Of two fixings in a row. The largest in the ECB's history used here is 1.17 (EUR/CHF, 2015-01-15)."""

EXTREME_PRICE, EXTREME_RATE = 1.3, 1.1
"""Moves beyond these pass with the flag `extreme`: less than the mildest of the true extremes (BAC +35.3 %, EUR/CHF -14.4 %)."""

UNIT_FACTOR, UNIT_ROOM = 100.0, 1.5
"""A close in pence for pounds is a hundred times the last one, give or take what the market did in between."""

MIN_SPLIT = 1.25
"""A split of less than 5:4 can't be told from an ordinary day by the closes around it."""

MAX_FIGURE_JUMP = 3.0
"""Of two figures of a level (an index, thousands, dollars); the largest true one seen is 2.16 (VIX, 2018-02-05)."""

MAX_PERCENT_JUMP, MAX_PERCENT_MOVE, PERCENT_HISTORY = 3.5, 2.0, 8
"""A figure in percent may be near zero, where ratios say little: it is suspect when it jumps beyond the ratio (UNRATE, 2020-04:
3.34) and by more than so many times the largest change of its series before, of which so many must be known (UST3M fell from
0.84 to 0.03 on 2008-09-17, 1.3 times)."""


@dataclass(frozen=True, slots=True)
class Events:
    """What may have moved one security's close: splits as (ex-date, ratio), dividends as (ex-date, amount)."""

    splits: tuple[tuple[np.datetime64, float], ...] = ()
    dividends: tuple[tuple[np.datetime64, float], ...] = ()
    doubtful_splits: tuple[tuple[np.datetime64, float], ...] = ()
    adjusted: bool = False  # the closes are adjusted for splits already

    def ratio(self, after: np.datetime64, up_to: np.datetime64, *, doubtful: bool = False) -> float:
        """New shares per old of the splits in a span."""
        ratio = 1.0
        for ex_date, by in (*self.splits, *(self.doubtful_splits if doubtful else ())):
            if after < ex_date <= up_to:
                ratio *= by
        return ratio

    def paid(self, after: np.datetime64, up_to: np.datetime64) -> float:
        return sum(amount for ex_date, amount in self.dividends if after < ex_date <= up_to)


@dataclass(slots=True)
class Moves:
    """How each close or rate stands to the last good one before it."""

    suspects: dict[int, tuple[Rule, str]] = field(default_factory=dict)  # by row
    extreme: set[int] = field(default_factory=set)  # rows


def find_moves(
    quotes: Quotes,
    out: Mask,
    events: Mapping[int, Events],
    *,
    limit: float,
    extreme: float,
    accepts: Callable[[int, Rule], bool] = lambda row, rule: False,
    agreed: Iterable[int] = (),
) -> Moves:
    """Rows that jump beyond `limit`, do not show a split or are in another unit, and the extremes among those that pass.

    out       (R,) rows that are no reference, whatever they say
    events    by key: what may explain a move
    accepts   whether staff have accepted a row under a rule; it is then the reference for what follows
    agreed    rows that a second source confirms: they may be extreme, not suspect
    """
    moves = Moves()
    good = np.flatnonzero(~out)
    key, value = quotes.key[good], quotes.value[good]
    same = key[1:] == key[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.abs(np.log(value[1:] / value[:-1]))
    keys = set(key[1:][same & (step > log(extreme))].tolist())
    keys |= {number for number, of_symbol in events.items() if of_symbol.splits}
    confirmed = frozenset(agreed)
    for number in sorted(keys):
        begin, end = np.searchsorted(key, [number, number + 1]).tolist()
        rows = good[begin:end]
        if len(rows):
            of_key = _MovesOfKey(quotes, events.get(number, Events()), limit, extreme, accepts, confirmed, moves)
            of_key.walk(rows, _first_move(value[begin:end], quotes.date[rows], of_key.events, extreme))
    return moves


def _first_move(value: Floats, day: Dates, events: Events, extreme: float) -> int:
    """Up to which of the rows nothing happens: all before it can be passed over."""
    happens = np.zeros(len(value), dtype=bool)
    happens[1:] = np.abs(np.log(value[1:] / value[:-1])) > log(extreme)
    for ex_date, _ in events.splits:
        at = int(np.searchsorted(day, ex_date))
        if 0 < at < len(day):
            happens[at] = True
    return int(np.argmax(happens)) if happens.any() else len(value)


@dataclass(frozen=True, slots=True)
class _MovesOfKey:
    quotes: Quotes
    events: Events
    limit: float
    extreme: float
    accepts: Callable[[int, Rule], bool]
    agreed: frozenset[int]
    moves: Moves

    def walk(self, rows: npt.NDArray[np.intp], first: int) -> None:
        """The rows of one key in order of date, each against the last good one."""
        if first >= len(rows):
            return
        last = int(rows[first - 1])
        for row in rows[first:].tolist():
            doubt, is_extreme = self.judge(row, last)
            if doubt is not None:
                self.moves.suspects[row] = doubt
                if not self.accepts(row, doubt[0]):
                    continue
            if is_extreme:
                self.moves.extreme.add(row)
            last = row

    def judge(self, row: int, last: int) -> tuple[tuple[Rule, str] | None, bool]:
        """What is wrong with a row against the last good one, and whether the move is extreme."""
        quotes, events = self.quotes, self.events
        begin, end = quotes.date[last], quotes.date[row]
        before, now = float(quotes.value[last]), float(quotes.value[row])
        ratio = events.ratio(begin, end)
        bare = log(now / before)
        move = bare if events.adjusted else bare + log(ratio)
        if abs(log(ratio)) >= log(MIN_SPLIT) and row not in self.agreed:
            shows = abs(bare + log(ratio)) < abs(bare)
            if shows == events.adjusted:
                what = "shows" if shows else "does not show"
                return (
                    Rule.SPLIT,
                    f"{what} the split of {ratio:g} for 1 since the close of {begin}, {before:g}",
                ), False
        if abs(move) <= log(self.extreme):
            return None, False
        if abs(move) <= log(self.limit) or row in self.agreed or self.explained(before, now, begin, end):
            return None, True
        factor = np.exp(move)
        against = f"{factor:.4g} times the last good one, {before:g} of {begin}"
        is_unit = abs(abs(move) - log(UNIT_FACTOR)) <= log(UNIT_ROOM)
        return (Rule.UNIT if is_unit else Rule.JUMP, against), False

    def explained(self, before: float, now: float, begin: np.datetime64, end: np.datetime64) -> bool:
        """Events, the doubtful ones too, leave no more than an ordinary day's move."""
        ratio = 1.0 if self.events.adjusted else self.events.ratio(begin, end, doubtful=True)
        return abs(log((now * ratio + self.events.paid(begin, end)) / before)) <= log(self.extreme)


def find_figure_jumps(
    series: Codes, value: Floats, *, percent: Sequence[bool], accepted: Iterable[int] = ()
) -> dict[int, str]:
    """Rows, by (series, date, known_at), that jump against the last good figure of their series: row -> by how much."""
    jumps: dict[int, str] = {}
    same = series[1:] == series[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = value[1:] / value[:-1]
    beyond = ~((ratio <= MAX_FIGURE_JUMP) & (ratio >= 1 / MAX_FIGURE_JUMP))
    fine = frozenset(accepted)
    for number in sorted(set(series[1:][same & beyond].tolist())):
        begin, end = np.searchsorted(series, [number, number + 1]).tolist()
        good = [float(value[begin])]
        changes: list[float] = []
        for row in range(begin + 1, end):
            now, before = float(value[row]), good[-1]
            if row not in fine and _figure_jumps(now, before, changes, percent=percent[number]):
                jumps[row] = f"{now:g} after {before:g}"
                continue
            good.append(now)
            changes.append(abs(now - before))
    return jumps


def _figure_jumps(now: float, before: float, changes: Sequence[float], *, percent: bool) -> bool:
    limit = MAX_PERCENT_JUMP if percent else MAX_FIGURE_JUMP
    if now == before or (now * before > 0 and 1 / limit <= now / before <= limit):
        return False
    if not percent:
        return True
    return len(changes) >= PERCENT_HISTORY and abs(now - before) > MAX_PERCENT_MOVE * max(changes)
