"""What a scenario would do to a portfolio as it stands: by betas for shocks of factors, by revaluation for exchange rates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from portfolio.analytics.errors import Floats, UndefinedRatio
from portfolio.analytics.macro import joint_betas as regression
from portfolio.analytics.macro.joint_betas import JointBetas
from portfolio.macro.hedges import suggest
from portfolio.macro.holding_history import WINDOW, HoldingHistory
from portfolio.macro.money import estimated
from portfolio.macro.presets import Scenario
from portfolio.macro.scenario_record import FactorShock, PositionDelta, ScenarioRecord
from portfolio.performance.metric import Metric, degraded, unavailable
from portfolio.valuation import ValuedPositions
from pricing.models import Factor

HORIZON_SESSIONS = 30
EXTRAPOLATED_BEYOND = 5.0
"""Times the largest move of the window over the horizon: beyond it a shock is outside of all that the betas were seen in."""
EXTRAPOLATED, MISSING_FACTOR, MISSING_CLASS = "extrapolated", "missing_factor", "missing_class"
TOO_FEW_SESSIONS, FLOORED, NO_SHOCK_OF_CURRENCY = "too_few_sessions", "floored", "missing_currency"
DEPENDENT_FACTORS, NO_BETAS, NOT_POSITIVE = "dependent_factors", "no_betas", "not_positive"
ENDS = 5
"""How many winners and losers are listed."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedHoldings:
    """The holdings, and their betas on all factors but the dollar that a series stands for; none where the factors moved as one."""

    holdings: HoldingHistory
    names: tuple[str, ...]
    changes: Floats
    returns: Floats
    betas: JointBetas


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """The betas that a scenario uses, and its shocks of their factors."""

    names: tuple[str, ...]
    changes: Floats
    returns: Floats
    betas: JointBetas
    shock: Floats

    @property
    def tail(self) -> float:
        return regression.tail_factor(self.changes, self.shock, sessions=HORIZON_SESSIONS) if self.names else 1.0


def fit(holdings: HoldingHistory) -> FittedHoldings:
    """One regression for all scenarios."""
    usable = [
        place
        for place, each in enumerate(holdings.factors)
        if each.status != "unavailable" and each.factor != Factor.USD
    ]
    names = tuple(holdings.factors[place].factor for place in usable)
    changes, returns = holdings.changes[-WINDOW:, usable], holdings.returns[-WINDOW:]
    try:
        return FittedHoldings(holdings, names, changes, returns, regression.joint_betas(returns, changes))
    except UndefinedRatio:
        nothing = changes[:, :0]
        return FittedHoldings(holdings, (), nothing, returns, regression.joint_betas(returns, nothing))


def run(scenario: Scenario, valued: ValuedPositions, fitted: FittedHoldings, *, cost_bp: float) -> ScenarioRecord:
    """The scenario on the positions as they are valued.

    fitted    of the same positions, in the same order
    cost_bp   what a hedge is taken to cost, in basis points of its size
    """
    holdings, model = fitted.holdings, _model(scenario, fitted)
    currency_returns = _currency_moves(scenario, valued)
    values = np.array([float(row.market_value) for row in valued.positions])
    fx = np.array([currency_returns[row.currency] for row in valued.positions])
    parts, reasons = _local_parts(scenario, model, holdings)
    local, floored = np.maximum(parts.sum(axis=0), -1.0), parts.sum(axis=0) < -1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = np.where(floored, parts * (local / parts.sum(axis=0)), parts)
    cash = [(row, float(row.market_value), currency_returns[row.currency]) for row in valued.cash if row.market_value]
    contributions = parts @ values
    fx_delta = float(values @ fx) + sum(value * move for _, value, move in cash)
    interaction = float(values @ (local * fx))
    total = float(contributions.sum()) + fx_delta + interaction
    before = float(valued.total_value)
    errors = model.betas.standard_error(model.shock) if model.names else np.full(len(values), np.nan)
    names = model.names or tuple(scenario.classes)
    factors = _factor_rows(scenario, holdings, dict(zip(names, contributions.tolist(), strict=True)), valued.currency)
    lacking = [MISSING_FACTOR] if any(not each.applied.is_known for each in factors) else []
    positions = [
        _position(
            place, local, fx, errors, model, [*lacking, *reasons[place], *([FLOORED] if floored[place] else [])], valued
        )
        for place in range(len(values))
    ]
    positions += [_cash(row.currency, row.market_value, move, valued.currency) for row, _, move in cash]
    doubts = [
        *(each.applied.reason for each in factors if each.applied.reason),
        *(each.delta.reason for each in positions if each.delta.reason),
        *_unmoved(scenario, valued),
    ]
    is_applied = any(each.applied.is_known for each in factors)
    share = total / before if before > 0 and is_applied else None
    error, spread = _portfolio_spread(model, values * (1.0 + fx), before) or (None, None)
    low, high = (share - spread, share + spread) if share is not None and spread is not None else (None, None)
    why = MISSING_FACTOR if not is_applied else TOO_FEW_SESSIONS if scenario.shocks else NO_BETAS
    ranked = sorted(positions, key=lambda each: each.delta_pl)
    return ScenarioRecord(
        scenario_id=scenario.id,
        scenario_name=scenario.name,
        asof_date=valued.asof_date,
        base_currency=valued.currency,
        pre_shock_nav=valued.total_value,
        post_shock_nav=valued.total_value + estimated(total, valued.currency) if is_applied else None,
        total_delta_pl=estimated(total, valued.currency) if is_applied else None,
        total_delta_pl_pct=_metric(share, _split(doubts), NOT_POSITIVE if is_applied else MISSING_FACTOR),
        standard_error=_metric(error if is_applied else None, _split(doubts), why),
        interval_low=_metric(low, _split(doubts), why),
        interval_high=_metric(high, _split(doubts), why),
        horizon_sessions=HORIZON_SESSIONS,
        not_applied=", ".join(each.factor for each in factors if not each.applied.is_known),
        factors=factors,
        fx_delta=estimated(fx_delta, valued.currency),
        interaction_delta=estimated(interaction, valued.currency),
        positions=tuple(positions),
        winners=tuple(each for each in reversed(ranked) if each.delta_pl > 0)[:ENDS],
        losers=tuple(each for each in ranked if each.delta_pl < 0)[:ENDS],
        hedges=suggest(
            valued.currency,
            total,
            equity=_equity(model, values * (1.0 + fx), holdings),
            currencies=_by_currency(valued, currency_returns),
            cost_bp=cost_bp,
        ),
    )


