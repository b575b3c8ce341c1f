"""What a portfolio is worth: one day exactly in Decimal, its whole life as float64 arrays. They agree to 1e-9.

Value is quantity x close x FX, cash at FX, in the base currency, on cash basis: dividends between ex-date and pay date stand
beside the value as a receivable, so that the value ties out with the ledger (MEASUREMENT, Returns and Value).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from config.errors import TieoutError
from portfolio.books import EXTERNAL, Book, legs
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
    return Valuer(market).history(book)


class Valuer:
    """Values books on one market. What does not depend on the book is worked out once, for all of them."""

    def __init__(self, market: History) -> None:
        self.market = market
        self._open_days: dict[str, npt.NDArray[np.bool_]] = {}
        self._rates: dict[tuple[str, str], Floats] = {}

    def history(self, book: Book) -> ValueHistory:
        """As the function of the same name."""
        market, base = self.market, book.base_currency
        days, first = _life(book, market)
        D = len(days)
        column = {security: market.security(security) for security in {parcel.security for parcel in book.parcels}}
        columns = sorted(column.values())
        place = {security: columns.index(position) for security, position in column.items()}
        currencies = sorted({currency for event in book.events for currency, _ in legs(event)})

        units = _units(book, days, place)
        held = units != 0
        close = market.close[first:, columns]
        _require_known(close, held, days, [market.symbols[each] for each in columns])
        trading = [market.security_currencies[each] for each in columns]
        fx = {currency: self._fx(currency, base, first) for currency in {*trading, *currencies}}

        # One row more than there are days: the day before, on which nothing was held.
        N, H = len(columns), len(columns) + len(currencies)
        closes = np.zeros((D + 1, H))
        np.multiply(units, close, out=closes[1:, :N], where=held)
        at = _pack_days(days, [event.date for event in book.events])
        closes[1:, N:] = _balances_by_day(book, at, currencies, D)
        rates = np.empty((D + 1, H))
        for position, currency in enumerate([*trading, *currencies]):
            rates[1:, position] = fx[currency]
        rates[0] = rates[1] if D else 0.0

        moves = _moves(book, at, place, currencies, D)
        cash_fx = np.ascontiguousarray(rates[1:, N:])
        cash = (closes[1:, N:] * cash_fx).sum(axis=1)
        total = (closes[1:, :N] * rates[1:, :N]).sum(axis=1) + cash
        inflow, outflow = (moves.external_in * cash_fx).sum(axis=1), (moves.external_out * cash_fx).sum(axis=1)

        begin = np.concatenate(([0.0], total[:-1])) + inflow
        kept = _attribution(closes, rates, moves, begin)
        gain = total + outflow - begin
        explained = kept.gains + kept.other
        _require_equal("the sum of the holdings' gains", days, explained, gain, scale=np.abs(total) + np.abs(begin))

        with np.errstate(divide="ignore", invalid="ignore"):
            other = np.where(begin > 0, kept.other / begin, 0.0)
        result = ValueHistory(
            base_currency=base,
            flow_timing=book.flow_timing,
            dates=days,
            pack_ids=market.pack_ids[first:],
            value=total,
            cash=cash,
            inflow=inflow,
            outflow=outflow,
            receivable=_receivable_by_day(book, days, at, fx),
            observed=self._observed(columns, first, held),
            exchanges=tuple(sorted({market.exchanges[each] for each in columns})),
            flows=tuple(
                (event.date, float(event.amount) * float(fx[event.currency][day]))
                for event, day in zip(book.events, at, strict=True)
                if event.kind in EXTERNAL and day < D
            ),
            holdings=tuple(
                [(market.symbols[position], currency) for position, currency in zip(columns, trading, strict=True)]
                + [(currency, currency) for currency in currencies]
            ),
            local_returns=kept.local_returns,
            fx_returns=kept.fx_returns,
            weights=kept.weights,
            other=other,
            sources=_sources(market, columns, [*trading, *currencies, base]),
        )
        for name in result.__dataclass_fields__:
            array = getattr(result, name)
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
        return result

    def _fx(self, currency: str, base: str, first: int) -> Floats:
        """(D,) base currency for one of the currency. Raises MissingRate on the first day without one."""
        market = self.market
        if currency == base:
            return np.ones(len(market.dates) - first)
        if (currency, base) not in self._rates:
            self._rates[currency, base] = market.fx(currency, base)
        rates = self._rates[currency, base][first:]
        if np.isnan(rates).any():
            raise MissingRate(currency, base, market.dates[first + int(np.argmax(np.isnan(rates)))].item())
        return rates

    def _observed(self, columns: list[int], first: int, held: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """(D,) days on which the exchange of something held was open: one of its securities closed that day."""
        exchanges = [self.market.exchanges[column] for column in columns]
        open_days = np.zeros(len(held), dtype=np.bool_)
        for exchange in set(exchanges):
            listed = np.asarray(held[:, [each == exchange for each in exchanges]].any(axis=1))
            # Held at the close of the day, or sold on it: the day's return is the holding's either way.
            was_held = listed | np.concatenate(([False], listed[:-1]))
            open_days |= was_held & self._sessions(exchange)[first:]
        return open_days

    def _sessions(self, exchange: str) -> npt.NDArray[np.bool_]:
        """(D,) of the market: pack days on which a security of the exchange closed."""
        market = self.market
        if exchange not in self._open_days:
            listed = [each == exchange for each in market.exchanges]
            self._open_days[exchange] = (market.observed[:, listed] == market.dates[:, None]).any(axis=1)
        return self._open_days[exchange]


@dataclass(frozen=True, slots=True)
class _Moves:
    """Money that moved, each in its own currency, gross and not negative."""

    internal_in: Floats
    """(D, H) between holdings, as `internal_out`."""
    internal_out: Floats
    external_in: Floats
    """(D, C) across the portfolio's border, as `external_out`."""
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
    N = close.shape[1] - moves.external_in.shape[1]
    came, went = moves.internal_in.copy(), moves.internal_out.copy()
    came[:, N:] += moves.external_in
    went[:, N:] += moves.external_out

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
    gains[unmeasured] = 0.0
    end_local -= start_local
    end_local *= rate
    end_local[measured] = 0.0
    # Internal moves leave one holding and enter another; what does not cancel at the fixing is the dealing difference.
    dealing = np.zeros(len(begin))
    traded = np.flatnonzero(moves.internal_in.any(axis=1) | moves.internal_out.any(axis=1))
    dealing[traded] = (moves.internal_in[traded] * rate[traded]).sum(axis=1)
    dealing[traded] -= (moves.internal_out[traded] * rate[traded]).sum(axis=1)
    return _Attribution(local_returns, fx_returns, weights, gains.sum(axis=1), dealing + end_local.sum(axis=1))


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


