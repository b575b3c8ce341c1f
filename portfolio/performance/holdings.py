"""One holding beside the portfolio that holds it: how it did, what it risks, what it added."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from portfolio.analytics import risk
from portfolio.analytics.errors import AnalyticsError
from portfolio.performance import attribution, metrics
from portfolio.performance.metrics import Metric, RiskFree, Window
from portfolio.valuation import Days, ValuedPositions, ValueHistory, quantise

Floats = npt.NDArray[np.float64]

NOT_HELD = "not_held"


@dataclass(frozen=True, slots=True)
class PositionReturn:
    """A holding's own return in base currency, on the days of the look-back on which it was held."""

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


@dataclass(frozen=True, slots=True)
class _Held:
    """(n,) returns between the observations of a span, where the holding was held; days without a session go into the next."""

    own: Floats
    whole: Floats
    opened: npt.NDArray[np.intp]
    """(n,) the closes at which they begin; -1 is the day before the first. `days`: those at which they end."""
    days: npt.NDArray[np.intp]
    total: float
    """Over all pack days of the span on which it was held, and in its own currency."""
    total_local: float


def find(history: ValueHistory, symbol: str) -> int | None:
    """The column of a security among the holdings; None where it never was one."""
    named = [each for each, (name, code) in enumerate(history.holdings) if name == symbol and name != code]
    return named[0] if named else None


def returns(history: ValueHistory, symbol: str, span: Window, risk_free: RiskFree | None) -> PositionReturn:
    """How a holding did over a span of pack days."""
    held = _held(history, symbol, span)
    basis = _basis(history, span, held)
    if not len(held.days):
        none = Metric(None, "unavailable", NOT_HELD, basis)
        return PositionReturn(symbol, history.dates[:0], (), (), none, none, none, none, none)
    per_year = _per_year(history)
    if risk_free is None:
        sharpe = Metric(None, "unavailable", "no_risk_free_rate", basis)
    else:
        free = np.concatenate(
            [
                metrics.risk_free_between(history, risk_free, np.array(pair))
                for pair in zip(held.opened, held.days, strict=True)
            ]
        )
        sharpe = _figure(basis, lambda: risk.sharpe_ratio(held.own, risk_free=free, periods_per_year=per_year))
        sharpe = metrics.degraded(sharpe, risk_free.degraded)
    return PositionReturn(
        symbol=symbol,
        dates=history.dates[held.days],
        daily_returns=metrics.listed(held.own),
        portfolio_returns=metrics.listed(held.whole),
        total_return=Metric(held.total, "ok", None, basis),
        local_return=Metric(held.total_local, "ok", None, basis),
        volatility=_figure(basis, lambda: risk.volatility(held.own, periods_per_year=per_year)),
        sharpe=sharpe,
        max_drawdown=_figure(basis, lambda: risk.max_drawdown(held.own)),
    )


def risks(history: ValueHistory, symbol: str, span: Window, valued: ValuedPositions) -> PositionRisk:
    """What a holding risks, by the days of the span on which it was held."""
    held = _held(history, symbol, span)
    basis = _basis(history, span, held)
    daily = metrics.daily_returns(history)
    row = next((each for each in valued.positions if each.symbol == symbol), None)
    per_year = _per_year(history)

    def figure(compute: Callable[[], float]) -> Metric:
        if not len(held.days):
            return Metric(None, "unavailable", NOT_HELD, basis)
        if np.isnan(held.whole).any():
            return metrics.lacking(daily, span, basis) or Metric(None, "unavailable", metrics.BELOW_ZERO, basis)
        return _figure(basis, compute)

    tail = _tail(figure(lambda: risk.value_at_risk(held.own, level=0.95)), held)
    whole_tail = _tail(figure(lambda: risk.value_at_risk(held.whole, level=0.95)), held)
    beta = figure(lambda: risk.beta(held.own, held.whole))
    correlation = figure(lambda: risk.correlation(held.own, held.whole))
    marginal = _product(whole_tail, beta)
    weight = Metric(row.weight, "ok", None, basis) if row else Metric(None, "unavailable", NOT_HELD, basis)
    benefit = (
        correlation
        if correlation.value is None
        else Metric(1.0 - correlation.value, correlation.status, correlation.reason, basis)
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
        position_volatility=figure(lambda: risk.volatility(held.own, periods_per_year=per_year)),
        portfolio_volatility=figure(lambda: risk.volatility(held.whole, periods_per_year=per_year)),
        beta_to_portfolio=beta,
        correlation=correlation,
        diversification_benefit=benefit,
        data_points=len(held.days),
    )


