"""Gains since purchase: realised by sales, unrealised on what is held, and income.

A gain from purchase is price q·ΔP·F0 + FX q·P0·ΔF + interaction q·ΔP·ΔF − fees, with the rate of the purchase locked in the lot
(docs/measurement.md#lots-and-gains). P is in the currency that the security trades in: what was dealt in another is converted
into it at the fixing of its day, and its base amount stays as it was. Fees are in cost and proceeds, or apart, by the portfolio's
setting. How a period's value came about is `portfolio.valuation.bridge`, which measures lots from the period's opening.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import TypeAlias

import numpy as np

from portfolio.books import Book, Event, LotMatch, LotState
from portfolio.valuation.deal_rates import DealRates, LocalAndBase
from portfolio.valuation.money import DECIMAL_DIGITS, quantise
from pricing.market import History, MissingPrice

ZERO = Decimal(0)
NEVER_PRICED = "never priced"
"""Stands for the symbol of a security that no pack has a close of: one bought and sold in a day, say."""
Day: TypeAlias = date  # in classes that have a field named date


@dataclass(frozen=True, slots=True)
class Gain:
    """Base currency; total = price + fx + interaction - fees. With fees in cost they are in the three, and fees is 0.

    All of it is None where a lot was bought before anything was priced and the ledger names no rate for it; the parts alone
    where it was then dealt in another currency than its security trades in.
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
    """Gains of sales and payments dated first_date to last_date; realised since purchase, not since the period's opening."""

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
    """On what is held at the close of the as-of date."""
    by_currency: tuple[CurrencyGains, ...]
    by_security: tuple[SecurityGains, ...]


def compute(book: Book, market: History) -> Gains:
    """Gains as of the history's last day.

    raises   MissingPrice, MissingRate
    """
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        rates = DealRates(market, book.base_currency, book.trade_fx)
        asof: date = market.dates[-1].item()
        events = [event for event in book.events if event.date <= asof]
        matches = [match for match in book.matches if match.date <= asof and match.kind not in MOVES]
        sold = [(match, split(realised(book, match, market, rates))) for match in matches]
        open_gains = [(lot.security, split(unrealised(lot, market, rates))) for lot in book.lots if lot.is_open(asof)]
        paid = [(event, rates.for_deal(event)) for event in events if event.kind in PAYING]

        def during(first: date) -> PeriodGains:
            return PeriodGains(
                first_date=first,
                last_date=asof,
                realised=_sum((gain for match, gain in sold if match.date >= first), book.base_currency),
                income=_income(((event, rate) for event, rate in paid if event.date >= first), book),
            )

        return Gains(
            base_currency=book.base_currency,
            asof_date=asof,
            fees="in_cost" if book.fees_in_cost else "apart",
            since_inception=during(book.first_date or asof),
            year_to_date=during(max(asof.replace(month=1, day=1), book.first_date or asof)),
            unrealised=_sum((gain for _, gain in open_gains), book.base_currency),
            by_currency=_by_currency(events, matches, market, rates),
            by_security=_by_security(book, market, sold, open_gains, paid),
        )


MOVES = frozenset({"transfer", "transfer_out"})
"""Kinds that realise nothing."""
PAYING = frozenset({"dividend", "reinvested_dividend", "interest"})


