"""A portfolio's whole life as float64 arrays by pack day. It agrees with the exact value of one day to 1e-9."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import numpy.typing as npt

from portfolio.books import Book
from portfolio.valuation.balances import cash_by_day, fill_rates, receivable_by_day, units_by_day
from portfolio.valuation.flows import Scope, across_border, dated_flows, fees_by_day, find_moves, in_base
from portfolio.valuation.gaps import Gap, find_flows_between, find_gaps
from portfolio.valuation.holding_returns import attribute_gains
from portfolio.valuation.invariants import require_equal
from portfolio.valuation.listed import list_securities, sources_of
from portfolio.valuation.pack_days import Days, Floats, life_of, pack_days_of
from pricing.fx import MissingRate
from pricing.market import History


@dataclass(frozen=True, slots=True)
class ValueHistory:
    """A portfolio's life on D days from its first: base currency, float64, read-only arrays.

    The days are the pack days on which it has a value; those without one are `gaps`, and what happened on them belongs to the
    next day with a value. H holdings: first the securities ever held, then the currencies in which there ever was cash.
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
    """The life of a book up to the last day of `market`; events after it are left out.

    raises   MissingPrice, MissingRate where the last day has no value, InvariantViolated
    """
    return Valuer(market).history(book, scope=scope)


