"""Closes, rates and transactions as terms, with the rows that they are from."""

from datetime import date
from decimal import Decimal

from portfolio.books import Book, Event, lot_names
from portfolio.explanation.terms import Close, Entry, Fixing, Number, Row, Term
from portfolio.valuation.deal_rates import DealRates
from pricing.market import History

ONE = Decimal(1)


class MarketTerms:
    """What a book is counted by: the closes and rates of a history, and the rates of its own deals."""

    def __init__(self, book: Book, market: History) -> None:
        self.book, self.market = book, market
        self.base = book.base_currency
        self.rates = DealRates(market, book.base_currency, book.trade_fx)
        self.symbols = dict(zip(market.security_ids, market.symbols, strict=True))
        self.events = {event.entry_id: event for event in book.events}
        self.splits: dict[int, list[Event]] = {}
        for event in book.events:
            if event.kind == "split" and event.security is not None:
                self.splits.setdefault(event.security, []).append(event)
        self.units_by_taker: dict[str, dict[str, Decimal]] = {}
        """Lot -> the entries that took of it, each with the units."""
        for match in book.matches:
            takers = self.units_by_taker.setdefault(match.opened_by, {})
            takers[match.entry_id] = takers.get(match.entry_id, Decimal(0)) + match.quantity

    def day(self, place: int) -> date:
        on: date = self.market.dates[place].item()
        return on

    def symbol(self, security: int | None) -> str:
        return self.symbols.get(security or 0, "")

    def price(self, security: int, place: int, name: str = "price") -> Term:
        """The close of one unit on a pack day."""
        column = self.market.security(security)
        value = Decimal(repr(float(self.market.close[place, column])))
        row = Close(self.market.pack_ids[place], security)
        unit = self.market.security_currencies[column]
        return Term(name, value, unit, "close * factor", rows=(row,), label=self.symbol(security))

    def rate(self, currency: str, place: int, name: str = "rate") -> Term:
        """Base currency for one of a currency, at the fixing of a pack day."""
        return self.fixing(currency, place, name, self.rates.on_pack_day(currency, place))

    def fixing(self, currency: str, place: int, name: str, value: Number | None) -> Term:
        """A rate that was taken from the fixing of a pack day; of the base currency itself it is 1, of no row."""
        rows = () if currency == self.base else (Fixing(self.market.pack_ids[place], currency, self.base),)
        return Term(name, value, f"{self.base} per {currency}", rows=rows)

    def own_or_fixing(self, locked: Decimal | None, currency: str, on: date, entry_id: str, name: str = "rate") -> Term:
        """The rate of a deal: the ledger's own where the portfolio goes by it, else the fixing of its day."""
        own = self.rates.own(locked, currency)
        if own is not None:
            return Term(name, own, f"{self.base} per {currency}", rows=self.entry(entry_id))
        if currency == self.base:
            return Term(name, ONE, f"{self.base} per {currency}")
        value = self.rates.fixing(currency, on)
        return Term(name, None) if value is None else self.fixing(currency, self.rates.pack_day(on), name, value)

    def deal_rate(self, event: Event, name: str = "rate") -> Term:
        return self.own_or_fixing(event.fx_to_base, event.currency, event.date, event.entry_id, name)

    def across(self, frm: str, to: str, on: date, name: str = "across") -> Term:
        """One of a currency in another at the fixings of a day."""
        if frm == to:
            return Term(name, ONE, f"{to} per {frm}")
        place = self.rates.pack_day(on)
        value, unit = self.rates.cross(frm, to, on), f"{to} per {frm}"
        rate_given, rate_taken = self.rate(frm, place, "given"), self.rate(to, place, "taken")
        if to == self.base:
            return Term(name, value, unit, "given", (rate_given,))
        if frm == self.base:
            return Term(name, value, unit, "1 / taken", (rate_taken,))
        return Term(name, value, unit, "given / taken", (rate_given, rate_taken))

    def booked(self, event: Event, name: str, value: Number, unit: str = "") -> Term:
        """A number as the ledger has it."""
        return Term(name, value, unit or event.currency, rows=self.entry(event.entry_id))

    def entry(self, entry_id: str) -> tuple[Row, ...]:
        return (Entry(entry_id),)

    def opener(self, opened_by: str) -> str:
        """The entry that opened a lot."""
        return lot_names.opening_entry(opened_by, self.events.keys())
