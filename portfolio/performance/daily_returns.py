"""The time-weighted return of each day of a value history, and why a day has none."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from portfolio.analytics import returns
from portfolio.analytics.errors import Floats
from portfolio.valuation import InvariantViolated, ValueHistory

BELOW_ZERO, TOTAL_LOSS = "starts_at_or_below_zero", "total_loss"


@dataclass(frozen=True, slots=True)
class Undefined:
    """A day without a return, and why, as a code: every window that contains it is unavailable."""

    index: int
    on: date
    reason: str


@dataclass(frozen=True, slots=True)
class DailyReturns:
    """Return of each day of a history, from the close of the day before."""

    returns: Floats
    """(D,) row 0 is the first day, opened at nothing on the day before; NaN where a day has none."""
    undefined: tuple[Undefined, ...]
    """In order of their days."""

    def first_undefined(self, start: int, end: int) -> Undefined | None:
        """The first day without a return between the closes `start` and `end`."""
        return next((each for each in self.undefined if start < each.index <= end), None)

    def between(self, closes: npt.NDArray[np.intp]) -> Floats:
        """(n,) returns between n + 1 closes; NaN where a day without one lies between."""
        has_none = np.isnan(self.returns)
        index = np.concatenate(([1.0], np.cumprod(np.where(has_none, 1.0, 1.0 + self.returns))))[closes + 1]
        so_far = np.concatenate(([0], np.cumsum(has_none)))[closes + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(so_far[1:] > so_far[:-1], np.nan, index[1:] / index[:-1] - 1.0)

    def growth(self) -> Floats:
        """(D,) of the return index at each close; NaN on a day without a return, after which it begins anew."""
        has_none = np.isnan(self.returns)
        index = np.cumprod(np.where(has_none, 1.0, 1.0 + self.returns))
        begins = np.maximum.accumulate(np.where(has_none, np.arange(len(index)), -1))
        base = np.where(begins < 0, 1.0, index[begins])
        return np.asarray(np.where(has_none, np.nan, index if not has_none.any() else index / base))


def measure(history: ValueHistory) -> DailyReturns:
    """Returns under the history's flow timing, the first day measured from nothing, and why a day has none.

    Under `end` the first day begins with nothing and can't be measured: it stands as 0.
    """
    return linkable(history, unchecked(history))


def unchecked(history: ValueHistory) -> Floats:
    """(D,) returns of the days as the formula gives them: also those that end at or below nothing, which can't be linked."""
    begin = 1 if history.flow_timing == "end" or history.is_late else 0
    values = np.concatenate(([0.0], history.value))
    daily = np.zeros(len(history.dates))
    if len(daily) > begin:
        before, after = values[begin:-1], values[begin + 1 :]
        flows = (np.vstack((np.zeros(len(each[begin:])), each[begin:])) for each in (history.inflow, history.outflow))
        inflow, outflow = flows
        # Each day is a table's column by itself, so that one without a return leaves the others theirs.
        daily[begin:] = returns.time_weighted_returns(
            np.vstack((before, after)),
            inflow,
            outflows=outflow,
            flow_timing=history.flow_timing,  # type: ignore[arg-type]
        )[0]
    return daily - over_opening(history, history.outside_fees) if history.outside_fees.any() else daily


def linkable(history: ValueHistory, daily: Floats) -> DailyReturns:
    """The returns that can be linked, NaN on the other days: those that start at or below zero, lose all, or follow days without
    a value on which money moved."""
    is_lost = daily <= -1.0 + 1e-12
    across = np.zeros(len(daily), dtype=np.bool_) if history.flow_in_gap is None else history.flow_in_gap
    has_none = np.isnan(daily) | is_lost | across
    if not has_none.any():
        return DailyReturns(daily, ())
    undefined = []
    for index in np.flatnonzero(has_none).tolist():
        on: date = history.dates[index].item()
        reason = TOTAL_LOSS if is_lost[index] else BELOW_ZERO
        if across[index]:
            reason = f"missing_{gap_before(history, on)}"
        undefined.append(Undefined(index, on, reason))
    return DailyReturns(np.where(has_none, np.nan, daily), tuple(undefined))


def gap_before(history: ValueHistory, on: date) -> str:
    """What was missing on the last day without a value up to a day: price or rate."""
    return next((gap.kind for gap in reversed(history.gaps) if gap.first <= on), "rate")


def over_opening(history: ValueHistory, amounts: Floats) -> Floats:
    """(D,) of amounts at the close, as a part of what the flow timing measures the day from; 0 where that is nothing."""
    opening = np.concatenate(([0.0], history.value[:-1]))
    if history.flow_timing != "end":
        opening = opening + history.inflow
    if history.flow_timing == "start":
        opening = opening - history.outflow
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(opening > 0, amounts / opening, 0.0))


def require_long_only(history: ValueHistory, daily: Floats) -> None:
    """Raise InvariantViolated where a portfolio that owes nothing and sold nothing short lost more than all it had.

    Two kinds of history are not checked. Under `end`, money that came in and was lost on the same day is more than there was
    before; and fees paid from elsewhere may be more than the portfolio has.
    """
    if history.flow_timing == "end" or history.outside_fees.any():
        return
    below = np.flatnonzero(daily < -1.0 - 1e-12)
    if len(below) and (history.weights >= 0).all() and (history.cash >= 0).all():
        raise InvariantViolated(
            "a long-only return is not below -100 %", history.dates[below[0]].item(), float(daily[below[0]] + 1.0)
        )


def first_measured(history: ValueHistory) -> int:
    """The first day that has a return: the second under `end`, and where the ledger begins before the first pack."""
    return 1 if history.flow_timing == "end" or history.is_late else 0


def observation_days(history: ValueHistory) -> npt.NDArray[np.intp]:
    """Indexes of the days that count as observations of risk: an exchange of something held was open. A first day that can't be
    measured does not count, nor does a day on which the portfolio was empty."""
    before = np.concatenate(([0.0], history.value[:-1])) + history.inflow
    empty = (before == 0) & (history.value + history.outflow == 0)
    open_days = np.flatnonzero(history.observed & ~empty)
    return open_days[open_days >= first_measured(history)]


def periods_per_year(history: ValueHistory, observations: int) -> float:
    """252 where one exchange alone was traded on, else the observed count a year of 365 days."""
    if not len(history.dates):
        return 0.0
    days = (history.dates[-1] - history.dates[0]).astype(int) + 1
    return 252.0 if len(history.exchanges) == 1 else observations / (days / 365)


def before_fees(history: ValueHistory, daily: Floats) -> Floats | None:
    """(D,) returns with management and custody fees added back, as if still there at the close of their day; None without any."""
    if not history.recurring_fees.any():
        return None
    return daily + over_opening(history, history.recurring_fees)
