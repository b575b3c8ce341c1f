"""How much of a portfolio's return five factors explain, with whichever of a factor's series the pack holds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio import metrics
from portfolio.analytics import factors
from portfolio.analytics.errors import AnalyticsError
from portfolio.valuation import Days, ValueHistory
from pricing import market
from pricing.models import Factor, FactorSeries, PricingPack

Floats = npt.NDArray[np.float64]

WINDOW = 252
FX_BASKET = "fx_basket"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The series that stands for a factor, and what it did between observation days."""

    factor: str
    series_id: str
    degraded: str
    changes: Floats
    """(n,) yields and spreads in decimal (10 bp = 0.0010), indices as returns; NaN on incomplete days."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One factor's row; the numbers are None where it is unavailable, and `reason` says why."""

    factor: str
    series_id: str
    status: str
    reason: str
    beta: float | None = None
    standard_error: float | None = None
    t_statistic: float | None = None
    variance_share: float | None = None
    observations: int | None = None


def compute(history: ValueHistory, pack: PricingPack, risk_free: metrics.RiskFree | None) -> list[Exposure]:
    """An exposure, or its reason, for each factor: one regression on all factors that the pack has data for."""
    if risk_free is None:
        return [Exposure(factor, "", "unavailable", "no_risk_free_rate") for factor in Factor.values]
    days, excess = metrics.excess_returns(history, risk_free)
    found = choose(pack, days)
    usable = [each for each in found.values() if each is not None]
    absent = [Exposure(factor, "", "unavailable", "no_series") for factor, each in found.items() if each is None]
    if not usable:
        return absent
    try:
        fit = factors.factor_exposures(excess, np.column_stack([each.changes for each in usable]), window=WINDOW)
    except AnalyticsError as undefined:
        return absent + [Exposure(each.factor, each.series_id, "unavailable", str(undefined)) for each in usable]
    return absent + [
        Exposure(
            factor=each.factor,
            series_id=each.series_id,
            status="degraded" if each.degraded or risk_free.degraded else "ok",
            reason=", ".join([each.degraded, *risk_free.degraded] if each.degraded else risk_free.degraded),
            beta=float(fit.betas[position]),
            standard_error=float(fit.standard_errors[position]),
            t_statistic=_finite(fit.t[position]),
            variance_share=float(fit.variance_shares[position]),
            observations=int(fit.n),
        )
        for position, each in enumerate(usable)
    ]


def choose(pack: PricingPack, days: Days) -> dict[str, Chosen | None]:
    """For each factor the first series of its list that the pack holds for at least one step between `days`.

    days  (n + 1,) the closes between which the n changes lie
    """
    found: dict[str, Chosen | None] = dict.fromkeys(Factor.values)
    for row in FactorSeries.objects.order_by("factor", "rank"):
        if found[row.factor] is None:
            changes = _changes(pack, row, days)
            if changes is not None and np.isfinite(changes).any():
                found[row.factor] = Chosen(row.factor, row.series_id, row.degraded, changes)
    return found


def _changes(pack: PricingPack, row: FactorSeries, days: Days) -> Floats | None:
    if row.series_id == FX_BASKET:
        return _basket(pack, days)
    level = _level(pack, row.series_id, days)
    if level is None:
        return None
    if row.change == "return":
        return np.asarray(level[1:] / level[:-1] - 1.0)
    level = level / 100.0
    if row.minus_trailing:
        try:
            index = market.series(pack, row.minus_trailing, dates=days)
        except market.MissingSeries:
            return None
        level = level - (index.value / index.year_ago - 1.0)
    return np.asarray(np.diff(level))


def _level(pack: PricingPack, series_id: str, days: Days) -> Floats | None:
    """The observation of each day itself; NaN where the series has none of that day."""
    rows = market.observations(pack, series_id)
    if not rows:
        return None
    dates = np.array([row.observation_date for row in rows], dtype="datetime64[D]")
    values = np.array([float(row.value) for row in rows])
    at = np.minimum(np.searchsorted(dates, days), len(dates) - 1)
    return np.where(dates[at] == days, values[at], np.nan)


def _basket(pack: PricingPack, days: Days) -> Floats | None:
    """Return of the US dollar against the other currencies of the pack, equally weighted."""
    history = market.history(pack)
    if "USD" not in history.currencies:
        return None
    others = [code for code in history.currencies if code != "USD"]
    at = np.searchsorted(history.dates, days)
    if not others or (at >= len(history.dates)).any():
        return None
    worth = np.column_stack([history.fx("USD", code)[at] for code in others])
    return np.asarray((worth[1:] / worth[:-1] - 1.0).mean(axis=1))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
