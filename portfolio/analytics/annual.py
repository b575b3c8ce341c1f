"""Yearly rates, and what they earn in a period."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import (
    Floats,
    InvalidInput,
    Measure,
    NotAnnualised,
    UndefinedReturn,
    as_floats,
    require_finite,
    settle,
)

DAYS_A_YEAR = 365.0


def annualise(total: npt.ArrayLike, days: npt.ArrayLike) -> Measure:
    """The yearly rate that compounds to `total` in `days`: (1 + R)^(365 / days) - 1.

    total, days  a number, or (P,); days as XIRR counts them (a window of N years passes 365 N)
    raises       NotAnnualised under 365 days, UndefinedReturn below -100 %, InvalidInput (numbers); NaN (arrays)
    """
    whole, span = broadcast(total=total, days=days)
    if whole.ndim == 0 and span < DAYS_A_YEAR:
        raise NotAnnualised(float(span))
    with np.errstate(all="ignore"):
        growth = np.power(np.maximum(1.0 + whole, 0.0), DAYS_A_YEAR / span)
        measured = (span >= DAYS_A_YEAR) & (whole >= -1.0) & np.isfinite(span) & np.isfinite(whole)
        return settle(growth - 1.0, measured, UndefinedReturn("is below -100 %"))


def period_money_weighted_return(annual_rate: npt.ArrayLike, days: npt.ArrayLike) -> Measure:
    """What a yearly rate earns in `days`: (1 + XIRR)^(days / 365) - 1. Shown where a span is too short to annualise.

    annual_rate, days  a number, or (P,); rate >= -1, days >= 0
    raises             InvalidInput, UndefinedReturn (numbers); NaN (arrays)
    """
    rate, span = broadcast(annual_rate=annual_rate, days=days)
    with np.errstate(all="ignore"):
        growth = np.power(np.maximum(1.0 + rate, 0.0), span / DAYS_A_YEAR)
        measured = (rate >= -1.0) & (span >= 0.0) & np.isfinite(rate) & np.isfinite(span)
        return settle(growth - 1.0, measured, UndefinedReturn("has no period rate"))


def broadcast(**values_by_name: npt.ArrayLike) -> list[Floats]:
    """Float64 arrays of one shape. Raises InvalidInput where shapes do not go together, or a single number is not finite."""
    arrays = [as_floats(name, values) for name, values in values_by_name.items()]
    try:
        spread = np.broadcast_arrays(*arrays)
    except ValueError as exc:
        raise InvalidInput(" and ".join(values_by_name), "have shapes that differ") from exc
    if spread[0].ndim == 0:
        for name, array in zip(values_by_name, arrays, strict=True):
            require_finite(name, array)
    return list(spread)
