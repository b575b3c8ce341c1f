"""Means, deviations and slopes along axis 0, which the measures of risk are made of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import (
    Bools,
    Floats,
    InvalidInput,
    Measure,
    UndefinedRatio,
    as_floats,
    settle,
)

FLAT = 1e-12  # a spread this small beside the series itself is rounding, not variance


def benchmark_series(values: npt.ArrayLike) -> Floats:
    """Not a number: a benchmark is a series."""
    array = as_floats("benchmark", values)
    if array.ndim == 0:
        raise InvalidInput("benchmark", "is a number, a series is needed")
    return array


def root_of_year(periods_per_year: float) -> float:
    """What a deviation per period is multiplied by for one per year: the square root of the periods. Raises InvalidInput."""
    if not 0 < periods_per_year < np.inf:
        raise InvalidInput("periods_per_year", f"is {periods_per_year}, a number above zero is needed")
    return float(np.sqrt(periods_per_year))


def less(r: Floats, other: Floats) -> Floats:
    """r - other, (D,) or (D, P); r itself where nothing is taken off, so that no copy is made."""
    return r if other.ndim == 0 and other == 0.0 else r - other


def mean(values: Floats) -> Floats:
    """Arithmetic mean along axis 0: (D, P) -> (P,), (D,) -> 0-d."""
    return np.asarray(values.sum(axis=0) / len(values))


def products(left: Floats, right: Floats) -> Floats:
    """Sum of the products along axis 0, without a temporary of their size: (D, P) -> (P,), (D,) -> 0-d."""
    return np.asarray(np.einsum("i...,i...->...", left, np.broadcast_to(right, left.shape)))


def deviation_of(values: Floats, source: Floats) -> tuple[Floats, Bools]:
    """Sample standard deviation, and whether it is more than the rounding of the series it was made from."""
    with np.errstate(all="ignore"):
        centred = values - mean(values)
        squares, rest = products(centred, centred), centred.sum(axis=0)  # the rest is what the mean was rounded by
        deviation = np.sqrt(np.maximum(squares - rest**2 / len(values), 0.0) / (len(values) - 1))
        moves = deviation > FLAT * np.sqrt(products(source, source) / len(source))
        return np.where(moves | np.isnan(deviation), deviation, 0.0), np.asarray(moves)


def downside_of(excess: Floats) -> Floats:
    """Root mean square of min(excess, 0) over all D observations, per period; >= 0."""
    below = np.minimum(excess, 0.0)
    return np.asarray(np.sqrt(products(below, below) / len(excess)))


def mean_over_deviation(measure: str, r: Floats, other: Floats, ok: Bools, periods_per_year: float) -> Measure:
    """Mean of r - other over its sample deviation, per year. UndefinedRatio, or NaN in a table, where it does not vary."""
    excess = less(r, other)
    deviation, moves = deviation_of(excess, r)
    with np.errstate(all="ignore"):
        ratio = mean(excess) / deviation * root_of_year(periods_per_year)
    return settle(ratio, ok & moves, does_not_vary(measure, "the excess return"))


def slope_of(r: Floats, b: Floats) -> tuple[Floats, Bools]:
    """cov(r, b) / var(b) of each series, and whether b varies at all; where it does not, the slope means nothing."""
    _, moves = deviation_of(b, b)
    with np.errstate(all="ignore"):
        r_centred, b_centred = r - mean(r), b - mean(b)
        return products(r_centred, b_centred) / products(b_centred, b_centred), moves


def does_not_vary(measure: str, what: str) -> UndefinedRatio:
    """The failure of a measure that divides by a deviation of zero."""
    return UndefinedRatio(measure, f"{what} does not vary")


def too_large(measure: str) -> UndefinedRatio:
    """The failure of a measure that is beyond float64."""
    return UndefinedRatio(measure, "too large for a number")
