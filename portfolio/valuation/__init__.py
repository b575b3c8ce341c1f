"""What a portfolio is worth: one day exactly in Decimal, its whole life as float64 arrays. They agree to 1e-9.

Value is quantity x close x FX, cash at FX, in the base currency, on cash basis: dividends between ex-date and pay date stand
beside the value as a receivable, so that the value ties out with the ledger (docs/measurement.md, Returns and Value).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Literal

import numpy as np
import numpy.typing as npt

from config.errors import TieoutError
from portfolio.books import EXTERNAL, RECURRING_FEES, Book, Event, Parcel, legs
from portfolio.valuation.deal_rates import Rates
from pricing import market as markets
from pricing.fx import Leg, MissingRate
from pricing.market import Close, History, Market

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

DECIMAL_DIGITS = 34
MINOR_UNITS: Mapping[str, Decimal] = {
    "JPY": Decimal(1),
    "KRW": Decimal(1),
    "KWD": Decimal("0.001"),
    "BHD": Decimal("0.001"),
}
"""Where a currency's minor unit is not a hundredth (ISO 4217)."""


class InvariantViolated(TieoutError):
    """Two ways to the same figure disagree: the figure is not shown."""

    def __init__(self, invariant: str, asof_date: date, difference: float) -> None:
        super().__init__(f"{invariant} does not hold on {asof_date}: off by {difference:.9g}")
        self.invariant, self.asof_date, self.difference = invariant, asof_date, difference


def quantise(amount: Decimal, currency: str) -> Decimal:
    """Money as it is shown: once, at output, half-even, to the minor unit."""
    return amount.quantize(MINOR_UNITS.get(currency, Decimal("0.01")), rounding=ROUND_HALF_EVEN)


def without_tail(quantity: Decimal) -> Decimal:
    """The same number without zeros at its end, and without an exponent."""
    with localcontext() as context:
        context.prec = 100
        short = quantity.normalize()
        return short if short.as_tuple().exponent <= 0 else short.quantize(Decimal(1))  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Position:
    security_id: int
    symbol: str
    name: str
    quantity: Decimal
    cost_basis: Decimal | None
    """Of `currency`, by the portfolio's fee setting; what was paid in another is converted as of the purchase. None where a lot
    was, and a rate of its day is unknown."""
    cost_basis_base: Decimal | None
    """Base currency at the trade dates' FX; None where a lot was bought before anything was priced, at a rate unknown."""
    currency: str
    base_currency: str
    is_clean_priced: bool = False
    """Its price leaves out the interest accrued, of which nothing is known."""


@dataclass(frozen=True, slots=True)
class CashBalance:
    currency: str
    amount: Decimal
    unsettled: Decimal
    """The part of it that is traded and not settled: what comes less what goes."""


@dataclass(frozen=True, slots=True)
class Receivable:
    """A dividend between its ex-date and the day it was paid. Its own currency; amount = gross - tax - fee."""

    symbol: str
    currency: str
    ex_date: date
    pay_date: date
    gross: Decimal
    tax: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Pending:
    """A deal that is traded and not settled. It is in quantities, cash and value already; amount is what it does to cash."""

    trade_date: date
    settle_date: date
    kind: str
    symbol: str
    quantity: Decimal | None
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Positions:
    """What is held at the close of a day, before anything is priced."""

    portfolio_id: str
    asof_date: date
    base_currency: str
    total_positions: int
    positions: tuple[Position, ...]
    cash: tuple[CashBalance, ...]
    receivables: tuple[Receivable, ...]
    pending: tuple[Pending, ...]
    accrual: str
    _book: Book | None = None
    """For the steps that follow, not for the answer."""

    @property
    def book(self) -> Book:
        assert self._book is not None
        return self._book


@dataclass(frozen=True, slots=True)
class ValuedPosition:
    security_id: int
    symbol: str
    name: str
    quantity: Decimal
    currency: str
    price: Decimal
    """As it is quoted."""
    factor: Decimal
    """What a quote is multiplied by: 0.01 where it is in percent of nominal, the multiplier of a contract, else 1."""
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
class CurrencyExposure:
    """What is held in a currency, securities by their trading currency. Base currency; weights add up to 1."""

    currency: str
    securities: Decimal
    cash: Decimal
    market_value: Decimal
    weight: float


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
    """Sum of squared shares of the securities' value: 1 is one holding, 1/n is n alike. None where nothing is held."""
    effective_holdings: float | None
    """1 / herfindahl."""


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


def positions(
    book: Book,
    asof_date: date,
    securities: Mapping[int, tuple[str, str, str]],
    rates: Rates | None = None,
    *,
    clean_priced: Collection[int] = (),
) -> Positions:
    """What the book holds at the close of a day.

    securities    id -> (symbol, name, currency)
    rates         what lots without a rate in the ledger were bought at; None: they have no cost in the base currency
    clean_priced  those whose price leaves out the interest accrued, where nothing is known of their coupons
    """
    rows: list[Position] = []
    lots: dict[int, list[Parcel]] = {}
    for parcel in book.parcels:
        if parcel.is_open(asof_date):
            lots.setdefault(parcel.security, []).append(parcel)
    for security_id in sorted(lots, key=lambda each: securities[each][0]):
        symbol, name, currency = securities[security_id]
        in_own, in_base = (
            [_cost_in(lot, wanted, book.base_currency, rates) for lot in lots[security_id]]
            for wanted in (currency, book.base_currency)
        )
        rows.append(
            Position(
                security_id=security_id,
                symbol=symbol,
                name=name,
                quantity=without_tail(sum((lot.quantity for lot in lots[security_id]), Decimal(0))),
                cost_basis=_sum_if_known(in_own),
                cost_basis_base=_sum_if_known(in_base),
                currency=currency,
                base_currency=book.base_currency,
                is_clean_priced=security_id in clean_priced,
            )
        )
    symbols = {security_id: symbol for security_id, (symbol, _, _) in securities.items()}
    pending = _pending(book, asof_date, symbols)
    unsettled: dict[str, Decimal] = {}
    for deal in pending:
        unsettled[deal.currency] = unsettled.get(deal.currency, Decimal(0)) + deal.amount
    balances = book.cash(asof_date)
    return Positions(
        portfolio_id=str(book.portfolio_id),
        asof_date=asof_date,
        base_currency=book.base_currency,
        total_positions=len(rows),
        positions=tuple(rows),
        cash=tuple(
            CashBalance(currency, balances[currency], unsettled.get(currency, Decimal(0)))
            for currency in sorted(balances)
        ),
        receivables=tuple(
            Receivable(
                symbol=symbols.get(event.security or 0, ""),
                currency=event.currency,
                ex_date=event.ex_date or event.date,
                pay_date=event.date,
                gross=event.amount + event.tax + event.fee,
                tax=event.tax,
                amount=event.amount,
            )
            for event in receivable(book, asof_date)
        ),
        pending=pending,
        accrual=book.accrual,
        _book=book,
    )


