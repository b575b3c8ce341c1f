"""What one holding added to the portfolio's return: its part of the contributions and of the currency attribution."""

from dataclasses import dataclass, replace

from portfolio.performance import contributions, currency_attribution, holding_returns
from portfolio.performance.holding_returns import NOT_HELD
from portfolio.performance.metric import Metric, unavailable
from portfolio.performance.windows import Span
from portfolio.valuation import ValueHistory


@dataclass(frozen=True, slots=True)
class PositionContribution:
    """What a holding added to the portfolio's return, linked by Carino."""

    symbol: str
    total_contribution: Metric
    pct_of_portfolio_return: Metric
    portfolio_return: Metric


@dataclass(frozen=True, slots=True)
class PositionCurrencyAttribution:
    """The holding's part of the currency attribution; the three sum to the total."""

    symbol: str
    local_contribution: Metric
    fx_contribution: Metric
    interaction_contribution: Metric
    total_contribution: Metric


def contribution(history: ValueHistory, symbol: str, span: Span) -> PositionContribution:
    """The holding's row of the contributions. Raises InvariantViolated as those do."""
    whole = contributions.contribute(history, span)
    row = next((each for each in whole.rows if each.symbol == symbol and each.kind == "security"), None)
    figure = _blank_part(history, symbol, span, whole.total_return, is_there=row is not None)
    if row is None:
        return PositionContribution(symbol, figure, figure, whole.total_return)
    share = (
        replace(figure, value=None, status="unavailable", reason="no_return_to_share")
        if row.share is None
        else replace(figure, value=row.share)
    )
    return PositionContribution(symbol, replace(figure, value=row.contribution), share, whole.total_return)


def currency(history: ValueHistory, symbol: str, span: Span) -> PositionCurrencyAttribution:
    """The holding's row of the currency attribution. Raises InvariantViolated as that does."""
    whole = currency_attribution.attribute(history, span)
    row = next((each for each in whole.by_holding if each.symbol == symbol), None)
    figure = _blank_part(history, symbol, span, whole.total_return, is_there=row is not None)
    if row is None:
        return PositionCurrencyAttribution(symbol, figure, figure, figure, figure)
    parts = (replace(figure, value=each) for each in (row.local, row.fx, row.interaction, row.total))
    return PositionCurrencyAttribution(symbol, *parts)


def _blank_part(history: ValueHistory, symbol: str, span: Span, whole: Metric, *, is_there: bool) -> Metric:
    """The whole's figure with the holding's basis, or unavailable where the security was not held."""
    rests_on = holding_returns.basis_of(history, span, holding_returns.period(history, symbol, span))
    if whole.value is not None and not is_there:
        return unavailable(NOT_HELD, rests_on)
    return replace(whole, basis=rests_on)
