"""Which rows of an archive a pack may not take unseen: the rules, and what staff have decided. Pure; no Django.

A rule suspects; it never mends. What a rule suspects stays out of every pack until somebody accepts that row under that rule.
A close or a rate is judged against the last good one before it, never against a later one, so a run of bad values does not
become its own proof. True extremes pass, and say so by a flag.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from math import log
from statistics import median
from typing import Literal

import numpy as np
import numpy.typing as npt

from pricing.archive import ActionRow, Codes, Dates, Floats, Texts

Mask = npt.NDArray[np.bool_]
Kind = Literal["price", "rate", "observation", "action"]

MAX_PRICE_JUMP = 3.0
"""Of two closes in a row, splits taken out. Lies between what is true and what is wrong: the largest true move of a day that no
event explains is 2.08 (AAPL, 2000-09-29, -51.9 %), the smallest wrong factor to catch is 4 (RELIABILITY T17)."""

MAX_RATE_JUMP = 2.0
"""Of two fixings in a row. The largest in the ECB's history used here is 1.17 (EUR/CHF, 2015-01-15)."""

USUAL_PER_EUR: Mapping[str, float] = {
    "EUR": 1, "USD": 1.2, "GBP": 0.8, "CHF": 1.2, "JPY": 130, "CAD": 1.45, "AUD": 1.6, "NZD": 1.75, "SEK": 9.5, "NOK": 8.5,
    "DKK": 7.45, "ISK": 130, "PLN": 4.2, "CZK": 27, "HUF": 290, "RON": 4.4, "BGN": 1.956, "ILS": 4.5, "ZAR": 12, "MXN": 16,
    "BRL": 3.3, "INR": 70, "CNY": 8.2, "HKD": 9.2, "SGD": 1.75, "KRW": 1_350, "THB": 42, "IDR": 13_000, "MYR": 4.6, "PHP": 58,
}  # fmt: skip
"""About the middle of what the ECB has published of each since 1999. Whoever quotes a hundred yen for one, from the first rate
on, is told by it: no rate of that pair is a jump."""

MAX_FROM_USUAL = 10.0
"""Of a rate to the usual one of its pair. The furthest in the ECB's history used here is 1.46 (JPY)."""

EXTREME_PRICE, EXTREME_RATE = 1.3, 1.1
"""Moves beyond these pass with the flag `extreme`: less than the mildest of the true extremes (BAC +35.3 %, EUR/CHF -14.4 %)."""

STALE_CLOSES, STALE_RATES = 6, 7
"""So many equal values in a row are a feed that stands still: with six closes a week of sessions has passed. The longest run
that is true is 5 closes (VOD.L, 2004-12-28) and 6 fixings (EUR/CHF, 2012-07-30, at its floor); three shares of one exchange
stood still together for 6 and 7 closes up to 2000-10-20."""

USUALLY_MOVES, STEPS_KNOWN = 0.1, 20
"""Of what repeats in a larger share of so many steps before (a peg, a share that hardly trades), repeating says nothing."""

UNIT_FACTOR, UNIT_ROOM = 100.0, 1.5
"""A close in pence for pounds is a hundred times the last one, give or take what the market did in between."""

MIN_SPLIT = 1.25
"""A split of less than 5:4 can't be told from an ordinary day by the closes around it."""

TWO_SOURCE_TOLERANCE = 0.01
"""Two sources of one day's close or rate may differ by their snapshots, by hours of a fixing, not by more than this share."""

MAX_FIGURE_JUMP = 3.0
"""Of two figures of a level (an index, thousands, dollars); the largest true one seen is 2.16 (VIX, 2018-02-05)."""

MAX_PERCENT_JUMP, MAX_PERCENT_MOVE, PERCENT_HISTORY = 3.5, 2.0, 8
"""A figure in percent may be near zero, where ratios say little: it is suspect when it jumps beyond the ratio (UNRATE, 2020-04:
3.34) and by more than so many times the largest change of its series before, of which so many must be known (UST3M fell from
0.84 to 0.03 on 2008-09-17, 1.3 times)."""

MAX_YIELD = 0.3
"""No ordinary dividend is that much of the close before it; a spin-off booked as a dividend is."""

MAX_DIVIDEND_JUMP, USUAL_DIVIDENDS = 4.0, 5
"""Against the median of so many good ones before it. Exactly four times counts."""

