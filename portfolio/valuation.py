"""What a portfolio is worth: one day exactly in Decimal, its whole life as float64 arrays. They agree to 1e-9.

Value is quantity x close x FX, cash at FX, in the base currency, on cash basis: dividends between ex-date and pay date stand
beside the value as a receivable, so that the value ties out with the ledger (MEASUREMENT, Returns and Value).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from config.errors import TieoutError
from portfolio.books import EXTERNAL, RECURRING_FEES, Book, legs
from pricing import market as markets
from pricing.fx import MissingRate
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


class BeforeTheFirstPack(TieoutError):
    """The ledger moved money before anything was priced, so that its first days can't be valued."""

    def __init__(self, first_date: date, first_pack: date | None) -> None:
        super().__init__(
            f"the ledger begins on {first_date}, before the first pricing pack ({first_pack or 'there is none'})"
        )
        self.first_date, self.first_pack = first_date, first_pack


class InvariantViolated(TieoutError):
    """Two ways to the same figure disagree: the figure is not shown."""

    def __init__(self, invariant: str, asof_date: date, difference: float) -> None:
        super().__init__(f"{invariant} does not hold on {asof_date}: off by {difference:.9g}")
        self.invariant, self.asof_date, self.difference = invariant, asof_date, difference


def quantise(amount: Decimal, currency: str) -> Decimal:
    """Money as it is shown: once, at output, half-even, to the minor unit."""
    return amount.quantize(MINOR_UNITS.get(currency, Decimal("0.01")), rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Position:
    security_id: int
    symbol: str
    name: str
    quantity: Decimal
    cost_basis: Decimal
    """Trade currency, by the portfolio's fee setting."""
    cost_basis_base: Decimal | None
    """Base currency at the trade dates' FX; None where the ledger names no rate for a lot."""
    currency: str
    base_currency: str


@dataclass(frozen=True, slots=True)
class CashBalance:
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Positions:
    """What is held at the close of a day, before anything is priced."""

    portfolio_id: str
    asof_date: date
    base_currency: str
    total_positions: int
    positions: tuple[Position, ...]
    cash: tuple[CashBalance, ...]
    receivables: tuple[CashBalance, ...]


@dataclass(frozen=True, slots=True)
class ValuedPosition:
    security_id: int
    symbol: str
    name: str
    quantity: Decimal
    currency: str
    price: Decimal
    observed_date: date
    age_sessions: int
    price_basis: str
    value_local: Decimal
    fx_rate: Decimal
    market_value: Decimal
    weight: float
    cost_basis: Decimal
    cost_basis_base: Decimal | None
    unrealized_pnl: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class ValuedCash:
    currency: str
    amount: Decimal
    fx_rate: Decimal
    market_value: Decimal
    weight: float


@dataclass(frozen=True, slots=True)
class ValuedPositions:
    """Positions at the pack's closes and rates. Money is quantised; the totals are of the unrounded values."""

    portfolio_id: str
    pricing_pack_id: str
    asof_date: date
    currency: str
    total_value: Decimal
    securities_value: Decimal
    cash_value: Decimal
    receivable_value: Decimal
    stale_share: float
    """Share of the value that rests on a close older than its session."""
    oldest_price: date | None
    positions: tuple[ValuedPosition, ...]
    cash: tuple[ValuedCash, ...]
    receivables: tuple[ValuedCash, ...]
    sources: tuple[str, ...]


def positions(book: Book, asof_date: date, securities: Mapping[int, tuple[str, str, str]]) -> Positions:
    """What the book holds at the close of a day. `securities`: id -> (symbol, name, currency)."""
    rows: list[Position] = []
    for security_id in sorted(book.quantities(asof_date), key=lambda each: securities[each][0]):
        symbol, name, currency = securities[security_id]
        lots = [parcel for parcel in book.parcels if parcel.security == security_id and parcel.is_open(asof_date)]
        in_base = [_cost_in_base(lot.cost, lot.fx_to_base, lot.currency, book.base_currency) for lot in lots]
        rows.append(
            Position(
                security_id=security_id,
                symbol=symbol,
                name=name,
                quantity=sum((lot.quantity for lot in lots), Decimal(0)),
                cost_basis=sum((lot.cost for lot in lots), Decimal(0)),
                cost_basis_base=None
                if None in in_base
                else sum((cost for cost in in_base if cost is not None), Decimal(0)),
                currency=currency,
                base_currency=book.base_currency,
            )
        )
    return Positions(
        portfolio_id=str(book.portfolio_id),
        asof_date=asof_date,
        base_currency=book.base_currency,
        total_positions=len(rows),
        positions=tuple(rows),
        cash=_balances(book.cash(asof_date)),
        receivables=_balances(_receivables(book, asof_date)),
    )


def apply(held: Positions, market: Market) -> ValuedPositions:
    """Value at the closes and rates of one pack.

    raises   MissingPrice, MissingRate: no total is given where a part of it is not known
    """
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        base = held.base_currency
        fx = {
            currency: markets.cross(market, currency, base)
            for currency in [
                base,
                *(row.currency for row in held.positions),
                *(row.currency for row in (*held.cash, *held.receivables)),
            ]
        }
        priced = [(row, market.close(row.security_id, row.symbol), fx[row.currency]) for row in held.positions]
        values = [row.quantity * close.close * rate for row, close, rate in priced]
        cash = [(row, fx[row.currency]) for row in held.cash]
        cash_values = [row.amount * rate for row, rate in cash]
        due = [(row, fx[row.currency]) for row in held.receivables]
        total = sum(values, Decimal(0)) + sum(cash_values, Decimal(0))

        def weight(value: Decimal) -> float:
            return float(value / total) if total else 0.0

        stale = [value for (_, close, _), value in zip(priced, values, strict=True) if age_sessions(close)]
        return ValuedPositions(
            portfolio_id=held.portfolio_id,
            pricing_pack_id=market.pack_id,
            asof_date=market.asof_date,
            currency=base,
            total_value=quantise(total, base),
            securities_value=quantise(sum(values, Decimal(0)), base),
            cash_value=quantise(sum(cash_values, Decimal(0)), base),
            receivable_value=quantise(sum((row.amount * rate for row, rate in due), Decimal(0)), base),
            stale_share=weight(sum(stale, Decimal(0))),
            oldest_price=min((close.observed_date for _, close, _ in priced), default=None),
            positions=tuple(
                ValuedPosition(
                    security_id=row.security_id,
                    symbol=row.symbol,
                    name=row.name,
                    quantity=row.quantity,
                    currency=row.currency,
                    price=close.close,
                    observed_date=close.observed_date,
                    age_sessions=age_sessions(close),
                    price_basis=close.price_basis,
                    value_local=quantise(row.quantity * close.close, row.currency),
                    fx_rate=round(rate, 12),
                    market_value=quantise(value, base),
                    weight=weight(value),
                    cost_basis=quantise(row.cost_basis, row.currency),
                    cost_basis_base=None if row.cost_basis_base is None else quantise(row.cost_basis_base, base),
                    unrealized_pnl=None if row.cost_basis_base is None else quantise(value - row.cost_basis_base, base),
                    source=close.source,
                )
                for (row, close, rate), value in zip(priced, values, strict=True)
            ),
            cash=tuple(_valued(row, rate, base, weight) for row, rate in cash),
            receivables=tuple(_valued(row, rate, base, weight) for row, rate in due),
            sources=tuple(
                sorted(
                    {close.source for _, close, _ in priced}
                    | {leg.source for currency in fx for leg in markets.legs_between(market, currency, base)}
                )
            ),
        )


def value(held: Positions, market: Market) -> Decimal:
    """The unrounded value of `apply`, 34 digits, base currency: what reconciliation compares."""
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        base = held.base_currency
        invested = sum(
            (
                row.quantity
                * market.close(row.security_id, row.symbol).close
                * markets.cross(market, row.currency, base)
                for row in held.positions
            ),
            Decimal(0),
        )
        return invested + sum((row.amount * markets.cross(market, row.currency, base) for row in held.cash), Decimal(0))


def age_sessions(close: Close) -> int:
    """How many sessions of its exchange lie between a close and the pack; 0 is current."""
    return next((int(flag.removeprefix("stale:")) for flag in close.flags.split(",") if flag.startswith("stale:")), 0)


@dataclass(frozen=True, slots=True)
class ValueHistory:
    """A portfolio's life on D pack days from its first: base currency, float64, read-only arrays.

    H holdings: first the securities ever held, then the currencies in which cash was ever kept.
    """

    base_currency: str
    flow_timing: str
    dates: Days
    pack_ids: tuple[str, ...]
    value: Floats
    """(D,) at the close, cash basis."""
    cash: Floats
    inflow: Floats
    """(D,) external money in, not negative; `outflow` likewise out."""
    outflow: Floats
    receivable: Floats
    recurring_fees: Floats
    """(D,) management and custody fees booked, not negative; they are within the value's loss."""
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


def history(book: Book, market: History) -> ValueHistory:
    """The whole life of a book on the packs that `market` sees.

    raises   BeforeTheFirstPack, MissingPrice, MissingRate, InvariantViolated
    """
    days, first = _life(book, market)
    D = len(days)
    column = {security: market.security(security) for security in {parcel.security for parcel in book.parcels}}
    securities = sorted(column, key=lambda each: column[each])
    currencies = sorted({currency for event in book.events for currency, _ in legs(event)})
    N, C = len(securities), len(currencies)
    columns = [column[security] for security in securities]

    units = np.zeros((D, N))
    for parcel in book.parcels:
        start = _day(days, parcel.valid_from)
        end = D if parcel.valid_to is None else _day(days, parcel.valid_to)
        units[start:end, columns.index(column[parcel.security])] += float(parcel.quantity)
    close = market.close[first:, columns]
    _require_known(close, units != 0, days, [market.symbols[each] for each in columns])
    local_value = np.where(units != 0, units * np.nan_to_num(close), 0.0)

    trading = [market.security_currencies[each] for each in columns]
    fx = {currency: _rates(market, currency, book.base_currency, first) for currency in {*trading, *currencies}}
    security_fx = np.column_stack([fx[currency] for currency in trading]) if N else np.zeros((D, 0))
    cash_fx = np.column_stack([fx[currency] for currency in currencies]) if C else np.zeros((D, 0))

    moves = _moves(book, days, columns, column, currencies)
    balances = _balances_by_day(book, days, currencies)
    total = (local_value * security_fx).sum(axis=1) + (balances * cash_fx).sum(axis=1)
    inflow, outflow = (moves.external_in * cash_fx).sum(axis=1), (moves.external_out * cash_fx).sum(axis=1)

    begin = np.concatenate(([0.0], total[:-1])) + inflow
    kept = _attribution(local_value, security_fx, balances, cash_fx, moves, begin)
    gain = total + outflow - begin
    explained = kept.gains.sum(axis=1) + kept.other
    _require_equal("the sum of the holdings' gains", days, explained, gain, scale=np.abs(total) + np.abs(begin))

    with np.errstate(divide="ignore", invalid="ignore"):
        other = np.where(begin > 0, kept.other / begin, 0.0)
    result = ValueHistory(
        base_currency=book.base_currency,
        flow_timing=book.flow_timing,
        dates=days,
        pack_ids=market.pack_ids[first:],
        value=total,
        cash=(balances * cash_fx).sum(axis=1),
        inflow=inflow,
        outflow=outflow,
        receivable=_receivable_by_day(book, days, fx),
        recurring_fees=_fees_by_day(book, days, fx, currencies, recurring=True).sum(axis=1),
        cash_fees=_fees_by_day(book, days, fx, currencies),
        observed=_observed(market, columns, first, units != 0),
        exchanges=tuple(sorted({market.exchanges[each] for each in columns})),
        flows=_dated_flows(book, days, fx),
        holdings=tuple(
            [(market.symbols[position], currency) for position, currency in zip(columns, trading, strict=True)]
            + [(currency, currency) for currency in currencies]
        ),
        local_returns=kept.local_returns,
        fx_returns=kept.fx_returns,
        weights=kept.weights,
        other=other,
        sources=_sources(market, columns, [*trading, *currencies, book.base_currency]),
    )
    for name in result.__dataclass_fields__:
        array = getattr(result, name)
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return result


@dataclass(frozen=True, slots=True)
class _Moves:
    """(D, N) and (D, C) money that moved between holdings, each in its own currency, gross and not negative."""

    security_in: Floats
    security_out: Floats
    cash_in: Floats
    cash_out: Floats
    external_in: Floats
    external_out: Floats


@dataclass(frozen=True, slots=True)
class _Attribution:
    local_returns: Floats
    fx_returns: Floats
    weights: Floats
    gains: Floats
    other: Floats


def _attribution(
    local_value: Floats, security_fx: Floats, balances: Floats, cash_fx: Floats, moves: _Moves, begin: Floats
) -> _Attribution:
    """Split each day's gain over the holdings, and each holding's into what its own currency and what the FX did.

    Money into a holding counts from the start of its day at the day's rate, money out of it until the end (the default flow
    timing, on holding level). What is earned or charged on a balance that begins the day empty has no rate of return; it goes,
    with the difference between deal rate and fixing, into `other`.
    """
    close = np.concatenate((local_value, balances), axis=1)
    rate = np.concatenate((security_fx, cash_fx), axis=1)
    came = np.concatenate((moves.security_in, moves.cash_in + moves.external_in), axis=1)
    went = np.concatenate((moves.security_out, moves.cash_out + moves.external_out), axis=1)
    zero = np.zeros((1, close.shape[1]))
    opened = np.concatenate((zero, close[:-1]))
    opening_rate = np.concatenate((rate[:1], rate[:-1]))

    start_local = opened + came
    start_base = opened * opening_rate + came * rate
    end_local = close + went
    dust = 1e-9 * (np.abs(opened) + np.abs(came) + np.abs(end_local)) + 1e-9
    measured = (np.abs(start_local) > dust) & (np.abs(start_base) > dust)
    with np.errstate(divide="ignore", invalid="ignore"):
        local_returns = _without_dust(np.where(measured, end_local / start_local - 1.0, 0.0))
        fx_returns = _without_dust(np.where(measured, start_local * rate / start_base - 1.0, 0.0))
        weights = np.where((begin[:, None] > 0) & measured, start_base / begin[:, None], 0.0)
    gains = np.where(measured, end_local * rate - start_base, 0.0)
    unmeasured = np.where(measured, 0.0, (end_local - start_local) * rate)
    # Internal moves leave one holding and enter another; what does not cancel at the fixing is the dealing difference.
    internal_in = np.concatenate((moves.security_in, moves.cash_in), axis=1) * rate
    internal_out = np.concatenate((moves.security_out, moves.cash_out), axis=1) * rate
    dealing = internal_in.sum(axis=1) - internal_out.sum(axis=1)
    return _Attribution(local_returns, fx_returns, weights, gains, dealing + unmeasured.sum(axis=1))


def _without_dust(returns: Floats) -> Floats:
    """A balance that did not move returns nothing, not the last bit of a division."""
    return np.where(np.abs(returns) < 1e-14, 0.0, returns)


def _moves(book: Book, days: Days, columns: list[int], column: Mapping[int, int], currencies: list[str]) -> _Moves:
    D, N, C = len(days), len(columns), len(currencies)
    moves = _Moves(*(np.zeros((D, N)) for _ in range(2)), *(np.zeros((D, C)) for _ in range(4)))
    place = {position: index for index, position in enumerate(columns)}
    money = {currency: index for index, currency in enumerate(currencies)}
    for event in book.events:
        day = _day(days, event.date)
        if day == D:
            break
        if event.kind in EXTERNAL:
            _add(moves.external_in, moves.external_out, day, money[event.currency], event.amount)
        elif event.counter_amount is not None:
            _add(moves.cash_in, moves.cash_out, day, money[event.currency], event.amount)
            _add(moves.cash_in, moves.cash_out, day, money[event.counter_currency], event.counter_amount)
        elif event.security is not None and event.currency:
            _add(moves.cash_in, moves.cash_out, day, money[event.currency], event.amount)
            _add(moves.security_in, moves.security_out, day, place[column[event.security]], -event.amount)
    return moves


def _add(into: Floats, out_of: Floats, day: int, column: int, amount: Decimal) -> None:
    target = into if amount > 0 else out_of
    target[day, column] += abs(float(amount))


def _balances_by_day(book: Book, days: Days, currencies: list[str]) -> Floats:
    """(D, C) cash at the close, summed exactly before it becomes a float."""
    balances = np.zeros((len(days), len(currencies)))
    for position, currency in enumerate(currencies):
        running = Decimal(0)
        for event in book.events:
            for leg_currency, amount in legs(event):
                if leg_currency == currency:
                    running += amount
                    balances[_day(days, event.date) :, position] = float(running)
    return balances


def _receivable_by_day(book: Book, days: Days, fx: Mapping[str, Floats]) -> Floats:
    due = np.zeros(len(days))
    for event in book.events:
        if event.kind == "dividend" and event.ex_date is not None:
            start, end = _day(days, event.ex_date), _day(days, event.date)
            due[start:end] += float(event.amount) * fx[event.currency][start:end]
    return due


def _fees_by_day(
    book: Book, days: Days, fx: Mapping[str, Floats], currencies: list[str], *, recurring: bool = False
) -> Floats:
    """(D, C) base currency: those that belong to no deal, or management and custody alone, whatever they came with."""
    charged = np.zeros((len(days), len(currencies)))
    for event in book.events:
        counts = event.fee_kind in RECURRING_FEES if recurring else event.kind == "fee"
        if counts and (day := _day(days, event.date)) < len(days):
            charged[day, currencies.index(event.currency)] += float(event.fee) * fx[event.currency][day]
    return charged


def _dated_flows(book: Book, days: Days, fx: Mapping[str, Floats]) -> tuple[tuple[date, float], ...]:
    """Each external flow on its own date, at the rate of the pack that it belongs to."""
    return tuple(
        (event.date, float(event.amount) * float(fx[event.currency][_day(days, event.date)]))
        for event in book.events
        if event.kind in EXTERNAL and _day(days, event.date) < len(days)
    )


def _life(book: Book, market: History) -> tuple[Days, int]:
    """The pack days from the first event's on, and where they begin in the market's."""
    began = book.first_date
    if began is None:
        return market.dates[:0], len(market.dates)
    first = int(np.searchsorted(market.dates, np.datetime64(began)))
    if len(market.dates) == 0 or np.datetime64(began) < market.dates[0]:
        raise BeforeTheFirstPack(began, market.dates[0].item() if len(market.dates) else None)
    return market.dates[first:], first


def _day(days: Days, on: date) -> int:
    """The pack day that an event belongs to: its own, or the next."""
    return int(np.searchsorted(days, np.datetime64(on)))


def _receivables(book: Book, asof_date: date) -> dict[str, Decimal]:
    due: dict[str, Decimal] = {}
    for event in book.events:
        if event.kind == "dividend" and event.ex_date is not None and event.ex_date <= asof_date < event.date:
            due[event.currency] = due.get(event.currency, Decimal(0)) + event.amount
    return due


def _balances(amounts: Mapping[str, Decimal]) -> tuple[CashBalance, ...]:
    return tuple(CashBalance(currency, amounts[currency]) for currency in sorted(amounts))


def _cost_in_base(cost: Decimal, fx_to_base: Decimal | None, currency: str, base: str) -> Decimal | None:
    if currency == base:
        return cost
    return None if fx_to_base is None else cost * fx_to_base


def _valued(row: CashBalance, fx: Decimal, base: str, weight: Any) -> ValuedCash:
    return ValuedCash(
        row.currency,
        quantise(row.amount, row.currency),
        round(fx, 12),
        quantise(row.amount * fx, base),
        weight(row.amount * fx),
    )


def _require_known(close: Floats, held: npt.NDArray[np.bool_], days: Days, symbols: list[str]) -> None:
    """Raises MissingPrice for the first held security without a close."""
    missing = held & np.isnan(close)
    if missing.any():
        day, position = (int(each) for each in np.argwhere(missing)[0])
        known = np.flatnonzero(~np.isnan(close[:day, position]))
        raise markets.MissingPrice(symbols[position], days[day].item(), days[known[-1]].item() if len(known) else None)


def _rates(market: History, currency: str, base: str, first: int) -> Floats:
    """(D,) base currency for one of the currency. Raises MissingRate on the first day without one."""
    if currency == base:
        return np.ones(len(market.dates) - first)
    rates = market.fx(currency, base)[first:]
    if np.isnan(rates).any():
        raise MissingRate(currency, base, market.dates[first + int(np.argmax(np.isnan(rates)))].item())
    return rates


def _observed(market: History, columns: list[int], first: int, held: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(D,) days on which the exchange of something held was open: one of its securities closed that day."""
    closed_that_day = market.observed[first:] == market.dates[first:, None]
    open_days = np.zeros(len(held), dtype=np.bool_)
    for position, column in enumerate(columns):
        same = [each for each, exchange in enumerate(market.exchanges) if exchange == market.exchanges[column]]
        # Held at the close of the day, or sold on it: the day's return is the holding's either way.
        was_held = held[:, position] | np.concatenate(([False], held[:-1, position]))
        open_days |= was_held & closed_that_day[:, same].any(axis=1)
    return open_days


def _sources(market: History, columns: list[int], currencies: list[str]) -> tuple[str, ...]:
    found = {source for column in columns for source in market.close_sources[column]}
    if len(set(currencies)) > 1:
        found |= {source for currency in currencies for source in market.fx_sources[market.currency(currency)]}
    return tuple(sorted(found))


def _require_equal(invariant: str, days: Days, one: Floats, other: Floats, *, scale: Floats) -> None:
    off = np.abs(one - other)
    wrong = off > 1e-9 * scale + 1e-6
    if wrong.any():
        where = int(np.argmax(wrong))
        raise InvariantViolated(invariant, days[where].item(), float(off[where]))
