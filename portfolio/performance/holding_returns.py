"""One holding beside the portfolio: on which days it was held, and what it returned on them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics import risk
from portfolio.analytics.errors import AnalyticsError, Floats
from portfolio.performance import basis, daily_returns
from portfolio.performance.daily_returns import DailyReturns
from portfolio.performance.metric import Metric, degraded, unavailable, with_gaps
from portfolio.performance.risk_figures import NO_RISK_FREE_RATE
from portfolio.performance.risk_free import RiskFree, returns_between
from portfolio.performance.windows import Span
from portfolio.valuation import Days, ValueHistory

NOT_HELD = "not_held"


@dataclass(frozen=True, slots=True)
class HoldingPeriod:
    """(n,) returns between the observations of a span on which the holding was held; days without a session go into the next."""

    own: Floats
    whole: Floats
    opened: npt.NDArray[np.intp]
    """(n,) the closes at which they begin; -1 is the day before the first. `days`: those at which they end."""
    days: npt.NDArray[np.intp]
    total: float
    """Over all pack days of the span on which it was holding, and in its own currency."""
    total_local: float


def find(history: ValueHistory, symbol: str) -> int | None:
    """The column of a security among the holdings; None where it never was one."""
    columns = (each for each, (name, code) in enumerate(history.holdings) if name == symbol and name != code)
    return next(columns, None)


def period(history: ValueHistory, symbol: str, span: Span) -> HoldingPeriod:
    """The days of a span on which a security was holding, and what it returned on them."""
    column = find(history, symbol)
    nothing = np.zeros(0, dtype=np.intp)
    if column is None:
        return HoldingPeriod(np.zeros(0), np.zeros(0), nothing, nothing, 0.0, 0.0)
    days = slice(span.start + 1, span.end + 1)
    # What is not held has neither weight nor return; in a portfolio that owes more than it has nothing has a weight.
    local, fx = history.local_returns[days, column], history.fx_returns[days, column]
    is_held = (history.weights[days, column] != 0) | (local != 0) | (fx != 0)
    own = (1.0 + local) * (1.0 + fx) - 1.0
    observed = daily_returns.observation_days(history)
    observed = observed[(observed > span.start) & (observed <= span.end)]
    closes = np.concatenate(([span.start], observed))
    steps = [
        DailyReturns(each, ()).between(closes - span.start - 1)
        for each in (own, daily_returns.measure(history).returns[days])
    ]
    on_held_days = is_held[observed - span.start - 1]
    return HoldingPeriod(
        own=steps[0][on_held_days],
        whole=steps[1][on_held_days],
        opened=closes[:-1][on_held_days],
        days=observed[on_held_days],
        total=float(np.prod(1.0 + own) - 1.0),
        total_local=float(np.prod(1.0 + local) - 1.0),
    )


def basis_of(history: ValueHistory, span: Span, holding: HoldingPeriod) -> dict[str, object]:
    return {
        "first": span.opened.isoformat(),
        "last": span.closed.isoformat(),
        "n": len(holding.days),
        "periods_per_year": periods_per_year(history),
        "currency": history.base_currency,
        **basis.scope_of(history),
    }


def periods_per_year(history: ValueHistory) -> float:
    return daily_returns.periods_per_year(history, len(daily_returns.observation_days(history)))


def figure(rests_on: dict[str, object], compute: Callable[[], float]) -> Metric:
    try:
        return Metric(float(compute()), "ok", None, rests_on)
    except AnalyticsError as undefined:
        return unavailable(str(undefined), rests_on)


@dataclass(frozen=True, slots=True)
class PositionReturn:
    """A holding's own return in base currency, on the days of the look-back on which it was holding."""

    symbol: str
    dates: Days
    daily_returns: tuple[float | None, ...]
    portfolio_returns: tuple[float | None, ...]
    """The whole portfolio's, the same days; None over a day that has no return."""
    total_return: Metric
    local_return: Metric
    """In its own currency."""
    volatility: Metric
    sharpe: Metric
    max_drawdown: Metric


def returns(history: ValueHistory, symbol: str, span: Span, risk_free: RiskFree | None) -> PositionReturn:
    """How a holding did over a span of pack days."""
    holding = period(history, symbol, span)
    rests_on = basis_of(history, span, holding)
    if not len(holding.days):
        none = unavailable(NOT_HELD, rests_on)
        return PositionReturn(symbol, history.dates[:0], (), (), none, none, none, none, none)
    per_year = periods_per_year(history)
    if risk_free is None:
        sharpe = unavailable(NO_RISK_FREE_RATE, rests_on)
    else:
        free = np.concatenate(
            [
                returns_between(history, risk_free, np.array(pair))
                for pair in zip(holding.opened, holding.days, strict=True)
            ]
        )
        sharpe = figure(rests_on, lambda: risk.sharpe_ratio(holding.own, risk_free=free, periods_per_year=per_year))
        sharpe = degraded(sharpe, risk_free.degraded)
    return PositionReturn(
        symbol=symbol,
        dates=history.dates[holding.days],
        daily_returns=with_gaps(holding.own),
        portfolio_returns=with_gaps(holding.whole),
        total_return=Metric(holding.total, "ok", None, rests_on),
        local_return=Metric(holding.total_local, "ok", None, rests_on),
        volatility=figure(rests_on, lambda: risk.volatility(holding.own, periods_per_year=per_year)),
        sharpe=sharpe,
        max_drawdown=figure(rests_on, lambda: risk.max_drawdown(holding.own)),
    )
