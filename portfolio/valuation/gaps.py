"""Pack days on which a portfolio has no value, for something that it held, was due or moved has no price or rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from config.errors import TieoutError
from portfolio.books import Book
from portfolio.valuation.flows import IN_KIND, Scope, crosses_border
from portfolio.valuation.listed import ListedSecurities
from portfolio.valuation.pack_days import Days, Floats, pack_days_of
from pricing import market as markets
from pricing.fx import MissingRate


@dataclass(frozen=True, slots=True)
class Gap:
    """Pack days in a row on which a portfolio has no value, and what is missing on the first of them."""

    first: date
    last: date
    kind: Literal["price", "rate"]
    key: str
    """The symbol, or the pair of currencies: GBP/CAD."""
    reason: str = ""


def find_gaps(
    book: Book,
    days: Days,
    at: Sequence[int],
    securities: ListedSecurities,
    units: Floats,
    in_currency: Mapping[str, npt.NDArray[np.bool_]],
    close: Floats,
    rates: Mapping[str, Floats],
) -> tuple[tuple[Gap, ...], npt.NDArray[np.bool_]]:
    """Runs of days on which something held, due or moved has no price or rate, and (D,) which days have a value.

    in_currency  by currency (D,) whether there is cash in it

    raises   MissingPrice, MissingRate where the last day is one of them
    """
    D = len(days)
    lacking: list[tuple[Literal["price", "rate"], str, npt.NDArray[np.bool_]]] = []
    unpriced = np.isnan(close)
    if unpriced.any():
        needs_price = units != 0
        for event, day in zip(book.events, at, strict=True):
            if day < D and event.kind in IN_KIND and event.security is not None and event.quantity:
                needs_price[day, securities.place[event.security]] = True
        missing = unpriced & needs_price
        lacking += [
            ("price", securities.symbols[each], missing[:, each]) for each in np.flatnonzero(missing.any(axis=0))
        ]
    for currency in sorted(rates):
        unknown = np.isnan(rates[currency])
        if unknown.any():
            missing = unknown & _needs_rate(book, days, at, securities, units, currency)
            missing |= unknown & in_currency.get(currency, False)
            lacking += [("rate", f"{currency}/{book.base_currency}", missing)] if missing.any() else []
    valued = np.ones(D, dtype=np.bool_)
    for _, _, missing in lacking:
        valued &= ~missing
    if not lacking:
        return (), valued
    begin = len(securities.market.dates) - D
    refusals: dict[str, TieoutError] = {}
    gaps: list[Gap] = []
    for day in np.flatnonzero(~valued).tolist():
        kind, key = next((kind, key) for kind, key, missing in lacking if missing[day])
        on: date = days[day].item()
        if gaps and gaps[-1].key == key and gaps[-1].last == days[day - 1].item():
            gaps[-1] = replace(gaps[-1], last=on)
            continue
        if key not in refusals:
            refusals[key] = _refusal(kind, key, securities, begin + day)
        gaps.append(Gap(on, on, kind, key, getattr(refusals[key], "reason", "")))
    if not valued[-1]:
        raise _refusal(gaps[-1].kind, gaps[-1].key, securities, begin + D - 1)
    return tuple(gaps), valued


def _refusal(kind: str, key: str, securities: ListedSecurities, row: int) -> markets.MissingPrice | MissingRate:
    """The error for a price or rate that is missing on a day of the market."""
    market = securities.market
    if kind == "rate":
        currency, base = key.split("/")
        return market.missing_rate(currency, base, row)
    if key in market.symbols:
        return market.missing_price(market.symbols.index(key), row)
    return markets.MissingPrice(key, market.dates[row].item())


def _needs_rate(
    book: Book, days: Days, at: Sequence[int], securities: ListedSecurities, units: Floats, currency: str
) -> npt.NDArray[np.bool_]:
    """(D,) days on which a security held, something due or something that moved is in the currency."""
    D = len(days)
    traded_in = [each == currency for each in securities.trading]
    needs_rate = np.asarray((units[:, traded_in] != 0).any(axis=1))
    due = [each for each in book.events if each.kind == "dividend" and each.ex_date is not None]
    starts, ends = (
        pack_days_of(days, dates) for dates in ([each.earliest_date for each in due], [each.date for each in due])
    )
    for event, start, end in zip(due, starts, ends, strict=True):
        if currency == event.currency or (event.security is not None and traded_in[securities.place[event.security]]):
            needs_rate[start:end] = True
    for event, day in zip(book.events, at, strict=True):
        if day == D:
            break
        currencies = {moved_in for moved_in, amount in event.cash_legs() if amount}
        if event.fee:
            currencies.add(event.currency)
        if event.security is not None and (event.amount or event.kind in IN_KIND):
            currencies.add(securities.trading[securities.place[event.security]])
        needs_rate[day] |= currency in currencies
    return needs_rate


def find_flows_between(
    book: Book, at: Sequence[int], valued: npt.NDArray[np.intp], scope: Scope, *, is_late: bool
) -> npt.NDArray[np.bool_]:
    """(len(valued),) whether money crossed the border on a day without a value before each day of `valued`."""
    has_flow = np.zeros(len(valued), dtype=np.bool_)
    is_valued = set(valued.tolist())
    for event, day, place in zip(book.events, at, np.searchsorted(valued, at).tolist(), strict=True):
        if day not in is_valued and place < len(valued) and crosses_border(event, scope):
            has_flow[place] = True
    if is_late:
        has_flow[:1] = False  # what was there at the first close counts as put in then
    return has_flow
