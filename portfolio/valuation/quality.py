"""How far a value rests on the day's own plain observations, and how it is spread over holdings and currencies."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolio.valuation.money import quantise
from portfolio.valuation.position import Positions
from pricing import market as markets
from pricing.fx import Leg
from pricing.market import Close

DELISTED = markets.DELISTED


MANUAL = "accepted"
"""The flag of a close that staff let in."""
DEGRADED_BASES = frozenset({"total_return_adjusted", "price_index"})


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares of the value (securities and cash) that do not rest on the day's own plain observations."""

    stale_share: float
    """On a close older than its exchange's last session."""
    carried_share: float
    """On a rate older than the day's fixing."""
    delisted_share: float
    """On the last close of what is delisted and not booked out."""
    manual_share: float
    """On a close that was held back and let in by hand."""
    degraded_share: float
    """On prices that contain dividends, or are those of a price index."""
    doubtful_share: float
    """On any of these."""
    oldest_price: date | None
    oldest_price_of: str | None
    oldest_rate: date | None


@dataclass(frozen=True, slots=True)
class Concentration:
    """How much of the value few holdings make up; weights are of the whole value, cash counted in it and not among them."""

    holdings: int
    largest: str | None
    largest_weight: float
    top_5_weight: float
    top_10_weight: float
    herfindahl: float | None
    """Sum of squared shares of the securities' value: 1 is one holding, 1/n is n alike. None where nothing is positions."""
    effective_holdings: float | None
    """1 / herfindahl."""


@dataclass(frozen=True, slots=True)
class CurrencyExposure:
    """Holdings and cash in a currency, securities by their trading currency. Base currency; weights add up to 1."""

    currency: str
    securities: Decimal
    cash: Decimal
    market_value: Decimal
    weight: float


def measure_quality(
    positions: Positions,
    closes: Sequence[Close],
    legs_of: Mapping[str, Sequence[Leg]],
    values: Sequence[Decimal],
    cash_values: Sequence[Decimal],
    total: Decimal,
) -> Quality:
    """Shares of `total` that rest on closes and rates that are old, carried, by hand or otherwise doubtful; 0 where it is 0."""
    carried = {currency for currency, legs in legs_of.items() if any(age_of(leg.flags) for leg in legs)}
    by_holding = list(zip(positions.positions, closes, values, strict=True))

    def share(parts: Iterable[Decimal]) -> float:
        return float(sum(parts, Decimal(0)) / total) if total else 0.0

    def is_doubtful(close: Close) -> bool:
        flagged = is_carried(close) or MANUAL in close.flags.split(",") or close.price_basis in DEGRADED_BASES
        return flagged or bool(age_sessions(close))

    in_carried_cash = [value for row, value in zip(positions.cash, cash_values, strict=True) if row.currency in carried]
    oldest = min(closes, key=lambda close: (close.observed_date, close.symbol), default=None)
    return Quality(
        stale_share=share(value for _, close, value in by_holding if age_sessions(close)),
        carried_share=share([value for row, _, value in by_holding if row.currency in carried] + in_carried_cash),
        delisted_share=share(value for _, close, value in by_holding if is_carried(close)),
        manual_share=share(value for _, close, value in by_holding if MANUAL in close.flags.split(",")),
        degraded_share=share(value for _, close, value in by_holding if close.price_basis in DEGRADED_BASES),
        doubtful_share=share(
            [value for row, close, value in by_holding if row.currency in carried or is_doubtful(close)]
            + in_carried_cash
        ),
        oldest_price=oldest.observed_date if oldest else None,
        oldest_price_of=oldest.symbol if oldest else None,
        oldest_rate=min((leg.observed_date for legs in legs_of.values() for leg in legs), default=None),
    )


def measure_concentration(symbols: Sequence[str], values: Sequence[Decimal], total: Decimal) -> Concentration:
    """The largest holdings as shares of `total`, and the Herfindahl index of what is invested; None where nothing is."""
    ranked = sorted(zip(values, symbols, strict=True), reverse=True)
    invested = sum(values, Decimal(0))
    weights = [float(value / total) if total else 0.0 for value, _ in ranked]
    herfindahl = float(sum((value / invested) ** 2 for value in values)) if invested else None
    return Concentration(
        holdings=len(ranked),
        largest=ranked[0][1] if ranked else None,
        largest_weight=weights[0] if weights else 0.0,
        top_5_weight=sum(weights[:5]),
        top_10_weight=sum(weights[:10]),
        herfindahl=herfindahl,
        effective_holdings=1.0 / herfindahl if herfindahl else None,
    )


def expose_currencies(
    positions: Positions, values: Sequence[Decimal], cash_values: Sequence[Decimal], weight: Callable[[Decimal], float]
) -> tuple[CurrencyExposure, ...]:
    """The greatest first; currencies of empty balances are left out."""
    securities: dict[str, Decimal] = {}
    cash: dict[str, Decimal] = {}
    for row, value in zip(positions.positions, values, strict=True):
        securities[row.currency] = securities.get(row.currency, Decimal(0)) + value
    for balance, value in zip(positions.cash, cash_values, strict=True):
        cash[balance.currency] = cash.get(balance.currency, Decimal(0)) + value
    together = {
        currency: (securities.get(currency, Decimal(0)), cash.get(currency, Decimal(0)))
        for currency in sorted(securities.keys() | cash.keys())
    }
    return tuple(
        CurrencyExposure(
            currency=currency,
            securities=quantise(invested, positions.base_currency),
            cash=quantise(in_cash, positions.base_currency),
            market_value=quantise(invested + in_cash, positions.base_currency),
            weight=weight(invested + in_cash),
        )
        for currency, (invested, in_cash) in sorted(together.items(), key=lambda item: -sum(item[1]))
        if invested or in_cash
    )


def is_carried(close: Close) -> bool:
    return DELISTED in close.flags.split(",")


def age_sessions(close: Close) -> int:
    """How many sessions of its exchange lie between a close and the pack; 0 is current."""
    return age_of(close.flags)


def age_of(flags: str) -> int:
    return next((int(flag.removeprefix("stale:")) for flag in flags.split(",") if flag.startswith("stale:")), 0)