SHOWN_YIELD = 0.02
"""From this yield on, the close of the ex-date shows whether a dividend was paid."""

MIN_DIVIDEND_GAP_DAYS = 25
"""Monthly payers leave 26 days and more between ex-dates; what comes sooner is mostly the same dividend twice."""

EXTREME, ACCEPTED = "extreme", "accepted"


class Rule(StrEnum):
    NOT_A_NUMBER = "not_a_number"
    NOT_POSITIVE = "not_positive"
    FUTURE = "future_date"
    CURRENCY = "wrong_currency"
    TWO_VALUES = "two_values"
    SOURCES = "two_sources"
    UNIT = "unit"
    SPLIT = "split"
    JUMP = "jump"
    STALE = "stale_run"
    SIZE = "size"
    TWICE = "twice"
    STILL_TRADED = "still_traded"
    SOURCE_DOUBTS = "source_doubts"
    REFUSED = "refused"
    """Could not be read when it was fetched: there is nothing that could be accepted."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row and the rule that suspects it. `value` is the published text; `key` a symbol, EUR/USD, a series, OAK/split."""

    kind: Kind
    key: str
    day: date
    value: str
    rule: Rule
    reason: str
    source: str

    @property
    def row(self) -> tuple[Kind, str, date, str]:
        return self.kind, self.key, self.day, self.value

    def __str__(self) -> str:
        return f"{self.kind} {self.key} {self.value} of {self.day} is in quarantine ({self.rule}: {self.reason})"


@dataclass(frozen=True, slots=True)
class Decisions:
    """What staff have said of quarantined rows. Accepting is of a row under one rule; rejecting is of the row."""

    accepted: frozenset[tuple[Kind, str, date, str, str]] = frozenset()  # with the rule
    rejected: frozenset[tuple[Kind, str, date, str]] = frozenset()

    def accepts(self, suspect: Suspect) -> bool:
        return (*suspect.row, suspect.rule.value) in self.accepted

    @property
    def accepted_rows(self) -> frozenset[tuple[Kind, str, date, str]]:
        return frozenset((kind, key, day, value) for kind, key, day, value, _ in self.accepted)


# --- rows as a provider gave them


@dataclass(frozen=True, slots=True)
class Quotes:
    """R closes or rates of K keys, by (key, date)."""

    kind: Kind
    keys: tuple[str, ...]  # (K,)
    key: Codes  # (R,) index into keys
    date: Dates  # (R,)
    text: Texts  # (R,) as published
    value: Floats  # (R,) NaN where the text is no number
    source: Codes  # (R,) index into source_names
    source_names: tuple[str, ...]

    def suspect(self, row: int, rule: Rule, reason: str) -> Suspect:
        return Suspect(
            self.kind,
            self.keys[self.key[row]],
            self.date[row].item(),
            self.text[row].decode(),
            rule,
            reason,
            self.source_names[self.source[row]],
        )


# --- rules of one row


def not_a_number(value: Floats) -> Mask:
    return ~np.isfinite(value)


def not_positive(value: Floats) -> Mask:
    """NaN is another rule's."""
    return value <= 0


def future_date(day: Dates, today: date) -> Mask:
    return day > np.datetime64(today, "D")


def wrong_currency(key: Codes, quoted: Sequence[str], traded: Sequence[str]) -> Mask:
    """Rows of keys that are quoted in another currency than they trade in."""
    return np.array([one != other for one, other in zip(quoted, traded, strict=True)], dtype=bool)[key]


def far_from_usual(quotes: Quotes) -> dict[int, tuple[float, float]]:
    """Rates, by pair and date, that are out of reach of the usual one of their pair: row -> how many times it, and it.

    Closes have no usual level, nor have pairs of a currency that is not in the table.
    """
    if quotes.kind != "rate" or not len(quotes.key):
        return {}
    sides = [[USUAL_PER_EUR.get(currency, np.nan) for currency in pair.split("/")] for pair in quotes.keys]
    usual = np.array([quote / base for base, quote in sides])[quotes.key]
    times = quotes.value / usual
    far = (times > MAX_FROM_USUAL) | ((times > 0) & (times < 1 / MAX_FROM_USUAL))
    return {row: (float(times[row]), float(usual[row])) for row in np.flatnonzero(far & np.isfinite(times)).tolist()}