def receivable(book: Book, asof_date: date) -> list[Event]:
    """Dividends that are due at the close of a day: gone ex on or before it, paid after it."""
    return [
        event
        for event in book.events
        if event.kind == "dividend" and event.ex_date is not None and event.ex_date <= asof_date < event.date
    ]


def _pending(book: Book, asof_date: date, symbols: Mapping[int, str]) -> tuple[Pending, ...]:
    """Deals of the day or before that settle after it, by the cash that they move; a conversion moves two."""
    return tuple(
        Pending(
            trade_date=event.date,
            settle_date=event.settle_date,
            kind=event.kind,
            symbol=symbols.get(event.security or 0, ""),
            quantity=None if event.quantity is None else without_tail(event.quantity),
            amount=amount,
            currency=currency,
        )
        for event in book.events
        if event.settle_date is not None and event.date <= asof_date < event.settle_date
        for currency, amount in legs(event)
    )


def apply(held: Positions, market: Market) -> ValuedPositions:
    """Value at the closes and rates of one pack.

    raises   MissingPrice, MissingRate: no total is given where a part of it is not known
    """
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        base = held.base_currency
        held = replace(
            held, cash=tuple(row for row in held.cash if row.amount or _has_rate(market, row.currency, base))
        )
        fx = {
            currency: markets.cross(market, currency, base)
            for currency in [
                base,
                *(row.currency for row in held.positions),
                *(balance.currency for balance in held.cash),
                *(claim.currency for claim in held.receivables),
            ]
        }
        priced = [(row, market.close(row.security_id, row.symbol), fx[row.currency]) for row in held.positions]
        values = [row.quantity * close.unit_value * rate for row, close, rate in priced]
        cash_values = [row.amount * fx[row.currency] for row in held.cash]
        due_values = [row.amount * fx[row.currency] for row in held.receivables]
        total = sum(values, Decimal(0)) + sum(cash_values, Decimal(0))
        due = sum(due_values, Decimal(0))

        def weight(value: Decimal) -> float:
            return float(value / total) if total else 0.0

        legs_of = {currency: markets.legs_between(market, currency, base) for currency in fx}
        return ValuedPositions(
            portfolio_id=held.portfolio_id,
            pricing_pack_id=market.pack_id,
            asof_date=market.asof_date,
            currency=base,
            total_value=quantise(total, base),
            securities_value=quantise(sum(values, Decimal(0)), base),
            cash_value=quantise(sum(cash_values, Decimal(0)), base),
            receivable_value=quantise(due, base),
            accrued_value=quantise(total + due, base),
            accrual=held.accrual,
            quality=_quality(held, [close for _, close, _ in priced], legs_of, values, cash_values, total),
            concentration=_concentration([row.symbol for row in held.positions], values, total),
            currency_exposure=_exposure(held, values, cash_values, weight),
            positions=tuple(
                ValuedPosition(
                    security_id=row.security_id,
                    symbol=row.symbol,
                    name=row.name,
                    quantity=row.quantity,
                    currency=row.currency,
                    price=close.close,
                    factor=close.factor,
                    observed_date=close.observed_date,
                    age_sessions=age_sessions(close),
                    age_days=(market.asof_date - close.observed_date).days,
                    price_basis=close.price_basis,
                    status="degraded" if _doubts(row, close) else "ok",
                    reason=", ".join(_doubts(row, close)) or None,
                    value_local=quantise(row.quantity * close.unit_value, row.currency),
                    fx_rate=round(rate, 12),
                    market_value=quantise(value, base),
                    weight=weight(value),
                    cost_basis=None if row.cost_basis is None else quantise(row.cost_basis, row.currency),
                    cost_basis_base=None if row.cost_basis_base is None else quantise(row.cost_basis_base, base),
                    unrealized_pnl=None if row.cost_basis_base is None else quantise(value - row.cost_basis_base, base),
                    source=close.source,
                )
                for (row, close, rate), value in zip(priced, values, strict=True)
            ),
            cash=tuple(
                ValuedCash(
                    currency=row.currency,
                    amount=quantise(row.amount, row.currency),
                    unsettled=quantise(row.unsettled, row.currency),
                    fx_rate=round(fx[row.currency], 12),
                    market_value=quantise(value, base),
                    weight=weight(value),
                )
                for row, value in zip(held.cash, cash_values, strict=True)
            ),
            receivables=tuple(
                ValuedReceivable(
                    symbol=row.symbol,
                    currency=row.currency,
                    ex_date=row.ex_date,
                    pay_date=row.pay_date,
                    gross=quantise(row.gross, row.currency),
                    tax=quantise(row.tax, row.currency),
                    amount=quantise(row.amount, row.currency),
                    fx_rate=round(fx[row.currency], 12),
                    market_value=quantise(value, base),
                )
                for row, value in zip(held.receivables, due_values, strict=True)
            ),
            pending=held.pending,
            sources=tuple(
                sorted(
                    {close.source for _, close, _ in priced} | {leg.source for legs in legs_of.values() for leg in legs}
                )
            ),
        )


