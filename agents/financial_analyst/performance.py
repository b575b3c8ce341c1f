"""How it did: the value history, and the metrics that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import numpy as np
import numpy.typing as npt

from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.performance import metrics
from pricing.models import Security

PERFORMANCE_TTL_S = 300


@dataclass(frozen=True, slots=True)
class HistoricalNav:
    """The portfolio's life on pack days. What starts with an underscore is for the steps that follow, not for the answer."""

    first_date: date | None
    """None, and no days, where nothing was booked up to the as-of date; `last_date` likewise."""
    last_date: date | None
    base_currency: str
    dates: npt.NDArray[np.datetime64]
    values: npt.NDArray[np.float64]
    net_contributions: tuple[float | None, ...]
    """Money put in less money taken out, up to and including each day; None from money on whose worth is not known."""
    total_return_pct: tuple[float | None, ...]
    """Growth of the return index since inception, a fraction; None on a day without a return, after which it begins anew."""
    gaps: tuple[valuation.Gap, ...]
    """Days in between without a value, and the price or rate that is missing."""
    _life: valuation.ValueHistory
    """What returns are measured on: the whole, or the securities alone where deposits are inferred."""
    _whole: valuation.ValueHistory
    _risk_free: metrics.RiskFree | None
    _benchmark: metrics.BenchmarkReturns | None
    _described: Mapping[str, tuple[str, str]]
    """Kind and exchange of each security ever held, by symbol."""

    @property
    def life(self) -> valuation.ValueHistory:
        return self._life

    @property
    def whole(self) -> valuation.ValueHistory:
        return self._whole

    @property
    def risk_free(self) -> metrics.RiskFree | None:
        return self._risk_free

    @property
    def benchmark(self) -> metrics.BenchmarkReturns | None:
        return self._benchmark

    @property
    def described(self) -> Mapping[str, tuple[str, str]]:
        return self._described

    def sources(self, *, risk_free: bool = False, benchmark: bool = False) -> tuple[str, ...]:
        """Whose rows a figure rests on: those of the life, and of what else it takes."""
        providers = set(self._life.sources)
        if risk_free and self._risk_free:
            providers |= set(self._risk_free.sources)
        if benchmark and self._benchmark:
            providers |= set(self._benchmark.sources)
        return tuple(sorted(providers))


@capability("portfolio.historical_nav", agent="financial_analyst")
def historical_nav(ctx: RequestContext, *, portfolio_id: UUID) -> Result[HistoricalNav]:
    """Every day's value from the history that the pack sees."""
    valuer = valuation.Valuer(ctx.market.history)
    whole = valuer.history(ctx.book)
    life = valuer.headline(ctx.book, whole)
    free = ctx.market.risk_free(life.base_currency, life.dates)
    return Result(
        HistoricalNav(
            first_date=life.dates[0].item() if len(life.dates) else None,
            last_date=life.dates[-1].item() if len(life.dates) else None,
            base_currency=life.base_currency,
            dates=whole.dates,
            values=whole.value,
            net_contributions=metrics.listed(np.asarray(np.cumsum(whole.inflow - whole.outflow))),
            total_return_pct=metrics.listed(np.asarray(metrics.daily_returns(life).growth() - 1.0)),
            gaps=life.gaps,
            _life=life,
            _whole=whole,
            _risk_free=free,
            _benchmark=ctx.market.benchmark(life.base_currency, life.dates),
            _described={
                symbol: (kind, exchange)
                for symbol, kind, exchange in Security.objects.filter(
                    symbol__in=[symbol for symbol, _ in life.holdings]
                ).values_list("symbol", "kind", "exchange")
            },
        ),
        sources=life.sources,
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
    )


@capability("metrics.compute_twr", agent="financial_analyst")
def compute_twr(ctx: RequestContext, *, nav: HistoricalNav) -> Result[metrics.TwrRecord]:
    """Time-weighted return of every window, the benchmark's and the excess beside it."""
    record = metrics.twr_record(
        nav.life, portfolio_id=str(ctx.portfolio_id), pack_id=ctx.pricing_pack_id, benchmark=nav.benchmark
    )
    return Result(record, sources=nav.sources(benchmark=True), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@capability("metrics.compute_mwr", agent="financial_analyst")
def compute_mwr(ctx: RequestContext, *, nav: HistoricalNav) -> Result[metrics.MwrRecord]:
    """Money-weighted return of every window, each flow on its own date; the same money in the benchmark beside it."""
    record = metrics.mwr_record(
        nav.life, portfolio_id=str(ctx.portfolio_id), pack_id=ctx.pricing_pack_id, benchmark=nav.benchmark
    )
    return Result(record, sources=nav.sources(benchmark=True), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@capability("metrics.compute", agent="financial_analyst")
def compute(ctx: RequestContext, *, nav: HistoricalNav) -> Result[metrics.MetricsRecord]:
    """The whole metrics record."""
    record = metrics.record(
        nav.life,
        portfolio_id=str(ctx.portfolio_id),
        pack_id=ctx.pricing_pack_id,
        risk_free=nav.risk_free,
        benchmark=nav.benchmark,
    )
    sources = nav.sources(risk_free=True, benchmark=True)
    return Result(record, sources=sources, asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@dataclass(frozen=True, slots=True)
class ReturnsByWindow:
    benchmark: str | None
    rows: tuple[metrics.WindowReturns, ...]


@capability("metrics.by_window", agent="financial_analyst")
def by_window(ctx: RequestContext, *, nav: HistoricalNav, record: metrics.MetricsRecord) -> Result[ReturnsByWindow]:
    """The time- and money-weighted returns of a record as rows, with benchmark and excess beside each.

    Where deposits are inferred the record is of the securities alone; rows of the whole portfolio follow, degraded by that.
    """
    rows = metrics.by_window(record)
    if nav.whole is not nav.life:
        whole = metrics.record(
            nav.whole,
            portfolio_id=str(ctx.portfolio_id),
            pack_id=ctx.pricing_pack_id,
            risk_free=None,
            benchmark=nav.benchmark,
        )
        rows += metrics.with_inferred_flows(metrics.by_window(whole))
    return Result(
        ReturnsByWindow(record.benchmark, rows),
        sources=nav.sources(benchmark=True),
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
    )


@dataclass(frozen=True, slots=True)
class CalendarYears:
    benchmark: str | None
    years: tuple[metrics.CalendarYear, ...]
    """The newest first."""


@capability("metrics.calendar_years", agent="financial_analyst")
def calendar_years(ctx: RequestContext, *, nav: HistoricalNav) -> Result[CalendarYears]:
    """Return of each calendar year, the benchmark's and the excess beside it."""
    years = metrics.calendar_years(nav.life, benchmark=nav.benchmark)
    return Result(
        CalendarYears(nav.benchmark.name if nav.benchmark else None, years),
        sources=nav.sources(benchmark=True),
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
    )
