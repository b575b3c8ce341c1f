"""Positions at the closes and rates of one pack, exactly in Decimal.

Value is quantity x close x FX, cash at FX, in the base currency, on cash basis: dividends between ex-date and pay date stand
beside the value as a receivable, so that the value ties out with the ledger (docs/measurement.md#value).
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext

from portfolio.valuation.money import DECIMAL_DIGITS, quantise
from portfolio.valuation.position import CashBalance, Pending, Position, Positions, Receivable
from portfolio.valuation.quality import (
    DELISTED,
    Concentration,
    CurrencyExposure,
    Quality,
    age_sessions,
    expose_currencies,
    is_carried,
    measure_concentration,
    measure_quality,
)
from pricing import market as markets
from pricing.fx import MissingRate
from pricing.market import Close, Market

ZERO = Decimal(0)
RATE_PLACES = 12
"""Decimals of a rate as it is shown; values are computed with all of it."""


@dataclass(frozen=True, slots=True)
class ValuedPosition:
    security_id: int
    symbol: str
    name: str
    quantity: Decimal
    currency: str
    price: Decimal
    """The close as it is quoted."""
    factor: Decimal
    """From a quote to the value of one unit: 0.01 where it is in percent of nominal, the multiplier of a contract, else 1."""
    observed_date: date
    age_sessions: int
    age_days: int
    price_basis: str
    status: str
    """ok, or degraded by `reason`: delisted, accrued_unknown."""
    reason: str | None
    value_local: Decimal
    fx_rate: Decimal
    market_value: Decimal
    weight: float
    cost_basis: Decimal | None
    cost_basis_base: Decimal | None
    unrealized_pnl: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class ValuedCash:
    currency: str
    amount: Decimal
    unsettled: Decimal
    fx_rate: Decimal
    market_value: Decimal
    weight: float


@dataclass(frozen=True, slots=True)
class ValuedReceivable:
    symbol: str
    currency: str
    ex_date: date
    pay_date: date
    gross: Decimal
    tax: Decimal
    amount: Decimal
    fx_rate: Decimal
    market_value: Decimal


@dataclass(frozen=True, slots=True)
class ValuedPositions:
    """Positions at the pack's closes and rates. Money is quantised; the totals are of the unrounded values."""

    portfolio_id: str
    pricing_pack_id: str
    asof_date: date
    currency: str
    total_value: Decimal
    """Cash basis: what ties out with the ledger."""
    securities_value: Decimal
    cash_value: Decimal
    receivable_value: Decimal
    accrued_value: Decimal
    """Accrual basis: total_value and the receivable."""
    accrual: str
    """Which of the two the portfolio's series and returns are of: cash or accrual."""
    quality: Quality
    concentration: Concentration
    currency_exposure: tuple[CurrencyExposure, ...]
    positions: tuple[ValuedPosition, ...]
    cash: tuple[ValuedCash, ...]
    receivables: tuple[ValuedReceivable, ...]
    pending: tuple[Pending, ...]
    sources: tuple[str, ...]


def apply(positions: Positions, market: Market) -> ValuedPositions:
    """Value at the closes and rates of one pack.

    raises   MissingPrice, MissingRate: no total is given where a part of it is not known
    """
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        base = positions.base_currency
        positions = replace(
            positions, cash=tuple(row for row in positions.cash if row.amount or _has_rate(market, row.currency, base))
        )
        currencies = [
            base,
            *(row.currency for row in positions.positions),
            *(balance.currency for balance in positions.cash),
            *(claim.currency for claim in positions.receivables),
        ]
        fx = {currency: markets.cross(market, currency, base) for currency in currencies}
        closes = [market.close(row.security_id, row.symbol) for row in positions.positions]
        values = [
            row.quantity * close.unit_value * fx[row.currency]
            for row, close in zip(positions.positions, closes, strict=True)
        ]
        cash_values = [row.amount * fx[row.currency] for row in positions.cash]
        due_values = [row.amount * fx[row.currency] for row in positions.receivables]
        total = sum(values, ZERO) + sum(cash_values, ZERO)
        due = sum(due_values, ZERO)

        def weight(value: Decimal) -> float:
            return float(value / total) if total else 0.0

        legs = {currency: markets.legs_between(market, currency, base) for currency in fx}
        sources = {close.source for close in closes} | {leg.source for each in legs.values() for leg in each}
        return ValuedPositions(
            portfolio_id=positions.portfolio_id,
            pricing_pack_id=market.pack_id,
            asof_date=market.asof_date,
            currency=base,
            total_value=quantise(total, base),
            securities_value=quantise(sum(values, ZERO), base),
            cash_value=quantise(sum(cash_values, ZERO), base),
            receivable_value=quantise(due, base),
            accrued_value=quantise(total + due, base),
            accrual=positions.accrual,
            quality=measure_quality(positions, closes, legs, values, cash_values, total),
            concentration=measure_concentration([row.symbol for row in positions.positions], values, total),
            currency_exposure=expose_currencies(positions, values, cash_values, weight),
            positions=tuple(
                _value_position(row, close, fx[row.currency], value, weight(value), market.asof_date)
                for row, close, value in zip(positions.positions, closes, values, strict=True)
            ),
            cash=tuple(
                _value_cash(row, fx[row.currency], quantise(value, base), weight(value))
                for row, value in zip(positions.cash, cash_values, strict=True)
            ),
            receivables=tuple(
                _value_receivable(row, fx[row.currency], quantise(value, base))
                for row, value in zip(positions.receivables, due_values, strict=True)
            ),
            pending=positions.pending,
            sources=tuple(sorted(sources)),
        )