def _doubts(row: Position, close: Close) -> tuple[str, ...]:
    """What the value of a position is degraded by."""
    clean = ("accrued_unknown",) if row.is_clean_priced else ()
    return ((DELISTED,) if _is_carried(close) else ()) + clean


def _is_carried(close: Close) -> bool:
    return DELISTED in close.flags.split(",")


DELISTED = markets.DELISTED


def _has_rate(market: Market, currency: str, base: str) -> bool:
    """Of an empty balance no rate is needed: without one it is left out."""
    try:
        markets.legs_between(market, currency, base)
    except MissingRate:
        return False
    return True


MANUAL = "accepted"
"""The flag of a close that staff let in."""
DEGRADED_BASES = frozenset({"total_return_adjusted", "price_index"})


def _quality(
    held: Positions,
    closes: Sequence[Close],
    legs_of: Mapping[str, Sequence[Leg]],
    values: Sequence[Decimal],
    cash_values: Sequence[Decimal],
    total: Decimal,
) -> Quality:
    carried = {currency for currency, legs in legs_of.items() if any(_age(leg.flags) for leg in legs)}
    by_holding = list(zip(held.positions, closes, values, strict=True))

    def share(parts: Iterable[Decimal]) -> float:
        return float(sum(parts, Decimal(0)) / total) if total else 0.0

    oldest = min(closes, key=lambda close: (close.observed_date, close.symbol), default=None)
    return Quality(
        stale_share=share(value for _, close, value in by_holding if age_sessions(close)),
        carried_share=share(
            [value for row, _, value in by_holding if row.currency in carried]
            + [value for row, value in zip(held.cash, cash_values, strict=True) if row.currency in carried]
        ),
        delisted_share=share(value for _, close, value in by_holding if _is_carried(close)),
        manual_share=share(value for _, close, value in by_holding if MANUAL in close.flags.split(",")),
        degraded_share=share(value for _, close, value in by_holding if close.price_basis in DEGRADED_BASES),
        oldest_price=oldest.observed_date if oldest else None,
        oldest_price_of=oldest.symbol if oldest else None,
        oldest_rate=min((leg.observed_date for legs in legs_of.values() for leg in legs), default=None),
    )


def _concentration(symbols: Sequence[str], values: Sequence[Decimal], total: Decimal) -> Concentration:
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


def _exposure(
    held: Positions, values: Sequence[Decimal], cash_values: Sequence[Decimal], weight: Callable[[Decimal], float]
) -> tuple[CurrencyExposure, ...]:
    """The greatest first; currencies of empty balances are left out."""
    securities: dict[str, Decimal] = {}
    cash: dict[str, Decimal] = {}
    for row, value in zip(held.positions, values, strict=True):
        securities[row.currency] = securities.get(row.currency, Decimal(0)) + value
    for balance, value in zip(held.cash, cash_values, strict=True):
        cash[balance.currency] = cash.get(balance.currency, Decimal(0)) + value
    together = {
        currency: (securities.get(currency, Decimal(0)), cash.get(currency, Decimal(0)))
        for currency in sorted(securities.keys() | cash.keys())
    }
    return tuple(
        CurrencyExposure(
            currency=currency,
            securities=quantise(invested, held.base_currency),
            cash=quantise(kept, held.base_currency),
            market_value=quantise(invested + kept, held.base_currency),
            weight=weight(invested + kept),
        )
        for currency, (invested, kept) in sorted(together.items(), key=lambda item: -sum(item[1]))
        if invested or kept
    )


def value(held: Positions, market: Market) -> Decimal:
    """The unrounded value of `apply`, 34 digits, base currency: what reconciliation compares."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        base = held.base_currency
        invested = sum(
            (
                row.quantity
                * market.close(row.security_id, row.symbol).unit_value
                * markets.cross(market, row.currency, base)
                for row in held.positions
            ),
            Decimal(0),
        )
        cash = (row.amount * markets.cross(market, row.currency, base) for row in held.cash if row.amount)
        return invested + sum(cash, Decimal(0))


def age_sessions(close: Close) -> int:
    """How many sessions of its exchange lie between a close and the pack; 0 is current."""
    return _age(close.flags)


def _age(flags: str) -> int:
    return next((int(flag.removeprefix("stale:")) for flag in flags.split(",") if flag.startswith("stale:")), 0)


@dataclass(frozen=True, slots=True)
class Gap:
    """Pack days in a row on which a portfolio has no value, and what is missing on the first of them."""

    first: date
    last: date
    kind: Literal["price", "rate"]
    key: str
    """The symbol, or the pair of currencies: GBP/CAD."""
    reason: str = ""


Scope = Literal["portfolio", "securities_only"]


@dataclass(frozen=True, slots=True)
class ValueHistory:
    """A portfolio's life on D days from its first: base currency, float64, read-only arrays.

    The days are the pack days on which it has a value; those without one are `gaps`, and what happened on them belongs to the
    next day with a value. H holdings: first the securities ever held, then the currencies in which cash was ever kept.
    """

    base_currency: str
    flow_timing: str
    dates: Days
    pack_ids: tuple[str, ...]
    value: Floats
    """(D,) at the close, by `accrual`."""
    cash: Floats
    inflow: Floats
    """(D,) external money in, not negative; `outflow` likewise out."""
    outflow: Floats
    receivable: Floats
    """(D,) dividends between ex-date and pay date; in `value` on accrual basis, beside it on cash basis."""
    recurring_fees: Floats
    """(D,) management and custody fees booked, not negative; every net return is less by them."""
    outside_fees: Floats
    """(D,) fees that the owner paid from elsewhere, not negative: in no value and no flow, but in every net return."""
    cash_fees: Floats
    """(D, C) fees that belong to no deal, of whatever kind, by the currency they were paid in; base currency, not negative."""
    observed: npt.NDArray[np.bool_]
    """(D,) a held security's exchange was open."""
    exchanges: tuple[str, ...]
    flows: tuple[tuple[date, float], ...]
    """External flows on their own dates, base currency, money in positive."""
    holdings: tuple[tuple[str, str], ...]
    """(H,) symbol and currency; the symbol is the currency's code for cash."""
    local_returns: Floats
    """(D, H) of each day in the holding's own currency; row 0 is the first day, measured from nothing."""
    fx_returns: Floats
    weights: Floats
    """(D, H) (V0 + in) of the holding / (V0 + in) of the portfolio."""
    other: Floats
    """(D,) return that belongs to no holding: deal rate against fixing, and gains on an empty balance."""
    sources: tuple[str, ...]
    accrual: str = "cash"
    gaps: tuple[Gap, ...] = ()
    flow_in_gap: npt.NDArray[np.bool_] | None = None
    """(D,) money crossed the border on a day without a value before this one, so that the day can't be measured; None: never."""
    is_late: bool = False
    """The ledger begins before the first pack: what was there at the first close counts as put in, and returns begin there."""
    carried: Floats | None = None
    """(D,) the part of the value that is carried at the last close of what is delisted; None: none ever was."""
    scope: Scope = "portfolio"
    """securities_only: purchases are money in, sales and dividends money out, and cash is in no value."""

    @property
    def cash_basis_value(self) -> Floats:
        """(D,) what ties out with the ledger."""
        return self.value - self.receivable if self.accrual == "accrual" else self.value


