"""Markets, books and lives made by hand. The pivot of the markets is CAD: a rate is CAD for one of the currency."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

import numpy as np

from portfolio.books import Book, Event, LotState
from portfolio.books.lots import LotHistory
from portfolio.ledger.journal import LedgerTransaction
from portfolio.valuation import ValueHistory
from pricing.market import History

NAN = float("nan")


def day(text: str) -> date:
    return date.fromisoformat(text)


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]")


def market(
    dates: Sequence[str],
    closes: Mapping[str, Sequence[float]],
    *,
    currencies: Mapping[str, str] | None = None,
    exchanges: Mapping[str, str] | None = None,
    fx: Mapping[str, Sequence[float]] | None = None,
    observed: Mapping[str, Sequence[str]] | None = None,
) -> History:
    """Securities are numbered from 1 in the order given; without a currency they trade in CAD, and in New York."""
    symbols, rates = tuple(closes), fx or {}
    close = np.array([closes[symbol] for symbol in symbols], dtype=float).reshape(len(symbols), len(dates)).T
    seen = [
        np.where(
            np.isnan(column), np.datetime64("NaT"), np.array((observed or {}).get(symbol, dates), dtype="datetime64[D]")
        )
        for symbol, column in zip(symbols, close.T, strict=True)
    ]
    return History(
        pack_id=f"PP_{dates[-1]}_BOC_CAD_r1",
        dates=days(*dates),
        pack_ids=tuple(f"PP_{each}_BOC_CAD_r1" for each in dates),
        security_ids=tuple(range(1, len(symbols) + 1)),
        symbols=symbols,
        security_currencies=tuple((currencies or {}).get(symbol, "CAD") for symbol in symbols),
        exchanges=tuple((exchanges or {}).get(symbol, "XNYS") for symbol in symbols),
        close=close,
        observed=np.stack(seen, axis=1) if seen else np.zeros((len(dates), 0), dtype="datetime64[D]"),
        carried=np.zeros(close.shape, dtype=bool),
        currencies=("CAD", *rates),
        fx_to_pivot=np.column_stack([np.ones(len(dates)), *(np.array(each, dtype=float) for each in rates.values())]),
        close_sources=(("wood",),) * len(symbols),
        fx_sources=((), *(("central",),) * len(rates)),
    )


def book(events: Sequence[Event], lots: Sequence[LotState] = (), *, flow_timing: str = "in_start_out_end") -> Book:
    return Book(UUID(int=7), "CAD", flow_timing, tuple(events), tuple(lots))


def booked(
    entries: Sequence[LedgerTransaction],
    history: LotHistory,
    ids: Mapping[str, int],
    *,
    base: str = "CAD",
    method: str = "FIFO",
    trade_fx: str = "ledger",
    fees_in_cost: bool = True,
) -> Book:
    """What portfolio.books would load of the rows of a ledger."""
    return Book(
        UUID(int=7),
        base,
        "in_start_out_end",
        events=tuple(Event.from_ledger(each, number, ids) for number, each in enumerate(entries, 1)),
        lots=history.lots,
        matches=history.matches,
        trade_fx=trade_fx,
        fees_in_cost=fees_in_cost,
        booking_method=method,
    )


def event(
    on: str,
    kind: str,
    amount: str = "0",
    currency: str = "CAD",
    *,
    security: int | None = None,
    quantity: str | None = None,
    counter: tuple[str, str] | None = None,
    tax: str = "0",
    ex_date: str | None = None,
    ratio: str | None = None,
    fee: str = "0",
    fee_kind: str = "",
) -> Event:
    """Amount is what it does to the cash of its currency."""
    return Event(
        entry_id="",
        ordinal=1,
        date=day(on),
        kind=kind,
        security=security,
        quantity=Decimal(quantity) if quantity else None,
        amount=Decimal(amount),
        currency=currency,
        counter_amount=Decimal(counter[0]) if counter else None,
        counter_currency=counter[1] if counter else "",
        tax=Decimal(tax),
        ex_date=day(ex_date) if ex_date else None,
        ratio=Decimal(ratio) if ratio else None,
        fee=Decimal(fee),
        fee_kind=fee_kind,
    )


def lot(
    security: int,
    quantity: str,
    since: str,
    until: str | None = None,
    *,
    unit_cost: str = "1",
    currency: str = "CAD",
    fx_to_base: str | None = None,
) -> LotState:
    """Held at the close of every day from `since` on, and before `until`."""
    units, cost = Decimal(quantity), Decimal(unit_cost)
    return LotState(
        security,
        "Assets:Shares",
        day(since),
        units,
        cost,
        units * cost,
        currency,
        Decimal(fx_to_base) if fx_to_base else None,
        day(since),
        day(until) if until else None,
    )


def life(
    dates: Sequence[str] | np.ndarray,
    values: Sequence[float],
    *,
    inflow: Sequence[float] | None = None,
    outflow: Sequence[float] | None = None,
    flows: Sequence[tuple[str, float]] | None = None,
    observed: Sequence[bool] | None = None,
    exchanges: tuple[str, ...] = ("XNYS",),
    flow_timing: str = "in_start_out_end",
    fees: Sequence[float] | None = None,
    pack: str = "ECB_EUR",
) -> ValueHistory:
    """A value history of no holdings; without flows, the first value is deposited on the first day."""
    on = np.array(dates, dtype="datetime64[D]")
    first = np.zeros(len(on))
    first[0] = values[0]
    came = first if inflow is None else np.array(inflow, dtype=float)
    went = np.zeros(len(on)) if outflow is None else np.array(outflow, dtype=float)
    dated = [(on[at].item(), came[at] - went[at]) for at in np.flatnonzero(came - went)]
    none = np.zeros((len(on), 0))
    return ValueHistory(
        base_currency="CAD",
        flow_timing=flow_timing,
        dates=on,
        pack_ids=tuple(f"PP_{each}_{pack}_r1" for each in on),
        value=np.array(values, dtype=float),
        cash=np.minimum(np.array(values, dtype=float), 0.0),  # what is below zero is owed
        inflow=came,
        outflow=went,
        receivable=np.zeros(len(on)),
        recurring_fees=np.zeros(len(on)) if fees is None else np.array(fees, dtype=float),
        outside_fees=np.zeros(len(on)),
        cash_fees=np.zeros((len(on), 0)),
        observed=np.ones(len(on), dtype=bool) if observed is None else np.array(observed),
        exchanges=exchanges,
        flows=tuple(dated if flows is None else [(day(text), amount) for text, amount in flows]),
        holdings=(),
        local_returns=none,
        fx_returns=none,
        weights=none,
        other=np.zeros(len(on)),
        sources=(),
    )