def _moves(book: Book, at: list[int], place: Mapping[int, int], currencies: list[str], days: int) -> _Moves:
    N, C = max(place.values(), default=-1) + 1, len(currencies)
    money = {currency: index for index, currency in enumerate(currencies)}
    internal: tuple[list[tuple[int, int, float]], ...] = ([], [])
    external: tuple[list[tuple[int, int, float]], ...] = ([], [])
    for event, day in zip(book.events, at, strict=True):
        if day == days:
            break
        amount = float(event.amount)
        if event.kind in EXTERNAL:
            external[amount <= 0].append((day, money[event.currency], abs(amount)))
        elif event.counter_amount is not None:
            counter = float(event.counter_amount)
            internal[amount <= 0].append((day, N + money[event.currency], abs(amount)))
            internal[counter <= 0].append((day, N + money[event.counter_currency], abs(counter)))
        elif event.security is not None and event.currency:
            internal[amount <= 0].append((day, N + money[event.currency], abs(amount)))
            internal[amount >= 0].append((day, place[event.security], abs(amount)))
    return _Moves(*(_filled(each, days, N + C) for each in internal), *(_filled(each, days, C) for each in external))


def _filled(entries: list[tuple[int, int, float]], rows: int, columns: int) -> Floats:
    """(rows, columns) sums of entries (row, column, amount), added in their order."""
    filled = np.zeros((rows, columns))
    if entries:
        row, column, amount = zip(*entries, strict=True)
        np.add.at(filled, (np.array(row), np.array(column)), np.array(amount))
    return filled


def _balances_by_day(book: Book, at: list[int], currencies: list[str], days: int) -> Floats:
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
        for day, until in zip(changed, [*changed[1:], days], strict=True):
            balances[day:until, position] = float(steps[currency][day])
    return balances


def _receivable_by_day(book: Book, days: Days, at: list[int], fx: Mapping[str, Floats]) -> Floats:
    due = np.zeros(len(days))
    dividends = [
        (event, end)
        for event, end in zip(book.events, at, strict=True)
        if event.kind == "dividend" and event.ex_date is not None
    ]
    starts = _pack_days(days, [event.ex_date for event, _ in dividends if event.ex_date is not None])
    for (event, end), start in zip(dividends, starts, strict=True):
        due[start:end] += float(event.amount) * fx[event.currency][start:end]
    return due


def _life(book: Book, market: History) -> tuple[Days, int]:
    """The pack days from the first event's on, and where they begin in the market's."""
    began = book.first_date
    if began is None:
        return market.dates[:0], len(market.dates)
    first = int(np.searchsorted(market.dates, np.datetime64(began)))
    if len(market.dates) == 0 or np.datetime64(began) < market.dates[0]:
        raise BeforeTheFirstPack(began, market.dates[0].item() if len(market.dates) else None)
    return market.dates[first:], first


def _pack_days(days: Days, dates: Sequence[date]) -> list[int]:
    """Of each date the pack day that it belongs to: its own, or the next; len(days) after the last."""
    found: list[int] = np.searchsorted(days, np.array(dates, dtype="datetime64[D]")).tolist()
    return found


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
