"""Who explains the figures of which capability."""

from collections.abc import Callable, Mapping
from typing import Final

from execution.explanation import one_security, outside, performance, value
from execution.explanation.question import Question
from portfolio.explanation.estimates import ESTIMATES
from portfolio.explanation.terms import Explanation

Explain = Callable[[Question], Explanation]

EXPLAINED: Final[dict[str, Explain]] = {
    "ledger.positions": value.explain_positions,
    "pricing.apply_pack": value.explain_valued,
    "portfolio.get_valued_positions": value.explain_valued_at_once,
    "portfolio.money_bridge": value.explain_bridge,
    "portfolio.money_bridges": value.explain_bridges,
    "portfolio.gains": value.explain_gains,
    "portfolio.income": value.explain_income,
    "tax.realized_gains": value.explain_realised_in_year,
    "tax.income": value.explain_income_of_year,
    "portfolio.closed_holdings": value.explain_closed,
    "portfolio.converted_value": value.explain_converted,
    "portfolio.historical_nav": performance.explain_historical_nav,
    "metrics.compute_twr": performance.explain_record,
    "metrics.compute_mwr": performance.explain_record,
    "metrics.compute_sharpe": performance.explain_record,
    "metrics.risk": performance.explain_record,
    "metrics.compute": performance.explain_record,
    "metrics.by_window": performance.explain_by_window,
    "metrics.calendar_years": performance.explain_calendar_years,
    "metrics.over_span": performance.explain_over_span,
    "metrics.calendar_months": performance.explain_calendar_months,
    "metrics.return_line": performance.explain_return_line,
    "metrics.rolling": performance.explain_rolling,
    "risk.compute_factor_exposures": performance.explain_exposures,
    "macro.get_indicators": outside.explain_indicators,
    "corporate_actions.calculate_impact": outside.explain_action_impact,
    "fundamentals.load": outside.explain_reported,
    "get_security_fundamentals": outside.explain_security_fundamentals,
    "claude.explain": outside.explain_fact,
    **dict.fromkeys(ESTIMATES, outside.explain_estimate),
    "portfolio.sector_allocation": value.explain_allocation,
    "portfolio.leading_holdings": performance.explain_leading_holdings,
    "attribution.currency": performance.explain_currency,
    "attribution.contribution": performance.explain_contribution,
    "attribution.brinson": performance.explain_brinson,
    "get_position_details": one_security.explain_one_holding,
    "get_transaction_history": one_security.explain_transactions,
    "compute_position_return": one_security.explain_position_return,
    "compute_position_risk": one_security.explain_position_risk,
    "compute_portfolio_contribution": one_security.explain_position_contribution,
    "compute_position_currency_attribution": one_security.explain_position_currency,
}
"""Capability -> how a figure below its answer is explained. Raises NoSuchFigure for one that it has not, or not yet."""

OF_POSITIONS: Final = (
    "pricing.apply_pack",
    "portfolio.money_bridge",
    "portfolio.money_bridges",
    "portfolio.gains",
    "portfolio.income",
    "tax.realized_gains",
    "tax.income",
    "portfolio.closed_holdings",
    "corporate_actions.calculate_impact",
)
BELOW_DAYS: Final[Mapping[str, str]] = dict.fromkeys(EXPLAINED, "nav") | dict.fromkeys(OF_POSITIONS, "positions")
"""Capability -> the argument whose step explains single days, where it is not the step itself."""
