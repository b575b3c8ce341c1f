"""The value history of a portfolio, and the metrics that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import numpy as np
import numpy.typing as npt

from agents.contract import HANDED_ON
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.performance import calendar_years as years_of
from portfolio.performance import daily_returns, factor_series, record, window_rows
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.calendar_years import CalendarYear
from portfolio.performance.factor_series import FactorLevels
from portfolio.performance.metric import with_gaps
from portfolio.performance.record import MetricsRecord, MwrRecord, TwrRecord
from portfolio.performance.risk_free import RiskFree
from portfolio.performance.window_rows import WindowReturns
from pricing.models import Security

PERFORMANCE_TTL_S = 300


@dataclass(frozen=True, slots=True)
class BookedSecurity:
    """A security that was booked up to the as-of date."""

    symbol: str
    kind: str
    exchange: str


@dataclass(frozen=True, slots=True)
class HistoricalNav:
    """The portfolio's value on all pack days, and what later steps compute from."""

    first_date: date | None
    """None, and no days, where nothing was booked up to the as-of date; `last_date` likewise."""
    last_date: date | None
    base_currency: str
    dates: npt.NDArray[np.datetime64]
    values: npt.NDArray[np.float64]
    net_contributions: tuple[float | None, ...]
    """Money put in less money taken out, up to and including each day; None from the first money on whose value is unknown."""
    total_return_pct: tuple[float | None, ...]
    """Growth of the return index since inception, a fraction; None on a day without a return, after which it begins anew."""
    gaps: tuple[valuation.Gap, ...]
    """Days in between without a value, and the price or rate that is missing."""
    life: valuation.ValueHistory = field(metadata=HANDED_ON)
    """What returns are measured on: the whole, or the securities alone where deposits are inferred."""
    whole: valuation.ValueHistory = field(metadata=HANDED_ON)
    risk_free: RiskFree | None = field(metadata=HANDED_ON)
    """On the days of `life`; likewise `benchmark` and `factor_levels`."""
    benchmark: BenchmarkReturns | None = field(metadata=HANDED_ON)
    factor_levels: FactorLevels = field(metadata=HANDED_ON)
    """Empty where no step of the pattern computes factor exposures."""
    securities: Mapping[int, BookedSecurity] = field(metadata=HANDED_ON)
    """By id."""

    def sources(self, *, risk_free: bool = False, benchmark: bool = False) -> tuple[str, ...]:
        """The providers whose rows a figure rests on: those of the life, and of what else the figure takes."""
        sources = set(self.life.sources)
        if risk_free and self.risk_free:
            sources |= set(self.risk_free.sources)
        if benchmark and self.benchmark:
            sources |= set(self.benchmark.sources)
        return tuple(sorted(sources))


@capability("portfolio.historical_nav", agent="financial_analyst")
def historical_nav(ctx: RequestContext, *, portfolio_id: UUID) -> Result[HistoricalNav]:
    """Every day's value from the history that the pack sees."""
    valuer = valuation.Valuer(ctx.market.history)
    whole = valuer.history(ctx.book)
    life = valuer.headline(ctx.book, whole)
    booked = [each for each in ctx.book.events if each.date <= ctx.asof_date]
    ids = {security for each in booked for security in (each.security, each.to_security) if security is not None}
    securities = Security.objects.filter(pk__in=ids).values_list("pk", "symbol", "kind", "exchange")
    return Result(
        HistoricalNav(
            first_date=life.dates[0].item() if len(life.dates) else None,
            last_date=life.dates[-1].item() if len(life.dates) else None,
            base_currency=life.base_currency,
            dates=whole.dates,
            values=whole.value,
            net_contributions=with_gaps(np.asarray(np.cumsum(whole.inflow - whole.outflow))),
            total_return_pct=with_gaps(np.asarray(daily_returns.measure(life).growth() - 1.0)),
            gaps=life.gaps,
            life=life,
            whole=whole,
            risk_free=ctx.market.risk_free(life.base_currency, life.dates),
            benchmark=ctx.market.benchmark(life.base_currency, life.dates),
            factor_levels=factor_series.load(ctx.pack, ctx.market.factors, life.dates),
            securities={pk: BookedSecurity(symbol, kind, exchange) for pk, symbol, kind, exchange in securities},
        ),
        sources=tuple(sorted({*life.sources, *whole.sources})),
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
    )


@capability("metrics.compute_twr", agent="financial_analyst")
def compute_twr(ctx: RequestContext, *, nav: HistoricalNav) -> Result[TwrRecord]:
    """Time-weighted return of every window, the benchmark's and the excess beside it."""
    twr = record.twr(nav.life, portfolio_id=str(ctx.portfolio_id), pack_id=ctx.pricing_pack_id, benchmark=nav.benchmark)
    return Result(twr, sources=nav.sources(benchmark=True), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@capability("metrics.compute_mwr", agent="financial_analyst")
def compute_mwr(ctx: RequestContext, *, nav: HistoricalNav) -> Result[MwrRecord]:
    """Money-weighted return of every window, each flow on its own date; the same money in the benchmark beside it."""
    mwr = record.mwr(nav.life, portfolio_id=str(ctx.portfolio_id), pack_id=ctx.pricing_pack_id, benchmark=nav.benchmark)
    return Result(mwr, sources=nav.sources(benchmark=True), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@capability("metrics.compute", agent="financial_analyst")
def compute(ctx: RequestContext, *, nav: HistoricalNav) -> Result[MetricsRecord]:
    """The whole metrics record."""
    metrics = record.metrics(
        nav.life,
        portfolio_id=str(ctx.portfolio_id),
        pack_id=ctx.pricing_pack_id,
        risk_free=nav.risk_free,
        benchmark=nav.benchmark,
    )
    sources = nav.sources(risk_free=True, benchmark=True)
    return Result(metrics, sources=sources, asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@dataclass(frozen=True, slots=True)
class ReturnsByWindow:
    benchmark: str | None
    rows: tuple[WindowReturns, ...]


@capability("metrics.by_window", agent="financial_analyst")
def by_window(ctx: RequestContext, *, nav: HistoricalNav, record: MetricsRecord) -> Result[ReturnsByWindow]:
    """The time- and money-weighted returns of a record as rows, with benchmark and excess beside each.

    Where deposits are inferred the record is of the securities alone; rows of the whole portfolio follow, degraded by that.
    """
    rows = window_rows.rows(record.figures)
    if nav.whole is not nav.life:
        rows += window_rows.with_inferred_flows(window_rows.of_history(nav.whole, nav.benchmark))
    return Result(
        ReturnsByWindow(record.head.benchmark, rows),
        sources=nav.sources(benchmark=True),
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
    )


@dataclass(frozen=True, slots=True)
class CalendarYears:
    benchmark: str | None
    years: tuple[CalendarYear, ...]
    """The newest first."""


@capability("metrics.calendar_years", agent="financial_analyst")
def calendar_years(ctx: RequestContext, *, nav: HistoricalNav) -> Result[CalendarYears]:
    """Return of each calendar year, the benchmark's and the excess beside it."""
    years = years_of.calendar_years(nav.life, benchmark=nav.benchmark)
    return Result(
        CalendarYears(nav.benchmark.name if nav.benchmark else None, years),
        sources=nav.sources(benchmark=True),
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
    )
