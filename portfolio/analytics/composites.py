"""Returns of a composite of fixed weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import (
    Bools,
    Floats,
    InvalidInput,
    UndefinedReturn,
    as_floats,
    require_finite,
)


@np.errstate(all="ignore")  # what is too large is refused by name, not warned about
def composite_returns(components: npt.ArrayLike, weights: npt.ArrayLike, rebalanced: npt.ArrayLike) -> Floats:
    """Returns of a fixed-weight composite.

    components  (D, K)  returns of its components
    weights     (K,)    sum to 1
    rebalanced  (D,)    True where the day opens at the weights again; the first day always does. All True is daily,
                        all False is never
    returns     (D,)
    raises      InvalidInput, UndefinedReturn where the composite falls to nothing or grows beyond any number
    """
    parts, target = as_floats("components", components), as_floats("weights", weights)
    reset: Bools = np.asarray(rebalanced, dtype=np.bool_)
    if parts.ndim != 2 or target.shape != parts.shape[1:] or reset.shape != parts.shape[:1]:
        raise InvalidInput("weights", f"has shape {target.shape}, components {parts.shape}, rebalanced {reset.shape}")
    require_finite("components", parts)
    require_finite("weights", target)
    if abs(target.sum() - 1.0) > 1e-9:
        raise InvalidInput("weights", "do not sum to 1")
    out = np.empty(len(parts))
    starts = np.flatnonzero(reset | (np.arange(len(parts)) == 0))
    for first, after in zip(starts, [*starts[1:], len(parts)], strict=True):
        index = np.concatenate([[1.0], np.cumprod(1.0 + parts[first:after], axis=0) @ target])
        if not np.isfinite(index).all():
            raise UndefinedReturn("is too large for a number", int(first + np.argmin(np.isfinite(index)) - 1))
        if (index[:-1] <= 0).any():
            raise UndefinedReturn("starts at or below zero", int(first + np.argmax(index[:-1] <= 0)))
        out[first:after] = index[1:] / index[:-1] - 1.0
    return out
