"""What scenarios would do to a portfolio."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agents.bounds import CostBp
from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.macro import holding_history, presets, scenarios
from portfolio.macro.hedges import Hedge
from portfolio.macro.holding_history import HoldingHistory
from portfolio.macro.presets import Scenario
from portfolio.macro.scenario_record import ScenarioRecord
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.metric import Metric

SCENARIO_TTL_S = 0


@capability("macro.holding_history", agent="macro_hound")
def load_holding_history(ctx: RequestContext, *, positions: valuation.Positions) -> Result[HoldingHistory]:
    """Each session of what is held in its own currency, beside the factors that may move it."""
    holdings = holding_history.load(ctx.pack, positions, ctx.market.factors, _local_benchmark(ctx, positions))
    return Result(holdings, sources=holdings.sources, asof=ctx.asof_date, ttl=SCENARIO_TTL_S)


@capability("macro.run_scenario", agent="macro_hound")
def run_scenario(
    ctx: RequestContext,
    *,
    valued: valuation.ValuedPositions,
    holdings: HoldingHistory,
    scenario_id: str,
    custom_shocks: Mapping[str, Any] | None = None,
    max_cost_bps: CostBp = 20.0,
) -> Result[ScenarioRecord]:
    """A scenario on the positions, by its id or by shocks of one's own, with its standard error, winners, losers and hedges."""
    if scenario_id == "custom":
        scenario = presets.custom(custom_shocks or {})
    else:
        scenario = presets.find(scenario_id)
    return _result(
        ctx, scenarios.run(scenario, valued, scenarios.fit(holdings), cost_bp=max_cost_bps), valued, holdings
    )


@dataclass(frozen=True, slots=True)
class ScenarioLine:
    """One scenario of several."""

    scenario_id: str
    scenario_name: str
    total_delta_pl: Decimal | None
    total_delta_pl_pct: Metric
    standard_error: Metric
    interval_low: Metric
    interval_high: Metric
    loses_most: str
    not_applied: str


@dataclass(frozen=True, slots=True)
class ScenarioComparison:
    rows: tuple[ScenarioLine, ...]
    """The largest loss first; last those of which nothing could be applied."""
    hedges: tuple[Hedge, ...]
    """Of the scenario that loses most."""


@capability("macro.compare_scenarios", agent="macro_hound")
def compare_scenarios(
    ctx: RequestContext, *, valued: valuation.ValuedPositions, holdings: HoldingHistory, max_cost_bps: CostBp = 20.0
) -> Result[ScenarioComparison]:
    """Every scenario that can be asked for by name."""
    return _compare(ctx, presets.SCENARIOS.values(), valued, holdings, max_cost_bps)


@capability("scenarios.deleveraging", agent="macro_hound")
def deleveraging(
    ctx: RequestContext, *, valued: valuation.ValuedPositions, holdings: HoldingHistory, max_cost_bps: CostBp = 20.0
) -> Result[ScenarioComparison]:
    """The three ways out of too much debt: money printing, austerity, default."""
    return _compare(ctx, presets.DELEVERAGING, valued, holdings, max_cost_bps)


def _compare(
    ctx: RequestContext,
    selection: Iterable[Scenario],
    valued: valuation.ValuedPositions,
    holdings: HoldingHistory,
    cost_bp: float,
) -> Result[ScenarioComparison]:
    fitted = scenarios.fit(holdings)
    ran = [scenarios.run(each, valued, fitted, cost_bp=cost_bp) for each in selection]
    ran.sort(key=lambda each: (each.total_delta_pl is None, each.total_delta_pl or 0))
    lines = tuple(
        ScenarioLine(
            each.scenario_id,
            each.scenario_name,
            each.total_delta_pl,
            each.total_delta_pl_pct,
            each.standard_error,
            each.interval_low,
            each.interval_high,
            each.losers[0].symbol if each.losers else "",
            each.not_applied,
        )
        for each in ran
    )
    return _result(ctx, ScenarioComparison(lines, ran[0].hedges), valued, holdings)


def _local_benchmark(ctx: RequestContext, positions: valuation.Positions) -> BenchmarkReturns | None:
    """The benchmark in the currency that all of its components trade in, else in the portfolio's."""
    days = ctx.market.history.dates
    benchmark: BenchmarkReturns | None = ctx.market.benchmark(positions.base_currency, days)
    currencies = {part.currency for part in benchmark.components} if benchmark else set()
    if len(currencies) == 1 and currencies != {positions.base_currency}:
        benchmark = ctx.market.benchmark(*currencies, days)
    return benchmark


def _result(ctx: RequestContext, data: Any, valued: valuation.ValuedPositions, holdings: HoldingHistory) -> Result[Any]:
    sources = tuple(sorted({*valued.sources, *holdings.sources}))
    return Result(data, sources=sources, asof=ctx.asof_date, ttl=SCENARIO_TTL_S)
