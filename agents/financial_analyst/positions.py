"""One holding beside the portfolio: how it did, what it risks, what it added. Asked by the security's id."""

from datetime import date
from typing import Any

from agents.financial_analyst.performance import PERFORMANCE_TTL_S, HistoricalNav
from agents.registry import capability
from agents.result import RequestContext, Result
from config.errors import TieoutError
from portfolio import valuation
from portfolio.performance import holdings, metrics
from pricing.models import Security


class SecurityNotHeld(TieoutError):
    """Nothing was ever booked in the security up to the as-of date."""

    def __init__(self, security_id: int, symbol: str, asof_date: date) -> None:
        super().__init__(
            f"the portfolio has not held {symbol or f'security {security_id}'} up to {asof_date.isoformat()}"
        )
        self.security_id, self.symbol, self.asof_date = security_id, symbol, asof_date


@capability("compute_position_return", agent="financial_analyst")
def compute_position_return(
    ctx: RequestContext, *, nav: HistoricalNav, security_id: int, lookback_days: int = 252
) -> Result[holdings.PositionReturn]:
    """Its own return, volatility, Sharpe ratio and drawdown while it was held; `lookback_days` counts pack days."""
    data = holdings.returns(nav.life, _symbol(ctx, security_id), _span(ctx, nav, lookback_days), nav.risk_free)
    return _answer(ctx, nav, data, risk_free=True)


@capability("compute_position_risk", agent="financial_analyst")
def compute_position_risk(
    ctx: RequestContext,
    *,
    nav: HistoricalNav,
    valued: valuation.ValuedPositions,
    security_id: int,
    lookback_days: int = 252,
) -> Result[holdings.PositionRisk]:
    """Value at risk alone and within the portfolio, beta to it, and what diversification takes away."""
    data = holdings.risks(nav.life, _symbol(ctx, security_id), _span(ctx, nav, lookback_days), valued)
    return _answer(ctx, nav, data)


@capability("compute_portfolio_contribution", agent="financial_analyst")
def compute_portfolio_contribution(
    ctx: RequestContext, *, nav: HistoricalNav, security_id: int, lookback_days: int = 252
) -> Result[holdings.PositionContribution]:
    """What it added to the portfolio's return."""
    return _answer(ctx, nav, holdings.contribution(nav.life, _symbol(ctx, security_id), _span(ctx, nav, lookback_days)))


@capability("compute_position_currency_attribution", agent="financial_analyst")
def compute_position_currency_attribution(
    ctx: RequestContext, *, nav: HistoricalNav, security_id: int, lookback_days: int = 252
) -> Result[holdings.PositionCurrencyAttribution]:
    """What its price, its currency and both together added to the portfolio's return."""
    return _answer(ctx, nav, holdings.currency(nav.life, _symbol(ctx, security_id), _span(ctx, nav, lookback_days)))


def _symbol(ctx: RequestContext, security_id: int) -> str:
    """Raises SecurityNotHeld, also where there is no such security."""
    symbol = Security.objects.filter(pk=security_id).values_list("symbol", flat=True).first() or ""
    booked = (each for each in ctx.book.events if each.date <= ctx.asof_date)
    if not symbol or not any(security_id in (each.security, each.to_security) for each in booked):
        raise SecurityNotHeld(security_id, symbol, ctx.asof_date)
    return symbol


def _span(ctx: RequestContext, nav: HistoricalNav, lookback_days: int) -> metrics.Window:
    """The look-back, or the whole life of a younger portfolio."""
    return (
        metrics.last_observations(nav.life, lookback_days) or metrics.life(nav.life) or metrics.nothing(ctx.asof_date)
    )


def _answer(ctx: RequestContext, nav: HistoricalNav, data: Any, *, risk_free: bool = False) -> Result[Any]:
    return Result(data, sources=nav.sources(risk_free=risk_free), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)
