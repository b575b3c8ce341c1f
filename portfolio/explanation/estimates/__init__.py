"""How the figures of the economy, of scenarios, of exposures, of sectors and of news are made or estimated, by capability.

docs/macro.md and docs/news.md have the methods at length. A figure that is estimated has no formula that a reader could work out
by hand: its method is said in words, and its terms are what went in.
"""

from collections.abc import Mapping
from typing import Final

from portfolio.explanation.estimates.charts import MACRO_CHART, OVERVIEW_CHART, SCENARIO_CHART
from portfolio.explanation.estimates.drawdown import DRAWDOWN
from portfolio.explanation.estimates.economy import (
    ALERT_PRESETS,
    BETA_HISTORY,
    CYCLE_RISK,
    REGIME,
    REGIME_HISTORY,
    SHIFTS,
    cycle,
)
from portfolio.explanation.estimates.exposure_history import EXPOSURE_HISTORY
from portfolio.explanation.estimates.news import NEWS
from portfolio.explanation.estimates.scenarios import HOLDING_HISTORY, SCENARIO, SCENARIO_LINES
from portfolio.explanation.estimates.securities import ALLOCATION, COMPARABLES
from portfolio.explanation.rules import Rule

ESTIMATES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "macro.detect_regime": REGIME,
    "macro.get_regime_history": REGIME_HISTORY,
    "macro.beta_history": BETA_HISTORY,
    "macro.detect_trend_shifts": SHIFTS,
    "alerts.suggest_presets": ALERT_PRESETS,
    "macro.holding_history": HOLDING_HISTORY,
    "macro.run_scenario": SCENARIO,
    "macro.compare_scenarios": SCENARIO_LINES,
    "scenarios.deleveraging": SCENARIO_LINES,
    "macro.compute_dar": DRAWDOWN,
    "cycles.compute_short_term": cycle(),
    "cycles.compute_long_term": cycle(),
    "cycles.compute_empire": cycle(),
    "cycles.compute_civil": cycle(),
    "macro.compute_cycles": cycle("cycles/*/"),
    "risk.overlay_cycle_phases": CYCLE_RISK,
    "risk.get_factor_exposure_history": EXPOSURE_HISTORY,
    "charts.overview": OVERVIEW_CHART,
    "charts.macro_overview": MACRO_CHART,
    "charts.scenario": SCENARIO_CHART,
    "news.compute_portfolio_impact": NEWS,
    "portfolio.sector_allocation": ALLOCATION,
    "get_comparable_positions": COMPARABLES,
}
"""Capability -> the rules of its figures."""