def two_values(key: Codes, day: Dates, value: Floats) -> Mask:
    """Every row of a (key, date) that has more than one value. Rows by (key, date)."""
    again = (key[1:] == key[:-1]) & (day[1:] == day[:-1])
    twice = np.zeros(len(key), dtype=bool)
    for run in np.flatnonzero(again & (value[1:] != value[:-1])).tolist():
        same = slice(*(int(np.searchsorted(key, key[run], side)) for side in ("left", "right")))
        twice[same] |= day[same] == day[run]
    return twice


def compared(rows: Quotes, others: Quotes) -> Floats:
    """(R,) relative difference to the nearest other source's value of the same key and date; NaN where there is none."""
    nearest = np.full(len(rows.key), np.nan)
    if len(others.key) == 0 or len(rows.key) == 0:
        return nearest
    width = int(max(rows.date.max().astype(int), others.date.max().astype(int))) + 1
    low = int(min(rows.date.min().astype(int), others.date.min().astype(int)))
    place = rows.key.astype(np.int64) * (width - low) + rows.date.astype(np.int64)
    wanted = others.key.astype(np.int64) * (width - low) + others.date.astype(np.int64)
    at = np.minimum(np.searchsorted(place, wanted), len(place) - 1)
    there = (place[at] == wanted) & np.isfinite(others.value) & np.isfinite(rows.value[at]) & (rows.value[at] > 0)
    with np.errstate(invalid="ignore"):
        apart = np.abs(others.value[there] / rows.value[at[there]] - 1)
    np.fmin.at(nearest, at[there], apart)
    return nearest


# --- rules against the rows before


