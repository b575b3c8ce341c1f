"""What a scenario does, as the bars and steps of a chart."""

from dataclasses import dataclass
from decimal import Decimal

from portfolio.macro.scenario_record import ScenarioRecord

EXCHANGE_RATES, BOTH, ROUNDING = "exchange_rates", "return_on_moved_rates", "rounding"


@dataclass(frozen=True, slots=True)
class Bar:
    """A position or a balance before and after, in base currency."""

    symbol: str
    before: Decimal
    change: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class ChangeStep:
    """A part of the change of the whole value, in base currency."""

    label: str
    """A factor, or exchange_rates, return_on_moved_rates, rounding."""
    value: Decimal


@dataclass(frozen=True, slots=True)
class ScenarioChart:
    """Both are empty where no shock could be applied."""

    bars: tuple[Bar, ...]
    """The largest loss first."""
    steps: tuple[ChangeStep, ...]
    """They sum to the change of the whole."""


def chart(scenario: ScenarioRecord) -> ScenarioChart:
    """The bars of the positions, and the steps from the value before to the value after."""
    if scenario.total_delta_pl is None:
        return ScenarioChart((), ())
    rows = sorted(scenario.positions, key=lambda row: (row.delta_pl, row.symbol))
    steps = [ChangeStep(each.factor, each.contribution) for each in scenario.factors if each.contribution is not None]
    steps += [ChangeStep(EXCHANGE_RATES, scenario.fx_delta), ChangeStep(BOTH, scenario.interaction_delta)]
    rest = scenario.total_delta_pl - sum((each.value for each in steps), Decimal(0))
    if rest:
        steps.append(ChangeStep(ROUNDING, rest))
    return ScenarioChart(
        tuple(Bar(row.symbol, row.market_value, row.delta_pl, row.market_value + row.delta_pl) for row in rows),
        tuple(steps),
    )