def _model(scenario: Scenario, fitted: FittedHoldings) -> _Model:
    """What a scenario takes of the fit: one that shocks classes of assets takes no beta."""
    if not scenario.shocks:
        nothing = fitted.changes[:, :0]
        return _Model((), nothing, fitted.returns, regression.joint_betas(fitted.returns, nothing), np.zeros(0))
    shock = np.array([scenario.shocks.get(name, 0.0) for name in fitted.names])
    return _Model(fitted.names, fitted.changes, fitted.returns, fitted.betas, shock)


def _local_parts(scenario: Scenario, model: _Model, holdings: HoldingHistory) -> tuple[Floats, list[list[str]]]:
    """(F, N) return of each position by factor, or by class of asset, and what of each is not applied."""
    reasons: list[list[str]] = [[] for _ in holdings.symbols]
    if scenario.classes:
        table = np.zeros((len(scenario.classes), len(holdings.kinds)))
        for place, kind in enumerate(holdings.kinds):
            class_rows = [row for row, each in enumerate(scenario.classes) if each == CLASS_OF.get(kind)]
            if class_rows:
                table[class_rows[0], place] = list(scenario.classes.values())[class_rows[0]]
            else:
                reasons[place].append(MISSING_CLASS)
        return table, reasons
    parts = model.betas.betas * model.shock[:, None] if model.names else np.zeros((0, len(holdings.symbols)))
    for place in np.flatnonzero(~model.betas.is_known).tolist() if model.shock.any() else ():
        reasons[place].append(TOO_FEW_SESSIONS)
    return np.nan_to_num(parts), reasons


CLASS_OF: Mapping[str, str] = {
    "equity": "equity", "etf": "equity", "index": "equity", "bond": "bond", "commodity": "commodity",
}  # fmt: skip
"""Kind of a security -> the class of asset whose shock it takes."""


def _currency_moves(scenario: Scenario, valued: ValuedPositions) -> dict[str, float]:
    """By currency, its return in the base currency. A dollar up by s moves every other currency by 1 / (1 + s) against it."""
    currencies = {*(row.currency for row in valued.positions), *(row.currency for row in valued.cash), valued.currency}
    usd = scenario.shocks.get(Factor.USD, 0.0)
    worth = {each: 1.0 + scenario.currencies.get(each, usd if each == "USD" else 0.0) for each in currencies}
    return {each: worth[each] / worth[valued.currency] - 1.0 for each in currencies}


def _unmoved(scenario: Scenario, valued: ValuedPositions) -> list[str]:
    """missing_currency, where a currency is held that the scenario says nothing of."""
    currencies = {*(row.currency for row in valued.positions), *(row.currency for row in valued.cash)}
    return [NO_SHOCK_OF_CURRENCY] if scenario.currencies and currencies - set(scenario.currencies) else []


