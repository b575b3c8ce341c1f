"""What charts are drawn from, out of results that other steps gave: nothing is loaded."""

from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.macro import scenario_chart
from portfolio.macro.scenario_chart import ScenarioChart
from portfolio.macro.scenario_record import ScenarioRecord
from portfolio.performance import allocation_chart
from portfolio.performance.allocation_chart import OverviewChart

CHARTS_TTL_S = 60


@capability("charts.overview", agent="financial_analyst")
def overview(ctx: RequestContext, *, valued: valuation.ValuedPositions) -> Result[OverviewChart]:
    """The ten largest securities, the others together, and cash: slices that sum to the value."""
    return Result(allocation_chart.chart(valued), sources=valued.sources, asof=ctx.asof_date, ttl=CHARTS_TTL_S)


@capability("charts.scenario", agent="financial_analyst")
def scenario(ctx: RequestContext, *, scenario_result: ScenarioRecord) -> Result[ScenarioChart]:
    """Each position before and after a scenario, and the steps that its change is made of."""
    return Result(scenario_chart.chart(scenario_result), sources=(), asof=ctx.asof_date, ttl=CHARTS_TTL_S)
