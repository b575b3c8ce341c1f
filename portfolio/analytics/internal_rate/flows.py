"""The flows of many series, as rates are solved from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats

Ints = npt.NDArray[np.int64]

NOISE = 4 * np.finfo(np.float64).eps  # what one addition of equal sizes may leave behind


@dataclass(frozen=True, slots=True)
class Flows:
    """The flows of P >= 2 series at different times; the largest of a series is near 1. A zero is no flow.

    amounts, times  (K, P)  times in years (or periods) since the first flow
    """

    amounts: Floats
    times: Floats

    @classmethod
    def from_table(cls, moments: Ints, table: Floats, unit: float) -> Flows:
        """From moments (D,) or (D, P), rising, and finite amounts (D, P); one series alone is there twice."""
        if table.shape[1] == 1:
            table, moments = np.repeat(table, 2, axis=1), moments.reshape(len(moments), 1)
        moments = np.broadcast_to(moments if moments.ndim == 2 else moments[:, None], table.shape)
        largest = np.abs(table).max(axis=0, initial=0.0)
        amounts = _netted(table * np.ldexp(1.0, -np.maximum(np.frexp(largest)[1], -1000)), moments)
        there = amounts != 0
        if not len(amounts):
            return cls(amounts, np.zeros(table.shape))
        first = moments[there.argmax(axis=0), np.arange(moments.shape[1])]
        return cls(amounts, np.where(there, (moments - first) / unit, 0.0))

    def select(self, series: npt.NDArray[np.intp]) -> Flows:
        """Only these series; one alone is there twice."""
        series = np.repeat(series, 2) if len(series) == 1 else series
        # take keeps a row together in memory, which decides in which order a column is added
        return Flows(np.take(self.amounts, series, axis=1), np.take(self.times, series, axis=1))

    def series(self, column: int) -> tuple[Floats, Floats]:
        """Amounts and times of one series, without what is no flow."""
        there = self.amounts[:, column] != 0
        return self.amounts[there, column], self.times[there, column]


def _netted(amounts: Floats, moments: Ints) -> Floats:
    """Flows of one moment become one, the last of them. What is left by rounding alone is no flow."""
    netted, sizes = amounts.reshape(-1).copy(), np.abs(amounts).reshape(-1)
    below = amounts.shape[1]
    repeats = np.flatnonzero(moments[1:] == moments[:-1])
    while len(repeats):  # once for each flow that a moment has more than one
        is_later = np.isin(repeats, repeats + below, assume_unique=True)  # the flow above is to be added to it first
        first, repeats = repeats[~is_later], repeats[is_later]
        into = first + below
        netted[into] += netted[first]
        sizes[into] += sizes[first]
        netted[first] = 0.0
        netted[into[np.abs(netted[into]) <= NOISE * sizes[into]]] = 0.0
    return netted.reshape(amounts.shape)
