"""The holdings of a valuation beside what each did over a span: its return, what it added, and the way of its return index."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats
from portfolio.performance import contributions, holding_returns, windows
from portfolio.performance.day_span import DaySpan
from portfolio.performance.metric import with_gaps
from portfolio.performance.windows import Span
from portfolio.valuation import ValueHistory
from portfolio.valuation.as_of import ValuedPosition

POINTS = 48
"""Of a way: as many as a picture of 96 pixels can show."""


@dataclass(frozen=True, slots=True)
class LeadingHolding:
    security_id: int
    symbol: str
    name: str
    market_value: Decimal
    weight: float
    unrealized_pnl: Decimal | None
    total_return: float | None
    """In base currency over the days of the span on which it was held; None where it was on none."""
    contribution: float | None
    """To the portfolio's return over the span, linked."""
    way: tuple[float | None, ...]
    """Growth of its return index over the span, at up to 48 of the closes."""


def rank(positions: Sequence[ValuedPosition], history: ValueHistory, day_span: DaySpan) -> tuple[LeadingHolding, ...]:
    """All holdings, the greatest value first."""
    span = span_of(history, day_span)
    contribution_of: dict[str, float] = {}
    if span is not None:
        contribution_of = {
            row.symbol: row.contribution
            for row in contributions.contribute(history, span).rows
            if row.kind == "security"
        }
    return tuple(
        _row(each, history, span, contribution_of)
        for each in sorted(positions, key=lambda row: (-row.market_value, row.symbol))
    )


def span_of(history: ValueHistory, day_span: DaySpan) -> Span | None:
    """The span of a history that the days are; its whole life where it is younger. None where it has no day."""
    whole = windows.life(history)
    if whole is None or day_span.from_date is None:
        return whole
    opening = np.datetime64(day_span.from_date - timedelta(days=1))
    start = int(np.searchsorted(history.dates, opening, side="right")) - 1
    if start < 0 or start >= whole.end:
        return whole
    return Span(start, whole.end, history.dates[start].item(), whole.closed)


def _row(
    position: ValuedPosition, history: ValueHistory, span: Span | None, contribution_of: dict[str, float]
) -> LeadingHolding:
    column = None if span is None else holding_returns.find(history, position.symbol)
    way = np.zeros(0) if column is None or span is None else _way(history, span, column)
    return LeadingHolding(
        security_id=position.security_id,
        symbol=position.symbol,
        name=position.name,
        market_value=position.market_value,
        weight=position.weight,
        unrealized_pnl=position.unrealized_pnl,
        total_return=float(way[-1] - 1.0) if len(way) else None,
        contribution=contribution_of.get(position.symbol),
        way=with_gaps(way[_points(len(way))]) if len(way) else (),
    )


def closes_of_way(history: ValueHistory, span: Span, column: int) -> npt.NDArray[np.intp]:
    """(n,) the closes of the points of a way; empty where it was held on no day."""
    length = len(_way(history, span, column))
    return span.end + 1 - length + _points(length) if length else np.zeros(0, dtype=np.intp)


def _points(length: int) -> npt.NDArray[np.intp]:
    """Up to 48 places among `length`, the first and the last among them."""
    return np.unique(np.linspace(0, length - 1, POINTS).astype(np.intp))


def _way(history: ValueHistory, span: Span, column: int) -> Floats:
    """(n,) growth of the holding's return index at the closes of the span, from the first day on that it was held."""
    days = slice(span.start + 1, span.end + 1)
    local, fx = history.local_returns[days, column], history.fx_returns[days, column]
    days_held = np.flatnonzero((history.weights[days, column] != 0) | (local != 0) | (fx != 0))
    if not len(days_held):
        return np.zeros(0)
    growth = np.cumprod((1.0 + local) * (1.0 + fx))[days_held[0] :]
    return np.concatenate(([1.0], growth))