@dataclass(slots=True)
class Exact:
    """A gain, unrounded. is_known: whether the total is; apart: whether its parts are, which are 0 where they are not."""

    total: Decimal = ZERO
    price: Decimal = ZERO
    fx: Decimal = ZERO
    interaction: Decimal = ZERO
    fees: Decimal = ZERO
    is_known: bool = True
    apart: bool = True


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a gain. None where a rate is unknown."""

    cost: LocalAndBase
    proceeds: LocalAndBase
    fees: Decimal | None
    """Base currency, where they are apart from cost and proceeds; else 0."""
    rate_in: Decimal | None
    """Of the trading currency on the day of the purchase, for what cost nothing; `rate_out` for what brought nothing."""
    rate_out: Decimal | None

    @property
    def fx_in(self) -> Decimal | None:
        return self.cost.base / self.cost.local if self.cost.base is not None and self.cost.local else self.rate_in

    @property
    def fx_out(self) -> Decimal | None:
        brought = self.proceeds
        return brought.base / brought.local if brought.base is not None and brought.local else self.rate_out


def split(sides: Sides) -> Exact:
    """The gain of proceeds over cost and fees, taken apart."""
    cost, proceeds, fees = sides.cost, sides.proceeds, sides.fees
    if cost.base is None or fees is None or proceeds.base is None:
        return Exact(is_known=False, apart=False)
    total = proceeds.base - cost.base - fees
    fx_in, fx_out = sides.fx_in, sides.fx_out
    if cost.local is None or proceeds.local is None or fx_in is None or fx_out is None:
        return Exact(total=total, fees=fees, apart=False)
    return Exact(
        total=total,
        price=(proceeds.local - cost.local) * fx_in,
        fx=cost.local * (fx_out - fx_in),
        interaction=(proceeds.local - cost.local) * (fx_out - fx_in),
        fees=fees,
    )


@dataclass(frozen=True, slots=True)
class _Deal:
    """A sale, or a valuation at the close, as a deal to be converted."""

    date: Day
    currency: str
    fx_to_base: Decimal | None


def realised(book: Book, match: LotMatch, market: History, rates: DealRates) -> Sides:
    """Both sides of what a sale took from a lot."""
    trades_in = trades_in_of(match.security, match.cost_currency or match.currency, market)
    deal = _Deal(match.date, match.currency, match.fx_out)
    cost = rates.cost_of_match(match, trades_in, fees_in_cost=book.fees_in_cost)
    proceeds = rates.convert_deal(deal, match.proceeds - match.exit_fee * book.fees_in_cost, trades_in)
    apart: Decimal | None = ZERO
    if not book.fees_in_cost:
        of_purchase = rates.entry_fee_of_match(match)
        apart = None if of_purchase is None else of_purchase + match.exit_fee * rates.for_deal(deal)
    return Sides(cost, proceeds, apart, *_day_rates(rates, trades_in, match, deal))


def _day_rates(rates: DealRates, trades_in: str, match: LotMatch, deal: _Deal) -> tuple[Decimal | None, Decimal | None]:
    """Rates of the trading currency, in and out: those locked in the lot and in the deal where they are in it."""
    bought = match.fx_in if (match.cost_currency or match.currency) == trades_in else None
    sold = rates.for_deal(deal) if deal.currency == trades_in else rates.fixing(trades_in, deal.date)
    return rates.for_lot(bought, trades_in, match.acquired), sold


def unrealised(lot: LotState, market: History, rates: DealRates) -> Sides:
    """Both sides of what is held: cost, and value at the history's last close."""
    column = market.security(lot.security)
    close = float(market.close[-1, column])
    if np.isnan(close):
        raise MissingPrice(market.symbols[column], market.dates[-1].item())
    day, trades_in = market.dates[-1].item(), market.security_currencies[column]
    value = rates.convert_deal(_Deal(day, trades_in, None), lot.quantity * Decimal(repr(close)), trades_in)
    bought = lot.fx_to_base if lot.currency == trades_in else None
    rate_in, rate_out = rates.for_lot(bought, trades_in, lot.acquired), rates.fixing(trades_in, day)
    return Sides(rates.cost_of_lot(lot, trades_in), value, ZERO, rate_in, rate_out)


def trades_in_of(security: int, dealt_in: str, market: History) -> str:
    """The currency that a security trades in; of one that no pack has a close of, that of the deal."""
    if security not in market.columns:
        return dealt_in
    return market.security_currencies[market.security(security)]


def _sum(gains: Iterable[Exact], currency: str) -> Gain:
    """The sum, quantised once."""
    sums = Exact()
    for gain in gains:
        sums.total += gain.total
        sums.price += gain.price
        sums.fx += gain.fx
        sums.interaction += gain.interaction
        sums.fees += gain.fees
        sums.is_known &= gain.is_known
        sums.apart &= gain.apart
    return Gain(
        price=quantise(sums.price, currency) if sums.apart else None,
        fx=quantise(sums.fx, currency) if sums.apart else None,
        interaction=quantise(sums.interaction, currency) if sums.apart else None,
        fees=quantise(sums.fees, currency) if sums.is_known else None,
        total=quantise(sums.total, currency) if sums.is_known else None,
    )