def _factor_rows(
    scenario: Scenario, holdings: HoldingHistory, contributions: Mapping[str, float], currency: str
) -> tuple[FactorShock, ...]:
    largest = regression.largest_moves(holdings.changes[-WINDOW:], sessions=HORIZON_SESSIONS)
    rows = []
    for place, each in enumerate(holdings.factors):
        shock = scenario.shocks.get(each.factor, 0.0)
        if not shock:
            continue
        is_known, move = each.status != "unavailable", float(largest[place])
        contribution = contributions.get(each.factor)
        beyond = [EXTRAPOLATED] if is_known and abs(shock) > EXTRAPOLATED_BEYOND * move else []
        if each.factor == Factor.USD:  # revalued, with or without a series: its effect is `fx_delta`
            applied = degraded(Metric(shock, "ok", None, {}), beyond)
        elif not is_known or contribution is None:
            applied = unavailable(each.reason if not is_known else DEPENDENT_FACTORS)
        else:
            applied = degraded(Metric(shock, "ok", None, {}), [*([each.reason] if each.reason else []), *beyond])
        money = None if contribution is None else estimated(contribution, currency)
        rows.append(FactorShock(each.factor, each.series_id, shock, move if is_known else None, applied, money))
    rows += [
        FactorShock(
            name, "", shock, None, Metric(shock, "ok", None, {}), estimated(contributions.get(name, 0.0), currency)
        )
        for name, shock in scenario.classes.items()
    ]
    return tuple(rows)


def _position(
    place: int,
    local: Floats,
    fx: Floats,
    errors: Floats,
    model: _Model,
    reasons: Sequence[str],
    valued: ValuedPositions,
) -> PositionDelta:
    own = valued.positions[place]
    total_return = (1.0 + local[place]) * (1.0 + fx[place]) - 1.0
    basis: dict[str, object] = {}
    error = float(errors[place]) if np.isfinite(errors[place]) else None
    if error is not None:
        scale, residual = 1.0 + fx[place], float(model.betas.residual_variance[place])
        spread = regression.Z_90 * float(np.sqrt(error**2 + model.tail * HORIZON_SESSIONS * residual)) * scale
        basis = {"n": int(model.betas.n[place]), "low": total_return - spread, "high": total_return + spread}
        error *= scale
    return PositionDelta(
        security_id=own.security_id,
        symbol=own.symbol,
        name=own.name,
        currency=own.currency,
        market_value=own.market_value,
        delta_pl=estimated(float(own.market_value) * total_return, valued.currency),
        delta=degraded(Metric(total_return, "ok", None, basis), reasons),
        local_return=float(local[place]),
        fx_return=float(fx[place]),
        standard_error=error,
    )


def _cash(currency: str, value: Decimal, move: float, base_currency: str) -> PositionDelta:
    return PositionDelta(
        security_id=None,
        symbol=currency,
        name=f"Cash in {currency}",
        currency=currency,
        market_value=value,
        delta_pl=estimated(float(value) * move, base_currency),
        delta=Metric(move, "ok", None, {}),
        local_return=0.0,
        fx_return=move,
        standard_error=None,
    )


def _portfolio_spread(model: _Model, amounts: Floats, before: float) -> tuple[float, float] | None:
    """Standard error of the total and half of its 90 % interval, as fractions of the value; None without common sessions.

    The positions as one: their regressions share the factors, and what moves them besides need not be their own alone.
    """
    has_betas = model.betas.is_known
    if not model.names or not has_betas.any() or before <= 0:
        return None
    whole = regression.joint_betas(
        (model.returns[:, has_betas] @ (amounts[has_betas] / before))[:, None], model.changes
    )
    if not whole.n[0]:
        return None
    low, high = whole.interval(model.shock, sessions=HORIZON_SESSIONS, tail=model.tail)
    return float(whole.standard_error(model.shock)[0]), float(high[0] - low[0]) / 2


def _equity(model: _Model, amounts: Floats, holdings: HoldingHistory) -> tuple[str, float, float] | None:
    """Series, amount in base currency that moves one to one with it, and the shock; None where equities are not shocked."""
    if Factor.EQUITY not in model.names:
        return None
    place = model.names.index(Factor.EQUITY)
    series = next(each.series_id for each in holdings.factors if each.factor == Factor.EQUITY)
    return series, float(np.nan_to_num(model.betas.betas[place]) @ amounts), float(model.shock[place])


def _by_currency(valued: ValuedPositions, currency_returns: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Currency -> its amount in the base currency and its return."""
    amounts: dict[str, float] = {}
    for currency, value in [
        *((row.currency, row.market_value) for row in valued.positions),
        *((row.currency, row.market_value) for row in valued.cash),
    ]:
        amounts[currency] = amounts.get(currency, 0.0) + float(value)
    return {
        currency: (amount, currency_returns[currency])
        for currency, amount in sorted(amounts.items())
        if currency_returns[currency]
    }


def _split(reasons: Iterable[str]) -> list[str]:
    """Every reason once, where some name several."""
    return list(dict.fromkeys(part for each in reasons for part in each.split(", ")))


def _metric(value: float | None, doubts: Sequence[str], why: str) -> Metric:
    """The figure with its doubts; without a value it is unavailable by `why`."""
    return unavailable(why) if value is None else degraded(Metric(value, "ok", None, {}), doubts)
