"""Realised gains of a tax year, lot by lot, as the portfolio's booking method took them; and of each year before.

A gain is measured from purchase, as in `portfolio.valuation.gains`: the same sales, the same rates. It says what was booked,
and nothing of what is taxed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from portfolio.books import Book, LotMatch
from portfolio.valuation import gains, tax_years
from portfolio.valuation.deal_rates import DealRates
from portfolio.valuation.gains import MOVES, NEVER_PRICED, ZERO, Exact, Sides
from portfolio.valuation.money import DECIMAL_DIGITS, quantise
from portfolio.valuation.tax_years import Begins, TaxYear
from pricing.market import History

RATE_DIGITS = Decimal("1e-10")


@dataclass(frozen=True, slots=True)
class RealisedLot:
    """What one sale took from one lot. Amounts in base currency, but for those named local, which are in `currency`.

    gain = proceeds - cost - fees = price + fx + interaction - fees; fees are 0 where they are in cost and proceeds. What rests
    on a rate that nobody gave is None.
    """

    symbol: str
    security_id: int
    account: str
    acquired: date | None
    """None of an average pool, which was bought on many days."""
    sold: date
    days_held: int | None
    kind: str
    quantity: Decimal
    proceeds: Decimal | None
    cost: Decimal | None
    fees: Decimal | None
    gain: Decimal | None
    price: Decimal | None
    fx: Decimal | None
    interaction: Decimal | None
    currency: str
    """That the security trades in."""
    proceeds_local: Decimal | None
    cost_local: Decimal | None
    gain_local: Decimal | None
    """proceeds_local - cost_local: before fees where they are apart."""
    fx_in: Decimal | None
    """Base currency for one of `currency` at the purchase, to ten decimals."""
    fx_out: Decimal | None
    lot: str
    entry_id: str


@dataclass(frozen=True, slots=True)
class RealisedSum:
    """The sum of some lots, base currency, each amount rounded once. None where one of the lots has none."""

    label: str
    lots: int
    proceeds: Decimal | None
    cost: Decimal | None
    fees: Decimal | None
    gain: Decimal | None
    price: Decimal | None
    fx: Decimal | None
    interaction: Decimal | None


@dataclass(frozen=True, slots=True)
class RealisedYear:
    tax_year: str
    first_date: date
    last_date: date
    """Of the year, or the as-of date where it is not over."""
    base_currency: str
    booking_method: str
    fees_are: str
    """In words: in cost and proceeds, or apart."""
    whole: RealisedSum
    before_fees: Decimal | None
    """price + fx + interaction: the gain, and the fees that are apart."""
    gains: Decimal | None
    """The sum of the lots that gained, and below that of the lots that lost."""
    losses: Decimal | None
    without_cost: int
    """Lots of the year whose cost in base currency is not known."""
    lots: tuple[RealisedLot, ...]
    """In order of sale."""
    by_security: tuple[RealisedSum, ...]
    """By symbol."""
    years: tuple[RealisedSum, ...]
    """Every year from the first sale to that of the as-of date, the newest first."""


@dataclass(frozen=True, slots=True)
class _Sale:
    match: LotMatch
    symbol: str
    sides: Sides
    exact: Exact


def of_year(book: Book, market: History, *, year: int | None, begins: Begins) -> RealisedYear:
    """What was sold in a tax year (None: that of the history's last day) up to that day.

    raises   YearNotBegun; MissingRate where proceeds can't be converted
    """
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        asof: date = market.dates[-1].item()
        tax_year = tax_years.choose(year, begins, asof)
        every = list(_sales(book, market, asof))
        sales = [each for each in every if tax_year.holds(each.match.date)]
        base, are_totals_known = book.base_currency, all(each.exact.is_known for each in sales)
        totals = [each.exact.total for each in sales]
        return RealisedYear(
            tax_year=tax_year.label,
            first_date=tax_year.first_date,
            last_date=min(tax_year.last_date, asof),
            base_currency=base,
            booking_method=book.booking_method,
            fees_are="in cost and proceeds" if book.fees_in_cost else "apart",
            whole=_sum(tax_year.label, sales, base),
            before_fees=_before_fees(sales, base),
            gains=quantise(sum((each for each in totals if each > 0), ZERO), base) if are_totals_known else None,
            losses=quantise(sum((each for each in totals if each < 0), ZERO), base) if are_totals_known else None,
            without_cost=sum(not each.exact.is_known for each in sales),
            lots=tuple(_lot(each, book, market) for each in sales),
            by_security=tuple(_sum(symbol, own, base) for symbol, own in sorted(_by_symbol(sales).items())),
            years=tuple(
                _sum(each.label, [sale for sale in every if each.holds(sale.match.date)], base)
                for each in _years(every, begins, asof)
            ),
        )


def _sales(book: Book, market: History, asof: date) -> Iterable[_Sale]:
    rates = DealRates(market, book.base_currency, book.trade_fx)
    symbols = dict(zip(market.security_ids, market.symbols, strict=True))
    for match in book.matches:
        if match.date <= asof and match.kind not in MOVES:
            sides = gains.realised(book, match, market, rates)
            yield _Sale(match, symbols.get(match.security, NEVER_PRICED), sides, gains.split(sides))


def _by_symbol(sales: Iterable[_Sale]) -> dict[str, list[_Sale]]:
    by_symbol: dict[str, list[_Sale]] = {}
    for each in sales:
        by_symbol.setdefault(each.symbol, []).append(each)
    return by_symbol


def _years(sales: Sequence[_Sale], begins: Begins, asof: date) -> list[TaxYear]:
    if not sales:
        return []
    first = tax_years.of_day(min(each.match.date for each in sales), begins).year
    last = tax_years.of_day(asof, begins).year
    return [tax_years.starting_in(year, begins) for year in range(last, first - 1, -1)]


def _lot(sale: _Sale, book: Book, market: History) -> RealisedLot:
    match, sides, exact, base = sale.match, sale.sides, sale.exact, book.base_currency
    currency = gains.trades_in_of(match.security, match.cost_currency or match.currency, market)
    acquired = None if book.booking_method == "AVERAGE" else match.acquired
    cost, proceeds = sides.cost.local, sides.proceeds.local
    return RealisedLot(
        symbol=sale.symbol,
        security_id=match.security,
        account=match.account,
        acquired=acquired,
        sold=match.date,
        days_held=None if acquired is None else (match.date - acquired).days,
        kind=match.kind,
        quantity=match.quantity,
        proceeds=quantise(sides.proceeds.base, base),
        cost=quantise(sides.cost.base, base),
        fees=quantise(sides.fees, base),
        gain=quantise(exact.total if exact.is_known else None, base),
        price=quantise(exact.price if exact.apart else None, base),
        fx=quantise(exact.fx if exact.apart else None, base),
        interaction=quantise(exact.interaction if exact.apart else None, base),
        currency=currency,
        proceeds_local=quantise(proceeds, currency),
        cost_local=quantise(cost, currency),
        gain_local=quantise(None if cost is None or proceeds is None else proceeds - cost, currency),
        fx_in=_rate(sides.fx_in),
        fx_out=_rate(sides.fx_out),
        lot=match.opened_by,
        entry_id=match.entry_id,
    )


def _sum(label: str, sales: Sequence[_Sale], currency: str) -> RealisedSum:
    are_totals_known, apart = (all(getattr(each.exact, name) for each in sales) for name in ("is_known", "apart"))

    def total(amounts: Iterable[Decimal | None], *, is_complete: bool = True) -> Decimal | None:
        terms = list(amounts)
        exact = [each for each in terms if each is not None]
        return quantise(sum(exact, ZERO), currency) if is_complete and len(exact) == len(terms) else None

    return RealisedSum(
        label=label,
        lots=len(sales),
        proceeds=total(each.sides.proceeds.base for each in sales),
        cost=total(each.sides.cost.base for each in sales),
        fees=total(each.sides.fees for each in sales),
        gain=total((each.exact.total for each in sales), is_complete=are_totals_known),
        price=total((each.exact.price for each in sales), is_complete=apart),
        fx=total((each.exact.fx for each in sales), is_complete=apart),
        interaction=total((each.exact.interaction for each in sales), is_complete=apart),
    )


def _before_fees(sales: Sequence[_Sale], currency: str) -> Decimal | None:
    if not all(each.exact.apart for each in sales):
        return None
    return quantise(sum((each.exact.total + each.exact.fees for each in sales), ZERO), currency)


def _rate(rate: Decimal | None) -> Decimal | None:
    return None if rate is None else rate.quantize(RATE_DIGITS)
