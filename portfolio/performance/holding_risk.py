"""What one holding risks, alone and within the portfolio."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from portfolio.analytics import risk
from portfolio.performance import daily_returns, holding_returns, windows
from portfolio.performance.holding_returns import NOT_HELD, HoldingPeriod
from portfolio.performance.metric import SHORT_HISTORY, Metric, degraded, doubts_of, unavailable
from portfolio.performance.risk_figures import FULL_TAIL_OBSERVATIONS, MIN_TAIL_OBSERVATIONS, TAIL_LEVEL
from portfolio.performance.windows import Span
from portfolio.valuation import ValuedPositions, ValueHistory, quantise


@dataclass(frozen=True, slots=True)
class PositionRisk:
    """What a holding risks, alone and within the portfolio. VaR: one day, 95 %, historical, a loss is positive."""

    symbol: str
    market_value: Decimal | None
    position_weight: float | None
    var_1d: Decimal | None
    """Base currency, of the market value."""
    var_1d_pct: Metric
    marginal_var: Metric
    """By how much the portfolio's VaR moves with one more unit of base currency in the holding: VaR x beta."""
    component_var: Decimal | None
    """Marginal VaR x market value: the holding's part of the portfolio's."""
    pct_portfolio_risk: Metric
    """Weight x beta: the parts of all holdings sum to 1."""
    position_volatility: Metric
    portfolio_volatility: Metric
    beta_to_portfolio: Metric
    correlation: Metric
    diversification_benefit: Metric
    """1 - correlation: the share of its own risk that the rest of the portfolio takes away."""
    data_points: int


def measure(history: ValueHistory, symbol: str, span: Span, valued: ValuedPositions) -> PositionRisk:
    """What a holding risks, by the days of the span on which it was holding."""
    holding = holding_returns.period(history, symbol, span)
    rests_on = holding_returns.basis_of(history, span, holding)
    daily = daily_returns.measure(history)
    row = next((each for each in valued.positions if each.symbol == symbol), None)
    per_year = holding_returns.periods_per_year(history)

    def figure(compute: Callable[[], float]) -> Metric:
        if not len(holding.days):
            return unavailable(NOT_HELD, rests_on)
        if np.isnan(holding.whole).any():
            absent = windows.without_return(daily, span, rests_on)
            return absent or unavailable(daily_returns.BELOW_ZERO, rests_on)
        return holding_returns.figure(rests_on, compute)

    tail = _tail(figure(lambda: risk.value_at_risk(holding.own, level=TAIL_LEVEL)), holding)
    whole_tail = _tail(figure(lambda: risk.value_at_risk(holding.whole, level=TAIL_LEVEL)), holding)
    beta = figure(lambda: risk.beta(holding.own, holding.whole))
    correlation = figure(lambda: risk.correlation(holding.own, holding.whole))
    marginal = _product(whole_tail, beta)
    weight = Metric(row.weight, "ok", None, rests_on) if row else unavailable(NOT_HELD, rests_on)
    benefit = (
        correlation
        if correlation.value is None
        else Metric(1.0 - correlation.value, correlation.status, correlation.reason, rests_on)
    )

    def money(share: Metric) -> Decimal | None:
        if row is None or share.value is None:
            return None
        return quantise(row.market_value * Decimal(repr(share.value)), valued.currency)

    return PositionRisk(
        symbol=symbol,
        market_value=row.market_value if row else None,
        position_weight=row.weight if row else None,
        var_1d=money(tail),
        var_1d_pct=tail,
        marginal_var=marginal,
        component_var=money(marginal),
        pct_portfolio_risk=_product(weight, beta),
        position_volatility=figure(lambda: risk.volatility(holding.own, periods_per_year=per_year)),
        portfolio_volatility=figure(lambda: risk.volatility(holding.whole, periods_per_year=per_year)),
        beta_to_portfolio=beta,
        correlation=correlation,
        diversification_benefit=benefit,
        data_points=len(holding.days),
    )


def _tail(figure: Metric, holding: HoldingPeriod) -> Metric:
    if figure.value is None:
        return figure
    if len(holding.days) < MIN_TAIL_OBSERVATIONS:
        return unavailable(SHORT_HISTORY, figure.basis)
    return degraded(figure, ["few_observations"] if len(holding.days) < FULL_TAIL_OBSERVATIONS else [])


def _product(one: Metric, other: Metric) -> Metric:
    for each in (one, other):
        if each.value is None:
            return each
    assert one.value is not None
    assert other.value is not None
    doubts = [*doubts_of(one), *doubts_of(other)]
    return degraded(Metric(one.value * other.value, "ok", None, one.basis), doubts)
