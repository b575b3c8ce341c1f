"""Gains since purchase: what sales realised, what is held unrealised, and what was paid out on the way.

A gain from purchase is price q·ΔP·F0 + FX q·P0·ΔF + interaction q·ΔP·ΔF − fees, with the rate of the purchase locked in the lot
(MEASUREMENT, Lots and gains). Fees are in cost and proceeds, or apart, by the portfolio's setting. How a period's value came
about is `portfolio.bridge`, which measures lots from the period's opening.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import TypeAlias

import numpy as np

from portfolio.books import Book, Event, Match, Parcel
from portfolio.dealing import Rates
from portfolio.valuation import DECIMAL_DIGITS, quantise
from pricing.market import History, MissingPrice

ZERO = Decimal(0)
Day: TypeAlias = date  # in classes that have a field named date


@dataclass(frozen=True, slots=True)
class Gain:
    """Base currency; total = price + fx + interaction - fees. With fees in cost they are in the three, and fees is 0.

    All of it is None where a lot was bought before anything was priced and the ledger names no rate for it.
    """

    price: Decimal | None
    fx: Decimal | None
    interaction: Decimal | None
    fees: Decimal | None
    total: Decimal | None


@dataclass(frozen=True, slots=True)
class Income:
    """Base currency, each payment at the rate of its day; net = dividends + interest - tax."""

    dividends: Decimal
    interest: Decimal
    tax: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True)
class PeriodGains:
    """Of sales and payments dated first_date to last_date; realised since purchase, not since the period's opening."""

    first_date: date
    last_date: date
    realised: Gain
    income: Income


@dataclass(frozen=True, slots=True)
class CurrencyGains:
    """Since inception, in the currency itself. Realised and dividends are before fees and withholding."""

    currency: str
    realised: Decimal
    dividends: Decimal
    interest: Decimal
    tax: Decimal
    fees: Decimal
    """All that was charged in the currency: on deals, and by itself."""


@dataclass(frozen=True, slots=True)
class SecurityGains:
    """Since inception, base currency."""

    symbol: str
    realised: Decimal | None
    unrealised: Decimal | None
    income: Decimal
    """Dividends less what was withheld."""
    total: Decimal | None


@dataclass(frozen=True, slots=True)
class Gains:
    base_currency: str
    asof_date: date
    fees: str
    """in_cost or apart."""
    since_inception: PeriodGains
    year_to_date: PeriodGains
    unrealised: Gain
    """Of what is held at the close of the as-of date."""
    by_currency: tuple[CurrencyGains, ...]
    by_security: tuple[SecurityGains, ...]


def compute(book: Book, market: History) -> Gains:
    """As of the history's last day.

    raises   MissingPrice, MissingRate
    """
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        rates = Rates(market, book.base_currency, book.trade_fx)
        asof: date = market.dates[-1].item()
        events = [event for event in book.events if event.date <= asof]
        matches = [match for match in book.matches if match.date <= asof and match.kind not in _MOVED]
        realised = [(match, _realised(book, match, rates)) for match in matches]
        held = [
            (parcel.security, _unrealised(book, parcel, market, rates))
            for parcel in book.parcels
            if parcel.is_open(asof)
        ]
        paid = [(event, rates.of_deal(event)) for event in events if event.kind in _PAYING]

        def during(first: date) -> PeriodGains:
            return PeriodGains(
                first_date=first,
                last_date=asof,
                realised=_shown((gain for match, gain in realised if match.date >= first), book.base_currency),
                income=_income(((event, rate) for event, rate in paid if event.date >= first), book),
            )

        return Gains(
            base_currency=book.base_currency,
            asof_date=asof,
            fees="in_cost" if book.fees_in_cost else "apart",
            since_inception=during(book.first_date or asof),
            year_to_date=during(max(asof.replace(month=1, day=1), book.first_date or asof)),
            unrealised=_shown((gain for _, gain in held), book.base_currency),
            by_currency=_by_currency(events, matches),
            by_security=_by_security(book, market, realised, held, paid),
        )


_MOVED = frozenset({"transfer", "transfer_out"})
"""Nothing is realised."""
_PAYING = frozenset({"dividend", "reinvested_dividend", "interest"})


@dataclass(slots=True)
class _Exact:
    """Unrounded; None where the rate of a purchase is not known."""

    price: Decimal = ZERO
    fx: Decimal = ZERO
    interaction: Decimal = ZERO
    fees: Decimal = ZERO
    known: bool = True

    @property
    def total(self) -> Decimal:
        return self.price + self.fx + self.interaction - self.fees


def _split(cost: Decimal, worth: Decimal, fx_in: Decimal | None, fx_out: Decimal, fees: Decimal = ZERO) -> _Exact:
    if fx_in is None:
        return _Exact(known=False)
    return _Exact(
        price=(worth - cost) * fx_in,
        fx=cost * (fx_out - fx_in),
        interaction=(worth - cost) * (fx_out - fx_in),
        fees=fees,
    )


@dataclass(frozen=True, slots=True)
class _Sale:
    """A sale as a deal to be converted."""

    date: Day
    currency: str
    fx_to_base: Decimal | None


