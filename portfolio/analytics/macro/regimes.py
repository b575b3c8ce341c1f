"""Five phases of the business cycle, scored by where four indicators stand in their own past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats, as_floats

METHOD = "regime_v1"
INPUTS = ("T10Y2Y", "UNRATE", "CPIAUCSL", "BAA10Y")
"""Slope of the yield curve, change of unemployment in a year, inflation in a year, spread of Baa bonds; each as a z-score."""


class Regime(StrEnum):
    EARLY_EXPANSION = "EARLY_EXPANSION"
    MID_EXPANSION = "MID_EXPANSION"
    LATE_EXPANSION = "LATE_EXPANSION"
    EARLY_CONTRACTION = "EARLY_CONTRACTION"
    DEEP_CONTRACTION = "DEEP_CONTRACTION"


CONTRACTIONS = frozenset({Regime.EARLY_CONTRACTION, Regime.DEEP_CONTRACTION})


@dataclass(frozen=True, slots=True)
class Band:
    """The z-scores at which an indicator speaks for a regime in full; an open end is infinite."""

    low: float
    high: float
    weight: float


_OPEN = float("inf")
BANDS: Mapping[Regime, tuple[Band, ...]] = {
    Regime.EARLY_EXPANSION: (
        Band(0.5, _OPEN, 2.0), Band(-_OPEN, -0.5, 1.5), Band(-_OPEN, 0.0, 1.0), Band(-_OPEN, 0.0, 1.0),
    ),
    Regime.MID_EXPANSION: (
        Band(0.0, 1.5, 1.5), Band(-1.5, 0.0, 1.5), Band(-0.5, 0.5, 1.0), Band(-0.5, 0.5, 1.0),
    ),
    Regime.LATE_EXPANSION: (
        Band(-1.0, 0.5, 2.0), Band(-2.0, -0.5, 1.5), Band(0.5, _OPEN, 2.0), Band(0.0, 1.0, 1.0),
    ),
    Regime.EARLY_CONTRACTION: (
        Band(-_OPEN, -0.5, 2.5), Band(0.0, 1.0, 1.5), Band(-_OPEN, 1.0, 0.5), Band(0.5, _OPEN, 2.0),
    ),
    Regime.DEEP_CONTRACTION: (
        Band(0.5, _OPEN, 1.0), Band(1.0, _OPEN, 2.5), Band(-_OPEN, 0.0, 1.0), Band(1.5, _OPEN, 2.5),
    ),
}  # fmt: skip
"""By regime, in the order of `INPUTS`."""
_LOW, _HIGH, _WEIGHT = (
    np.array([[getattr(band, name) for band in bands] for bands in BANDS.values()])
    for name in ("low", "high", "weight")
)


def fits(z: npt.ArrayLike) -> Floats:
    """(..., 5, 4) what each indicator adds to the score of each regime; a regime that fits in full sums to 1.

    z   (..., 4) in the order of `INPUTS`. Outside its band an indicator counts half for each standard deviation of distance;
        NaN, an indicator that is not known, makes everything NaN
    """
    scores = as_floats("z", z)[..., None, :]
    distance = np.maximum(np.maximum(_LOW - scores, scores - _HIGH), 0.0)
    weighted: Floats = _WEIGHT * 0.5**distance / _WEIGHT.sum(axis=1, keepdims=True)
    missing = np.isnan(scores).any(axis=-1, keepdims=True)
    return np.where(missing, np.nan, weighted)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The regime of the highest score. A score says how well a regime fits, from 0 to 1; it is no probability."""

    regime: Regime
    scores: Mapping[Regime, float]
    margin: float
    """Its score less that of the next one."""
    shares: tuple[float, ...]
    """Of its score, by indicator in the order of `INPUTS`; they sum to 1."""

    @property
    def is_contraction(self) -> bool:
        return self.regime in CONTRACTIONS


def classify(z: npt.ArrayLike) -> Verdict:
    """The verdict of one vector of z-scores, (4,), all finite. Of equal scores the first in the order of `Regime` wins."""
    parts = fits(z)
    scores = parts.sum(axis=1)
    winner = int(np.argmax(scores))
    second = float(np.delete(scores, winner).max())
    return Verdict(
        regime=list(BANDS)[winner],
        scores=dict(zip(BANDS, scores.tolist(), strict=True)),
        margin=float(scores[winner]) - second,
        shares=tuple((parts[winner] / scores[winner]).tolist()),
    )
