"""Money and securities that move on pack days: between holdings, across the border of the portfolio, and as fees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from portfolio.books import EXTERNAL, RECURRING_FEES, Book, Event
from portfolio.valuation.listed import ListedSecurities
from portfolio.valuation.pack_days import Days, Floats

Scope = Literal["portfolio", "securities_only"]


IN_KIND = {"transfer_in": 1, "transfer_out": -1}
"""Securities that cross the portfolio's border, by the sign of what it does to them."""


def crosses_border(event: Event, scope: Scope) -> bool:
    """Whether the event moves money or securities over the border of the scope."""
    if event.kind in IN_KIND:
        return True
    if scope == "portfolio":
        return event.kind in EXTERNAL
    return _is_deal(event) and bool(event.amount)


def _is_deal(event: Event) -> bool:
    """Whether money went into a security or came out of it: what is paid for it, and what it pays."""
    return (
        event.kind not in EXTERNAL
        and event.counter_amount is None
        and event.security is not None
        and bool(event.currency)
    )


@dataclass(frozen=True, slots=True)
class Moves:
    """Money that moved, each in its own currency, gross and not negative."""

    internal_in: Floats
    """(D, H) between holdings, as `internal_out`."""
    internal_out: Floats
    external_in: Floats
    """(D, H) across the portfolio's border, as `external_out`: money, and securities in kind at the close of their day."""
    external_out: Floats


def find_moves(
    book: Book,
    at: Sequence[int],
    securities: ListedSecurities,
    currencies: list[str],
    close: Floats,
    day_count: int,
    fx: Mapping[str, Floats],
    *,
    since: int,
) -> Moves:
    """Moves of the events from the day number `since` on. `at` has the pack day of each event, `fx` the rates by currency."""
    D, N, C = day_count, len(securities.symbols), len(currencies)
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
            column = securities.place[event.security]
            amount_in_kind = IN_KIND[event.kind] * float(event.quantity) * _last_known(close[: day + 1, column])
            external[amount_in_kind <= 0].append((day, column, abs(amount_in_kind)))
        if event.kind in EXTERNAL:
            external[amount <= 0].append((day, N + money[event.currency], abs(amount)))
        elif event.counter_amount is not None:
            counter = float(event.counter_amount)
            internal[amount <= 0].append((day, N + money[event.currency], abs(amount)))
            internal[counter <= 0].append((day, N + money[event.counter_currency], abs(counter)))
        elif _is_deal(event) and event.security is not None:
            internal[amount <= 0].append((day, N + money[event.currency], abs(amount)))
            column = securities.place[event.security]
            if securities.trading[column] != event.currency:  # paid in another than it trades in
                own = float(fx[securities.trading[column]][day])
                amount *= float(fx[event.currency][day]) / own if own else 0.0
            internal[amount >= 0].append((day, column, abs(amount)))
    return Moves(*(_filled(each, D, N + C) for each in (*internal, *external)))


def across_border(moves: Moves, securities: int) -> Moves:
    """Moves of the first `securities` columns alone: what went into them came from outside, what they paid went there."""
    nothing = np.zeros((len(moves.external_in), securities))
    return Moves(
        nothing,
        nothing,
        moves.external_in[:, :securities] + moves.internal_in[:, :securities],
        moves.external_out[:, :securities] + moves.internal_out[:, :securities],
    )


def _last_known(closes: Floats) -> float:
    """The last close of a column; zero where there is none. For what moved in kind on a day without a value, which no return
    is measured over."""
    closes_known = closes[~np.isnan(closes)]
    return float(closes_known[-1]) if len(closes_known) else 0.0


def in_base(amounts_moved: Floats, rates: Floats) -> Floats:
    """(D,) base currency of what moved; on most days nothing did."""
    amounts = np.zeros(len(amounts_moved))
    days = np.flatnonzero(amounts_moved.any(axis=1))
    amounts[days] = (amounts_moved[days] * rates[days]).sum(axis=1)
    return amounts


def dated_flows(
    book: Book,
    days: Days,
    at: Sequence[int],
    fx: Mapping[str, Floats],
    close: Floats,
    securities: ListedSecurities,
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
            column, on = securities.place[event.security], days[day].item()
            value = float(event.quantity) * float(close[day, column]) * float(fx[securities.trading[column]][day])
            in_kind[on] = in_kind.get(on, 0.0) + IN_KIND[event.kind] * value
        elif scope == "portfolio" and event.kind in EXTERNAL:
            money.append((event.date, float(event.amount) * float(fx[event.currency][day])))
        elif scope == "securities_only" and crosses_border(event, scope):
            money.append((event.date, -float(event.amount) * float(fx[event.currency][day])))
    return tuple(sorted([*money, *((on, value) for on, value in in_kind.items() if value)], key=lambda flow: flow[0]))


def fees_by_day(
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


def _filled(entries: list[tuple[int, int, float]], rows: int, columns: int) -> Floats:
    """(rows, columns) sums of entries (row, column, amount), added in their order."""
    filled = np.zeros((rows, columns))
    if entries:
        row, column, amount = zip(*entries, strict=True)
        np.add.at(filled, (np.array(row), np.array(column)), np.array(amount))
    return filled
