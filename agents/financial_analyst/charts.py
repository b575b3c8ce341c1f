"""What charts are drawn from, out of results that other steps gave: nothing is loaded."""

from agents.registry import capability
from agents.result import RequestContext, Result
from portfolio import valuation
from portfolio.macro import macro_chart, scenario_chart
from portfolio.macro.drawdown import DarRecord
from portfolio.macro.macro_chart import MacroChart
from portfolio.macro.regime import RegimeRecord
from portfolio.macro.scenario_chart import ScenarioChart
from portfolio.macro.scenario_record import ScenarioRecord
from portfolio.performance import allocation_chart
from portfolio.performance.allocation_chart import OverviewChart
from portfolio.performance.factor_exposures import FactorRecord

CHARTS_TTL_S = 60


@capability("charts.overview", agent="financial_analyst")
def overview(ctx: RequestContext, *, valued: valuation.ValuedPositions) -> Result[OverviewChart]:
    """The ten largest securities, the others together, and cash: slices that sum to the value."""
    return Result(allocation_chart.chart(valued), sources=valued.sources, asof=ctx.asof_date, ttl=CHARTS_TTL_S)


@capability("charts.scenario", agent="financial_analyst")
def scenario(ctx: RequestContext, *, scenario_result: ScenarioRecord) -> Result[ScenarioChart]:
    """Each position before and after a scenario, and the steps that its change is made of."""
    return Result(scenario_chart.chart(scenario_result), sources=(), asof=ctx.asof_date, ttl=CHARTS_TTL_S)


@capability("charts.macro_overview", agent="financial_analyst")
def macro_overview(
    ctx: RequestContext, *, regime: RegimeRecord, factor_exposures: FactorRecord, dar: DarRecord
) -> Result[MacroChart]:
    """The scores of the regimes, the betas with their intervals, and the drawdown at risk."""
    overview = macro_chart.chart(regime, factor_exposures, dar)
    return Result(overview, sources=(), asof=ctx.asof_date, ttl=CHARTS_TTL_S)
