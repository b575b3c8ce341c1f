"""What a security is, and what it shares with others: its sector, how the value is spread over sectors, who else is of one."""

from dataclasses import dataclass

from agents.bounds import LookbackDays, RowLimit
from agents.data_harvester import fundamentals
from agents.data_harvester.fundamentals import Fundamentals
from agents.financial_analyst.positions import LOOKBACK_DAYS
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.performance import allocation, comparables
from portfolio.performance.allocation import Allocation, ClassifiedPosition, ClassifiedPositions
from portfolio.performance.comparables import Comparables
from pricing import market
from pricing.models import Security

SECTORS_TTL_S = 86_400


@capability("portfolio.sector_allocation", agent="financial_analyst")
def sector_allocation(
    ctx: RequestContext, *, valued: valuation.ValuedPositions, classified: ClassifiedPositions
) -> Result[Allocation]:
    """The value by sector, country and asset class, with what nobody has classified by name."""
    classifications = (each for kinds in classified.by_symbol.values() for each in kinds.values())
    sources = tuple(sorted({*valued.sources, *(each.source for each in classifications)}))
    return Result(
        allocation.allocate(valued, classified.by_symbol), sources=sources, asof=ctx.asof_date, ttl=SECTORS_TTL_S
    )


@dataclass(frozen=True, slots=True)
class SecurityFundamentals:
    """What a pack says that a security is, and what its company reported."""

    classification: ClassifiedPosition
    reported: Fundamentals


@capability("get_security_fundamentals", agent="financial_analyst")
def get_security_fundamentals(ctx: RequestContext, *, security_id: int) -> Result[SecurityFundamentals]:
    """How a security is classified, and what its company reported, each as it was known on the pack's date."""
    reported = fundamentals.load(ctx, security_id=security_id)
    symbol = reported.data.symbol
    classifications = market.classifications(ctx.pack, [symbol])
    (classification,) = allocation.classify([symbol], classifications).rows
    sources = tuple(sorted({*reported.sources, *(each.source for each in classifications[symbol].values())}))
    return Result(
        SecurityFundamentals(classification, reported.data), sources=sources, asof=ctx.asof_date, ttl=SECTORS_TTL_S
    )


@capability("get_comparable_positions", agent="financial_analyst")
def get_comparable_positions(
    ctx: RequestContext,
    *,
    valued: valuation.ValuedPositions,
    security_id: int,
    limit: RowLimit = 5,
    lookback_days: LookbackDays = LOOKBACK_DAYS,
) -> Result[Comparables]:
    """Securities of the same sector, held or not, and how each did over the look-back."""
    symbol = Security.objects.filter(pk=security_id).values_list("symbol", flat=True).first() or ""
    peers, providers = comparables.load(ctx.pack, symbol, valued, limit=limit, lookback_days=lookback_days)
    sources = tuple(sorted({*valued.sources, *providers}))
    return Result(peers, sources=sources, asof=ctx.asof_date, ttl=SECTORS_TTL_S)
