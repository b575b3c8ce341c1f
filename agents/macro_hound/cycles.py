"""The cycles of the economy, and what their phase does to a portfolio's risk."""

from dataclasses import dataclass

from agents.bounds import LookbackWeeks
from agents.macro_hound.economy import MACRO_TTL_S
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio.macro import cycle_risk, cycles
from portfolio.macro import phases as stored_phases
from portfolio.macro.cycle_risk import CycleRisk
from portfolio.macro.cycles import Cycle, CycleHistory, CycleRecord
from portfolio.macro.indicators import Indicators
from portfolio.performance.factor_exposures import FactorRecord

CYCLE_TTL_S = 86_400


@capability("cycles.compute_short_term", agent="macro_hound")
def compute_short_term(ctx: RequestContext, *, indicators: Indicators) -> Result[CycleRecord]:
    """The phase of the short-term debt cycle."""
    return _phase(ctx, cycles.SHORT_TERM, indicators)


@capability("cycles.compute_long_term", agent="macro_hound")
def compute_long_term(ctx: RequestContext, *, indicators: Indicators) -> Result[CycleRecord]:
    """The phase of the long-term debt cycle."""
    return _phase(ctx, cycles.LONG_TERM, indicators)


@capability("cycles.compute_empire", agent="macro_hound")
def compute_empire(ctx: RequestContext, *, indicators: Indicators) -> Result[CycleRecord]:
    """The rise and decline of powers, by the series that it would need."""
    return _phase(ctx, cycles.EMPIRE, indicators)


@capability("cycles.compute_civil", agent="macro_hound")
def compute_civil(ctx: RequestContext, *, indicators: Indicators) -> Result[CycleRecord]:
    """Internal order, by the series that it would need."""
    return _phase(ctx, cycles.CIVIL, indicators)


@dataclass(frozen=True, slots=True)
class CycleOverview:
    cycles: tuple[CycleRecord, ...]


@capability("macro.compute_cycles", agent="macro_hound")
def compute_cycles(ctx: RequestContext, *, indicators: Indicators) -> Result[CycleOverview]:
    """The phase of every cycle."""
    results = [_phase(ctx, each, indicators) for each in cycles.CYCLES]
    sources = tuple(sorted({source for each in results for source in each.sources}))
    return Result(
        CycleOverview(tuple(each.data for each in results)), sources=sources, asof=ctx.asof_date, ttl=CYCLE_TTL_S
    )


@capability("cycles.history", agent="macro_hound")
def cycle_history(ctx: RequestContext, *, lookback_weeks: LookbackWeeks = 52) -> Result[CycleHistory]:
    """The phases of the cycles over the last weeks, as they were known then and the night has stored them."""
    phases = stored_phases.load(ctx.pack, weeks=lookback_weeks)
    history = cycles.history({each.id: phases.by_subject[each.id] for each in cycles.CYCLES})
    sources = tuple(sorted({source for each in cycles.CYCLES for source in phases.sources[each.id]}))
    return Result(history, sources=sources, asof=ctx.asof_date, ttl=CYCLE_TTL_S)


@capability("risk.overlay_cycle_phases", agent="macro_hound")
def overlay_cycle_phases(
    ctx: RequestContext, *, factor_exposures: FactorRecord, stdc: CycleRecord
) -> Result[CycleRisk]:
    """The factor exposures, amplified by what the phase of the short-term cycle does to risk."""
    return Result(cycle_risk.overlay(factor_exposures, stdc), sources=(), asof=ctx.asof_date, ttl=MACRO_TTL_S)


def _phase(ctx: RequestContext, cycle: Cycle, indicators: Indicators) -> Result[CycleRecord]:
    record, sources = cycles.compute(cycle, indicators), cycles.sources(cycle, indicators)
    return Result(record, sources=sources, asof=ctx.asof_date, ttl=CYCLE_TTL_S)
