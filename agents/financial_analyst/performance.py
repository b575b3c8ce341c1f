"""How it did: the value history, and the metrics that follow from it."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import numpy as np
import numpy.typing as npt

from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import books, metrics, valuation

PERFORMANCE_TTL_S = 300


@dataclass(frozen=True, slots=True)
class HistoricalNav:
    """The portfolio's life on pack days. What starts with an underscore is for the steps that follow, not for the answer."""

    first_date: date
    last_date: date
    base_currency: str
    dates: npt.NDArray[np.datetime64]
    values: npt.NDArray[np.float64]
    net_contributions: npt.NDArray[np.float64]
    """Money put in less money taken out, up to and including each day."""
    total_return_pct: npt.NDArray[np.float64]
    """Growth of the return index since inception, a fraction."""
    _life: valuation.ValueHistory
    _risk_free: metrics.RiskFree | None

    @property
    def life(self) -> valuation.ValueHistory:
        return self._life

    @property
    def risk_free(self) -> metrics.RiskFree | None:
        return self._risk_free


@capability("portfolio.historical_nav", agent="financial_analyst")
def historical_nav(ctx: RequestContext, *, portfolio_id: UUID) -> Result[HistoricalNav]:
    """Every day's value from the history that the pack sees."""
    life = valuation.history(books.load(ctx.portfolio, ctx.revision), ctx.market.history)
    free = ctx.market.risk_free(life.base_currency, life.dates)
    return Result(
        HistoricalNav(
            first_date=life.dates[0].item(),
            last_date=life.dates[-1].item(),
            base_currency=life.base_currency,
            dates=life.dates,
            values=life.value,
            net_contributions=np.cumsum(life.inflow - life.outflow),
            total_return_pct=np.asarray(np.cumprod(1.0 + metrics.subperiod_returns(life)) - 1.0, dtype=np.float64),
            _life=life,
            _risk_free=free,
        ),
        sources=life.sources,
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
    )


@capability("metrics.compute_twr", agent="financial_analyst")
def compute_twr(ctx: RequestContext, *, nav: HistoricalNav) -> Result[metrics.TwrRecord]:
    """Time-weighted return of every window."""
    found = metrics.twr_record(nav.life, portfolio_id=str(ctx.portfolio_id), pack_id=ctx.pricing_pack_id)
    return Result(found, sources=nav.life.sources, asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@capability("metrics.compute", agent="financial_analyst")
def compute(ctx: RequestContext, *, nav: HistoricalNav) -> Result[metrics.MetricsRecord]:
    """The whole metrics record."""
    found = metrics.record(
        nav.life, portfolio_id=str(ctx.portfolio_id), pack_id=ctx.pricing_pack_id, risk_free=nav.risk_free
    )
    free = nav.risk_free.sources if nav.risk_free else ()
    return Result(found, sources=tuple(sorted({*nav.life.sources, *free})), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)