def gross(event: Event) -> Decimal:
    """The payment before anything was withheld; with what a reinvested dividend bought."""
    paid_out = event.amount + event.tax + event.fee
    if event.kind != "reinvested_dividend":
        return paid_out
    assert event.quantity is not None  # the journal refuses it without
    assert event.unit_price is not None
    return paid_out + event.quantity * event.unit_price


def _income(paid: Iterable[tuple[Event, Decimal]], book: Book) -> Income:
    dividends = interest = tax = ZERO
    for event, rate in paid:
        if event.kind == "interest":
            interest += gross(event) * rate
        else:
            dividends += gross(event) * rate
        tax += event.tax * rate
    base = book.base_currency
    return Income(
        quantise(dividends, base),
        quantise(interest, base),
        quantise(tax, base),
        quantise(dividends + interest - tax, base),
    )


def _by_currency(
    events: Sequence[Event], matches: Sequence[LotMatch], market: History, rates: DealRates
) -> tuple[CurrencyGains, ...]:
    """A gain on what was bought in one currency and sold in another counts in the one that the security trades in, at the
    fixings of both days; where that of the purchase is not known, it counts in none."""
    by_currency: dict[str, dict[str, Decimal]] = {}

    def add(currency: str, name: str, amount: Decimal) -> None:
        sums = by_currency.setdefault(currency, {})
        sums[name] = sums.get(name, ZERO) + amount

    for match in matches:
        if not match.cost_currency:
            add(match.currency, "realised", match.proceeds - match.cost)
            continue
        trades_in = trades_in_of(match.security, match.cost_currency, market)
        deal = _Deal(match.date, match.currency, match.fx_out)
        cost = rates.cross(match.cost_currency, trades_in, match.acquired)
        if cost is not None:
            proceeds = rates.convert_deal(deal, match.proceeds, trades_in).local
            assert proceeds is not None  # or the rate was missing by name
            add(trades_in, "realised", proceeds - match.cost * cost)
    for event in events:
        if event.currency:
            add(event.currency, "tax", event.tax)
            add(event.currency, "fees", event.fee)
            if event.kind in PAYING:
                add(event.currency, "interest" if event.kind == "interest" else "dividends", gross(event))
    names = ("realised", "dividends", "interest", "tax", "fees")
    return tuple(
        CurrencyGains(currency, *(quantise(sums.get(name, ZERO), currency) for name in names))
        for currency, sums in sorted(by_currency.items())
    )


def _by_security(
    book: Book,
    market: History,
    realised: Iterable[tuple[LotMatch, Exact]],
    unrealised: Iterable[tuple[int, Exact]],
    paid: Iterable[tuple[Event, Decimal]],
) -> tuple[SecurityGains, ...]:
    """The greatest total first, those without one last."""
    sold: dict[int, list[Exact]] = {}
    open_gains: dict[int, list[Exact]] = {}
    income: dict[int, Decimal] = {}
    for match, gain in realised:
        sold.setdefault(match.security, []).append(gain)
    for security, gain in unrealised:
        open_gains.setdefault(security, []).append(gain)
    for event, rate in paid:
        if event.security is not None:
            income[event.security] = income.get(event.security, ZERO) + (gross(event) - event.tax) * rate
    symbols = dict(zip(market.security_ids, market.symbols, strict=True))
    symbols |= dict.fromkeys({*sold, *open_gains, *income} - symbols.keys(), NEVER_PRICED)
    rows = []
    for security in sorted({*sold, *open_gains, *income}, key=lambda each: symbols[each]):
        of_sold, of_held = (_total(each.get(security, ())) for each in (sold, open_gains))
        paid_out = income.get(security, ZERO)
        total = None if of_sold is None or of_held is None else of_sold + of_held + paid_out
        rows.append((security, of_sold, of_held, paid_out, total))
    rows.sort(key=lambda row: (row[4] is None, -(row[4] or ZERO)))
    base = book.base_currency
    return tuple(
        SecurityGains(
            symbol=symbols[security],
            realised=quantise(of_sold, base),
            unrealised=quantise(of_held, base),
            income=quantise(paid_out, base),
            total=quantise(total, base),
        )
        for security, of_sold, of_held, paid_out, total in rows
    )


def _total(gains: Iterable[Exact]) -> Decimal | None:
    exact = list(gains)
    return sum((gain.total for gain in exact), ZERO) if all(gain.is_known for gain in exact) else None