def history(book: Book, market: History, *, scope: Scope = "portfolio") -> ValueHistory:
    """The life of a book up to the last day of `market`; what it says of later days counts nowhere.

    raises   MissingPrice, MissingRate where the last day has no value, InvariantViolated
    """
    return Valuer(market).history(book, scope=scope)


class Valuer:
    """Values books on one market. What does not depend on the book is worked out once, for all of them."""

    def __init__(self, market: History) -> None:
        self.market = market
        self._open_days: dict[str, npt.NDArray[np.bool_]] = {}
        self._rates: dict[tuple[str, str], Floats] = {}
        self._is_carried: list[bool] = np.asarray(market.carried.any(axis=0)).tolist()

    def history(self, book: Book, *, scope: Scope = "portfolio") -> ValueHistory:
        """As the function of the same name."""
        market, base = self.market, book.base_currency
        if len(market.dates):
            book = book.as_of(market.dates[-1].item())
        days, first, is_late = _life(book, market)
        listed = _listed(book, market)
        place, N = listed.place, len(listed.symbols)
        currencies = sorted({currency for event in book.events for currency, _ in legs(event)})
        own_rates = {currency: self._fx(currency, base, first) for currency in {*listed.trading, *currencies}}
        own_close, own_at = listed.closes(first), _pack_days(days, [event.date for event in book.events])

        units, balances = _units(book, days, place), _balances_by_day(book, own_at, currencies, len(days))
        in_currency = dict(zip(currencies, balances.T != 0, strict=True))
        gaps, valued = _gaps(book, days, own_at, listed, units, in_currency, own_close, own_rates)
        flow_in_gap, rows, pack_days = None, first + np.arange(len(days)), days
        if gaps:
            kept = np.flatnonzero(valued)
            flow_in_gap = _flows_between(book, own_at, kept, scope, is_late=is_late)
            days, rows, units, balances = days[kept], rows[kept], units[kept], balances[kept]
        D, C = len(days), len(currencies)
        held = units != 0
        close = own_close[valued] if gaps else own_close
        fx = {currency: _known_rates(rates[valued] if gaps else rates) for currency, rates in own_rates.items()}
        at = _pack_days(days, [event.date for event in book.events]) if gaps else own_at

        # One row more than there are days: the day before, on which nothing was held.
        closes = np.zeros((D + 1, N + C))
        np.multiply(units, close, out=closes[1:, :N], where=held)
        closes[1:, N:] = balances
        rates = np.empty((D + 1, N + C))
        for position, currency in enumerate([*listed.trading, *currencies]):
            rates[1:, position] = fx[currency]
        rates[0] = rates[1] if D else 0.0

        due = _receivable_by_day(book, days, at, fx, place)
        if book.accrual == "accrual":
            closes[1:, :N] += np.divide(due, rates[1:, :N], out=np.zeros(due.shape), where=due != 0)

        moves = _moves(book, at, listed, currencies, close, D, fx, since=1 if is_late else 0)
        fees = _fees_by_day(book, at, fx, currencies, D, since=1 if is_late else 0)
        if scope == "securities_only":  # what cash earns and pays by itself is outside
            closes, rates, currencies = closes[:, :N], rates[:, :N], []
            moves, fees = _across(moves, N), (np.zeros((D, 0)),) * 3
        if is_late and D:
            moves.external_in[0], moves.external_out[0] = np.maximum(closes[1], 0.0), np.maximum(-closes[1], 0.0)
        cash = (closes[1:, N:] * rates[1:, N:]).sum(axis=1)
        total = (closes[1:, :N] * rates[1:, :N]).sum(axis=1) + cash
        inflow, outflow = _worth(moves.external_in, rates[1:]), _worth(moves.external_out, rates[1:])

        recurring_fees, cash_fees, outside_fees = fees
        begin = np.concatenate(([0.0], total[:-1])) + inflow
        kept_gains = _attribution(closes, rates, moves, begin)
        gain = total + outflow - begin
        explained = kept_gains.gains + kept_gains.other
        _require_equal("the sum of the holdings' gains", days, explained, gain, scale=np.abs(total) + np.abs(begin))

        with np.errstate(divide="ignore", invalid="ignore"):
            other = np.where(begin > 0, kept_gains.other / begin, 0.0)
        flows = _dated_flows(book, pack_days, own_at, own_rates, own_close, listed, scope)
        if is_late and D:
            opened = days[0].item()
            flows = ((opened, float(total[0])), *((on, amount) for on, amount in flows if on > opened))
        result = ValueHistory(
            base_currency=base,
            flow_timing=book.flow_timing,
            dates=days,
            pack_ids=tuple(market.pack_ids[row] for row in rows.tolist()) if gaps else market.pack_ids[first:],
            value=total,
            cash=cash,
            inflow=inflow,
            outflow=outflow,
            receivable=due.sum(axis=1),
            recurring_fees=recurring_fees.sum(axis=1),
            outside_fees=outside_fees.sum(axis=1),
            cash_fees=cash_fees,
            observed=self._observed(listed.exchanges, rows, held[:, : len(listed.exchanges)]),
            exchanges=tuple(sorted(set(listed.exchanges))),
            flows=flows,
            holdings=tuple(
                list(zip(listed.symbols, listed.trading, strict=True))
                + [(currency, currency) for currency in currencies]
            ),
            local_returns=kept_gains.local_returns,
            fx_returns=kept_gains.fx_returns,
            weights=kept_gains.weights,
            other=other,
            sources=_sources(market, listed.columns, [*listed.trading, *currencies, base]),
            accrual=book.accrual,
            gaps=gaps,
            flow_in_gap=flow_in_gap,
            is_late=is_late,
            carried=self._carried_value(listed.columns, rows, closes[1:, :N] * rates[1:, :N]),
            scope=scope,
        )
        for name in result.__dataclass_fields__:
            array = getattr(result, name)
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
        return result

    def headline(self, book: Book, whole: ValueHistory) -> ValueHistory:
        """What returns are measured on: the whole, or the securities alone where deposits are inferred."""
        has_inferred = book.as_of(self.market.dates[-1].item()).has_inferred_flows if len(self.market.dates) else False
        return self.history(book, scope="securities_only") if has_inferred else whole

    def _fx(self, currency: str, base: str, first: int) -> Floats:
        """(D,) base currency for one of the currency; NaN on days without a rate."""
        market = self.market
        if currency == base:
            return np.ones(len(market.dates) - first)
        if (currency, base) not in self._rates:
            try:
                self._rates[currency, base] = market.fx(currency, base)
            except MissingRate:
                self._rates[currency, base] = np.full(len(market.dates), np.nan)
        return self._rates[currency, base][first:]

    def _observed(
        self, exchanges: Sequence[str], rows: npt.NDArray[np.intp], held: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:
        """(D,) days on which the exchange of something held was open: one of its securities closed that day."""
        open_days = np.zeros(len(held), dtype=np.bool_)
        for exchange in set(exchanges):
            listed = np.asarray(held[:, [each == exchange for each in exchanges]].any(axis=1))
            # Held at the close of the day, or sold on it: the day's return is the holding's either way.
            was_held = listed | np.concatenate(([False], listed[:-1]))[: len(listed)]
            open_days |= was_held & self._sessions(exchange)[rows]
        return open_days

    def _carried_value(self, columns: list[int], rows: npt.NDArray[np.intp], values: Floats) -> Floats | None:
        """(D,) of values (D, N) what is carried behind a delisting; None where nothing is."""
        if not any(self._is_carried[each] for each in columns):
            return None
        found = np.where(self.market.carried[:, columns][rows], values[:, : len(columns)], 0.0).sum(axis=1)
        return found if found.any() else None

    def _sessions(self, exchange: str) -> npt.NDArray[np.bool_]:
        """(D,) of the market: pack days on which a security of the exchange closed."""
        market = self.market
        if exchange not in self._open_days:
            listed = [each == exchange for each in market.exchanges]
            self._open_days[exchange] = (market.observed[:, listed] == market.dates[:, None]).any(axis=1)
        return self._open_days[exchange]


@dataclass(frozen=True, slots=True)
class _Listed:
    """The N securities of a book as the market has them: by column, and last those that no pack has a close of."""

    market: History
    place: Mapping[int, int]
    """Security id -> its number here."""
    columns: list[int]
    """Of those that the market has, rising."""
    symbols: list[str]
    trading: list[str]
    exchanges: list[str]
    """Of those that the market has."""

    def closes(self, first: int) -> Floats:
        """(D, N) from the market's day `first` on."""
        found = self.market.close[first:, self.columns]
        absent = len(self.symbols) - len(self.columns)
        return np.hstack((found, np.full((len(found), absent), np.nan))) if absent else found


def _listed(book: Book, market: History) -> _Listed:
    met: dict[int, str] = {}
    for parcel in book.parcels:
        met.setdefault(parcel.security, parcel.currency)
    for event in book.events:  # bought and sold on one day: no parcel is left of it
        if event.security is not None:
            met.setdefault(event.security, event.currency)
    column, absent = dict[int, int](), dict[int, str]()
    for security in met:
        try:
            column[security] = market.security(security)
        except markets.MissingPrice as missing:
            absent[security] = missing.symbol
    known = sorted(column, key=lambda each: column[each])
    others = sorted(absent, key=lambda each: (absent[each], each))
    columns = [column[each] for each in known]
    return _Listed(
        market,
        {security: number for number, security in enumerate([*known, *others])},
        columns,
        [*(market.symbols[each] for each in columns), *(absent[each] for each in others)],
        [
            *(market.security_currencies[each] for each in columns),
            *(met[each] or book.base_currency for each in others),
        ],
        [market.exchanges[each] for each in columns],
    )


def _gaps(
    book: Book,
    days: Days,
    at: Sequence[int],
    listed: _Listed,
    units: Floats,
    in_currency: Mapping[str, npt.NDArray[np.bool_]],
    close: Floats,
    rates: Mapping[str, Floats],
) -> tuple[tuple[Gap, ...], npt.NDArray[np.bool_]]:
    """Days on which something held, due or moved has no price or rate, and (D,) which days have a value.

    in_currency  by currency (D,) whether there is cash in it

    raises   MissingPrice, MissingRate where the last day is one of them
    """
    D = len(days)
    lacking: list[tuple[Literal["price", "rate"], str, npt.NDArray[np.bool_]]] = []
    unpriced = np.isnan(close)
    if unpriced.any():
        needed = units != 0
        for event, day in zip(book.events, at, strict=True):
            if day < D and event.kind in IN_KIND and event.security is not None and event.quantity:
                needed[day, listed.place[event.security]] = True
        missing = unpriced & needed
        lacking += [("price", listed.symbols[each], missing[:, each]) for each in np.flatnonzero(missing.any(axis=0))]
    for currency in sorted(rates):
        unknown = np.isnan(rates[currency])
        if unknown.any():
            missing = unknown & _needs_rate(book, days, at, listed, units, currency)
            missing |= unknown & in_currency.get(currency, False)
            lacking += [("rate", f"{currency}/{book.base_currency}", missing)] if missing.any() else []
    valued = np.ones(D, dtype=np.bool_)
    for _, _, missing in lacking:
        valued &= ~missing
    if not lacking:
        return (), valued
    begin = len(listed.market.dates) - D
    refusals: dict[str, TieoutError] = {}
    found: list[Gap] = []
    for day in np.flatnonzero(~valued).tolist():
        kind, key = next((kind, key) for kind, key, missing in lacking if missing[day])
        on: date = days[day].item()
        if found and found[-1].key == key and found[-1].last == days[day - 1].item():
            found[-1] = replace(found[-1], last=on)
            continue
        if key not in refusals:
            refusals[key] = _refusal(kind, key, listed, begin + day)
        found.append(Gap(on, on, kind, key, getattr(refusals[key], "reason", "")))
    if not valued[-1]:
        raise _refusal(found[-1].kind, found[-1].key, listed, begin + D - 1)
    return tuple(found), valued


def _refusal(kind: str, key: str, listed: _Listed, row: int) -> markets.MissingPrice | MissingRate:
    """What to say of a price or rate that is missing on a day of the market."""
    market = listed.market
    if kind == "rate":
        currency, base = key.split("/")
        return market.missing_rate(currency, base, row)
    if key in market.symbols:
        return market.missing_price(market.symbols.index(key), row)
    return markets.MissingPrice(key, market.dates[row].item())


def _needs_rate(
    book: Book, days: Days, at: Sequence[int], listed: _Listed, units: Floats, currency: str
) -> npt.NDArray[np.bool_]:
    """(D,) days on which a security held, something due or something that moved is in the currency."""
    D = len(days)
    traded_in = [each == currency for each in listed.trading]
    needed = np.asarray((units[:, traded_in] != 0).any(axis=1))
    due = [each for each in book.events if each.kind == "dividend" and each.ex_date is not None]
    starts, ends = (
        _pack_days(days, dates) for dates in ([each.earliest_date for each in due], [each.date for each in due])
    )
    for event, start, end in zip(due, starts, ends, strict=True):
        if currency == event.currency or (event.security is not None and traded_in[listed.place[event.security]]):
            needed[start:end] = True
    for event, day in zip(book.events, at, strict=True):
        if day == D:
            break
        moved = {moved_in for moved_in, amount in legs(event) if amount}
        if event.fee:
            moved.add(event.currency)
        if event.security is not None and (event.amount or event.kind in IN_KIND):
            moved.add(listed.trading[listed.place[event.security]])
        needed[day] |= currency in moved
    return needed


def _flows_between(
    book: Book, at: Sequence[int], kept: npt.NDArray[np.intp], scope: Scope, *, is_late: bool
) -> npt.NDArray[np.bool_]:
    """(len(kept),) whether money crossed the border on a day that was not kept before each that was."""
    found = np.zeros(len(kept), dtype=np.bool_)
    is_kept = set(kept.tolist())
    for event, day in zip(book.events, at, strict=True):
        place = int(np.searchsorted(kept, day))
        if day not in is_kept and place < len(kept) and _crosses(event, scope):
            found[place] = True
    if is_late:
        found[:1] = False  # what was there at the first close counts as put in then
    return found


def _crosses(event: Event, scope: Scope) -> bool:
    """Whether it moves money or securities over the border of the scope."""
    if event.kind in IN_KIND:
        return True
    if scope == "portfolio":
        return event.kind in EXTERNAL
    return _is_deal(event) and bool(event.amount)


def _is_deal(event: Event) -> bool:
    """Money that a security took or gave: what is paid for it, and what it pays."""
    return (
        event.kind not in EXTERNAL
        and event.counter_amount is None
        and event.security is not None
        and bool(event.currency)
    )


def _known_rates(rates: Floats) -> Floats:
    """Rates with the last known one, or zero, where there is none: for a product with what is nothing on those days."""
    known = ~np.isnan(rates)
    if known.all():
        return rates
    last = np.maximum.accumulate(np.where(known, np.arange(len(rates)), -1))
    return np.where(last < 0, 0.0, rates[last])


def _last_known(closes: Floats) -> float:
    """The last close of a column; zero where there is none. For what moved in kind on a day without a value, which no return
    is measured over."""
    known = closes[~np.isnan(closes)]
    return float(known[-1]) if len(known) else 0.0


@dataclass(frozen=True, slots=True)
class _Moves:
    """Money that moved, each in its own currency, gross and not negative."""

    internal_in: Floats
    """(D, H) between holdings, as `internal_out`."""
    internal_out: Floats
    external_in: Floats
    """(D, H) across the portfolio's border, as `external_out`: money, and securities in kind at the close of their day."""
    external_out: Floats


@dataclass(frozen=True, slots=True)
class _Attribution:
    local_returns: Floats
    fx_returns: Floats
    weights: Floats
    gains: Floats
    """(D,) of all holdings."""
    other: Floats


def _attribution(closes: Floats, rates: Floats, moves: _Moves, begin: Floats) -> _Attribution:
    """Split each day's gain over the holdings, and each holding's into what its own currency and what the FX did.

    closes, rates  (D + 1, H) from the day before the first

    Money into a holding counts from the start of its day at the day's rate, money out of it until the end (the default flow
    timing, on holding level). What is earned or charged on a balance that begins the day empty has no rate of return; it goes,
    with the difference between deal rate and fixing, into `other`. The arrays of a whole life are large, so each step writes
    where an earlier one is done with.
    """
    opened, close, opening_rate, rate = closes[:-1], closes[1:], rates[:-1], rates[1:]
    came, went = moves.internal_in + moves.external_in, moves.internal_out + moves.external_out

    start_local = opened + came
    start_base = opened * opening_rate
    spare = came * rate
    start_base += spare
    end_local = np.add(close, went, out=went)

    dust = np.abs(opened, out=spare)
    dust += came  # not negative
    dust += np.abs(end_local, out=came)
    dust *= 1e-9
    dust += 1e-9
    measured = np.abs(start_local, out=came) > dust
    measured &= np.abs(start_base, out=came) > dust
    unmeasured = ~measured

    with np.errstate(divide="ignore", invalid="ignore"):
        local_returns = _return(np.divide(end_local, start_local), unmeasured)
        fx_returns = _return(np.divide(np.multiply(start_local, rate, out=spare), start_base), unmeasured)
        weights = start_base / begin[:, None]
    weights[unmeasured] = 0.0
    weights[~(begin > 0)] = 0.0

    gains = np.multiply(end_local, rate, out=came)
    gains -= start_base
    unattributed = gains.sum(axis=1, where=unmeasured)  # also what the rate did to a debt that was paid back whole
    gains[unmeasured] = 0.0
    # Internal moves leave one holding and enter another; what does not cancel at the fixing is the dealing difference.
    dealing = np.zeros(len(begin))
    traded = np.flatnonzero(moves.internal_in.any(axis=1) | moves.internal_out.any(axis=1))
    dealing[traded] = (moves.internal_in[traded] * rate[traded]).sum(axis=1)
    dealing[traded] -= (moves.internal_out[traded] * rate[traded]).sum(axis=1)
    return _Attribution(local_returns, fx_returns, weights, gains.sum(axis=1), dealing + unattributed)


def _return(growth: Floats, unmeasured: npt.NDArray[np.bool_]) -> Floats:
    """Growth less one, in place. A balance that did not move returns nothing, not the last bit of a division."""
    growth -= 1.0
    growth[unmeasured | (np.abs(growth) < 1e-14)] = 0.0
    return growth


def _units(book: Book, days: Days, place: Mapping[int, int]) -> Floats:
    """(D, N) quantity held at each close."""
    # A security's days beside each other while they are filled.
    units = np.zeros((max(place.values(), default=-1) + 1, len(days)))
    starts = _pack_days(days, [parcel.valid_from for parcel in book.parcels])
    ends = _pack_days(days, [parcel.valid_to or date.max for parcel in book.parcels])
    for parcel, start, end in zip(book.parcels, starts, ends, strict=True):
        units[place[parcel.security], start:end] += float(parcel.quantity)
    return np.ascontiguousarray(units.T)


def _moves(
    book: Book,
    at: Sequence[int],
    listed: _Listed,
    currencies: list[str],
    close: Floats,
    day_count: int,
    fx: Mapping[str, Floats],
    *,
    since: int,
) -> _Moves:
    """Of the events from the day number `since` on."""
    D, N, C = day_count, len(listed.symbols), len(currencies)
    money = {currency: index for index, currency in enumerate(currencies)}
    internal: tuple[list[tuple[int, int, float]], ...] = ([], [])
    external: tuple[list[tuple[int, int, float]], ...] = ([], [])
    for event, day in zip(book.events, at, strict=True):
        if day == D:
            break
        if day < since:
            continue
        amount = float(event.amount)
        if event.kind in IN_KIND and event.security is not None and event.quantity:
            column = listed.place[event.security]
            moved = IN_KIND[event.kind] * float(event.quantity) * _last_known(close[: day + 1, column])
            external[moved <= 0].append((day, column, abs(moved)))
        if event.kind in EXTERNAL:
            external[amount <= 0].append((day, N + money[event.currency], abs(amount)))
        elif event.counter_amount is not None:
            counter = float(event.counter_amount)
            internal[amount <= 0].append((day, N + money[event.currency], abs(amount)))
            internal[counter <= 0].append((day, N + money[event.counter_currency], abs(counter)))
        elif _is_deal(event) and event.security is not None:
            internal[amount <= 0].append((day, N + money[event.currency], abs(amount)))
            column = listed.place[event.security]
            if listed.trading[column] != event.currency:  # paid in another than it trades in
                own = float(fx[listed.trading[column]][day])
                amount *= float(fx[event.currency][day]) / own if own else 0.0
            internal[amount >= 0].append((day, column, abs(amount)))
    return _Moves(*(_filled(each, D, N + C) for each in (*internal, *external)))


def _across(moves: _Moves, securities: int) -> _Moves:
    """Of the securities alone: what went into them came from outside, what they paid went there."""
    nothing = np.zeros((len(moves.external_in), securities))
    return _Moves(
        nothing,
        nothing,
        moves.external_in[:, :securities] + moves.internal_in[:, :securities],
        moves.external_out[:, :securities] + moves.internal_out[:, :securities],
    )


def _filled(entries: list[tuple[int, int, float]], rows: int, columns: int) -> Floats:
    """(rows, columns) sums of entries (row, column, amount), added in their order."""
    filled = np.zeros((rows, columns))
    if entries:
        row, column, amount = zip(*entries, strict=True)
        np.add.at(filled, (np.array(row), np.array(column)), np.array(amount))
    return filled


def _worth(moved: Floats, rates: Floats) -> Floats:
    """(D,) base currency of what moved; on most days nothing did."""
    worth = np.zeros(len(moved))
    days = np.flatnonzero(moved.any(axis=1))
    worth[days] = (moved[days] * rates[days]).sum(axis=1)
    return worth


IN_KIND = {"transfer_in": 1, "transfer_out": -1}
"""Securities that cross the portfolio's border, by the sign of what it does to them."""


def _balances_by_day(book: Book, at: Sequence[int], currencies: list[str], days: int) -> Floats:
    """(D, C) cash at the close, summed exactly before it becomes a float."""
    running = dict.fromkeys(currencies, Decimal(0))
    steps: dict[str, dict[int, Decimal]] = {currency: {} for currency in currencies}
    for event, day in zip(book.events, at, strict=True):
        for currency, amount in legs(event):
            running[currency] += amount
            steps[currency][day] = running[currency]
    balances = np.zeros((days, len(currencies)))
    for position, currency in enumerate(currencies):
        changed = [day for day in steps[currency] if day < days]
        for day, until in zip(changed, [*changed, days][1:], strict=True):
            balances[day:until, position] = float(steps[currency][day])
    return balances


def _receivable_by_day(
    book: Book, days: Days, at: Sequence[int], fx: Mapping[str, Floats], place: Mapping[int, int]
) -> Floats:
    """(D, N) base currency, by the security that pays."""
    due = np.zeros((len(days), max(place.values(), default=-1) + 1))
    dividends = [
        (event, end)
        for event, end in zip(book.events, at, strict=True)
        if event.kind == "dividend" and event.ex_date is not None and event.security is not None
    ]
    starts = _pack_days(days, [event.ex_date for event, _ in dividends if event.ex_date is not None])
    for (event, end), start in zip(dividends, starts, strict=True):
        if start < end and event.security is not None:
            due[start:end, place[event.security]] += float(event.amount) * fx[event.currency][start:end]
    return due


def _dated_flows(
    book: Book,
    days: Days,
    at: Sequence[int],
    fx: Mapping[str, Floats],
    close: Floats,
    listed: _Listed,
    scope: Scope,
) -> tuple[tuple[date, float], ...]:
    """Each external flow on its own date, at the rate of the pack that it belongs to; in kind, on the day of their close.

    NaN where that day has no rate or close.
    """
    money, in_kind = list[tuple[date, float]](), dict[date, float]()
    for event, day in zip(book.events, at, strict=True):
        if day == len(days):
            break
        if event.kind in IN_KIND and event.security is not None and event.quantity:
            column, on = listed.place[event.security], days[day].item()
            worth = float(event.quantity) * float(close[day, column]) * float(fx[listed.trading[column]][day])
            in_kind[on] = in_kind.get(on, 0.0) + IN_KIND[event.kind] * worth
        elif scope == "portfolio" and event.kind in EXTERNAL:
            money.append((event.date, float(event.amount) * float(fx[event.currency][day])))
        elif scope == "securities_only" and _crosses(event, scope):
            money.append((event.date, -float(event.amount) * float(fx[event.currency][day])))
    return tuple(sorted([*money, *((on, worth) for on, worth in in_kind.items() if worth)], key=lambda flow: flow[0]))


def _fees_by_day(
    book: Book, at: Sequence[int], fx: Mapping[str, Floats], currencies: list[str], days: int, *, since: int
) -> tuple[Floats, Floats, Floats]:
    """(D, C) base currency, by the currency paid in: management and custody, whatever they came with; those of no deal; those
    that were paid from elsewhere."""
    recurring, apart, outside = [], [], []
    money = {currency: index for index, currency in enumerate(currencies)}
    for event, day in zip(book.events, at, strict=True):
        if event.fee and since <= day < days:
            charged = (day, money[event.currency], float(event.fee) * float(fx[event.currency][day]))
            if event.fee_kind in RECURRING_FEES:
                recurring.append(charged)
            if event.kind == "fee":
                apart.append(charged)
            elif event.kind == "outside_fee":
                outside.append(charged)
    C = len(currencies)
    return _filled(recurring, days, C), _filled(apart, days, C), _filled(outside, days, C)


def _life(book: Book, market: History) -> tuple[Days, int, bool]:
    """The pack days from the first event's on, where they begin in the market's, and whether it begins before the first."""
    began = book.first_date
    if began is None or not len(market.dates):
        return market.dates[:0], len(market.dates), False
    first = int(np.searchsorted(market.dates, np.datetime64(began)))
    return market.dates[first:], first, bool(np.datetime64(began) < market.dates[0])


def _pack_days(days: Days, dates: Sequence[date]) -> list[int]:
    """Of each date the pack day that it belongs to: its own, or the next; len(days) after the last."""
    found: list[int] = np.searchsorted(days, np.array(dates, dtype="datetime64[D]")).tolist()
    return found


def _cost_in(lot: Parcel, currency: str, base: str, rates: Rates | None) -> Decimal | None:
    """At the rates of its purchase; None where one is unknown."""
    if rates is not None:
        worth = rates.cost_of(lot, currency)
        return worth.base if currency == base else worth.local
    if lot.currency == currency:
        return lot.cost
    rate = Decimal(1) if lot.currency == base else lot.fx_to_base
    return None if rate is None or currency != base or lot.layers else lot.cost * rate


def _sum_if_known(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = list(amounts)
    return None if None in known else sum((amount for amount in known if amount is not None), Decimal(0))


def sources(book: Book, market: History) -> tuple[str, ...]:
    """Providers of all closes and rates that the book's life rests on, sorted."""
    listed = _listed(book, market)
    currencies = {currency for event in book.events for currency, _ in legs(event)} | {book.base_currency}
    return _sources(market, listed.columns, [*currencies, *listed.trading])


def _sources(market: History, columns: list[int], currencies: list[str]) -> tuple[str, ...]:
    found = {source for column in columns for source in market.close_sources[column]}
    if len(set(currencies)) > 1:
        known = [market.currencies.index(currency) for currency in set(currencies) & set(market.currencies)]
        found |= {source for column in known for source in market.fx_sources[column]}
    return tuple(sorted(found))


def _require_equal(invariant: str, days: Days, one: Floats, other: Floats, *, scale: Floats) -> None:
    off = np.abs(one - other)
    wrong = off > 1e-9 * scale + 1e-6
    if wrong.any():
        where = int(np.argmax(wrong))
        raise InvariantViolated(invariant, days[where].item(), float(off[where]))
