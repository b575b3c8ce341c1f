"""How much of a portfolio's return five factors explain, with whichever of a factor's series the pack has."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from portfolio.analytics import factors
from portfolio.analytics.attribution import carino_link
from portfolio.analytics.errors import AnalyticsError, Floats
from portfolio.performance import observations
from portfolio.performance import record as metrics_record
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.factor_series import BENCHMARK, FactorChoice, FactorLevels, Levels
from portfolio.performance.measures import Measure, Window
from portfolio.performance.metric import NO_OBSERVATIONS, NOT_STARTED, Metric, degraded, unavailable
from portfolio.performance.observations import ObservedReturns
from portfolio.performance.risk_figures import NO_RISK_FREE_RATE
from portfolio.performance.risk_free import RiskFree
from portfolio.valuation import InvariantViolated, ValueHistory
from pricing.models import Factor

WINDOW = 252
REGRESSION = {"digits": 10}


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
    contribution: float | None = None
    """To the return of the days used, linked by Carino."""


@dataclass(frozen=True, slots=True)
class FactorRecord:
    """One regression of the portfolio's excess returns on all factors that the pack has data for.

    The variance shares and `residual_share` sum to 1; the contributions, `risk_free_contribution` and
    `residual_contribution` (what no factor explains, the intercept with it) sum to `total_return`.
    """

    portfolio_id: str
    pack_id: str
    window: int
    """Observations looked back upon; those without every factor are dropped."""
    first_date: date | None
    last_date: date | None
    observations: int
    benchmark: str | None
    factors: Mapping[str, Metric] = field(metadata=REGRESSION)
    """The beta of each factor by its name."""
    rows: tuple[Exposure, ...] = field(metadata=REGRESSION)
    r_squared: Metric = field(metadata=REGRESSION)
    residual_share: Metric = field(metadata=REGRESSION)
    alpha: Metric = field(metadata=REGRESSION)
    """Intercept per observation."""
    total_return: Metric = field(metadata=REGRESSION)
    """Of the portfolio over the days used, linked."""
    risk_free_contribution: Metric = field(metadata=REGRESSION)
    residual_contribution: Metric = field(metadata=REGRESSION)
    market_beta: Metric = field(metadata=REGRESSION)
    """The beta of the equity factor."""
    portfolio_volatility: Metric
    tracking_error: Metric
    information_ratio: Metric


@dataclass(frozen=True, slots=True)
class Candidate:
    """A series that may stand for a factor, and what it did between observation days."""

    factor: str
    series_id: str
    degraded: tuple[str, ...]
    changes: Floats
    """(n,) yields and spreads in decimal (10 bp = 0.0010), indices as returns; NaN on incomplete days."""
    sources: tuple[str, ...] = ()


def record(
    history: ValueHistory,
    levels: FactorLevels,
    risk_free: RiskFree | None,
    *,
    portfolio_id: str,
    pack_id: str,
    benchmark: BenchmarkReturns | None,
) -> tuple[FactorRecord, tuple[str, ...]]:
    """All that the regression says, and the providers of the series that it used. `levels` are on the days of the history.

    raises   InvariantViolated where the shares miss 1 or the contributions the return
    """
    regression = regress(history, levels, risk_free, benchmark)
    fit = regression.fit
    risk = metrics_record.risk(
        history, portfolio_id=portfolio_id, pack_id=pack_id, risk_free=risk_free, benchmark=benchmark
    )
    betas = {
        row.factor: Metric(row.beta, row.status, row.reason or None, regression.basis(row)) for row in regression.rows
    }
    doubts = [row.reason for row in regression.rows if row.reason] if fit else []
    blank = degraded(Metric(0.0, "ok", None, regression.days), doubts)

    def figure(value: float | None) -> Metric:
        if value is None:
            return unavailable(regression.rows[-1].reason)
        return replace(blank, value=float(value))

    answer = FactorRecord(
        portfolio_id=portfolio_id,
        pack_id=pack_id,
        window=WINDOW,
        first_date=regression.first_date,
        last_date=regression.last_date,
        observations=int(fit.n) if fit else 0,
        benchmark=benchmark.name if benchmark else None,
        factors=betas,
        rows=regression.rows,
        r_squared=figure(fit.r_squared if fit else None),
        residual_share=figure(fit.residual_share if fit else None),
        alpha=figure(fit.alpha if fit else None),
        total_return=figure(regression.total_return),
        risk_free_contribution=figure(regression.risk_free_contribution),
        residual_contribution=figure(regression.residual_contribution),
        market_beta=betas[Factor.EQUITY],
        portfolio_volatility=risk.figures[Measure.VOLATILITY, Window.ONE_YEAR],
        tracking_error=risk.figures[Measure.TRACKING_ERROR, Window.ONE_YEAR],
        information_ratio=risk.figures[Measure.INFORMATION_RATIO, Window.ONE_YEAR],
    )
    return answer, regression.sources


def choose(
    levels: FactorLevels, observed: ObservedReturns, benchmark: BenchmarkReturns | None
) -> dict[str, Candidate | None]:
    """For each factor the first of its list that has enough of the window's days; else the first that has any at all.

    `levels` are on the observation days.
    """
    by_factor: dict[str, Candidate | None] = dict.fromkeys(Factor.values)
    enough: set[str] = set()
    for choice in levels.choices:
        if choice.factor in enough:
            continue
        candidate = _candidate(choice, levels.levels.get(choice), observed, benchmark)
        if candidate is None or not np.isfinite(candidate.changes).any():
            continue
        if np.isfinite(candidate.changes[-WINDOW:]).sum() >= factors.LEAST:
            enough.add(choice.factor)
            by_factor[choice.factor] = candidate
        elif by_factor[choice.factor] is None:
            by_factor[choice.factor] = candidate
    return by_factor


def _candidate(
    choice: FactorChoice, levels: Levels | None, observed: ObservedReturns, benchmark: BenchmarkReturns | None
) -> Candidate | None:
    doubts = (choice.degraded,) if choice.degraded else ()
    if choice.series_id == BENCHMARK:
        if benchmark is None or observed.benchmark is None:
            return None
        changes, doubts, sources = observed.benchmark, (*doubts, *benchmark.degraded), benchmark.sources
    elif levels is None:
        return None
    else:
        changes, sources = levels.changes(), levels.sources
    if choice.factor == Factor.EQUITY:
        changes = changes - observed.risk_free  # the premium is what the market pays over the risk-free rate
    return Candidate(choice.factor, choice.series_id, doubts, changes, sources)


@dataclass(frozen=True, slots=True)
class Days:
    """The n days that a regression used, by the closes that they end at, and what it used of them."""

    closes: npt.NDArray[np.intp]
    """(n,) indexes of the history's days; likewise `opened`, the closes that they begin at."""
    opened: npt.NDArray[np.intp]
    returns: Floats
    risk_free: Floats
    factors: tuple[str, ...]
    series: tuple[str, ...]
    """(F,) what stands for each factor."""
    changes: Floats
    """(n, F)"""


