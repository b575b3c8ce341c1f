"""Rules for corporate actions: what the closes around them and earlier dividends speak against. Pure; no Django."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import log
from statistics import median

import numpy as np

from config.counts import number_of
from pricing.archive.contents import ActionRow, Dates, Floats
from pricing.quality.move_rules import MIN_SPLIT
from pricing.quality.suspects import Rule

MAX_YIELD = 0.3
"""No ordinary dividend is that much of the close before it; a spin-off booked as a dividend is."""

MAX_DIVIDEND_JUMP, USUAL_DIVIDENDS = 4.0, 5
"""Against the median of so many good ones before it. Exactly four times counts."""

SHOWN_YIELD = 0.02
"""From this yield on, the close of the ex-date shows whether a dividend was paid."""

MIN_DIVIDEND_GAP_DAYS = 25
"""Monthly payers leave 26 days and more between ex-dates; what comes sooner is mostly the same dividend twice."""


@dataclass(frozen=True, slots=True)
class ClosesOfOne:
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
        return f"{number_of(after, 'close')} behind it, the last of {self.days[-1]}" if after else ""


def find_doubtful_actions(
    actions: Sequence[ActionRow], closes: ClosesOfOne, *, accepted: Iterable[ActionRow] = ()
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
    if not paid or (around and _shows_in_close(amount, *around)):
        return None
    usual = median(each for _, each in paid[-USUAL_DIVIDENDS:])
    if not usual / MAX_DIVIDEND_JUMP < amount < usual * MAX_DIVIDEND_JUMP:
        return Rule.JUMP, f"{amount / usual:.4g} times the usual {usual:g}"
    gap = (ex_date - paid[-1][0]).days
    often = len(gaps) >= 3 and median(gaps[-USUAL_DIVIDENDS:]) < MIN_DIVIDEND_GAP_DAYS
    if gap < MIN_DIVIDEND_GAP_DAYS and not often:
        return Rule.TWICE, f"{number_of(gap, 'day')} after the one of {paid[-1][0]}, {paid[-1][1]:g}"
    return None


def _shows_in_close(amount: float, before: float, after: float) -> bool:
    """The close fell by about a dividend that is large enough to be seen."""
    return amount >= SHOWN_YIELD * before and abs(log((after + amount) / before)) <= log(1 + amount / before) / 2
