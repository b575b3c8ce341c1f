"""What it risked, and what that owes to the benchmark and to factors."""

from agents.bounds import LookbackDays, WindowLength
from agents.financial_analyst.performance import PERFORMANCE_TTL_S, HistoricalNav
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio.performance import exposure_history, factor_exposures, record
from portfolio.performance import rolling as rolling_figures
from portfolio.performance.exposure_history import ExposureHistory
from portfolio.performance.record import RiskRecord, SharpeRecord
from portfolio.performance.rolling import Rolling

RISK_TTL_S = 3600


@capability("metrics.risk", agent="financial_analyst")
def measure(ctx: RequestContext, *, nav: HistoricalNav) -> Result[RiskRecord]:
    """Volatility, ratios, drawdowns and tails of every span, and what the benchmark explains."""
    risk = record.risk(
        nav.life,
        portfolio_id=str(ctx.portfolio_id),
        pack_id=ctx.pricing_pack_id,
        risk_free=nav.risk_free,
        benchmark=nav.benchmark,
    )
    sources = nav.sources(risk_free=True, benchmark=True)
    return Result(risk, sources=sources, asof=ctx.asof_date, ttl=RISK_TTL_S)


@capability("metrics.compute_sharpe", agent="financial_analyst")
def compute_sharpe(ctx: RequestContext, *, nav: HistoricalNav) -> Result[SharpeRecord]:
    """Sharpe ratio of 30, 60 and 90 observations, of one, three and five years and since inception."""
    ratios = record.sharpe(
        nav.life,
        portfolio_id=str(ctx.portfolio_id),
        pack_id=ctx.pricing_pack_id,
        risk_free=nav.risk_free,
        benchmark=nav.benchmark,
    )
    return Result(ratios, sources=nav.sources(risk_free=True), asof=ctx.asof_date, ttl=RISK_TTL_S)


@capability("metrics.rolling", agent="financial_analyst")
def rolling(ctx: RequestContext, *, nav: HistoricalNav, window: WindowLength = 252) -> Result[Rolling]:
    """Return, volatility, Sharpe ratio and the benchmark's part over the last `window` observations, day by day."""
    figures = rolling_figures.rolling(nav.life, window=window, risk_free=nav.risk_free, benchmark=nav.benchmark)
    sources = nav.sources(risk_free=True, benchmark=True)
    return Result(figures, sources=sources, asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@capability("risk.compute_factor_exposures", agent="financial_analyst")
def compute_factor_exposures(ctx: RequestContext, *, nav: HistoricalNav) -> Result[factor_exposures.FactorRecord]:
    """Regression on real rate, inflation, credit, US dollar and equity risk premium, with what each contributed."""
    exposures, providers = factor_exposures.record(
        nav.life,
        nav.factor_levels,
        nav.risk_free,
        portfolio_id=str(ctx.portfolio_id),
        pack_id=ctx.pricing_pack_id,
        benchmark=nav.benchmark,
    )
    sources = tuple(sorted({*nav.sources(risk_free=True, benchmark=True), *providers}))
    return Result(exposures, sources=sources, asof=ctx.asof_date, ttl=RISK_TTL_S)


@capability("risk.get_factor_exposure_history", agent="financial_analyst")
def get_factor_exposure_history(
    ctx: RequestContext, *, nav: HistoricalNav, lookback_days: LookbackDays = 252
) -> Result[ExposureHistory]:
    """The betas of the same regression as of the end of each week; `lookback_days` counts pack days."""
    history, providers = exposure_history.history(
        nav.life, nav.factor_levels, nav.risk_free, lookback_days=lookback_days, benchmark=nav.benchmark
    )
    sources = tuple(sorted({*nav.sources(risk_free=True, benchmark=True), *providers}))
    return Result(history, sources=sources, asof=ctx.asof_date, ttl=RISK_TTL_S)
