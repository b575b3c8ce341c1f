"""A measure over every window of so many rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats, InvalidInput, TooFewObservations, as_floats, require_finite


def roll(
    measure: Callable[..., Any], returns: npt.ArrayLike, *others: npt.ArrayLike, window: int, **options: Any
) -> Floats:
    """What a measure of `returns` or `risk` gives for each window, equal to what it gives for those rows alone.

    returns  (D,) or (D, P); others and options: as the measure takes them; series, (D,) or like returns, are cut to the
             same rows
    returns  (D - window + 1,) or (D - window + 1, P); the k-th covers rows k to k + window - 1. NaN where that
             window has no answer
    raises   InvalidInput for shapes, for a window that is no whole number above zero, and for NaN and infinity (1-D; in
             2-D the windows that hold one are NaN); TooFewObservations for a window longer than the series
    """
    r = as_floats("returns", returns)
    if r.ndim not in (1, 2):
        raise InvalidInput("returns", f"has {r.ndim} axes, 1 or 2 are needed")
    if isinstance(window, bool) or not isinstance(window, int) or window < 1:
        raise InvalidInput("window", f"is {window!r}, a whole number of rows is needed")
    if len(r) < window:
        raise TooFewObservations("returns", window, len(r))
    if r.ndim == 1:
        require_finite("returns", r)

    def series(values: Any) -> Any:
        if np.ndim(values) == 0:
            return values
        array = as_floats("series", values)
        if array.shape not in (r.shape[:1], r.shape):
            raise InvalidInput("series", f"has shape {array.shape}, returns has {r.shape}")
        if r.ndim == 1:
            require_finite("series", array)
        return array

    def cut(array: Any, column: int) -> Any:
        if np.ndim(array) == 0:
            return array
        return np.lib.stride_tricks.sliding_window_view(array if array.ndim == 1 else array[:, column], window).T

    positional = [series(values) for values in others]
    by_keyword = {name: series(values) for name, values in options.items()}
    columns = [
        measure(
            cut(r, column),
            *(cut(each, column) for each in positional),
            **{name: cut(each, column) for name, each in by_keyword.items()},
        )
        for column in range(1 if r.ndim == 1 else r.shape[1])
    ]
    return np.asarray(columns[0] if r.ndim == 1 else np.array(columns).reshape(-1, len(r) - window + 1).T)
