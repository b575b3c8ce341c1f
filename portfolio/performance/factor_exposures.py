"""How much of a portfolio's return five factors explain, with whichever of a factor's series the pack holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from portfolio.analytics import factors
from portfolio.analytics.attribution import carino_link
from portfolio.analytics.errors import AnalyticsError
from portfolio.performance import metrics
from portfolio.performance.metrics import BenchmarkReturns, Metric, ObservedReturns, RiskFree
from portfolio.valuation import Days, InvariantViolated, ValueHistory
from pricing import market
from pricing.models import Factor, FactorSeries, PricingPack

Floats = npt.NDArray[np.float64]

WINDOW = 252
FX_BASKET, BENCHMARK = "fx_basket", "benchmark"
"""What may stand for a factor beside the series of the pack."""
REGRESSION = {"digits": 10}


@dataclass(frozen=True, slots=True)
class Choice:
    """One row of a factor's ordered list. Staff may change it, so a result says which it had."""

    factor: str
    series_id: str
    minus_trailing: str
    change: str
    degraded: str


def chosen() -> tuple[Choice, ...]:
    """The lists of all factors as the table has them now, first choices first."""
    rows = FactorSeries.objects.order_by("factor", "rank")
    return tuple(Choice(row.factor, row.series_id, row.minus_trailing, row.change, row.degraded) for row in rows)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The series that stands for a factor, and what it did between observation days."""

    factor: str
    series_id: str
    degraded: tuple[str, ...]
    changes: Floats
    """(n,) yields and spreads in decimal (10 bp = 0.0010), indices as returns; NaN on incomplete days."""
    sources: tuple[str, ...] = ()


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
    _sources: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        return self._sources


def compute(
    history: ValueHistory,
    pack: PricingPack,
    risk_free: RiskFree | None,
    *,
    benchmark: BenchmarkReturns | None = None,
    choices: Sequence[Choice] | None = None,
) -> list[Exposure]:
    """An exposure, or its reason, for each factor. `choices` None: as the table has them now."""
    return list(_regress(history, pack, risk_free, benchmark, chosen() if choices is None else choices).rows)


def record(
    history: ValueHistory,
    pack: PricingPack,
    risk_free: RiskFree | None,
    *,
    portfolio_id: str,
    benchmark: BenchmarkReturns | None,
    choices: Sequence[Choice],
) -> FactorRecord:
    """All that the regression says.

    raises   InvariantViolated where the shares miss 1 or the contributions the return
    """
    found = _regress(history, pack, risk_free, benchmark, choices)
    fit = found.fit
    measured = metrics.risk_record(
        history, portfolio_id=portfolio_id, pack_id=pack.pk, risk_free=risk_free, benchmark=benchmark
    )
    betas = {row.factor: Metric(row.beta, row.status, row.reason or None, found.basis(row)) for row in found.rows}
    doubts = list(dict.fromkeys(row.reason for row in found.rows if row.reason)) if fit else []
    shown = metrics.degraded(Metric(0.0, "ok", None, found.days), doubts)

    def figure(value: float | None) -> Metric:
        if value is None:
            return Metric(None, "unavailable", found.rows[-1].reason, {})
        return replace(shown, value=float(value))

    return FactorRecord(
        portfolio_id=portfolio_id,
        pack_id=pack.pk,
        window=WINDOW,
        first_date=found.first_date,
        last_date=found.last_date,
        observations=int(fit.n) if fit else 0,
        benchmark=benchmark.name if benchmark else None,
        factors=betas,
        rows=found.rows,
        r_squared=figure(fit.r_squared if fit else None),
        residual_share=figure(fit.residual_share if fit else None),
        alpha=figure(fit.alpha if fit else None),
        total_return=figure(found.total_return),
        risk_free_contribution=figure(found.risk_free_contribution),
        residual_contribution=figure(found.residual_contribution),
        market_beta=betas[Factor.EQUITY],
        portfolio_volatility=measured.volatility_1y,
        tracking_error=measured.tracking_error_1y,
        information_ratio=measured.information_ratio_1y,
        _sources=found.sources,
    )


@dataclass(frozen=True, slots=True)
class _Regression:
    rows: tuple[Exposure, ...]
    fit: factors.FactorExposures | None = None
    first_date: date | None = None
    last_date: date | None = None
    total_return: float | None = None
    risk_free_contribution: float | None = None
    residual_contribution: float | None = None
    sources: tuple[str, ...] = ()

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


def _regress(
    history: ValueHistory,
    pack: PricingPack,
    risk_free: RiskFree | None,
    benchmark: BenchmarkReturns | None,
    choices: Sequence[Choice],
) -> _Regression:
    if risk_free is None:
        return _Regression(tuple(Exposure(each, "", "unavailable", "no_risk_free_rate") for each in Factor.values))
    seen = metrics.observed_returns(history, risk_free, benchmark)
    if not len(seen.returns):
        absent_for = metrics.NO_OBSERVATIONS if len(history.dates) else metrics.NOT_STARTED
        return _Regression(tuple(Exposure(each, "", "unavailable", absent_for) for each in Factor.values))
    found = choose(pack, seen, choices, benchmark)
    usable = [each for each in found.values() if each is not None]
    absent = tuple(Exposure(factor, "", "unavailable", "no_series") for factor, each in found.items() if each is None)
    sources = tuple(sorted({*risk_free.sources, *(source for each in usable for source in each.sources)}))
    excess = seen.returns - seen.risk_free
    moves = {each.factor: _moves(each.changes[np.isfinite(excess)][-WINDOW:]) for each in usable}
    absent += tuple(
        Exposure(each.factor, each.series_id, "unavailable", "no_variation")
        for each in usable
        if not moves[each.factor]
    )
    usable = [each for each in usable if moves[each.factor]]
    if not usable:
        return _Regression(absent, sources=sources)
    changes = np.column_stack([each.changes for each in usable])
    try:
        fit = factors.factor_exposures(excess, changes, window=WINDOW)
    except AnalyticsError as undefined:
        refused = tuple(Exposure(each.factor, each.series_id, "unavailable", str(undefined)) for each in usable)
        return _Regression(absent + refused, sources=sources)
    used = np.flatnonzero(np.isfinite(excess) & np.isfinite(changes).all(axis=1))[-int(fit.n) :]
    linked, total = _contributions(seen, changes, fit, used)
    _require_sums(seen.closes[-1].item(), fit, linked, total)
    rows = tuple(_exposure(each, number, fit, risk_free, linked) for number, each in enumerate(usable))
    return _Regression(
        rows=absent + rows,
        fit=fit,
        first_date=seen.closes[used[0]].item(),
        last_date=seen.closes[used[-1] + 1].item(),
        total_return=total,
        risk_free_contribution=float(linked[-2]),
        residual_contribution=float(linked[-1]),
        sources=sources,
    )


def _moves(changes: Floats) -> bool:
    known = changes[np.isfinite(changes)]
    return bool(len(known) and known.min() < known.max())


def _contributions(
    seen: ObservedReturns, changes: Floats, fit: factors.FactorExposures, used: npt.NDArray[np.intp]
) -> tuple[Floats, float]:
    """(F + 2,) of each factor, the risk-free rate and the rest, linked over the days used; and the return they sum to."""
    daily, free = seen.returns[used], seen.risk_free[used]
    explained = changes[used] * fit.betas
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
    each: Chosen, position: int, fit: factors.FactorExposures, risk_free: RiskFree, linked: Floats
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


def choose(
    pack: PricingPack, seen: ObservedReturns, choices: Sequence[Choice], benchmark: BenchmarkReturns | None
) -> dict[str, Chosen | None]:
    """For each factor the first of its list that has enough of the window's days; else the first that has any at all."""
    found: dict[str, Chosen | None] = dict.fromkeys(Factor.values)
    enough: set[str] = set()
    for row in choices:
        if row.factor in enough:
            continue
        candidate = _candidate(pack, row, seen, benchmark)
        if candidate is None or not np.isfinite(candidate.changes).any():
            continue
        if np.isfinite(candidate.changes[-WINDOW:]).sum() >= factors.LEAST:
            enough.add(row.factor)
            found[row.factor] = candidate
        elif found[row.factor] is None:
            found[row.factor] = candidate
    return found


