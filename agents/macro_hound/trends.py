"""What changed over the last weeks."""

from agents.bounds import LookbackWeeks
from agents.macro_hound.economy import MACRO_TTL_S
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.macro import alert_presets, regime, trends
from portfolio.macro.alert_presets import AlertPresets
from portfolio.macro.cycles import CycleHistory
from portfolio.macro.holding_history import HoldingHistory
from portfolio.macro.indicators import Indicators
from portfolio.macro.regime import RegimeHistory
from portfolio.macro.trends import BetaHistory, TrendShifts


@capability("macro.beta_history", agent="macro_hound")
def beta_history(
    ctx: RequestContext,
    *,
    valued: valuation.ValuedPositions,
    holdings: HoldingHistory,
    lookback_weeks: LookbackWeeks = 52,
) -> Result[BetaHistory]:
    """The betas of the portfolio as it stands, week by week."""
    history = trends.betas(valued, holdings, weeks=lookback_weeks)
    sources = tuple(sorted({*valued.sources, *holdings.sources}))
    return Result(history, sources=sources, asof=ctx.asof_date, ttl=MACRO_TTL_S)


@capability("macro.detect_trend_shifts", agent="macro_hound")
def detect_trend_shifts(
    ctx: RequestContext,
    *,
    indicators: Indicators,
    regime_history: RegimeHistory,
    cycle_history: CycleHistory,
    beta_history: BetaHistory,
    lookback_weeks: LookbackWeeks = 52,
) -> Result[TrendShifts]:
    """Changes of the regime and of cycles, of indicators by a standard deviation and of exposures by two standard errors."""
    shifts = trends.detect(indicators, regime_history, cycle_history, beta_history, weeks=lookback_weeks)
    return Result(shifts, sources=regime.sources(indicators), asof=ctx.asof_date, ttl=MACRO_TTL_S)


@capability("alerts.suggest_presets", agent="macro_hound")
def suggest_presets(ctx: RequestContext, *, trend_analysis: TrendShifts) -> Result[AlertPresets]:
    """A condition to watch for each change. Nothing is sent by it."""
    return Result(alert_presets.suggest(trend_analysis), sources=(), asof=ctx.asof_date, ttl=MACRO_TTL_S)
