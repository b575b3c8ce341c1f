"""What a book holds at the close of each pack day: units, cash and dividends due, as arrays."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from portfolio.books import Book
from portfolio.valuation.pack_days import Days, Floats, pack_days_of


def units_by_day(book: Book, days: Days, place: Mapping[int, int]) -> Floats:
    """(D, N) units held at each close; `place` gives the column of a security."""
    # A security's days beside each other while they are filled.
    units = np.zeros((max(place.values(), default=-1) + 1, len(days)))
    starts = pack_days_of(days, [lot.valid_from for lot in book.lots])
    ends = pack_days_of(days, [lot.valid_to or date.max for lot in book.lots])
    for lot, start, end in zip(book.lots, starts, ends, strict=True):
        units[place[lot.security], start:end] += float(lot.quantity)
    return np.ascontiguousarray(units.T)


def cash_by_day(book: Book, at: Sequence[int], currencies: list[str], days: int) -> Floats:
    """(D, C) cash at the close, summed exactly before it becomes a float."""
    running = dict.fromkeys(currencies, Decimal(0))
    steps: dict[str, dict[int, Decimal]] = {currency: {} for currency in currencies}
    for event, day in zip(book.events, at, strict=True):
        for currency, amount in event.cash_legs():
            running[currency] += amount
            steps[currency][day] = running[currency]
    balances = np.zeros((days, len(currencies)))
    for position, currency in enumerate(currencies):
        changed = [day for day in steps[currency] if day < days]
        for day, until in zip(changed, [*changed, days][1:], strict=True):
            balances[day:until, position] = float(steps[currency][day])
    return balances


def receivable_by_day(
    book: Book, days: Days, at: Sequence[int], fx: Mapping[str, Floats], place: Mapping[int, int]
) -> Floats:
    """(D, N) base currency, by the security that pays."""
    due = np.zeros((len(days), max(place.values(), default=-1) + 1))
    dividends = [
        (event, end)
        for event, end in zip(book.events, at, strict=True)
        if event.kind == "dividend" and event.ex_date is not None and event.security is not None
    ]
    starts = pack_days_of(days, [event.ex_date for event, _ in dividends if event.ex_date is not None])
    for (event, end), start in zip(dividends, starts, strict=True):
        if start < end and event.security is not None:
            due[start:end, place[event.security]] += float(event.amount) * fx[event.currency][start:end]
    return due


def fill_rates(rates: Floats) -> Floats:
    """DealRates with the last known one, or zero, where there is none: for a product with what is nothing on those days."""
    has_rate = ~np.isnan(rates)
    if has_rate.all():
        return rates
    last = np.maximum.accumulate(np.where(has_rate, np.arange(len(rates)), -1))
    return np.where(last < 0, 0.0, rates[last])