def _candidate(
    pack: PricingPack, row: Choice, seen: ObservedReturns, benchmark: BenchmarkReturns | None
) -> Chosen | None:
    degraded = (row.degraded,) if row.degraded else ()
    sources: tuple[str, ...] = ()
    if row.series_id == BENCHMARK:
        if benchmark is None or seen.benchmark is None:
            return None
        changes, degraded, sources = seen.benchmark, (*degraded, *benchmark.degraded), benchmark.sources
    elif row.series_id == FX_BASKET:
        basket = _basket(pack, seen.closes)
        if basket is None:
            return None
        changes, sources = basket
    else:
        of_series = _changes(pack, row, seen.closes)
        if of_series is None:
            return None
        changes, sources = of_series
    if row.factor == Factor.EQUITY:
        changes = changes - seen.risk_free  # the premium is what the market pays over the risk-free rate
    return Chosen(row.factor, row.series_id, degraded, changes, sources)


def _changes(pack: PricingPack, row: Choice, days: Days) -> tuple[Floats, tuple[str, ...]] | None:
    """What a series did between the days, and who provides it."""
    held = _level(pack, row.series_id, days)
    if held is None:
        return None
    level, sources = held
    if row.change == "return":
        return np.asarray(level[1:] / level[:-1] - 1.0), sources
    level = level / 100.0
    if row.minus_trailing:
        try:
            index = market.series(pack, row.minus_trailing, dates=days)
        except market.MissingSeries:
            return None
        level, sources = level - (index.value / index.year_ago - 1.0), (*sources, *index.sources)
    return np.asarray(np.diff(level)), sources


def _level(pack: PricingPack, series_id: str, days: Days) -> tuple[Floats, tuple[str, ...]] | None:
    """The observation of each day itself; NaN where the series has none of that day."""
    rows = market.observations(pack, series_id)
    if not rows:
        return None
    dates = np.array([row.observation_date for row in rows], dtype="datetime64[D]")
    values = np.array([float(row.value) for row in rows])
    at = np.minimum(np.searchsorted(dates, days), len(dates) - 1)
    return np.where(dates[at] == days, values[at], np.nan), tuple(sorted({row.source for row in rows}))


def _basket(pack: PricingPack, days: Days) -> tuple[Floats, tuple[str, ...]] | None:
    """Return of the US dollar against the other currencies of the pack, equally weighted."""
    history = market.history(pack)
    if "USD" not in history.currencies:
        return None
    others = [code for code in history.currencies if code != "USD"]
    at = np.searchsorted(history.dates, days)
    if not others or (at >= len(history.dates)).any():
        return None
    worth = np.column_stack([history.fx("USD", code)[at] for code in others])
    sources = tuple(sorted({source for each in history.fx_sources for source in each}))
    return np.asarray((worth[1:] / worth[:-1] - 1.0).mean(axis=1)), sources


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
