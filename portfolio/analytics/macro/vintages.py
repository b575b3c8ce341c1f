"""An economic series with the day on which each figure became known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats, InvalidInput

Dates = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, eq=False)
class Vintages:
    """R figures of a series. Of two for one date the later row is the correction.

    observed   (R,) the date that a figure describes
    known      (R,) the day from which on it was public
    value      (R,) in the unit of the series, finite
    raises     InvalidInput for shapes that differ, and for a value that is not finite
    """

    observed: Dates
    known: Dates
    value: Floats

    def __post_init__(self) -> None:
        if not len(self.observed) == len(self.known) == len(self.value):
            raise InvalidInput("value", f"holds {len(self.value)} figures of {len(self.observed)} dates")
        if not np.isfinite(self.value).all():
            raise InvalidInput("value", "is not finite", int(np.argmin(np.isfinite(self.value))))

    def as_known(self, day: np.datetime64) -> Observations:
        """The figures that were public on a day, each as it was known then."""
        rows = self.known <= day
        observed, value = self.observed[rows][::-1], self.value[rows][::-1]
        dates, newest = np.unique(observed, return_index=True)
        return Observations(dates, value[newest])


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """N figures of a series by rising date, as known on one day."""

    dates: Dates
    value: Floats

    def minus(self, other: Observations) -> Observations:
        """The difference of two series on the dates that both have."""
        dates, own, others = np.intersect1d(self.dates, other.dates, assume_unique=True, return_indices=True)
        return Observations(dates, self.value[own] - other.value[others])

    def year_before(self) -> tuple[Observations, Floats]:
        """Those of which a figure of the same date twelve months before is known, and that figure. For monthly and rarer series."""
        months = self.dates.astype("datetime64[M]")
        before = months - np.timedelta64(12, "M")
        place = np.minimum(np.searchsorted(months, before), max(len(months) - 1, 0))
        has = months[place] == before if len(months) else np.zeros(0, dtype=bool)
        return Observations(self.dates[has], self.value[has]), self.value[place[has]]
