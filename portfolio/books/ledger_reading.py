"""A ledger folder as it was read: its transactions and the lots that are made of them, or the findings that refuse it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from portfolio.analytics.errors import AnalyticsError
from portfolio.books import booking_settings, lots
from portfolio.books.booking_settings import BookingSettings
from portfolio.books.lots import LotHistory
from portfolio.ledger import journal, statement
from portfolio.ledger.journal import LedgerTransaction
from portfolio.ledger.reader import LoadingProcess
from portfolio.ledger.screening import Finding, LedgerRefused
from portfolio.models import Portfolio, Transaction
from pricing.fx import CURRENCIES
from pricing.models import Security

MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Reading:
    """securities  symbol -> id, of all that the transactions are of
    statement   what the ledger itself says is held, apart from our booking
    """

    transactions: tuple[LedgerTransaction, ...]
    history: LotHistory
    securities: Mapping[str, int]
    settings: BookingSettings
    statement: statement.Statement


def read(
    portfolio: Portfolio, files: Mapping[str, bytes], *, today: date, child: LoadingProcess | None = None
) -> Reading:
    """The folder's files as a portfolio's ledger; entries after `today` are refused. `child` loads it, or a process of its own.
    Raises LedgerRefused."""
    reading, entries = journal.read(files, child=child)
    transactions = journal.with_inferred_deposits(reading, entries)
    own_settings = booking_settings.from_ledger(portfolio, journal.settings(reading))
    _require_base(portfolio, files, reading.operating_currencies)
    security_rows = Security.objects.filter(symbol__in=symbols(transactions)).values_list("symbol", "id", "currency")
    securities = {symbol: pk for symbol, pk, _ in security_rows}
    trading = {symbol: currency for symbol, _, currency in security_rows}
    findings = [*_find_unknown(transactions, securities), *_find_future(transactions, today)]
    if findings:
        raise LedgerRefused(tuple(findings[:MOST_FINDINGS]))
    try:
        history = lots.derive(
            transactions,
            securities=securities,
            base_currency=portfolio.base_currency,
            method=own_settings.booking_method,  # type: ignore[arg-type]
            fees_in_cost=own_settings.fees_in_cost,
            account_methods=journal.account_methods(reading),
            trading=trading,
        )
    except AnalyticsError as wrong:
        raise LedgerRefused((Finding("main.beancount", 0, str(wrong)),)) from wrong
    stated = statement.from_reading(
        reading, entries, method=own_settings.booking_method, fees_in_cost=own_settings.fees_in_cost, trading=trading
    )
    return Reading(transactions, history, securities, own_settings, stated)


def symbols(transactions: Sequence[LedgerTransaction]) -> set[str]:
    """All securities that the transactions are of."""
    return {symbol for event in transactions for symbol in (event.symbol, event.to_symbol) if symbol}


def _find_unknown(transactions: Sequence[LedgerTransaction], securities: Mapping[str, int]) -> Iterator[Finding]:
    for event in transactions:
        for currency in (event.currency, event.counter_currency):
            if currency and currency not in CURRENCIES:
                yield Finding(event.file, event.line, f"unknown currency {currency}")
    for event in transactions:
        for symbol in (event.symbol, event.to_symbol):
            if symbol and symbol not in securities:
                yield Finding(event.file, event.line, f"unknown security {symbol}: load its market data first")


def _find_future(transactions: Sequence[LedgerTransaction], today: date) -> Iterator[Finding]:
    for event in transactions:
        if event.date > today:
            yield Finding(event.file, event.line, f"{event.date} is in the future")


def _require_base(portfolio: Portfolio, files: Mapping[str, bytes], currencies: Sequence[str]) -> None:
    """The rates of a ledger are in its operating currency, so that has to be the portfolio's own."""
    if not currencies or currencies[0] == portfolio.base_currency:
        return
    reason = f"operating currency {currencies[0]}: the portfolio's base currency is {portfolio.base_currency}"
    before, _, _ = files["main.beancount"].partition(b'option "operating_currency"')
    raise LedgerRefused((Finding("main.beancount", before.count(b"\n") + 1, reason),))


def require_quote_units(portfolio: Portfolio, reading: Reading) -> None:
    """Raises LedgerRefused for a bond without a quote unit, whose price can't be interpreted; one already booked stays."""
    unquoted = {
        security.symbol
        for security in Security.objects.filter(symbol__in=reading.securities)
        if security.lacks_quote_unit
        and not Transaction.objects.filter(portfolio=portfolio, security=security, removed_in__isnull=True).exists()
    }
    findings = [
        Finding(event.file, event.line, f"{symbol} is a bond without a quote unit and can't be booked")
        for event in reading.transactions
        for symbol in (event.symbol, event.to_symbol)
        if symbol in unquoted
    ]
    if findings:
        raise LedgerRefused(tuple(findings[:MOST_FINDINGS]))
