"""What is said of a scenario: the shocks, the positions, and the whole."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolio.macro.hedges import Hedge
from portfolio.performance.metric import Metric


@dataclass(frozen=True, slots=True)
class FactorShock:
    """A shock of the scenario and what it does. `applied` is unavailable where no series stands for it."""

    factor: str
    series_id: str
    shock: float
    """Rates, inflation and credit in decimal (100 basis points are 0.01), the rest as returns."""
    largest_move: float | None
    """Of the window, over the horizon."""
    applied: Metric
    contribution: Decimal | None


@dataclass(frozen=True, slots=True)
class PositionDelta:
    """What the scenario does to a position or to a balance of cash. Money in the base currency."""

    security_id: int | None
    symbol: str
    name: str
    currency: str
    market_value: Decimal
    delta_pl: Decimal
    delta: Metric
    """A fraction of its value; the basis has the standard error and the ends of the 90 % interval."""
    local_return: float
    fx_return: float
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class ScenarioRecord:
    """Value before and after.

    The contributions of the factors, `fx_delta` and `interaction_delta` sum to the total, each rounded by itself.
    """

    scenario_id: str
    scenario_name: str
    asof_date: date
    base_currency: str
    pre_shock_nav: Decimal
    post_shock_nav: Decimal | None
    total_delta_pl: Decimal | None
    """None, and so the value after, where no shock could be applied."""
    total_delta_pl_pct: Metric
    """A fraction of the value before, degraded by all that is not applied or not certain."""
    standard_error: Metric
    """Of the total, as a fraction of the value: the error of the betas alone, the root of s'Vs."""
    interval_low: Metric
    """Low end of the 90 % interval of the total over the horizon, a fraction: error of the betas and what no factor explains."""
    interval_high: Metric
    horizon_sessions: int
    not_applied: str
    """Factors that are shocked and have no series; empty where there is none."""
    factors: tuple[FactorShock, ...]
    fx_delta: Decimal
    interaction_delta: Decimal
    """What a return makes on a rate that has moved as well."""
    positions: tuple[PositionDelta, ...]
    winners: tuple[PositionDelta, ...]
    losers: tuple[PositionDelta, ...]
    hedges: tuple[Hedge, ...]
