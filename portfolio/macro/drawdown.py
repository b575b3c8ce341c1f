"""What a portfolio as it stands may lose from its highest point over a number of sessions, and how well that would have held."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from portfolio.analytics.errors import Floats, UndefinedRatio
from portfolio.analytics.macro import coverage as coverages
from portfolio.analytics.macro import drawdown_at_risk as simulation
from portfolio.analytics.macro import joint_betas as regression
from portfolio.analytics.macro.drawdown_at_risk import StandardDrawdowns
from portfolio.analytics.macro.joint_betas import LEAST
from portfolio.macro.holding_history import WINDOW, HoldingHistory
from portfolio.macro.money import estimated
from portfolio.performance.metric import Metric, degraded, unavailable
from portfolio.valuation import ValuedPositions
from pricing.models import Factor

METHOD = "dar_v1"
CALIBRATION_SHORT, TOO_FEW_SESSIONS, NOTHING_AT_RISK = "calibration_short", "too_few_sessions", "nothing_at_risk"
NOT_POSITIVE = "not_positive"
ENOUGH_WINDOWS = 250
FACTOR_IN_RESIDUALS, CYCLE_UNKNOWN = "factor_in_residuals", "cycle_unknown"


@dataclass(frozen=True, slots=True)
class RiskSource:
    """One of the things that move the portfolio: a factor, a currency, or what a holding does by itself."""

    kind: str
    name: str
    exposure: float
    """Return of the portfolio for a change of one."""
    volatility: float
    """Of a session: rates and spreads in decimal, the rest as returns."""
    variance_share: float
    """Of the portfolio's; the shares sum to 1, and one that hedges is negative."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The same limit set for the same holdings over the past: every window that does not overlap, from what was known before it."""

    hits: int | None
    windows: int
    stated: float
    rate: Metric
    low: float | None
    high: float | None
    kupiec: float | None
    christoffersen: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class DarRecord:
    """Drawdown at risk: exceeded by the share `1 - confidence` of simulated paths."""

    asof_date: date
    base_currency: str
    dar_value: Metric
    """A fraction of the highest value on the way, not negative; the basis has the interval of the simulation."""
    dar_amount: Decimal | None
    typical: Metric
    """The drawdown of the middle path."""
    volatility: Metric
    """Standard deviation of a session."""
    confidence: float
    horizon_sessions: int
    draws: int
    amplification: float | None
    rows: tuple[RiskSource, ...]
    calibration: Calibration


def measure(
    valued: ValuedPositions,
    holdings: HoldingHistory,
    *,
    confidence: float,
    sessions: int,
    seed: int,
    amplification: float | None = 1.0,
) -> DarRecord:
    """The drawdown at risk of the positions as they are valued, held as they are.

    holdings        of the same positions, in the same order
    seed            of engine and portfolio, so that two packs differ by their data alone
    amplification   what the volatility is multiplied by; None: by nothing, and the figure says that the cycle is unknown
    """
    total = float(valued.total_value)
    paths = simulation.simulate(sessions=sessions, seed=seed)
    if total <= 0:
        return _nothing(valued, confidence, sessions, amplification, NOT_POSITIVE)
    weights = np.array([float(row.market_value) for row in valued.positions]) / total
    in_currency = _currency_weights(valued, holdings, total)
    has_returns = np.isfinite(holdings.returns[-WINDOW:]).sum(axis=0) >= LEAST
    weights_held = np.where(has_returns, weights, 0.0)
    series = _series(holdings, weights_held, in_currency)
    rows, variance = _decompose(holdings, weights_held, in_currency)
    if variance is None:
        reason = TOO_FEW_SESSIONS if len(weights) or in_currency.any() else NOTHING_AT_RISK
        return _nothing(valued, confidence, sessions, amplification, reason)
    volatility = float(np.sqrt(variance)) * (1.0 if amplification is None else amplification)
    value, low, high = paths.at(confidence, volatility).tolist()
    doubts = [FACTOR_IN_RESIDUALS] if _lacks_factor(holdings) else []
    doubts += [TOO_FEW_SESSIONS] if not has_returns.all() else []
    doubts += [CYCLE_UNKNOWN] if amplification is None else []
    calibration = _calibrate(series, paths, confidence=confidence, sessions=sessions)
    basis = {"draws": simulation.DRAWS, "low": low, "high": high, "n": int(np.isfinite(series[-WINDOW:]).sum())}

    def figure(each: float) -> Metric:
        return degraded(Metric(each, "ok", None, basis), doubts)

    return DarRecord(
        asof_date=valued.asof_date,
        base_currency=valued.currency,
        dar_value=figure(value),
        dar_amount=estimated(value * total, valued.currency),
        typical=figure(float(paths.at(0.5, volatility)[0])),
        volatility=figure(volatility),
        confidence=confidence,
        horizon_sessions=sessions,
        draws=simulation.DRAWS,
        amplification=amplification,
        rows=rows,
        calibration=calibration,
    )


