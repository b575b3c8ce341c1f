"""Regression of returns on changes of factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.attribution import carino_link
from portfolio.analytics.errors import (
    AnalyticsError,
    Floats,
    InvalidInput,
    Measure,
    TooFewObservations,
    UndefinedRatio,
    as_floats,
)

LEAST = 60  # complete days
EXACT = 1e-12


@dataclass(frozen=True, slots=True)
class FactorExposures:
    """What one series (or, along the last axis, each of P) owes to F factors.

    betas, standard_errors, t      (F,) or (F, P); t is NaN where the fit is exact (standard error zero)
    alpha                          intercept per day
    r_squared                      1 - residual_share
    variance_shares                (F,) or (F, P)  beta cov(f, r) / var(r); may be negative
    residual_share                 what is left: with variance_shares it sums to 1
    mean_return, mean_contributions  per day: beta mean(f); with alpha they sum to mean_return
    total_return, contributions    linked over the days used (Carino): with residual_contribution they sum to it
    residual_contribution          alpha and what no factor explains
    n                              complete days used
    """

    betas: Floats
    standard_errors: Floats
    t: Floats
    alpha: Measure
    r_squared: Measure
    variance_shares: Floats
    residual_share: Measure
    mean_return: Measure
    mean_contributions: Floats
    total_return: Measure
    contributions: Floats
    residual_contribution: Measure
    n: Measure


def factor_exposures(returns: npt.ArrayLike, factor_changes: npt.ArrayLike, *, window: int) -> FactorExposures:
    """Ordinary least squares with intercept over the last `window` rows.

    returns         (D,) or (D, P)  per day; NaN is a day that was not measured
    factor_changes  (D, F) or (D,)  yields and spreads as changes in decimal (10 bp = 0.0010), indices as returns;
                                    NaN is a day without that factor. Incomplete days are dropped
    raises          TooFewObservations under 60 complete days, UndefinedRatio where the series or a factor does not
                    vary or factors are not independent, UndefinedReturn for a day at or below -100 %, InvalidInput
                    for infinity in the returns (1-D; in 2-D that column is NaN); InvalidInput for infinity in the
                    factors, shapes, window
    """
    r, changes = as_floats("returns", returns), as_floats("factor_changes", factor_changes)
    changes = changes[:, None] if changes.ndim == 1 else changes
    if r.ndim not in (1, 2) or changes.ndim != 2 or len(changes) != len(r) or not changes.shape[1]:
        raise InvalidInput("factor_changes", f"has shape {changes.shape}, returns has {r.shape}")
    if isinstance(window, bool) or not isinstance(window, int) or window < 1:
        raise InvalidInput("window", f"is {window!r}, a whole number of rows is needed")
    for name, array in (("returns", r), ("factor_changes", changes)):
        if (array is changes or r.ndim == 1) and np.isinf(array).any():
            raise InvalidInput(name, "is infinite", int(np.argwhere(np.isinf(array))[0][0]))
    r, changes = r[-window:], changes[-window:]
    if r.ndim == 1:
        return _exposures(r, changes)
    return _stacked([_exposures_or_nan(column, changes) for column in r.T], changes.shape[1])


@np.errstate(all="ignore")  # what is too large is refused by name, not warned about
def _exposures(r: Floats, changes: Floats) -> FactorExposures:
    complete = np.isfinite(r) & np.isfinite(changes).all(axis=1)
    r, changes = r[complete], changes[complete]
    days, factors = changes.shape
    if days < max(LEAST, factors + 2):
        raise TooFewObservations("complete days", max(LEAST, factors + 2), days)
    r_mean, f_mean = r.mean(), changes.mean(axis=0)
    r_centred, f_centred = r - r_mean, changes - f_mean
    variance, spread = float(r_centred @ r_centred), np.sqrt((f_centred**2).sum(axis=0))
    if variance <= EXACT**2 * float(r @ r):
        raise UndefinedRatio("factor exposure", "the returns do not vary")
    flat = spread <= EXACT * np.sqrt((changes**2).sum(axis=0))
    if flat.any():
        raise UndefinedRatio("factor exposure", f"factor {int(np.argmax(flat))} does not vary")
    # Factors differ in size by orders of magnitude: each is measured in its own spread while solving.
    scaled = f_centred / spread
    left, sizes, right = np.linalg.svd(scaled, full_matrices=False)
    if sizes[-1] <= 1e-10 * sizes[0]:
        raise UndefinedRatio("factor exposure", "the factors are not independent")
    betas = (right.T @ ((left.T @ r_centred) / sizes)) / spread
    residual = r_centred - f_centred @ betas
    inverse = ((right / sizes[:, None]) ** 2).sum(axis=0) / spread**2
    errors = np.sqrt(float(residual @ residual) / (days - factors - 1) * inverse)
    shares = betas * (f_centred.T @ r_centred) / variance
    residual_share = 1.0 - float(shares.sum())
    alpha = float(r_mean - betas @ f_mean)
    daily = np.column_stack([changes * betas, r - changes @ betas])
    linked = carino_link(daily, r)
    return FactorExposures(
        betas=betas,
        standard_errors=errors,
        t=np.divide(betas, errors, out=np.full_like(betas, np.nan), where=errors > 0),
        alpha=alpha,
        r_squared=1.0 - residual_share,
        variance_shares=shares,
        residual_share=residual_share,
        mean_return=float(r_mean),
        mean_contributions=betas * f_mean,
        total_return=float(linked.sum()),
        contributions=linked[:-1],
        residual_contribution=float(linked[-1]),
        n=days,
    )


def _exposures_or_nan(r: Floats, changes: Floats) -> FactorExposures | None:
    try:
        return None if np.isinf(r).any() else _exposures(r, changes)
    except AnalyticsError:
        return None


def _stacked(columns: list[FactorExposures | None], factors: int) -> FactorExposures:
    """One value of arrays whose last axis is the portfolio; NaN, and n = 0, where there was no answer."""

    def many(name: str) -> Floats:
        nothing = np.full(factors, np.nan)
        rows = [nothing if column is None else getattr(column, name) for column in columns]
        return np.array(rows).reshape(len(rows), factors).T

    def one(name: str) -> Floats:
        return np.array([np.nan if column is None else getattr(column, name) for column in columns])

    return FactorExposures(
        betas=many("betas"),
        standard_errors=many("standard_errors"),
        t=many("t"),
        alpha=one("alpha"),
        r_squared=one("r_squared"),
        variance_shares=many("variance_shares"),
        residual_share=one("residual_share"),
        mean_return=one("mean_return"),
        mean_contributions=many("mean_contributions"),
        total_return=one("total_return"),
        contributions=many("contributions"),
        residual_contribution=one("residual_contribution"),
        n=np.array([0 if column is None else column.n for column in columns]),
    )
