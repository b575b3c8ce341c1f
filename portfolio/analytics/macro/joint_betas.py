"""What holdings owe to factors, all of them in one regression, and what a shock of the factors would do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats, InvalidInput, UndefinedRatio, as_floats

LEAST = 60
"""Complete sessions that a regression needs, as that of the portfolio's own factor exposures does."""
Z_90 = 1.6448536269514722
"""Standard normal quantile at 95 %."""
TAIL_DEGREES = 4.0
"""Degrees of freedom of the t distribution that returns and factors are taken to share."""
DEPENDENT = 1e-10
"""Singular values in this proportion to the largest: the factors are not independent."""


@dataclass(frozen=True, slots=True, eq=False)
class JointBetas:
    """Ordinary least squares with intercept of N holdings on F factors; NaN, and n = 0, of a holding with too few sessions.

    betas              (F, N) return for a change of one of the factor
    inverse            (N, F, F) inverse of the centred cross products: times the residual variance, the covariance of the betas
    residual_variance  (N,) of a session, with n - F - 1 degrees of freedom
    residuals          (T, N) NaN on sessions that were not used
    n                  (N,) complete sessions used
    """

    betas: Floats
    inverse: Floats
    residual_variance: Floats
    residuals: Floats
    n: npt.NDArray[np.intp]

    @property
    def is_known(self) -> npt.NDArray[np.bool_]:
        """(N,) whether a holding has betas."""
        return np.asarray(self.n > 0)

    def response(self, shock: Floats) -> Floats:
        """(N,) returns under a shock (F,) of the factors; NaN without betas."""
        return np.asarray(shock @ self.betas)

    def standard_error(self, shock: Floats) -> Floats:
        """(N,) standard errors of the responses, of the betas alone: root of s'Vs."""
        return np.asarray(np.sqrt(np.einsum("f,nfg,g->n", shock, self.inverse, shock) * self.residual_variance))

    def interval(self, shock: Floats, *, sessions: int, tail: float) -> tuple[Floats, Floats]:
        """(N,) ends of the 90 % interval of the return over a number of sessions in which the factors move by the shock.

        It holds the error of the betas and what no factor explains; `tail` is that of `tail_factor`.
        """
        spread = Z_90 * np.sqrt(self.standard_error(shock) ** 2 + tail * sessions * self.residual_variance)
        return self.response(shock) - spread, self.response(shock) + spread


def joint_betas(returns: npt.ArrayLike, changes: npt.ArrayLike) -> JointBetas:
    """The betas of each holding over the sessions on which it and all factors are known.

    returns   (T, N) of a session, in the holding's own currency; NaN is a session without one
    changes   (T, F) of the factors over the same sessions; NaN is a session without it
    raises    InvalidInput for shapes and infinities, UndefinedRatio where the factors are not independent
    """
    r, x = as_floats("returns", returns), as_floats("changes", changes)
    if r.ndim != 2 or x.ndim != 2 or len(r) != len(x):
        raise InvalidInput("changes", f"has shape {x.shape}, returns has {r.shape}")
    for name, array in (("returns", r), ("changes", x)):
        if np.isinf(array).any():
            raise InvalidInput(name, "is infinite", int(np.argwhere(np.isinf(array))[0][0]))
    (sessions, holdings), factors = r.shape, x.shape[1]
    betas, residuals = np.full((factors, holdings), np.nan), np.full((sessions, holdings), np.nan)
    inverse, variance = np.full((holdings, factors, factors), np.nan), np.full(holdings, np.nan)
    n = np.zeros(holdings, dtype=np.intp)
    has_factors = np.isfinite(x).all(axis=1)
    for each in range(holdings):
        rows = has_factors & np.isfinite(r[:, each])
        count = int(rows.sum())
        if count < max(LEAST, factors + 2):
            continue
        centred, own = x[rows] - x[rows].mean(axis=0), r[rows, each] - r[rows, each].mean()
        inverse[each] = _inverse(centred)
        betas[:, each] = inverse[each] @ (centred.T @ own)
        residuals[rows, each] = own - centred @ betas[:, each]
        variance[each] = float(np.square(residuals[rows, each]).sum()) / (count - factors - 1)
        n[each] = count
    return JointBetas(betas, inverse, variance, residuals, n)


def _inverse(centred: Floats) -> Floats:
    """Inverse of the cross products. Factors differ in size by orders of magnitude: each is measured in its own spread."""
    spread = np.sqrt(np.square(centred).sum(axis=0))
    if not (spread > 0).all():
        raise UndefinedRatio("joint betas", f"factor {int(np.argmin(spread > 0))} does not vary")
    _, sizes, right = np.linalg.svd(centred / spread, full_matrices=False)
    if len(sizes) and sizes[-1] <= DEPENDENT * sizes[0]:
        raise UndefinedRatio("joint betas", "the factors are not independent")
    scaled = right.T / sizes
    return np.asarray((scaled @ scaled.T) / np.outer(spread, spread))


def largest_moves(changes: npt.ArrayLike, *, sessions: int) -> Floats:
    """(F,) the largest absolute sum of a factor's changes over a number of consecutive sessions; an unknown one counts as none."""
    x = np.nan_to_num(as_floats("changes", changes))
    level = np.vstack((np.zeros((1, x.shape[1])), np.cumsum(x, axis=0)))
    span = min(sessions, len(x))
    return np.asarray(np.abs(level[span:] - level[: len(level) - span]).max(axis=0))


def tail_factor(changes: npt.ArrayLike, shock: Floats, *, sessions: int) -> float:
    """How much larger than on average the residual variance is when the factors move by a shock over a number of sessions.

    Where factors move much, holdings also move more by themselves: of a multivariate t with v degrees of freedom the variance that
    is left, given that F factors have moved by a Mahalanobis distance d, is (v + d^2) / (v + F) of the whole (Ding 2016, "On the
    conditional distribution of the multivariate t distribution").

    changes   (T, F) per session; incomplete sessions are left out
    """
    x = as_floats("changes", changes)
    x = x[np.isfinite(x).all(axis=1)]
    covariance = np.atleast_2d(np.cov(x, rowvar=False)) * sessions
    distance = float(shock @ np.linalg.solve(covariance, shock))
    return (TAIL_DEGREES + distance) / (TAIL_DEGREES + len(shock))
