"""News weighted by what is held."""

from agents.bounds import Share
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.performance import news_impact
from portfolio.performance.news_impact import NewsFound, NewsImpact

NEWS_TTL_S = 300


@capability("news.compute_portfolio_impact", agent="data_harvester")
def compute_portfolio_impact(
    ctx: RequestContext, *, news_items: NewsFound, valued: valuation.ValuedPositions, min_threshold: Share = 0.1
) -> Result[NewsImpact]:
    """Which articles name a holding, in what tone, and with what part of the portfolio."""
    impact = news_impact.measure(news_items, valued.positions, min_threshold=min_threshold)
    return Result(impact, sources=valued.sources, asof=ctx.asof_date, ttl=NEWS_TTL_S)