def _value_cash(row: CashBalance, rate: Decimal, market_value: Decimal, weight: float) -> ValuedCash:
    return ValuedCash(
        currency=row.currency,
        amount=quantise(row.amount, row.currency),
        unsettled=quantise(row.unsettled, row.currency),
        fx_rate=round(rate, RATE_PLACES),
        market_value=market_value,
        weight=weight,
    )


def _value_receivable(row: Receivable, rate: Decimal, market_value: Decimal) -> ValuedReceivable:
    return ValuedReceivable(
        symbol=row.symbol,
        currency=row.currency,
        ex_date=row.ex_date,
        pay_date=row.pay_date,
        gross=quantise(row.gross, row.currency),
        tax=quantise(row.tax, row.currency),
        amount=quantise(row.amount, row.currency),
        fx_rate=round(rate, RATE_PLACES),
        market_value=market_value,
    )


def _value_position(
    row: Position, close: Close, rate: Decimal, value: Decimal, weight: float, asof_date: date
) -> ValuedPosition:
    """One position; `value` is its unrounded value in the base currency."""
    base, cost, cost_base = row.base_currency, row.cost_basis, row.cost_basis_base
    doubts = _find_doubts(row, close)
    return ValuedPosition(
        security_id=row.security_id,
        symbol=row.symbol,
        name=row.name,
        quantity=row.quantity,
        currency=row.currency,
        price=close.close,
        factor=close.factor,
        observed_date=close.observed_date,
        age_sessions=age_sessions(close),
        age_days=(asof_date - close.observed_date).days,
        price_basis=close.price_basis,
        status="degraded" if doubts else "ok",
        reason=", ".join(doubts) or None,
        value_local=quantise(row.quantity * close.unit_value, row.currency),
        fx_rate=round(rate, RATE_PLACES),
        market_value=quantise(value, base),
        weight=weight,
        cost_basis=None if cost is None else quantise(cost, row.currency),
        cost_basis_base=None if cost_base is None else quantise(cost_base, base),
        unrealized_pnl=None if cost_base is None else quantise(value - cost_base, base),
        source=close.source,
    )


def _find_doubts(row: Position, close: Close) -> tuple[str, ...]:
    """Reasons for which the value of a position is degraded."""
    clean = ("accrued_unknown",) if row.is_clean_priced else ()
    return ((DELISTED,) if is_carried(close) else ()) + clean


def _has_rate(market: Market, currency: str, base: str) -> bool:
    """Whether the pack can convert the currency; an empty balance without a rate is left out, for it needs none."""
    try:
        markets.legs_between(market, currency, base)
    except MissingRate:
        return False
    return True


def value(positions: Positions, market: Market) -> Decimal:
    """The unrounded value of `apply`, 34 digits, base currency: what reconciliation compares."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        base = positions.base_currency
        invested = sum(
            (
                row.quantity
                * market.close(row.security_id, row.symbol).unit_value
                * markets.cross(market, row.currency, base)
                for row in positions.positions
            ),
            ZERO,
        )
        cash = (row.amount * markets.cross(market, row.currency, base) for row in positions.cash if row.amount)
        return invested + sum(cash, ZERO)