class Valuer:
    """Values books on one market. What depends on the market alone is computed once, for all of them."""

    def __init__(self, market: History) -> None:
        self.market = market
        self._open_days: dict[str, npt.NDArray[np.bool_]] = {}
        self._rates: dict[tuple[str, str], Floats] = {}
        self._is_carried: list[bool] = np.asarray(market.carried.any(axis=0)).tolist()

    def history(self, book: Book, *, scope: Scope = "portfolio") -> ValueHistory:
        """The life of a book, as the function `history` gives it."""
        market, base = self.market, book.base_currency
        if len(market.dates):
            book = book.as_of(market.dates[-1].item())
        days, first, is_late = life_of(book, market)
        securities = list_securities(book, market)
        place, N = securities.place, len(securities.symbols)
        currencies = sorted({currency for event in book.events for currency, _ in event.cash_legs()})
        own_rates = {currency: self._fx(currency, base, first) for currency in {*securities.trading, *currencies}}
        own_close, own_at = securities.closes(first), pack_days_of(days, [event.date for event in book.events])

        units, balances = units_by_day(book, days, place), cash_by_day(book, own_at, currencies, len(days))
        in_currency = dict(zip(currencies, balances.T != 0, strict=True))
        gaps, valued = find_gaps(book, days, own_at, securities, units, in_currency, own_close, own_rates)
        flow_in_gap, rows, pack_days = None, first + np.arange(len(days)), days
        if gaps:
            places = np.flatnonzero(valued)
            flow_in_gap = find_flows_between(book, own_at, places, scope, is_late=is_late)
            days, rows, units, balances = days[places], rows[places], units[places], balances[places]
        D, C = len(days), len(currencies)
        is_held = units != 0
        close = own_close[valued] if gaps else own_close
        fx = {currency: fill_rates(rates[valued] if gaps else rates) for currency, rates in own_rates.items()}
        at = pack_days_of(days, [event.date for event in book.events]) if gaps else own_at

        # One row more than there are days: the day before, on which nothing was held.
        closes = np.zeros((D + 1, N + C))
        np.multiply(units, close, out=closes[1:, :N], where=is_held)
        closes[1:, N:] = balances
        rates = np.empty((D + 1, N + C))
        for position, currency in enumerate([*securities.trading, *currencies]):
            rates[1:, position] = fx[currency]
        rates[0] = rates[1] if D else 0.0

        due = receivable_by_day(book, days, at, fx, place)
        if book.accrual == "accrual":
            closes[1:, :N] += np.divide(due, rates[1:, :N], out=np.zeros(due.shape), where=due != 0)

        moves = find_moves(book, at, securities, currencies, close, D, fx, since=1 if is_late else 0)
        fees = fees_by_day(book, at, fx, currencies, D, since=1 if is_late else 0)
        if scope == "securities_only":  # what cash earns and pays by itself is outside
            closes, rates, currencies = closes[:, :N], rates[:, :N], []
            moves, fees = across_border(moves, N), (np.zeros((D, 0)),) * 3
        if is_late and D:
            moves.external_in[0], moves.external_out[0] = np.maximum(closes[1], 0.0), np.maximum(-closes[1], 0.0)
        cash = (closes[1:, N:] * rates[1:, N:]).sum(axis=1)
        total = (closes[1:, :N] * rates[1:, :N]).sum(axis=1) + cash
        inflow, outflow = in_base(moves.external_in, rates[1:]), in_base(moves.external_out, rates[1:])

        recurring_fees, cash_fees, outside_fees = fees
        begin = np.concatenate(([0.0], total[:-1])) + inflow
        attributed = attribute_gains(closes, rates, moves, begin)
        gain = total + outflow - begin
        explained = attributed.gains + attributed.other
        require_equal("the sum of the holdings' gains", days, explained, gain, scale=np.abs(total) + np.abs(begin))

        with np.errstate(divide="ignore", invalid="ignore"):
            other = np.where(begin > 0, attributed.other / begin, 0.0)
        flows = dated_flows(book, pack_days, own_at, own_rates, own_close, securities, scope)
        if is_late and D:
            opening_day = days[0].item()
            flows = ((opening_day, float(total[0])), *((on, amount) for on, amount in flows if on > opening_day))
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
            observed=self._observed(securities.exchanges, rows, is_held[:, : len(securities.exchanges)]),
            exchanges=tuple(sorted(set(securities.exchanges))),
            flows=flows,
            holdings=tuple(
                list(zip(securities.symbols, securities.trading, strict=True))
                + [(currency, currency) for currency in currencies]
            ),
            local_returns=attributed.local_returns,
            fx_returns=attributed.fx_returns,
            weights=attributed.weights,
            other=other,
            sources=sources_of(market, securities.columns, [*securities.trading, *currencies, base]),
            accrual=book.accrual,
            gaps=gaps,
            flow_in_gap=flow_in_gap,
            is_late=is_late,
            carried=self._carried_value(securities.columns, rows, closes[1:, :N] * rates[1:, :N]),
            scope=scope,
        )
        return _read_only(result)

    def headline(self, book: Book, whole: ValueHistory) -> ValueHistory:
        """The history that returns are measured on: `whole`, or of the securities alone where deposits are inferred."""
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
        self, exchanges: Sequence[str], rows: npt.NDArray[np.intp], is_held: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:
        """(D,) days on which the exchange of something held was open: one of its securities closed that day."""
        open_days = np.zeros(len(is_held), dtype=np.bool_)
        for exchange in set(exchanges):
            is_listed = np.asarray(is_held[:, [each == exchange for each in exchanges]].any(axis=1))
            # Held at the close of the day, or sold on it: the day's return is the holding's either way.
            was_held = is_listed | np.concatenate(([False], is_listed[:-1]))[: len(is_listed)]
            open_days |= was_held & self._sessions(exchange)[rows]
        return open_days

    def _carried_value(self, columns: list[int], rows: npt.NDArray[np.intp], values: Floats) -> Floats | None:
        """(D,) the part of `values` (D, N) that is carried at the last close of something delisted; None where nothing is."""
        if not any(self._is_carried[each] for each in columns):
            return None
        carried = np.where(self.market.carried[:, columns][rows], values[:, : len(columns)], 0.0).sum(axis=1)
        return carried if carried.any() else None

    def _sessions(self, exchange: str) -> npt.NDArray[np.bool_]:
        """(D,) whether a security of the exchange closed on the pack day."""
        market = self.market
        if exchange not in self._open_days:
            on_exchange = [each == exchange for each in market.exchanges]
            self._open_days[exchange] = (market.observed[:, on_exchange] == market.dates[:, None]).any(axis=1)
        return self._open_days[exchange]


def _read_only(result: ValueHistory) -> ValueHistory:
    for each in fields(result):
        array = getattr(result, each.name)
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return result