@dataclass(frozen=True, slots=True)
class Regression:
    """What the regression of a portfolio found; without `fit`, each row says why there is none."""

    rows: tuple[Exposure, ...]
    fit: factors.FactorExposures | None = None
    first_date: date | None = None
    last_date: date | None = None
    total_return: float | None = None
    risk_free_contribution: float | None = None
    residual_contribution: float | None = None
    sources: tuple[str, ...] = ()
    regression_days: Days | None = None

    @property
    def days(self) -> Mapping[str, object]:
        if self.fit is None or self.first_date is None or self.last_date is None:
            return {}
        return {"n": self.fit.n, "first": self.first_date.isoformat(), "last": self.last_date.isoformat()}

    def basis(self, row: Exposure) -> Mapping[str, object]:
        if row.beta is None:
            return {}
        own = {"series": row.series_id, "standard_error": row.standard_error, "t": row.t_statistic}
        return {**own, **self.days}


def regress(
    history: ValueHistory, levels: FactorLevels, risk_free: RiskFree | None, benchmark: BenchmarkReturns | None
) -> Regression:
    """The regression of the portfolio's excess returns on all factors. `levels` are on the days of the history."""
    if risk_free is None:
        return Regression(tuple(Exposure(each, "", "unavailable", NO_RISK_FREE_RATE) for each in Factor.values))
    observed = observations.observed_returns(history, risk_free, benchmark)
    if not len(observed.returns):
        reason = NO_OBSERVATIONS if len(history.dates) else NOT_STARTED
        return Regression(tuple(Exposure(each, "", "unavailable", reason) for each in Factor.values))
    return regress_observed(observed, levels, risk_free, benchmark)


