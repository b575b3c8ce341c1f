"""Figures that are computed in two ways and have to agree."""

from datetime import date

import numpy as np

from config.errors import TieoutError
from portfolio.valuation.pack_days import Days, Floats


class InvariantViolated(TieoutError):
    """Two ways to the same figure disagree: the figure is not shown."""

    def __init__(self, invariant: str, asof_date: date, difference: float) -> None:
        super().__init__(f"{invariant} does not hold on {asof_date}: off by {difference:.9g}")
        self.invariant, self.asof_date, self.difference = invariant, asof_date, difference


def require_equal(invariant: str, days: Days, one: Floats, other: Floats, *, scale: Floats) -> None:
    off = np.abs(one - other)
    wrong = off > 1e-9 * scale + 1e-6
    if wrong.any():
        where = int(np.argmax(wrong))
        raise InvariantViolated(invariant, days[where].item(), float(off[where]))
