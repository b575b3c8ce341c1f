"""What packs say a security is: sector, country, asset class, ISIN, FIGI."""

from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.performance import allocation
from portfolio.performance.allocation import ClassifiedPositions
from pricing import market

CLASSIFICATION_TTL_S = 86_400


@capability("securities.classifications", agent="data_harvester")
def classifications(ctx: RequestContext, *, positions: valuation.Positions) -> Result[ClassifiedPositions]:
    """Sector, country, asset class, ISIN and FIGI of what is held, each as it was known on the pack's date."""
    symbols = [row.symbol for row in positions.positions]
    by_symbol = market.classifications(ctx.pack, symbols)
    sources = tuple(sorted({each.source for kinds in by_symbol.values() for each in kinds.values()}))
    return Result(
        allocation.classify(symbols, by_symbol), sources=sources, asof=ctx.asof_date, ttl=CLASSIFICATION_TTL_S
    )
