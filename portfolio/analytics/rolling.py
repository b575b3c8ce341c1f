"""A measure over every window of so many rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats, InvalidInput, TooFewObservations, as_floats, require_finite


def roll(
    measure: Callable[..., Any], returns: npt.ArrayLike, *beside: npt.ArrayLike, window: int, **options: Any
) -> Floats:
    """What a measure of `returns` or `risk` gives for each window, equal to what it gives for those rows alone.

    returns  (D,) or (D, P); beside and options: as the measure takes them, series (D,) are cut to the same rows
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

    def cut(values: Any) -> Any:
        if np.ndim(values) == 0:
            return values
        series = as_floats("series", values)
        if series.shape != r.shape[:1]:
            raise InvalidInput("series", f"has shape {series.shape}, returns has {r.shape}")
        return np.lib.stride_tricks.sliding_window_view(series, window).T

    others, named = [cut(values) for values in beside], {name: cut(values) for name, values in options.items()}
    columns = [measure(cut(column), *others, **named) for column in np.atleast_2d(r.T)]
    return np.asarray(columns[0] if r.ndim == 1 else np.array(columns).reshape(-1, len(r) - window + 1).T)
