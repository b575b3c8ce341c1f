"""Dividends and interest as terms: what was paid, gross or withheld, at the rate of its day."""

from collections.abc import Iterable
from datetime import date

from portfolio.books import Book, Event
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Items, Term, product
from portfolio.valuation import gains


def received(book: Book, asof: date, *, since: date = date.min, security: int | None = None) -> list[Event]:
    """All that was paid from `since` up to the as-of date; by one security where it is given."""
    return [
        event
        for event in book.events
        if event.kind in gains.PAYING and since <= event.date <= asof and security in (None, event.security)
    ]


def paid(market: MarketTerms, events: Iterable[Event], name: str, what: str, *, in_base: bool = True) -> Items:
    """Payments, `gross` or what was withheld of them (`tax`, `fee`), each at the rate of its day; or in their own currency."""
    return Items(name, tuple(_payment(market, event, what, in_base=in_base) for event in events))


def _payment(market: MarketTerms, event: Event, what: str, *, in_base: bool) -> Term:
    if what in ("tax", "fee"):
        amount = market.booked(event, what, getattr(event, what))
    else:
        booked = [market.booked(event, each, getattr(event, each)) for each in ("amount", "tax", "fee")]
        formula, gross = "amount + tax + fee", gains.gross(event)
        if event.kind == "reinvested_dividend":
            booked.append(market.booked(event, "bought", gross - event.amount - event.tax - event.fee))
            formula += " + bought"
        amount = Term("gross", gross, event.currency, formula, tuple(booked))
    label = f"{event.date} {event.kind} {market.symbol(event.security)}".rstrip()
    terms = (amount, market.deal_rate(event)) if in_base else (amount,)
    return product(event.entry_id, terms, market.base if in_base else event.currency, label=label)
