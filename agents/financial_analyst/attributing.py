"""Where the return came from."""

from dataclasses import dataclass

from agents.financial_analyst.performance import PERFORMANCE_TTL_S, HistoricalNav
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import attribution, metrics


@dataclass(frozen=True, slots=True)
class CurrencyViews:
    """Since inception, and over the look-back; the latter is the whole life where the portfolio is younger."""

    since_inception: attribution.CurrencyAttribution
    lookback: attribution.CurrencyAttribution


@capability("attribution.currency", agent="financial_analyst")
def currency(ctx: RequestContext, *, nav: HistoricalNav, lookback_days: int) -> Result[CurrencyViews]:
    """Local, FX and interaction, headline and per holding and currency; `lookback_days` counts pack days."""
    whole = metrics.window(nav.life, "itd")
    assert whole is not None  # a history that was valued has a first day
    recent = metrics.last_observations(nav.life, lookback_days)
    warnings = () if recent else (f"the portfolio is younger than {lookback_days} pack days",)
    return Result(
        CurrencyViews(attribution.currency(nav.life, whole), attribution.currency(nav.life, recent or whole)),
        sources=nav.life.sources,
        asof=ctx.asof_date,
        ttl=PERFORMANCE_TTL_S,
        warnings=warnings,
    )