def regress_observed(
    observed: ObservedReturns, levels: FactorLevels, risk_free: RiskFree, benchmark: BenchmarkReturns | None
) -> Regression:
    """The regression as of the last close of `observed`, which has returns. `levels` are on the days of the whole history."""
    by_factor = choose(levels.at(observed.days), observed, benchmark)
    usable = [each for each in by_factor.values() if each is not None]
    absent = tuple(
        Exposure(factor, "", "unavailable", "no_series") for factor, each in by_factor.items() if each is None
    )
    sources = tuple(sorted({*risk_free.sources, *(source for each in usable for source in each.sources)}))
    excess = observed.returns - observed.risk_free
    varies = {each.factor: _varies(each.changes[np.isfinite(excess)][-WINDOW:]) for each in usable}
    absent += tuple(
        Exposure(each.factor, each.series_id, "unavailable", "no_variation")
        for each in usable
        if not varies[each.factor]
    )
    usable = [each for each in usable if varies[each.factor]]
    if not usable:
        return Regression(absent, sources=sources)
    changes = np.column_stack([each.changes for each in usable])
    try:
        fit = factors.factor_exposures(excess, changes, window=WINDOW)
    except AnalyticsError as undefined:
        without_fit = tuple(Exposure(each.factor, each.series_id, "unavailable", str(undefined)) for each in usable)
        return Regression(absent + without_fit, sources=sources)
    complete = np.flatnonzero(np.isfinite(excess) & np.isfinite(changes).all(axis=1))[-int(fit.n) :]
    linked, total = _contributions(observed, changes, fit, complete)
    _require_sums(observed.closes[-1].item(), fit, linked, total)
    rows = tuple(_exposure(each, number, fit, risk_free, linked) for number, each in enumerate(usable))
    return Regression(
        rows=absent + rows,
        fit=fit,
        first_date=observed.closes[complete[0]].item(),
        last_date=observed.closes[complete[-1] + 1].item(),
        total_return=total,
        risk_free_contribution=float(linked[-2]),
        residual_contribution=float(linked[-1]),
        sources=sources,
        regression_days=Days(
            closes=observed.days[complete + 1],
            opened=observed.days[complete],
            returns=observed.returns[complete],
            risk_free=observed.risk_free[complete],
            factors=tuple(each.factor for each in usable),
            series=tuple(each.series_id for each in usable),
            changes=changes[complete],
        ),
    )


def _varies(changes: Floats) -> bool:
    finite_changes = changes[np.isfinite(changes)]
    return bool(len(finite_changes) and finite_changes.min() < finite_changes.max())


def _contributions(
    observed: ObservedReturns, changes: Floats, fit: factors.FactorExposures, rows: npt.NDArray[np.intp]
) -> tuple[Floats, float]:
    """(F + 2,) of each factor, the risk-free rate and the rest, linked over the days used; and the return they sum to."""
    daily, free = observed.returns[rows], observed.risk_free[rows]
    explained = changes[rows] * fit.betas
    parts = np.column_stack((explained, free, daily - free - explained.sum(axis=1)))
    return carino_link(parts, daily), float(np.prod(1.0 + daily) - 1.0)


def _require_sums(day: date, fit: factors.FactorExposures, linked: Floats, total: float) -> None:
    for invariant, off in (
        ("variance shares sum to 1", float(fit.variance_shares.sum() + fit.residual_share - 1.0)),
        ("factor contributions sum to the return", float(linked.sum() - total)),
    ):
        if not abs(off) <= 1e-9 * max(1.0, abs(1.0 + total)):
            raise InvariantViolated(invariant, day, off)


def _exposure(
    each: Candidate, position: int, fit: factors.FactorExposures, risk_free: RiskFree, linked: Floats
) -> Exposure:
    doubts = [*each.degraded, *(word for word in risk_free.degraded if word not in each.degraded)]
    return Exposure(
        factor=each.factor,
        series_id=each.series_id,
        status="degraded" if doubts else "ok",
        reason=", ".join(doubts),
        beta=float(fit.betas[position]),
        standard_error=float(fit.standard_errors[position]),
        t_statistic=_finite(fit.t[position]),
        variance_share=float(fit.variance_shares[position]),
        observations=int(fit.n),
        contribution=float(linked[position]),
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
