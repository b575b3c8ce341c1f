"""Where a portfolio's return came from: local prices, exchange rates and their interaction, per holding and per currency."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from portfolio import metrics
from portfolio.analytics import attribution
from portfolio.valuation import InvariantViolated, ValueHistory

TOLERANCE_BP = 0.1


@dataclass(frozen=True, slots=True)
class Contribution:
    """Linked by Carino over the window: contributions of all rows add up to the return."""

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
    local_return: float
    fx_return: float
    interaction: float
    total_return: float
    error_bps: float
    """How far the parts are from the independently linked return."""
    by_holding: tuple[Contribution, ...]
    by_currency: tuple[Contribution, ...]
    fx_dealing: float
    flow_timing: str


def currency(history: ValueHistory, span: metrics.Window) -> CurrencyAttribution:
    """Split a window's return.

    raises   InvariantViolated where the parts miss the portfolio's linked return by more than 0.1 bp
    """
    chosen = slice(span.start + 1, span.end + 1)
    split = attribution.currency_attribution(
        history.local_returns[chosen], history.fx_returns[chosen], history.weights[chosen], other=history.other[chosen]
    )
    linked = float(np.prod(1.0 + metrics.subperiod_returns(history)[chosen]) - 1.0)
    headline, held = split.compounded, split.holdings
    parts = headline.local + headline.fx + headline.interaction
    error_bp = abs(parts - linked) * 10_000
    if history.flow_timing == "in_start_out_end" and error_bp > TOLERANCE_BP * max(1.0, abs(1.0 + linked)):
        raise InvariantViolated("local + FX + interaction = return", history.dates[span.end].item(), parts - linked)
    rows = [
        Contribution(symbol, code, float(local), float(fx), float(both), float(local + fx + both))
        for (symbol, code), local, fx, both in zip(history.holdings, held.local, held.fx, held.interaction, strict=True)
    ]
    return CurrencyAttribution(
        first_date=span.opened,
        last_date=span.closed,
        days=span.end - span.start,
        base_currency=history.base_currency,
        local_return=float(headline.local),
        fx_return=float(headline.fx),
        interaction=float(headline.interaction),
        total_return=float(split.total),
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
        fx_dealing=float(held.other),
        flow_timing=history.flow_timing,
    )
