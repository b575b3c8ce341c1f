"""What companies reported, as it was known on the pack's date."""

from dataclasses import dataclass

from agents.registry import capability
from agents.result import RequestContext, Result
from config.errors import TieoutError
from pricing import market
from pricing.market import ReportedFigure
from pricing.models import Security

FUNDAMENTALS_TTL_S = 3600


class SecurityUnknown(TieoutError):
    """No security has that id."""

    def __init__(self, security_id: int) -> None:
        super().__init__(f"security {security_id} is not known")
        self.security_id = security_id


@dataclass(frozen=True, slots=True)
class Fundamentals:
    """`status` is unavailable where the pack knows no figure of the company."""

    security_id: int
    symbol: str
    status: str
    reason: str | None
    figures: tuple[ReportedFigure, ...]


@capability("fundamentals.load", agent="data_harvester")
def load(ctx: RequestContext, *, security_id: int) -> Result[Fundamentals]:
    """What a company reported of its newest quarters and years, each figure as it was known on the pack's date."""
    symbol = Security.objects.filter(pk=security_id).values_list("symbol", flat=True).first()
    if symbol is None:
        raise SecurityUnknown(security_id)
    figures = market.fundamentals(ctx.pack, symbol)
    fundamentals = Fundamentals(
        security_id, symbol, "ok" if figures else "unavailable", None if figures else "no_fundamentals", figures
    )
    sources = tuple(sorted({figure.source for figure in figures}))
    return Result(fundamentals, sources=sources, asof=ctx.asof_date, ttl=FUNDAMENTALS_TTL_S)
