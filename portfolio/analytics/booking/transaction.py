"""One event of a ledger as it is booked, and the checks of its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Literal, TypeAlias

from portfolio.analytics.errors import InvalidInput

Method: TypeAlias = Literal["FIFO", "LIFO", "HIFO", "AVERAGE"]


Day: TypeAlias = date  # in classes that have a field named date

PRECISION = Context(prec=34, rounding=ROUND_HALF_EVEN)
ZERO, ONE = Decimal(0), Decimal(1)
NO_LOTS = frozenset({"deposit", "withdrawal", "dividend", "interest", "fee", "tax", "fx"})
NEEDS_RATE = frozenset({"buy", "reinvested_dividend", "sell", "cash_in_lieu", "transfer_in", "return_of_capital"})


@dataclass(frozen=True, slots=True)
class Transaction:
    """One event of a ledger; only what its kind needs is given. Numbers are >= 0: the kind gives the direction.

    unit_price  trade currency per unit; where absent, amount / quantity
    amount      trade currency, before the fee, for the whole quantity
    fee         trade currency
    fx_to_base  base currency per one of trade currency on the day; one currency of the book, its base, may do without
    ratio       new units per old unit
    acquired    the day a lot was bought that is transferred in, or opened under an older day
    account     lots of different accounts never meet
    cost        what a lot that is transferred in cost in all, fees apart; cost_fx_to_base the rate it was bought at
    lot_id      name of the lot that is opened, or of the one to take from
    lot_cost    of the lot to take from, per unit, bought on `acquired`: those of that day first, and of them the nearest;
                lot_currency the currency it cost
    to_quantity units after a split, or received by a spin-off, symbol change or merger: where given, the largest lot takes
                what the ratio, which may have no end, leaves off
    to_symbol   spin-off: the new security; symbol change, merger: what it became; to_unit_price its first-day price
    to_account  where lots go on: of a move, and of what a spin-off or merger gives; absent: the same account
    rebate      what was paid back of the fee, trade currency
    trading_currency  the one that the security trades in; to_trading_currency of to_symbol
    fixings     trading currency per one of other currencies, on the day (of transfer_in, of the purchase): lots of one holding
                that cost several currencies are ranked and pooled by it

    buy, reinvested_dividend  quantity, unit_price or amount, fee
    sell                      quantity, unit_price or amount, fee
    transfer_in               quantity, cost, else unit_price or amount of the day; acquired
    transfer_out              quantity
    move                      quantity, to_account
    split                     ratio
    cash_in_lieu              unit_price or amount; quantity, else the fraction held
    return_of_capital         amount in all, or unit_price per unit held
    spin_off                  ratio or quantity of the new security, to_symbol, unit_price and to_unit_price (first day)
    symbol_change, merger     to_symbol, ratio (1 if absent for a symbol change)
    """

    date: date
    kind: str
    symbol: str = ""
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal | None = None
    currency: str | None = None
    fx_to_base: Decimal | None = None
    ratio: Decimal | None = None
    acquired: Day | None = None
    account: str = ""
    cost: Decimal | None = None
    cost_fx_to_base: Decimal | None = None
    lot_id: str | None = None
    lot_cost: Decimal | None = None
    to_quantity: Decimal | None = None
    to_symbol: str | None = None
    to_unit_price: Decimal | None = None
    to_account: str | None = None
    rebate: Decimal | None = None
    lot_currency: str | None = None
    trading_currency: str | None = None
    to_trading_currency: str | None = None
    fixings: Mapping[str, Decimal] | None = None


def require_rates(transactions: Sequence[Transaction]) -> None:
    """One currency, the base, may come without rates; a rate that is missing elsewhere never becomes 1."""
    without: str | None = None
    has_unrated = False
    for index, entry in enumerate(transactions):
        if entry.fx_to_base is None and entry.cost_fx_to_base is None and entry.kind in NEEDS_RATE:
            if has_unrated and entry.currency != without:
                raise InvalidInput("fx_to_base", "is missing", index)
            without, has_unrated = entry.currency, True
    if has_unrated:
        for index, entry in enumerate(transactions):
            if entry.currency == without and entry.fx_to_base not in (None, ONE):
                raise InvalidInput("fx_to_base", "is given here and missing elsewhere for the same currency", index)


def required_number(index: int, entry: Transaction, name: str, *, above: bool = False) -> Decimal:
    """A field that the kind needs, finite and >= 0 (above: > 0)."""
    value = getattr(entry, name)
    if value is None:
        raise InvalidInput(name, f"is missing for {entry.kind}", index)
    if not isinstance(value, Decimal):
        raise InvalidInput(name, f"is {type(value).__name__}, Decimal is needed", index)
    if not value.is_finite() or value < 0 or (above and not value):
        raise InvalidInput(name, f"is {value}, a number {'above' if above else 'not below'} zero is needed", index)
    return value


def fee_of(index: int, entry: Transaction) -> Decimal:
    """Less what is paid back of it, which may be more."""
    fee = ZERO if entry.fee is None else required_number(index, entry, "fee")
    return fee if entry.rebate is None else fee - required_number(index, entry, "rebate")


def fx_of(index: int, entry: Transaction) -> Decimal:
    """The day's rate; absent only for the base currency (require_rates)."""
    return ONE if entry.fx_to_base is None else required_number(index, entry, "fx_to_base", above=True)


def is_plain(entry: Transaction) -> bool:
    """Whether it is in the base currency, which its security trades in too."""
    rates = (entry.fx_to_base, entry.cost_fx_to_base)
    return rates == (None, None) and entry.trading_currency in (None, entry.currency)


def fixing_of(entry: Transaction, currency: str | None) -> Decimal | None:
    """Trading currency per one of a currency on the transaction's day; None where it is not known."""
    if currency == entry.trading_currency:
        return ONE
    return None if entry.fixings is None or currency is None else entry.fixings.get(currency)


def cross_rate(index: int, entry: Transaction, currency: str | None) -> Decimal:
    """How much of a lot's currency one of the transaction's is, by the fixings that it tells."""
    paid, own = fixing_of(entry, entry.currency), fixing_of(entry, currency)
    if not paid or not own:
        raise InvalidInput("fixing", f"is missing: {entry.currency} is paid on lots in {currency}", index)
    return paid / own


def consideration(index: int, entry: Transaction, quantity: Decimal) -> Decimal:
    """What is paid for the units, in the transaction's currency, without fees: the amount where no price is given; >= 0."""
    if entry.unit_price is None and entry.amount is not None:
        return required_number(index, entry, "amount")
    return required_number(index, entry, "unit_price") * quantity


def new_symbol(index: int, entry: Transaction) -> str:
    """The symbol that lots go on under. Raises InvalidInput where there is none, or it is the old one."""
    if not entry.to_symbol or entry.to_symbol == entry.symbol:
        raise InvalidInput("to_symbol", f"is {entry.to_symbol!r}, another symbol is needed", index)
    return entry.to_symbol
