"""The economy as of a pack: indicators and the regime that they speak for."""

from agents.bounds import LookbackWeeks
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio.macro import indicators as loaded
from portfolio.macro import phases as stored_phases
from portfolio.macro import regime
from portfolio.macro.indicators import Indicators
from portfolio.macro.regime import RegimeHistory, RegimeRecord

MACRO_TTL_S = 3600


@capability("macro.get_indicators", agent="macro_hound")
def get_indicators(ctx: RequestContext) -> Result[Indicators]:
    """Economic indicators as the pack knows them, each against its own past."""
    indicators = loaded.load(ctx.pack)
    return Result(indicators, sources=indicators.sources, asof=ctx.asof_date, ttl=MACRO_TTL_S)


@capability("macro.detect_regime", agent="macro_hound")
def detect_regime(ctx: RequestContext, *, indicators: Indicators) -> Result[RegimeRecord]:
    """The phase of the business cycle whose bands the indicators fit best, with its score; unknown where one is missing."""
    record = regime.detect(indicators)
    return Result(record, sources=regime.sources(indicators), asof=ctx.asof_date, ttl=MACRO_TTL_S)


@capability("macro.get_regime_history", agent="macro_hound")
def get_regime_history(ctx: RequestContext, *, lookback_weeks: LookbackWeeks = 52) -> Result[RegimeHistory]:
    """The regime at the end of each of the last weeks, as it was known then and the night has stored it."""
    phases = stored_phases.load(ctx.pack, weeks=lookback_weeks)
    history = regime.history(phases.by_subject[regime.SUBJECT])
    return Result(history, sources=phases.sources[regime.SUBJECT], asof=ctx.asof_date, ttl=MACRO_TTL_S)
