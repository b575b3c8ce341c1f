"""Falls of a return index from its highest point so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import (
    Bools,
    Floats,
    InvalidInput,
    Measure,
    as_floats,
    observations,
    settle,
)
from portfolio.analytics.moments import (
    too_large,
)

SAME = 1e-12  # an index this close to its peak, relatively, has recovered


def max_drawdown(returns: npt.ArrayLike) -> Measure:
    """Deepest fall of the return index from its highest point so far, the opening included; <= 0. D >= 1, r >= -1."""
    (r,), ok = observations(1, returns=returns)
    depth, whole = deepest_fall(r)
    return settle(depth, ok & whole, InvalidInput("returns", "is below -100 %"))


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Falls of one return index. Points count from 0, the opening; point i stands after returns[i - 1].

    depth          deepest fall, <= 0.0
    peak, trough   its highest point before and its lowest; None where the index never fell
    recovery       first point back at the peak; None while it is not, or where the index never fell
    current        fall of the last point from the highest so far, <= 0.0
    current_peak   the last point at that height; the last point of all where it stands at its height
    """

    depth: float
    peak: int | None
    trough: int | None
    recovery: int | None
    current: float
    current_peak: int


@np.errstate(all="ignore")  # what is too large is refused by name, not warned about
def drawdown(returns: npt.ArrayLike) -> Drawdown:
    """The deepest and the current drawdown of one series (D,), D >= 1, r >= -1, with their points.

    raises  InvalidInput (tables too: they have no single answer), TooFewObservations
    """
    r = as_floats("returns", returns)
    if r.ndim != 1:
        raise InvalidInput("returns", f"has {r.ndim} axes, 1 is needed")
    observations(1, returns=r)
    if (r < -1.0).any():
        raise InvalidInput("returns", "is below -100 %", int(np.argmax(r < -1.0)))
    index = np.concatenate([[1.0], np.cumprod(1.0 + r)])
    highest = np.maximum.accumulate(index)
    if not np.isfinite(highest[-1]):
        raise too_large("drawdown")
    fall = np.where(index >= highest * (1.0 - SAME), 0.0, index / highest - 1.0)
    at_height = np.flatnonzero(fall == 0.0)
    current, current_peak = float(fall[-1]), int(at_height[-1])
    trough = int(np.argmin(fall))
    if fall[trough] == 0.0:
        return Drawdown(0.0, None, None, None, current, current_peak)
    peak = int(at_height[at_height < trough][-1])
    back = at_height[at_height > trough]
    return Drawdown(float(fall[trough]), peak, trough, int(back[0]) if len(back) else None, current, current_peak)


def deepest_fall(r: Floats) -> tuple[Floats, Bools]:
    """Deepest fall, and whether no return lies below -100 %."""
    _, depth, whole = index_and_fall(r)
    return depth, whole


def index_and_fall(r: Floats) -> tuple[Floats, Floats, Bools]:
    """What the return index ends at, its deepest fall, and whether no return lies below -100 %."""
    value = highest = lowest = np.ones(r.shape[1:])
    with np.errstate(all="ignore"):
        if r.ndim == 1:
            index = np.cumprod(1.0 + r)
            value, lowest = index[-1], (index / np.maximum(np.maximum.accumulate(index), 1.0)).min(initial=1.0)
        else:  # day by day: cumprod of a table goes column by column and takes five times as long
            for day in r:
                value = value * (1.0 + day)
                highest = np.maximum(highest, value)
                lowest = np.minimum(lowest, value / highest)
    return value, np.asarray(lowest - 1.0), np.asarray(r.min(axis=0) >= -1.0)
