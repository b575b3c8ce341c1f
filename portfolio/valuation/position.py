"""What is held at the close of a day, before anything is priced: positions, cash, dividends due, deals not settled."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from portfolio.books import Book, Event, LotState
from portfolio.valuation.deal_rates import DealRates
from portfolio.valuation.money import without_trailing_zeros


@dataclass(frozen=True, slots=True)
class Position:
    security_id: int
    symbol: str
    name: str
    quantity: Decimal
    cost_basis: Decimal | None
    """In `currency`, by the portfolio's fee setting; what was paid in another is converted as of the purchase. None where a lot
    was, and a rate of its day is unknown."""
    cost_basis_base: Decimal | None
    """In base currency at the trade dates' FX; None where a lot was bought before anything was priced, at a rate unknown."""
    currency: str
    base_currency: str
    is_clean_priced: bool = False
    """Whether its price leaves out the interest accrued, of which nothing is known."""


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
    book: Book = field(metadata={"handed_on": True})
    """The book itself. It is handed to the steps that follow, and is not in the answer."""


def positions(
    book: Book,
    asof_date: date,
    securities: Mapping[int, tuple[str, str, str]],
    rates: DealRates | None = None,
    *,
    clean_priced: Collection[int] = (),
) -> Positions:
    """What the book holds at the close of a day.

    securities    id -> (symbol, name, currency)
    rates         what lots without a rate in the ledger were bought at; None: they have no cost in the base currency
    clean_priced  those whose price leaves out the interest accrued, where nothing is known of their coupons
    """
    rows: list[Position] = []
    lots: dict[int, list[LotState]] = {}
    for lot in book.lots:
        if lot.is_open(asof_date):
            lots.setdefault(lot.security, []).append(lot)
    for security_id in sorted(lots, key=lambda each: securities[each][0]):
        symbol, name, currency = securities[security_id]
        in_own, in_base = (
            [_cost_in(lot, currency_of_cost, book.base_currency, rates) for lot in lots[security_id]]
            for currency_of_cost in (currency, book.base_currency)
        )
        rows.append(
            Position(
                security_id=security_id,
                symbol=symbol,
                name=name,
                quantity=without_trailing_zeros(sum((lot.quantity for lot in lots[security_id]), Decimal(0))),
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
        book=book,
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
            quantity=None if event.quantity is None else without_trailing_zeros(event.quantity),
            amount=amount,
            currency=currency,
        )
        for event in book.events
        if event.settle_date is not None and event.date <= asof_date < event.settle_date
        for currency, amount in event.cash_legs()
    )


def _cost_in(lot: LotState, currency: str, base: str, rates: DealRates | None) -> Decimal | None:
    """At the rates of its purchase; None where one is unknown."""
    if rates is not None:
        cost = rates.cost_of_lot(lot, currency)
        return cost.base if currency == base else cost.local
    if lot.currency == currency:
        return lot.cost
    rate = Decimal(1) if lot.currency == base else lot.fx_to_base
    return None if rate is None or currency != base or lot.layers else lot.cost * rate


def _sum_if_known(amounts: Iterable[Decimal | None]) -> Decimal | None:
    terms = list(amounts)
    return None if None in terms else sum((amount for amount in terms if amount is not None), Decimal(0))