def stale_runs(key: Codes, value: Floats, *, limit: int) -> dict[int, int]:
    """Rows, by (key, date), from the `limit`-th equal value in a row on, of keys that usually move: row -> first row of its run."""
    if not len(key):
        return {}
    repeats = np.zeros(len(key), dtype=bool)
    repeats[1:] = (key[1:] == key[:-1]) & (value[1:] == value[:-1])
    begin = np.maximum.accumulate(np.where(repeats, 0, np.arange(len(key))))
    found = np.flatnonzero(np.arange(len(key)) - begin >= limit - 1)
    if not len(found):
        return {}
    counted, first = np.cumsum(repeats), np.searchsorted(key, key[found])
    steps = begin[found] - first
    moves = (steps >= STEPS_KNOWN) & (counted[begin[found]] - counted[first] <= USUALLY_MOVES * steps)
    return dict(zip(found[moves].tolist(), begin[found[moves]].tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Events:
    """What may have moved one security's close: splits as (ex-date, ratio), dividends as (ex-date, amount)."""

    splits: tuple[tuple[np.datetime64, float], ...] = ()
    dividends: tuple[tuple[np.datetime64, float], ...] = ()
    doubtful_splits: tuple[tuple[np.datetime64, float], ...] = ()
    adjusted: bool = False  # the closes are adjusted for splits already

    def ratio(self, after: np.datetime64, upto: np.datetime64, *, doubtful: bool = False) -> float:
        """New shares per old of the splits in a span."""
        ratio = 1.0
        for ex_date, by in (*self.splits, *(self.doubtful_splits if doubtful else ())):
            if after < ex_date <= upto:
                ratio *= by
        return ratio

    def paid(self, after: np.datetime64, upto: np.datetime64) -> float:
        return sum(amount for ex_date, amount in self.dividends if after < ex_date <= upto)


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
    keys |= {number for number, known in events.items() if known.splits}
    confirmed = frozenset(agreed)
    for number in sorted(keys):
        begin, end = np.searchsorted(key, [number, number + 1]).tolist()
        rows = good[begin:end]
        if len(rows):
            judge = _Judge(quotes, events.get(number, Events()), limit, extreme, accepts, confirmed, moves)
            judge.walk(rows, _first_move(value[begin:end], quotes.date[rows], judge.events, extreme))
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
class _Judge:
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
            found, is_extreme = self.judged(row, last)
            if found is not None:
                self.moves.suspects[row] = found
                if not self.accepts(row, found[0]):
                    continue
            if is_extreme:
                self.moves.extreme.add(row)
            last = row

    def judged(self, row: int, last: int) -> tuple[tuple[Rule, str] | None, bool]:
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


# --- rules of series


def find_figure_jumps(
    series: Codes, value: Floats, *, percent: Sequence[bool], accepted: Iterable[int] = ()
) -> dict[int, str]:
    """Rows, by (series, date, known_at), that jump against the last good figure of their series: row -> by how much."""
    found: dict[int, str] = {}
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
                found[row] = f"{now:g} after {before:g}"
                continue
            good.append(now)
            changes.append(abs(now - before))
    return found


def _figure_jumps(now: float, before: float, changes: Sequence[float], *, percent: bool) -> bool:
    limit = MAX_PERCENT_JUMP if percent else MAX_FIGURE_JUMP
    if now == before or (now * before > 0 and 1 / limit <= now / before <= limit):
        return False
    if not percent:
        return True
    return len(changes) >= PERCENT_HISTORY and abs(now - before) > MAX_PERCENT_MOVE * max(changes)


# --- rules of corporate actions


@dataclass(frozen=True, slots=True)
class Closes:
    """One security's usable closes, by date."""

    days: Dates
    value: Floats
    adjusted: bool

    def around(self, ex_date: date) -> tuple[float, float] | None:
        """The close before an ex-date and the first from it on; None where either lacks."""
        at = int(np.searchsorted(self.days, np.datetime64(ex_date, "D")))
        return (float(self.value[at - 1]), float(self.value[at])) if 0 < at < len(self.days) else None

    def go_on_after(self, ex_date: date) -> str:
        """How far the closes go on behind an ex-date; empty where none does."""
        after = len(self.days) - int(np.searchsorted(self.days, np.datetime64(ex_date, "D"), "right"))
        return f"{after} closes follow it, the last of {self.days[-1]}" if after else ""


def find_doubtful_actions(
    actions: Sequence[ActionRow], closes: Closes, *, accepted: Iterable[ActionRow] = ()
) -> Iterator[tuple[ActionRow, Rule, str]]:
    """The actions of one security, by ex-date, that closes and earlier dividends speak against."""
    fine = frozenset(accepted)
    paid: list[tuple[date, float]] = []
    gaps: list[int] = []
    last: date | None = None
    for action in actions:
        if action.action == "delisting":
            if reason := closes.go_on_after(action.ex_date):
                yield action, Rule.STILL_TRADED, reason
            continue
        around = closes.around(action.ex_date)
        if action.action == "split":
            if around and not closes.adjusted and (reason := _split_unseen(float(action.ratio or 1), *around)):
                yield action, Rule.SPLIT, reason
            if not closes.adjusted and action.ratio:
                paid = [(day, amount / float(action.ratio)) for day, amount in paid]
            continue
        doubt = _dividend_doubted(action.ex_date, float(action.amount or 0), paid, gaps, around)
        gaps += [(action.ex_date - last).days] if last else []
        last = action.ex_date
        if doubt is not None:
            yield action, *doubt
        if doubt is None or action in fine:
            paid.append((action.ex_date, float(action.amount or 0)))


def _split_unseen(ratio: float, before: float, after: float) -> str:
    if abs(log(ratio)) < log(MIN_SPLIT) or abs(log(after / before * ratio)) < abs(log(after / before)):
        return ""
    return f"{ratio:g} for 1, but the close went from {before:g} to {after:g}"


def _dividend_doubted(
    ex_date: date,
    amount: float,
    paid: Sequence[tuple[date, float]],
    gaps: Sequence[int],
    around: tuple[float, float] | None,
) -> tuple[Rule, str] | None:
    if around and amount > MAX_YIELD * around[0]:
        return Rule.SIZE, f"{amount / around[0]:.0%} of the close before it, {around[0]:g}"
    if not paid or (around and _shown(amount, *around)):
        return None
    usual = median(each for _, each in paid[-USUAL_DIVIDENDS:])
    if not usual / MAX_DIVIDEND_JUMP < amount < usual * MAX_DIVIDEND_JUMP:
        return Rule.JUMP, f"{amount / usual:.4g} times the usual {usual:g}"
    gap = (ex_date - paid[-1][0]).days
    often = len(gaps) >= 3 and median(gaps[-USUAL_DIVIDENDS:]) < MIN_DIVIDEND_GAP_DAYS
    if gap < MIN_DIVIDEND_GAP_DAYS and not often:
        return Rule.TWICE, f"{gap} days after the one of {paid[-1][0]}, {paid[-1][1]:g}"
    return None


def _shown(amount: float, before: float, after: float) -> bool:
    """The close fell by about a dividend that is large enough to be seen."""
    return amount >= SHOWN_YIELD * before and abs(log((after + amount) / before)) <= log(1 + amount / before) / 2
