"""What a book is worth at the close of a pack day: units, closes and rates, cash, dividends due."""

from collections.abc import Sequence
from decimal import Decimal

from portfolio.explanation import lot_units
from portfolio.explanation.market_terms import MarketTerms
from portfolio.explanation.terms import Explanation, Items, NoSuchFigure, Term, product, total

ZERO = Decimal(0)


def value_parts(market: MarketTerms, place: int) -> tuple[Items, Items, Items]:
    """Holdings, cash and dividends due at the close of a pack day, unrounded; before the first day nothing.

    Dividends due are in the value on accrual basis alone.
    """
    if place < 0:
        return Items("holdings", ()), Items("cash", ()), Items("receivables", ())
    on, book = market.day(place), market.book
    quantities = sorted(book.quantities(on).items(), key=lambda each: market.symbol(each[0]))
    holdings = tuple(holding(market, place, security, units) for security, units in quantities)
    cash = tuple(
        product(
            currency,
            (
                Term("balance", amount, currency, path=f"{{days}}/{on}/cash/{currency}"),
                market.rate(currency, place),
            ),
            market.base,
        )
        for currency, amount in sorted(book.cash(on).items())
        if amount
    )
    due = receivables(market, place) if book.accrual == "accrual" else ()
    return Items("holdings", holdings), Items("cash", cash), Items("receivables", due)


def holding(market: MarketTerms, place: int, security: int, units: Decimal) -> Term:
    """The value of a holding at the close of a pack day."""
    price = market.price(security, place)
    quantity = Term("units", units, "units", path=f"{{days}}/{market.day(place)}/units/{market.symbol(security)}")
    return product(market.symbol(security), (quantity, price, market.rate(price.unit, place)), market.base)


def receivables(market: MarketTerms, place: int) -> tuple[Term, ...]:
    """Dividends between ex-date and pay date at the close of a pack day."""
    day_of = market.rates.pack_day
    return tuple(
        product(
            event.entry_id,
            (market.booked(event, "amount", event.amount), market.rate(event.currency, place)),
            market.base,
        )
        for event in market.book.events
        if event.kind == "dividend" and event.ex_date and day_of(event.ex_date) <= place < day_of(event.date)
    )


def units(market: MarketTerms, place: int, symbol: str) -> Explanation:
    """Units held at the close of a pack day: those of its open lots, with the transaction that opened each."""
    on = market.day(place)
    lots = [lot for lot in market.book.lots if lot.is_open(on) and market.symbol(lot.security) == symbol]
    items = tuple(lot_units.explain(market, lot, lot.opened_by) for lot in lots)
    return Explanation(f"Units of {symbol} held at the close", total("units", (Items("lots", items),), "units"))


def cash(market: MarketTerms, place: int, currency: str) -> Explanation:
    """The cash of a currency at the close of a pack day: every transaction that moved it."""
    on = market.day(place)
    items = tuple(
        Term(event.entry_id, amount, currency, rows=market.entry(event.entry_id), label=f"{event.date} {event.kind}")
        for event in market.book.events
        if event.date <= on
        for leg_currency, amount in event.cash_legs()
        if leg_currency == currency
    )
    return Explanation(f"Cash in {currency} at the close", total("cash", (Items("items", items),), currency))


def value(market: MarketTerms, place: int, *, of_securities: bool = False) -> Explanation:
    """The value at the close of a pack day; of the securities alone, without the cash."""
    if of_securities:
        holdings, _, due = value_parts(market, place)
        what = "Value of the securities at the close"
        return Explanation(what, total("value", (holdings, due), market.base))
    parts = value_parts(market, place)
    return Explanation("Value of the portfolio at the close", total("value", parts, market.base))


def explain(market: MarketTerms, path: Sequence[str]) -> Explanation:
    """Of a pack day: `<date>/value`, `<date>/units/<symbol>`, `<date>/cash/<currency>`. Raises NoSuchFigure."""
    on, *rest = path
    place = place_of(market, on)
    match rest:
        case ["value"]:
            return value(market, place)
        case ["units", symbol] if symbol in market.symbols.values():
            return units(market, place, symbol)
        case ["cash", currency]:
            return cash(market, place, currency)
    raise NoSuchFigure


def place_of(market: MarketTerms, on: str) -> int:
    """The number of a pack day. Raises NoSuchFigure."""
    places = {str(day): place for place, day in enumerate(market.market.dates)}
    if on not in places:
        raise NoSuchFigure
    return places[on]
