"""One holding beside the portfolio, by the id of its security: its return, its risk, and what it added."""

from datetime import date
from typing import TypeVar

from agents.bounds import LookbackDays, RowLimit
from agents.financial_analyst.performance import PERFORMANCE_TTL_S, HistoricalNav
from agents.registry import capability
from agents.result import RequestContext, Result
from config.errors import TieoutError
from portfolio import valuation
from portfolio.analytics.errors import InvalidInput
from portfolio.performance import holding_parts, holding_returns, holding_risk, windows
from portfolio.performance.holding_parts import PositionContribution, PositionCurrencyAttribution
from portfolio.performance.holding_returns import PositionReturn
from portfolio.performance.holding_risk import PositionRisk
from portfolio.performance.windows import Span
from portfolio.valuation import one_holding
from portfolio.valuation.one_holding import OneHolding, TransactionHistory
from pricing.models import Security

Data = TypeVar("Data")
LOOKBACK_DAYS = 252


class SecurityNotHeld(TieoutError):
    """Nothing was ever booked in the security up to the as-of date."""

    def __init__(self, security_id: int, symbol: str, asof_date: date) -> None:
        super().__init__(
            f"the portfolio has not held {symbol or f'security {security_id}'} up to {asof_date.isoformat()}"
        )
        self.security_id, self.symbol, self.asof_date = security_id, symbol, asof_date


@capability("get_transaction_history", agent="financial_analyst")
def get_transaction_history(
    ctx: RequestContext, *, positions: valuation.Positions, security_id: int, limit: RowLimit | None = None
) -> Result[TransactionHistory]:
    """What was booked in one security, the newest first; all of it without a `limit`. Nothing where it was never held.

    raises   InvalidInput for a limit of none
    """
    if limit is not None and limit < 1:
        raise InvalidInput("limit", f"is {limit}, at least one entry is needed")
    booked = one_holding.transactions(positions.book, ctx.asof_date, security_id, limit)
    return Result(booked, sources=("ledger",), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@capability("get_position_details", agent="financial_analyst")
def get_position_details(
    ctx: RequestContext,
    *,
    positions: valuation.Positions,
    valued: valuation.ValuedPositions,
    nav: HistoricalNav,
    transactions: TransactionHistory,
    security_id: int,
) -> Result[OneHolding]:
    """What is held of it, its lots, its entries and its closes."""
    symbol = _symbol(ctx, nav, security_id)
    holding = one_holding.find(positions.book, valued, ctx.market.history, security_id, symbol, transactions)
    providers = tuple(sorted({*valued.sources, *nav.life.sources, "ledger"}))
    return Result(holding, sources=providers, asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)


@capability("compute_position_return", agent="financial_analyst")
def compute_position_return(
    ctx: RequestContext, *, nav: HistoricalNav, security_id: int, lookback_days: LookbackDays = LOOKBACK_DAYS
) -> Result[PositionReturn]:
    """Its own return, volatility, Sharpe ratio and drawdown while it was held; `lookback_days` counts pack days."""
    returns = holding_returns.returns(
        nav.life, _symbol(ctx, nav, security_id), span_of(ctx, nav, lookback_days), nav.risk_free
    )
    return _result(ctx, nav, returns, risk_free=True)


@capability("compute_position_risk", agent="financial_analyst")
def compute_position_risk(
    ctx: RequestContext,
    *,
    nav: HistoricalNav,
    valued: valuation.ValuedPositions,
    security_id: int,
    lookback_days: LookbackDays = LOOKBACK_DAYS,
) -> Result[PositionRisk]:
    """Value at risk alone and within the portfolio, beta to it, and what diversification takes away."""
    risk = holding_risk.measure(nav.life, _symbol(ctx, nav, security_id), span_of(ctx, nav, lookback_days), valued)
    return _result(ctx, nav, risk)


@capability("compute_portfolio_contribution", agent="financial_analyst")
def compute_portfolio_contribution(
    ctx: RequestContext, *, nav: HistoricalNav, security_id: int, lookback_days: LookbackDays = LOOKBACK_DAYS
) -> Result[PositionContribution]:
    """What it added to the portfolio's return."""
    span = span_of(ctx, nav, lookback_days)
    return _result(ctx, nav, holding_parts.contribution(nav.life, _symbol(ctx, nav, security_id), span))


@capability("compute_position_currency_attribution", agent="financial_analyst")
def compute_position_currency_attribution(
    ctx: RequestContext, *, nav: HistoricalNav, security_id: int, lookback_days: LookbackDays = LOOKBACK_DAYS
) -> Result[PositionCurrencyAttribution]:
    """What its price, its currency and both together added to the portfolio's return."""
    span = span_of(ctx, nav, lookback_days)
    return _result(ctx, nav, holding_parts.currency(nav.life, _symbol(ctx, nav, security_id), span))


def _symbol(ctx: RequestContext, nav: HistoricalNav, security_id: int) -> str:
    """Raises SecurityNotHeld, also where there is no such security. The database is read for the words of that alone."""
    security = nav.securities.get(security_id)
    if security is None:
        symbol = Security.objects.filter(pk=security_id).values_list("symbol", flat=True).first() or ""
        raise SecurityNotHeld(security_id, symbol, ctx.asof_date)
    return security.symbol


def span_of(ctx: RequestContext, nav: HistoricalNav, lookback_days: int) -> Span:
    """The look-back, or the whole life of a younger portfolio."""
    return windows.last_days(nav.life, lookback_days) or windows.life(nav.life) or windows.empty(ctx.asof_date)


def _result(ctx: RequestContext, nav: HistoricalNav, data: Data, *, risk_free: bool = False) -> Result[Data]:
    return Result(data, sources=nav.sources(risk_free=risk_free), asof=ctx.asof_date, ttl=PERFORMANCE_TTL_S)
