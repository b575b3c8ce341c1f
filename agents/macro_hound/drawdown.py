"""What a portfolio may lose from its highest point."""

import hashlib

import numpy as np
from django.conf import settings

from agents.bounds import Amplification, Confidence, HorizonDays
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.macro import drawdown
from portfolio.macro.drawdown import DarRecord
from portfolio.macro.holding_history import HoldingHistory

DAR_TTL_S = 3600


@capability("macro.compute_dar", agent="macro_hound")
def compute_dar(
    ctx: RequestContext,
    *,
    valued: valuation.ValuedPositions,
    holdings: HoldingHistory,
    confidence: Confidence = 0.95,
    horizon_days: HorizonDays = 30,
    amplification: Amplification | None = 1.0,
) -> Result[DarRecord]:
    """Drawdown at risk over a number of sessions, what it is made of, and how well the same limit would have held."""
    record = drawdown.measure(
        valued,
        holdings,
        confidence=confidence,
        sessions=horizon_days,
        seed=_seed(valued.portfolio_id),
        amplification=amplification,
    )
    sources = tuple(sorted({*valued.sources, *holdings.sources}))
    return Result(record, sources=sources, asof=ctx.asof_date, ttl=DAR_TTL_S)


def _seed(portfolio_id: str) -> int:
    """Of engine and portfolio: the packs of a portfolio share their draws."""
    text = f"{settings.RELEASE}|{drawdown.METHOD}|{np.__version__}|{portfolio_id}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