def _currency_weights(valued: ValuedPositions, holdings: HoldingHistory, total: float) -> Floats:
    """(C,) share of the value that is in each foreign currency, cash included."""
    weights = dict.fromkeys(holdings.currencies, 0.0)
    for currency, value in [
        *((row.currency, row.market_value) for row in valued.positions),
        *((row.currency, row.market_value) for row in valued.cash),
    ]:
        if currency in weights:
            weights[currency] += float(value) / total
    return np.array(list(weights.values()))


def _series(holdings: HoldingHistory, weights: Floats, in_currency: Floats) -> Floats:
    """(T,) return of the portfolio held as it is, NaN where one of its holdings or rates is not known."""
    in_position, foreign = weights != 0, in_currency != 0
    return np.asarray(
        holdings.returns[:, in_position] @ weights[in_position] + holdings.fx[:, foreign] @ in_currency[foreign]
    )


def _usable(holdings: HoldingHistory) -> list[int]:
    return [
        place
        for place, each in enumerate(holdings.factors)
        if each.status != "unavailable" and each.factor != Factor.USD
    ]


def _lacks_factor(holdings: HoldingHistory) -> bool:
    return any(each.status == "unavailable" and each.factor != Factor.USD for each in holdings.factors)


def _decompose(
    holdings: HoldingHistory, weights: Floats, in_currency: Floats
) -> tuple[tuple[RiskSource, ...], float | None]:
    """What moves the portfolio, and its variance of a session; None where too little is known.

    A return is betas by factors and what is left, by construction, so that the covariance of factors, currencies and residuals
    together gives the variance of the whole: what holdings have in common besides the factors is in it.
    """
    places, foreign = _usable(holdings), np.flatnonzero(in_currency)
    positions_held = np.flatnonzero(weights)
    returns, changes, fx = (
        each[-WINDOW:]
        for each in (holdings.returns[:, positions_held], holdings.changes[:, places], holdings.fx[:, foreign])
    )
    complete = np.isfinite(np.column_stack((returns, changes, fx))).all(axis=1)
    if complete.sum() < max(LEAST, len(places) + 2) or not len(positions_held) + len(foreign):
        return (), None
    returns, changes, fx = returns[complete], changes[complete], fx[complete]
    try:
        betas = regression.joint_betas(returns, changes)
    except UndefinedRatio:  # factors that move as one say nothing apart: all is what the holdings do by themselves
        places, changes = [], changes[:, :0]
        betas = regression.joint_betas(returns, changes)
    exposures = np.concatenate((betas.betas @ weights[positions_held], in_currency[foreign], weights[positions_held]))
    columns = np.column_stack((changes, fx, betas.residuals))
    covariance = np.atleast_2d(np.cov(columns, rowvar=False))
    variance = float(exposures @ covariance @ exposures)
    if variance <= 0:
        return (), None
    shares = exposures * (covariance @ exposures) / variance
    names = [("factor", holdings.factors[place].factor) for place in places]
    names += [("currency", holdings.currencies[place]) for place in foreign]
    names += [("holding", holdings.symbols[place]) for place in positions_held]
    spreads = np.sqrt(np.diag(covariance))
    rows = tuple(
        RiskSource(kind, name, *(float(each) for each in row))
        for (kind, name), *row in zip(names, exposures, spreads, shares, strict=True)
    )
    return rows, variance


def _calibrate(series: Floats, paths: StandardDrawdowns, *, confidence: float, sessions: int) -> Calibration:
    """Each window back from the newest session that does not overlap with the next and has a year of sessions before it."""
    hits = []
    for begin in range(len(series) - sessions, WINDOW - 1, -sessions):
        before, window = series[begin - WINDOW : begin], series[begin : begin + sessions]
        past = before[np.isfinite(before)]
        if not np.isfinite(window).all() or len(past) < LEAST:
            continue
        limit = paths.at(confidence, float(past.std(ddof=1)))[0]
        hits.append(simulation.path_drawdown(window) > limit)
    stated = 1.0 - confidence
    if not hits:
        rate = unavailable(TOO_FEW_SESSIONS)
        return Calibration(None, 0, stated, rate, None, None, None, None, "unknown")
    judged = coverages.coverage(hits[::-1], stated=stated)
    doubts = [CALIBRATION_SHORT] if judged.n < ENOUGH_WINDOWS else []
    rate = degraded(Metric(judged.rate, "ok", None, {"n": judged.n, "low": judged.low, "high": judged.high}), doubts)
    return Calibration(
        judged.hits,
        judged.n,
        stated,
        rate,
        judged.low,
        judged.high,
        judged.kupiec,
        judged.christoffersen,
        judged.verdict,
    )


def _nothing(
    valued: ValuedPositions, confidence: float, sessions: int, amplification: float | None, reason: str
) -> DarRecord:
    blank = unavailable(reason)
    calibration = Calibration(None, 0, 1.0 - confidence, blank, None, None, None, None, "unknown")
    return DarRecord(
        valued.asof_date, valued.currency, blank, None, blank, blank, confidence, sessions, simulation.DRAWS, amplification,
        (), calibration,
    )  # fmt: skip
