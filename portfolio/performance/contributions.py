"""What each holding, cash and fees added to the return of a span."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from portfolio.analytics.attribution import carino_link
from portfolio.analytics.errors import AnalyticsError, Floats
from portfolio.performance import parts
from portfolio.performance.metric import Metric
from portfolio.performance.windows import Span
from portfolio.valuation import ValueHistory

DEALING = "fx_dealing"
TOP = 5


@dataclass(frozen=True, slots=True)
class HoldingContribution:
    """What one row of the books added to the return."""

    symbol: str
    currency: str
    kind: str
    """security, cash, fees (that belong to no deal) or fx_dealing (deals at another rate than the fixing)."""
    contribution: float
    average_weight: float | None
    """Mean of (V0 + in) of the row / (V0 + in) of the portfolio; None for what is no holding."""
    share: float | None
    """Of the whole return; None where that is nothing."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """Contributions of all rows, linked by Carino: they add up to the total return."""

    first_date: date
    last_date: date
    days: int
    base_currency: str
    total_return: Metric
    rows: tuple[HoldingContribution, ...]
    """The largest first."""
    top: tuple[HoldingContribution, ...]
    bottom: tuple[HoldingContribution, ...]
    """The lowest first; only rows that lost."""
    flow_timing: str
    """The portfolio's own."""


def contribute(history: ValueHistory, span: Span) -> Contributions:
    """Each holding's money gain over what the portfolio opened with, cash and fees as rows of their own.

    raises   InvariantViolated where the rows miss the portfolio's linked return by more than 0.1 bp
    """
    figure, total, rows = parts.blank_figure(history, span), None, list[HoldingContribution]()
    try:
        total, rows = _linked(history, span) if figure.value is not None else (None, [])
    except AnalyticsError as undefined:
        figure = replace(figure, status="unavailable", reason=str(undefined))
    return Contributions(
        first_date=span.opened,
        last_date=span.closed,
        days=span.end - span.start,
        base_currency=history.base_currency,
        total_return=replace(figure, value=total),
        rows=tuple(rows),
        top=tuple(row for row in rows if row.contribution > 0)[:TOP],
        bottom=tuple(row for row in reversed(rows) if row.contribution < 0)[:TOP],
        flow_timing=history.flow_timing,
    )


def _linked(history: ValueHistory, span: Span) -> tuple[float, list[HoldingContribution]]:
    """The return of the span, and the rows of the books that add up to it, the largest first."""
    days = slice(span.start + 1, span.end + 1)
    daily = daily_contributions(history)[days]
    total_by_day = daily.sum(axis=1)
    linked = carino_link(daily, total_by_day)
    total = float(np.prod(1.0 + total_by_day) - 1.0)
    parts.require_return("contributions sum to the return", history, span, float(linked.sum()))
    weights = [*history.weights[days].mean(axis=0).tolist(), None, None]
    names = [*history.holdings, (parts.FEES, history.base_currency), ("FX dealing", history.base_currency)]
    kinds = ["cash" if symbol == code else "security" for symbol, code in history.holdings] + [parts.FEES, DEALING]
    rows = (
        HoldingContribution(symbol, code, kind, each, weight, each / total if total else None)
        for (symbol, code), kind, each, weight in zip(names, kinds, linked.tolist(), weights, strict=True)
        if kind not in (parts.FEES, DEALING) or each
    )
    return total, sorted(rows, key=lambda row: (-row.contribution, row.symbol))


def daily_contributions(history: ValueHistory) -> Floats:
    """(D, H + 2) contributions of H holdings, of fees that belong to no deal (taken out of the cash that paid them), of dealing."""
    gained = history.weights * ((1.0 + history.local_returns) * (1.0 + history.fx_returns) - 1.0)
    begin = np.concatenate(([0.0], history.value[:-1])) + history.inflow
    with np.errstate(divide="ignore", invalid="ignore"):
        fees = np.where(begin[:, None] > 0, history.cash_fees / begin[:, None], 0.0)
    currencies = fees.shape[1]
    if currencies:
        cash = gained[:, -currencies:] + fees
        gained[:, -currencies:] = np.where(np.abs(cash) < 1e-14, 0.0, cash)  # not the last bit of a subtraction
    charged = fees.sum(axis=1) + parts.outside_fees(history)
    return np.column_stack((gained, -charged, history.other))
