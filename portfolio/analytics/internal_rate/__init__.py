"""The internal rate of return of many series at once: Newton for all, and what it leaves open decided one by one.

The rate of a series does not depend on the others it is solved with, to the last bit: sums run along axis 0, row by row. NumPy
adds a single column in another order, so that a series alone is solved twice side by side.
"""

from __future__ import annotations

import numpy as np

from portfolio.analytics.errors import Floats, UndefinedRate
from portfolio.analytics.internal_rate import newton, root_search
from portfolio.analytics.internal_rate.flows import Flows, Ints

BLOCK = 50_000
"""Flows solved together. Larger tables do not fit a core's cache: 1,000 series of 100 flows take 11 ms at once, 7 ms in blocks."""


def log_rates(moments: Ints, table: Floats, unit: float) -> Floats:
    """The log rate of each column; NaN where there is none, or more than one.

    moments  (D,) or (D, P)  rising
    table    (D, P)          finite amounts
    unit     moments in a year (or a period)
    """
    rates = np.empty(table.shape[1])
    width = max(1, BLOCK // max(1, len(table)))
    for first in range(0, len(rates), width):
        columns = slice(first, first + width)
        rates[columns] = _rates_of_block(moments if moments.ndim == 1 else moments[:, columns], table[:, columns], unit)
    return rates


def _rates_of_block(moments: Ints, table: Floats, unit: float) -> Floats:
    flows = Flows.from_table(moments, table, unit)
    rates, only = newton.solve(flows)
    for series in np.flatnonzero(~only):
        try:
            rates[series] = root_search.search(*flows.series(int(series)), float(rates[series]))
        except UndefinedRate:
            rates[series] = np.nan
    return rates[: table.shape[1]]


def log_rate(moments: Ints, amounts: Floats, unit: float) -> float:
    """The log rate of one series (D,). Raises UndefinedRate as root_search.search does."""
    flows = Flows.from_table(moments, amounts[:, None], unit)
    rates, only = newton.solve(flows)
    return float(rates[0]) if only[0] else root_search.search(*flows.series(0), float(rates[0]))
