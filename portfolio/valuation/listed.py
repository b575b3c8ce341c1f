"""The securities of a book as a market has them, and the providers that the book's life rests on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from portfolio.books import Book
from portfolio.valuation.pack_days import Floats
from pricing import market as markets
from pricing.market import History


@dataclass(frozen=True, slots=True)
class ListedSecurities:
    """The N securities of a book as the market has them: by column, and last those that no pack has a close of."""

    market: History
    place: Mapping[int, int]
    """Security id -> its number here."""
    columns: list[int]
    """Columns in the market of the securities that it has, rising."""
    symbols: list[str]
    trading: list[str]
    exchanges: list[str]
    """Exchanges of the securities that the market has."""

    def closes(self, first: int) -> Floats:
        """(D, N) from the market's day `first` on."""
        closes = self.market.close[first:, self.columns]
        absent = len(self.symbols) - len(self.columns)
        return np.hstack((closes, np.full((len(closes), absent), np.nan))) if absent else closes


def list_securities(book: Book, market: History) -> ListedSecurities:
    """What a book ever held or dealt in, in the market's order; securities that it has no close of come last, by symbol."""
    met: dict[int, str] = {}
    for lot in book.lots:
        met.setdefault(lot.security, lot.currency)
    for event in book.events:  # bought and sold on one day: no parcel is left of it
        if event.security is not None:
            met.setdefault(event.security, event.currency)
    column, absent = dict[int, int](), dict[int, str]()
    for security in met:
        try:
            column[security] = market.security(security)
        except markets.MissingPrice as missing:
            absent[security] = missing.symbol
    priced_ids = sorted(column, key=lambda each: column[each])
    others = sorted(absent, key=lambda each: (absent[each], each))
    columns = [column[each] for each in priced_ids]
    return ListedSecurities(
        market,
        {security: number for number, security in enumerate([*priced_ids, *others])},
        columns,
        [*(market.symbols[each] for each in columns), *(absent[each] for each in others)],
        [
            *(market.security_currencies[each] for each in columns),
            *(met[each] or book.base_currency for each in others),
        ],
        [market.exchanges[each] for each in columns],
    )


def sources(book: Book, market: History) -> tuple[str, ...]:
    """Providers of all closes and rates that the book's life rests on, sorted."""
    securities = list_securities(book, market)
    currencies = {currency for event in book.events for currency, _ in event.cash_legs()} | {book.base_currency}
    currencies |= {layer.currency for lot in book.lots for layer in lot.cost_layers()}
    return sources_of(market, securities.columns, [*currencies, *securities.trading])


def sources_of(market: History, columns: list[int], currencies: list[str]) -> tuple[str, ...]:
    providers = {source for column in columns for source in market.close_sources[column]}
    if len(set(currencies)) > 1:
        columns_of_rates = [market.currencies.index(currency) for currency in set(currencies) & set(market.currencies)]
        providers |= {source for column in columns_of_rates for source in market.fx_sources[column]}
    return tuple(sorted(providers))
