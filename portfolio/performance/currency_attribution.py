"""The return of a span by local prices, exchange rates, and both together."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from portfolio.analytics import attribution
from portfolio.analytics.errors import AnalyticsError
from portfolio.performance import parts, versus_benchmark
from portfolio.performance.benchmark_index import BenchmarkReturns
from portfolio.performance.metric import Metric
from portfolio.performance.windows import Span
from portfolio.valuation import ValueHistory

ERROR_DECIMALS = 9
"""Of a basis point; what is below comes of the order in which floats are added."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """Linked by Carino over the window: contributions of all rows add up to the return, whose status is theirs."""

    symbol: str
    currency: str
    local: float
    fx: float
    interaction: float
    total: float


@dataclass(frozen=True, slots=True)
class CurrencyAttribution:
    """Two views of one return, never mixed. The headline is compounded: total = local + fx + interaction.

    In the contribution view the parts of all rows add up to the total; `fx_dealing` is what deals at another rate than the
    fixing made or lost.
    """

    first_date: date
    last_date: date
    days: int
    base_currency: str
    local_return: Metric
    fx_return: Metric
    interaction: Metric
    total_return: Metric
    error_bps: float | None
    """How far the parts are from the independently linked return."""
    by_holding: tuple[Contribution, ...]
    by_currency: tuple[Contribution, ...]
    fx_dealing: Metric
    flow_timing: str
    """The portfolio's own."""
    benchmark_return: Metric
    """The benchmark over the same days with its currencies, and hedged: sold forward at two one-month rates of the pack."""
    benchmark_hedged_return: Metric


def attribute(history: ValueHistory, span: Span, benchmark: BenchmarkReturns | None = None) -> CurrencyAttribution:
    """Split the return of a span.

    raises   InvariantViolated where the parts miss the portfolio's linked return by more than 0.1 bp
    """
    figure, effects, rows, error_bp = parts.blank_figure(history, span), None, list[Contribution](), None
    values: tuple[float | None, ...] = (None,) * 5
    try:
        effects = split(history, span) if figure.value is not None else None
    except AnalyticsError as undefined:
        figure = replace(figure, value=None, status="unavailable", reason=str(undefined))
    if effects is not None:
        headline, holdings = effects.compounded, effects.holdings
        values = (headline.local, headline.fx, headline.interaction, effects.total, holdings.other)
        total = headline.local + headline.fx + headline.interaction
        missing = parts.require_return("local + FX + interaction = return", history, span, total)
        error_bp = round(abs(missing) * 10_000, ERROR_DECIMALS)
        rows = [
            Contribution(symbol, code, float(local), float(fx), float(both), float(local + fx + both))
            for (symbol, code), local, fx, both in zip(
                _rows(history), holdings.local, holdings.fx, holdings.interaction, strict=True
            )
        ]
    local_return, fx_return, interaction, total_return, fx_dealing = (replace(figure, value=each) for each in values)
    return CurrencyAttribution(
        first_date=span.opened,
        last_date=span.closed,
        days=span.end - span.start,
        base_currency=history.base_currency,
        local_return=local_return,
        fx_return=fx_return,
        interaction=interaction,
        total_return=total_return,
        error_bps=error_bp,
        by_holding=tuple(rows),
        by_currency=tuple(
            Contribution(
                code,
                code,
                sum(row.local for row in rows if row.currency == code),
                sum(row.fx for row in rows if row.currency == code),
                sum(row.interaction for row in rows if row.currency == code),
                sum(row.total for row in rows if row.currency == code),
            )
            for code in sorted({row.currency for row in rows})
        ),
        fx_dealing=fx_dealing,
        flow_timing=history.flow_timing,
        benchmark_return=versus_benchmark.over(history, span, benchmark),
        benchmark_hedged_return=versus_benchmark.over(history, span, benchmark, hedged=True),
    )


def split(history: ValueHistory, span: Span) -> attribution.CurrencyAttribution:
    """The effects of a span, by day, linked and compounded."""
    days = slice(span.start + 1, span.end + 1)
    local, fx, weights = history.local_returns, history.fx_returns, history.weights
    if history.outside_fees.any():  # a loss in the base currency, of the whole
        charged = parts.outside_fees(history)
        local, fx, weights = (
            np.column_stack((each, more))
            for each, more in ((local, -charged), (fx, 0 * charged), (weights, 1 + 0 * charged))
        )
    return attribution.currency_attribution(local[days], fx[days], weights[days], other=history.other[days])


def _rows(history: ValueHistory) -> tuple[tuple[str, str], ...]:
    """Symbol and currency of each row: the holdings, and fees paid from elsewhere where there were any."""
    return (*history.holdings, *(((parts.FEES, history.base_currency),) if history.outside_fees.any() else ()))
