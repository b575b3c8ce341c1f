"""What a change of the ledger does to a portfolio on one day: its cash, its holdings and its value, before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolio.books import Book
from portfolio.valuation.as_of import apply
from portfolio.valuation.money import quantise
from portfolio.valuation.position import positions
from pricing.fx import MissingRate
from pricing.market import Market, MissingPrice

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Change:
    """Units of a security, or money of a currency; `title` is the security's name."""

    name: str
    title: str
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class DayValue:
    """The value of a day in the base currency; None with the reason where a price or a rate is missing."""

    amount: Decimal | None
    reason: str = ""
    sources: tuple[str, ...] = ()


def cash_changes(before: Book | None, after: Book, on: date) -> tuple[Change, ...]:
    """Cash at the close of a day, of the currencies whose balance differs."""
    old, new = _cash(before, on), _cash(after, on)
    return tuple(
        Change(currency, "", old.get(currency, ZERO), new.get(currency, ZERO))
        for currency in sorted(old.keys() | new.keys())
        if old.get(currency, ZERO) != new.get(currency, ZERO)
    )


def holding_changes(
    before: Book | None, after: Book, on: date, securities: Mapping[int, tuple[str, str, str]]
) -> tuple[Change, ...]:
    """Units at the close of a day, of the securities whose units differ. securities: id -> (symbol, name, currency)."""
    old, new = before.quantities(on) if before else {}, after.quantities(on)
    changed = [
        Change(*securities[each][:2], old.get(each, ZERO), new.get(each, ZERO))
        for each in old.keys() | new.keys()
        if old.get(each, ZERO) != new.get(each, ZERO)
    ]
    return tuple(sorted(changed, key=lambda each: each.name))


def day_value(book: Book | None, market: Market, securities: Mapping[int, tuple[str, str, str]]) -> DayValue:
    """The value at a pack, as it would be shown; None where a price or a rate is missing, with which."""
    if book is None:
        return DayValue(ZERO)
    open_positions = positions(book.as_of(market.asof_date), market.asof_date, securities)
    try:
        valued = apply(open_positions, market)
    except (MissingPrice, MissingRate) as missing:
        return DayValue(None, str(missing))
    return DayValue(quantise(valued.total_value, book.base_currency), sources=valued.sources)


def _cash(book: Book | None, on: date) -> dict[str, Decimal]:
    if book is None:
        return {}
    return {currency: quantise(amount, currency) for currency, amount in book.cash(on).items()}