def _realised(book: Book, match: Match, rates: Rates) -> _Exact:
    fx_in = rates.of_lot(match.fx_in, match.currency, match.acquired)
    fx_out = rates.of_deal(_Sale(match.date, match.currency, match.fx_out))
    if book.fees_in_cost:
        return _split(match.cost + match.entry_fee, match.proceeds - match.exit_fee, fx_in, fx_out)
    fees = match.entry_fee * (fx_in or ZERO) + match.exit_fee * fx_out
    return _split(match.cost, match.proceeds, fx_in, fx_out, fees)


def _unrealised(book: Book, parcel: Parcel, market: History, rates: Rates) -> _Exact:
    column = market.security(parcel.security)
    close = float(market.close[-1, column])
    if np.isnan(close):
        raise MissingPrice(market.symbols[column], market.dates[-1].item())
    fx_in = rates.of_lot(parcel.fx_to_base, parcel.currency, parcel.acquired)
    day, trades_in = market.dates[-1].item(), market.security_currencies[column]
    fx_out = rates.of_deal(_Sale(day, parcel.currency, None))
    worth = parcel.quantity * Decimal(repr(close))
    if trades_in != parcel.currency:  # what it was paid in
        worth = worth * rates.of_deal(_Sale(day, trades_in, None)) / fx_out
    paid = parcel.unit_cost * parcel.quantity
    return _split(parcel.cost if book.fees_in_cost else paid, worth, fx_in, fx_out)


def _shown(gains: Iterable[_Exact], currency: str) -> Gain:
    """The sum, quantised once."""
    sums = _Exact()
    for gain in gains:
        sums.price += gain.price
        sums.fx += gain.fx
        sums.interaction += gain.interaction
        sums.fees += gain.fees
        sums.known &= gain.known
    if not sums.known:
        return Gain(None, None, None, None, None)
    return Gain(
        price=quantise(sums.price, currency),
        fx=quantise(sums.fx, currency),
        interaction=quantise(sums.interaction, currency),
        fees=quantise(sums.fees, currency),
        total=quantise(sums.total, currency),
    )


def _gross(event: Event) -> Decimal:
    """What was paid before anything was withheld; of a reinvested dividend, what was bought with it too."""
    bought = (event.quantity or ZERO) * (event.unit_price or ZERO) if event.kind == "reinvested_dividend" else ZERO
    return event.amount + event.tax + event.fee + bought


def _income(paid: Iterable[tuple[Event, Decimal]], book: Book) -> Income:
    dividends = interest = tax = ZERO
    for event, rate in paid:
        if event.kind == "interest":
            interest += _gross(event) * rate
        else:
            dividends += _gross(event) * rate
        tax += event.tax * rate
    base = book.base_currency
    return Income(
        quantise(dividends, base),
        quantise(interest, base),
        quantise(tax, base),
        quantise(dividends + interest - tax, base),
    )


def _by_currency(events: Sequence[Event], matches: Sequence[Match]) -> tuple[CurrencyGains, ...]:
    found: dict[str, dict[str, Decimal]] = {}

    def add(currency: str, name: str, amount: Decimal) -> None:
        sums = found.setdefault(currency, {})
        sums[name] = sums.get(name, ZERO) + amount

    for match in matches:
        add(match.currency, "realised", match.proceeds - match.cost)
    for event in events:
        if event.currency:
            add(event.currency, "tax", event.tax)
            add(event.currency, "fees", event.fee)
            if event.kind in _PAYING:
                add(event.currency, "interest" if event.kind == "interest" else "dividends", _gross(event))
    names = ("realised", "dividends", "interest", "tax", "fees")
    return tuple(
        CurrencyGains(currency, *(quantise(sums.get(name, ZERO), currency) for name in names))
        for currency, sums in sorted(found.items())
    )


def _by_security(
    book: Book,
    market: History,
    realised: Iterable[tuple[Match, _Exact]],
    held: Iterable[tuple[int, _Exact]],
    paid: Iterable[tuple[Event, Decimal]],
) -> tuple[SecurityGains, ...]:
    """The greatest total first, those without one last."""
    sold: dict[int, list[_Exact]] = {}
    kept: dict[int, list[_Exact]] = {}
    income: dict[int, Decimal] = {}
    for match, gain in realised:
        sold.setdefault(match.security, []).append(gain)
    for security, gain in held:
        kept.setdefault(security, []).append(gain)
    for event, rate in paid:
        if event.security is not None:
            income[event.security] = income.get(event.security, ZERO) + (_gross(event) - event.tax) * rate
    symbols = dict(zip(market.security_ids, market.symbols, strict=True))
    rows = []
    for security in sorted({*sold, *kept, *income}, key=lambda each: symbols[each]):
        gone, there = (_total(each.get(security, ())) for each in (sold, kept))
        paid_out = income.get(security, ZERO)
        total = None if gone is None or there is None else gone + there + paid_out
        rows.append((security, gone, there, paid_out, total))
    rows.sort(key=lambda row: (row[4] is None, -(row[4] or ZERO)))
    base = book.base_currency
    return tuple(
        SecurityGains(
            symbol=symbols[security],
            realised=_money(gone, base),
            unrealised=_money(there, base),
            income=quantise(paid_out, base),
            total=_money(total, base),
        )
        for security, gone, there, paid_out, total in rows
    )


def _money(amount: Decimal | None, currency: str) -> Decimal | None:
    return None if amount is None else quantise(amount, currency)


def _total(gains: Iterable[_Exact]) -> Decimal | None:
    found = list(gains)
    return sum((gain.total for gain in found), ZERO) if all(gain.known for gain in found) else None
