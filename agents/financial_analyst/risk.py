"""What it risked, and what that owes to the benchmark and to factors."""

from agents.financial_analyst.performance import PERFORMANCE_TTL_S, HistoricalNav
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio.performance import factor_exposures, metrics

RISK_TTL_S = 3600


@capability("metrics.risk", agent="financial_analyst")
def measure(ctx: RequestContext, *, nav: HistoricalNav) -> Result[metrics.RiskRecord]:
    """Volatility, ratios, drawdowns and tails of every span, and what the benchmark explains."""
    record = metrics.risk_record(
        nav.life,
        portfolio_id=str(ctx.portfolio_id),
        pack_id=ctx.pricing_pack_id,
        risk_free=nav.risk_free,
        benchmark=nav.benchmark,
    )
    sources = nav.sources(risk_free=True, benchmark=True)
    return Result(record, sources=sources, asof=ctx.asof_date, ttl=RISK_TTL_S)


@capability("metrics.rolling", agent="financial_analyst")
def rolling(ctx: RequestContext, *, nav: HistoricalNav, window: int = 252) -> Result[metrics.Rolling]:
    """Return, volatility, Sharpe ratio and the benchmark's part over the last `window` observations, day by day."""
    record = metrics.rolling(nav.life, window=window, risk_free=nav.risk_free, benchmark=nav.benchmark)
    sources = nav.sources(risk_free=True, benchmark=True)
    return Result(record, sources=sources, asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@capability("risk.compute_factor_exposures", agent="financial_analyst")
def compute_factor_exposures(ctx: RequestContext, *, nav: HistoricalNav) -> Result[factor_exposures.FactorRecord]:
    """Regression on real rate, inflation, credit, US dollar and equity risk premium, with what each contributed."""
    record = factor_exposures.record(
        nav.life,
        ctx.pack,
        nav.risk_free,
        portfolio_id=str(ctx.portfolio_id),
        benchmark=nav.benchmark,
        choices=ctx.market.factors,
    )
    sources = tuple(sorted({*nav.sources(risk_free=True, benchmark=True), *record.sources}))
    return Result(record, sources=sources, asof=ctx.asof_date, ttl=RISK_TTL_S)