def contribution(history: ValueHistory, symbol: str, span: Window) -> PositionContribution:
    """The holding's row of the contributions. Raises InvariantViolated as those do."""
    found = attribution.contribution(history, span)
    row = next((each for each in found.rows if each.symbol == symbol and each.kind == "security"), None)
    shown = _beside(found.total_return, _basis(history, span, _held(history, symbol, span)), is_there=row is not None)
    if row is None:
        return PositionContribution(symbol, shown, shown, found.total_return)
    share = (
        replace(shown, value=None, status="unavailable", reason="no_return_to_share")
        if row.share is None
        else replace(shown, value=row.share)
    )
    return PositionContribution(symbol, replace(shown, value=row.contribution), share, found.total_return)


def currency(history: ValueHistory, symbol: str, span: Window) -> PositionCurrencyAttribution:
    """The holding's row of the currency attribution. Raises InvariantViolated as that does."""
    found = attribution.currency(history, span)
    row = next((each for each in found.by_holding if each.symbol == symbol), None)
    shown = _beside(found.total_return, _basis(history, span, _held(history, symbol, span)), is_there=row is not None)
    if row is None:
        return PositionCurrencyAttribution(symbol, shown, shown, shown, shown)
    parts = (replace(shown, value=each) for each in (row.local, row.fx, row.interaction, row.total))
    return PositionCurrencyAttribution(symbol, *parts)


def _beside(whole: Metric, basis: dict[str, object], *, is_there: bool) -> Metric:
    """What a holding's part of a return says beside its value: what the whole says, or that it was not held."""
    if whole.value is not None and not is_there:
        return Metric(None, "unavailable", NOT_HELD, basis)
    return replace(whole, basis=basis)


def _held(history: ValueHistory, symbol: str, span: Window) -> _Held:
    column = find(history, symbol)
    nothing = np.zeros(0, dtype=np.intp)
    if column is None:
        return _Held(np.zeros(0), np.zeros(0), nothing, nothing, 0.0, 0.0)
    chosen = slice(span.start + 1, span.end + 1)
    # What is not held has neither weight nor return; in a portfolio that owes more than it has nothing has a weight.
    local, fx = history.local_returns[chosen, column], history.fx_returns[chosen, column]
    is_held = (history.weights[chosen, column] != 0) | (local != 0) | (fx != 0)
    own = (1.0 + local) * (1.0 + fx) - 1.0
    observed = metrics.observation_days(history)
    observed = observed[(observed > span.start) & (observed <= span.end)]
    closes = np.concatenate(([span.start], observed))
    steps = [
        metrics.DailyReturns(each, ()).between(closes - span.start - 1)
        for each in (own, metrics.subperiod_returns(history)[chosen])
    ]
    kept = is_held[observed - span.start - 1]
    return _Held(
        own=steps[0][kept],
        whole=steps[1][kept],
        opened=closes[:-1][kept],
        days=observed[kept],
        total=float(np.prod(1.0 + own) - 1.0),
        total_local=float(np.prod(1.0 + local) - 1.0),
    )


def _basis(history: ValueHistory, span: Window, held: _Held) -> dict[str, object]:
    return {
        "first": span.opened.isoformat(),
        "last": span.closed.isoformat(),
        "n": len(held.days),
        "periods_per_year": _per_year(history),
        "currency": history.base_currency,
        **metrics.scope_of(history),
    }


def _per_year(history: ValueHistory) -> float:
    return metrics.periods_per_year(history, len(metrics.observation_days(history)))


def _figure(basis: dict[str, object], compute: Callable[[], float]) -> Metric:
    try:
        return Metric(float(compute()), "ok", None, basis)
    except AnalyticsError as undefined:
        return Metric(None, "unavailable", str(undefined), basis)


def _tail(figure: Metric, held: _Held) -> Metric:
    if figure.value is None:
        return figure
    if len(held.days) < metrics.MIN_VAR_OBSERVATIONS:
        return Metric(None, "unavailable", "short_history", figure.basis)
    return metrics.degraded(figure, ["few_observations"] if len(held.days) < metrics.FULL_VAR_OBSERVATIONS else [])


def _product(one: Metric, other: Metric) -> Metric:
    for each in (one, other):
        if each.value is None:
            return each
    assert one.value is not None
    assert other.value is not None
    doubts = [word for each in (one, other) if each.reason for word in each.reason.split(", ")]
    return metrics.degraded(Metric(one.value * other.value, "ok", None, one.basis), doubts)
