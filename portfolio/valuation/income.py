"""Dividends and interest as they were received: by month, by year, by tax year and by security, gross, withheld and net."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext

from portfolio.valuation import tax_years
from portfolio.valuation.deal_rates import DealRates
from portfolio.valuation.gains import PAYING, gross
from portfolio.valuation.money import DECIMAL_DIGITS, quantise
from portfolio.valuation.position import Positions
from portfolio.valuation.tax_years import Begins
from pricing.market import History

ZERO = Decimal(0)
INTEREST = "interest"


@dataclass(frozen=True, slots=True)
class PaidIncome:
    """What was received in a period, in base currency, each payment at the rate of its day; net = gross - withheld."""

    label: str
    """A month 2013-02, a year, or words."""
    gross: Decimal
    withheld: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True)
class SecurityIncome:
    """What one security paid; `symbol` is "interest" for what cash earned."""

    symbol: str
    twelve_months: Decimal
    """Net, of the twelve months up to the as-of date."""
    since_inception: Decimal
    """Net."""
    yield_on_cost: float | None
    """Gross of twelve months over the cost of what is held now; None where nothing is held, or its cost is not known."""


@dataclass(frozen=True, slots=True)
class IncomeRecord:
    base_currency: str
    asof_date: date
    twelve_months: PaidIncome
    this_year: PaidIncome
    since_inception: PaidIncome
    yield_on_cost: float | None
    """Gross dividends of twelve months on what is held, over its cost."""
    months: tuple[PaidIncome, ...]
    """The last 24 months, the newest last; months without a payment among them."""
    years: tuple[PaidIncome, ...]
    """The newest first."""
    by_security: tuple[SecurityIncome, ...]
    """The greatest of twelve months first."""


@dataclass(frozen=True, slots=True)
class PayerIncome:
    """What one security paid in a tax year; `symbol` is "interest" for what cash earned."""

    symbol: str
    gross: Decimal
    withheld: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True)
class IncomeYear:
    tax_year: str
    first_date: date
    last_date: date
    """Of the year, or the as-of date where it is not over."""
    base_currency: str
    whole: PaidIncome
    months: tuple[PaidIncome, ...]
    """Each calendar month that the year has a day in, up to the as-of date, the newest last."""
    by_payer: tuple[PayerIncome, ...]
    """By symbol."""


@dataclass(frozen=True, slots=True)
class _Payment:
    date: date
    symbol: str
    gross: Decimal
    withheld: Decimal


def record(positions: Positions, market: History) -> IncomeRecord:
    """All that was received up to the as-of date.

    raises   MissingRate where a payment can't be converted
    """
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        book, asof = positions.book, positions.asof_date
        payments = _payments(positions, market)
        since = year_before(asof)
        lately = [each for each in payments if each.date > since]
        costs = {row.symbol: row.cost_basis_base for row in positions.positions}

        def paid(label: str, payments_of_label: Iterable[_Payment]) -> PaidIncome:
            return _sum(label, list(payments_of_label), book.base_currency)

        return IncomeRecord(
            base_currency=book.base_currency,
            asof_date=asof,
            twelve_months=paid("twelve months", lately),
            this_year=paid(str(asof.year), (each for each in payments if each.date.year == asof.year)),
            since_inception=paid("since inception", payments),
            yield_on_cost=_yield_on_cost(lately, costs),
            months=_by(payments, _months_up_to(asof), lambda day: f"{day:%Y-%m}", book.base_currency),
            years=_by(payments, _years_of(payments), lambda day: str(day.year), book.base_currency),
            by_security=tuple(_by_security(payments, lately, costs, book.base_currency)),
        )


def of_year(positions: Positions, market: History, *, year: int | None, begins: Begins) -> IncomeYear:
    """What was received in a tax year (None: that of the as-of date) up to the as-of date.

    raises   YearNotBegun; MissingRate where a payment can't be converted
    """
    with localcontext() as context:
        context.prec = DECIMAL_DIGITS
        base, asof = positions.book.base_currency, positions.asof_date
        tax_year = tax_years.choose(year, begins, asof)
        last = min(tax_year.last_date, asof)
        payments = [each for each in _payments(positions, market) if tax_year.holds(each.date)]
        months = (last.year - tax_year.year) * 12 + last.month - tax_year.first_date.month + 1
        return IncomeYear(
            tax_year=tax_year.label,
            first_date=tax_year.first_date,
            last_date=last,
            base_currency=base,
            whole=_sum(tax_year.label, payments, base),
            months=_by(payments, _months_up_to(last, months), lambda day: f"{day:%Y-%m}", base),
            by_payer=tuple(
                PayerIncome(symbol, own.gross, own.withheld, own.net)
                for symbol, paid in sorted(_by_symbol(payments).items())
                for own in [_sum(symbol, paid, base)]
            ),
        )


def _payments(positions: Positions, market: History) -> list[_Payment]:
    """All that was paid up to the as-of date, in ledger order. Raises MissingRate."""
    book = positions.book
    rates = DealRates(market, book.base_currency, book.trade_fx)
    symbols = dict(zip(market.security_ids, market.symbols, strict=True))
    return [
        _Payment(
            event.date,
            INTEREST if event.security is None else symbols.get(event.security, "never priced"),
            gross(event) * rate,
            event.tax * rate,
        )
        for event in book.events
        if event.kind in PAYING and event.date <= positions.asof_date
        for rate in [rates.for_deal(event)]
    ]


def _by_symbol(payments: Iterable[_Payment]) -> dict[str, list[_Payment]]:
    by_symbol: dict[str, list[_Payment]] = {}
    for each in payments:
        by_symbol.setdefault(each.symbol, []).append(each)
    return by_symbol


def _sum(label: str, payments: Sequence[_Payment], currency: str) -> PaidIncome:
    gross = sum((each.gross for each in payments), ZERO)
    withheld = sum((each.withheld for each in payments), ZERO)
    return PaidIncome(label, *(quantise(amount, currency) for amount in (gross, withheld, gross - withheld)))


def _by(
    payments: Sequence[_Payment], labels: Sequence[str], label_of: Callable[[date], str], currency: str
) -> tuple[PaidIncome, ...]:
    by_label: dict[str, list[_Payment]] = {label: [] for label in labels}
    for each in payments:
        label = label_of(each.date)
        if label in by_label:
            by_label[label].append(each)
    return tuple(_sum(label, payments_of_label, currency) for label, payments_of_label in by_label.items())


def _months_up_to(asof: date, count: int = 24) -> list[str]:
    last = asof.year * 12 + asof.month - 1
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(last - count + 1, last + 1)]


def _years_of(payments: Sequence[_Payment]) -> list[str]:
    years = sorted({each.date.year for each in payments}, reverse=True)
    return [str(year) for year in range(years[0], years[-1] - 1, -1)] if years else []


def year_before(day: date) -> date:
    """The day whose close opens the twelve months."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day - timedelta(days=366)


def _by_security(
    payments: Sequence[_Payment], lately: Sequence[_Payment], costs: dict[str, Decimal | None], currency: str
) -> list[SecurityIncome]:
    rows, of_twelve_months = [], _by_symbol(lately)
    for symbol, paid in _by_symbol(payments).items():
        own = of_twelve_months.get(symbol, [])
        rows.append(
            SecurityIncome(
                symbol,
                _sum("", own, currency).net,
                _sum("", paid, currency).net,
                _yield_on_cost(own, {symbol: costs[symbol]} if symbol in costs else {}),
            )
        )
    return sorted(rows, key=lambda row: (-row.twelve_months, row.symbol))


def _yield_on_cost(lately: Iterable[_Payment], costs: dict[str, Decimal | None]) -> float | None:
    known_costs = [cost for cost in costs.values() if cost is not None]
    cost = sum(known_costs, ZERO)
    if len(known_costs) < len(costs) or cost <= 0:
        return None
    return float(sum((each.gross for each in lately if each.symbol in costs), ZERO) / cost)
