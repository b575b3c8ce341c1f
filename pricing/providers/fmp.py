"""Financial Modeling Prep: who a company is, what it reported, what it is quoted at, its splits, dividends and reports.

All of it stands under `/stable`, asked for one symbol at a time: a list of symbols is answered with nothing, silently. What its
calendars of all companies' splits and dividends are called there is not verified; those of each company are asked for instead.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Literal, TypeVar

from config.counts import number_of
from pricing import fx
from pricing.providers import fields, http
from pricing.providers.budget import Allowance
from pricing.providers.fields import Answer, BadField, Sieve
from pricing.providers.http import Client, Provider
from pricing.providers.rows import (
    BalanceSheet,
    CashFlow,
    Dividend,
    Earnings,
    IncomeStatement,
    Profile,
    Quote,
    Ratios,
    Split,
)

PROVIDER = Provider(
    code="fmp",
    host="financialmodelingprep.com",
    base_path="/stable",
    key_variable="FMP_API_KEY",
    key_parameter="apikey",
    allowance=Allowance(per_minute=120, bytes_per_month=50 * 1000**3),
)

CALENDAR_DAYS, CALENDAR_ROWS = 90, 3_000
"""The most that its pages on the calendars say one answer speaks of. Of what is beyond, an answer says nothing."""

SECTORS: Mapping[str, str] = {
    "Basic Materials": "Materials",
    "Consumer Cyclical": "Consumer Discretionary",
    "Consumer Defensive": "Consumer Staples",
    "Financial Services": "Financials",
    "Healthcare": "Health Care",
    "Technology": "Information Technology",
}
"""Its words for sectors that we call otherwise; the others it calls as we do."""

Period = Literal["annual", "quarter"]
Reported = TypeVar("Reported", IncomeStatement, BalanceSheet, CashFlow, Ratios)
Sent = Mapping[str, Any]


def fetch_profile(client: Client, symbol: str) -> Answer[Profile]:
    """Who a company is; one row."""

    def profile(row: Sent) -> Profile:
        return Profile(
            symbol=fields.same(row, "symbol", symbol),
            name=fields.text(row, "companyName"),
            currency=_currency(row, "currency"),
            exchange=fields.text(row, "exchange"),
            industry=fields.maybe_text(row, "industry"),
            sector=fields.maybe_text(row, "sector"),
            country=fields.maybe_text(row, "country"),
            isin=fields.maybe_text(row, "isin"),
            cusip=fields.maybe_text(row, "cusip"),
            market_cap=fields.maybe_number(row, "marketCap"),
            beta=fields.maybe_number(row, "beta"),
            source=PROVIDER.code,
        )

    sieve = Sieve[Profile](PROVIDER.code, "profile", about=symbol)
    sieve.take(_of_symbol(client, "/profile", symbol), profile, key=lambda row: row.symbol)
    return sieve.answer(requested=[symbol], name_of=lambda row: row.symbol)


def fetch_income_statements(client: Client, symbol: str, *, period: Period, limit: int) -> Answer[IncomeStatement]:
    """The newest `limit` periods."""

    def statement(row: Sent, period_end: date) -> IncomeStatement:
        return IncomeStatement(
            symbol=symbol,
            period_end=period_end,
            fiscal_year=fields.maybe_text(row, "fiscalYear"),
            period=fields.maybe_text(row, "period"),
            currency=_maybe_currency(row, "reportedCurrency"),
            revenue=fields.maybe_number(row, "revenue"),
            cost_of_revenue=fields.maybe_number(row, "costOfRevenue"),
            gross_profit=fields.maybe_number(row, "grossProfit"),
            operating_expenses=fields.maybe_number(row, "operatingExpenses"),
            operating_income=fields.maybe_number(row, "operatingIncome"),
            interest_expense=fields.maybe_number(row, "interestExpense"),
            net_income=fields.maybe_number(row, "netIncome"),
            eps=fields.maybe_number(row, "eps"),
            eps_diluted=fields.maybe_number(row, "epsDiluted"),
            source=PROVIDER.code,
        )

    return _reported(client, "income-statement", symbol, period, limit, statement)


def fetch_balance_sheets(client: Client, symbol: str, *, period: Period, limit: int) -> Answer[BalanceSheet]:
    """The newest `limit` periods."""

    def sheet(row: Sent, period_end: date) -> BalanceSheet:
        return BalanceSheet(
            symbol=symbol,
            period_end=period_end,
            fiscal_year=fields.maybe_text(row, "fiscalYear"),
            period=fields.maybe_text(row, "period"),
            currency=_maybe_currency(row, "reportedCurrency"),
            total_assets=fields.maybe_number(row, "totalAssets"),
            current_assets=fields.maybe_number(row, "totalCurrentAssets"),
            cash=fields.maybe_number(row, "cashAndCashEquivalents"),
            total_liabilities=fields.maybe_number(row, "totalLiabilities"),
            current_liabilities=fields.maybe_number(row, "totalCurrentLiabilities"),
            equity=fields.maybe_number(row, "totalStockholdersEquity"),
            retained_earnings=fields.maybe_number(row, "retainedEarnings"),
            total_debt=fields.maybe_number(row, "totalDebt"),
            intangible_assets=fields.maybe_number(row, "intangibleAssets"),
            goodwill=fields.maybe_number(row, "goodwill"),
            source=PROVIDER.code,
        )

    return _reported(client, "balance-sheet-statement", symbol, period, limit, sheet)


def fetch_cash_flows(client: Client, symbol: str, *, period: Period, limit: int) -> Answer[CashFlow]:
    """The newest `limit` periods."""

    def flow(row: Sent, period_end: date) -> CashFlow:
        return CashFlow(
            symbol=symbol,
            period_end=period_end,
            fiscal_year=fields.maybe_text(row, "fiscalYear"),
            period=fields.maybe_text(row, "period"),
            currency=_maybe_currency(row, "reportedCurrency"),
            operating=fields.maybe_number(row, "operatingCashFlow"),
            capital_expenditure=fields.maybe_number(row, "capitalExpenditure"),
            free=fields.maybe_number(row, "freeCashFlow"),
            dividends_paid=fields.maybe_number(row, "netDividendsPaid"),
            stock_based_compensation=fields.maybe_number(row, "stockBasedCompensation"),
            source=PROVIDER.code,
        )

    return _reported(client, "cash-flow-statement", symbol, period, limit, flow)


def fetch_ratios(client: Client, symbol: str, *, period: Period, limit: int) -> Answer[Ratios]:
    """The newest `limit` periods."""

    def ratios(row: Sent, period_end: date) -> Ratios:
        return Ratios(
            symbol=symbol,
            period_end=period_end,
            period=fields.maybe_text(row, "period"),
            current=fields.maybe_number(row, "currentRatio"),
            quick=fields.maybe_number(row, "quickRatio"),
            net_margin=fields.maybe_number(row, "netProfitMargin"),
            operating_margin=fields.maybe_number(row, "operatingProfitMargin"),
            gross_margin=fields.maybe_number(row, "grossProfitMargin"),
            debt_to_equity=fields.maybe_number(row, "debtToEquityRatio"),
            price_to_earnings=fields.maybe_number(row, "priceToEarningsRatio"),
            price_to_book=fields.maybe_number(row, "priceToBookRatio"),
            dividend_yield=fields.maybe_number(row, "dividendYield"),
            payout=fields.maybe_number(row, "dividendPayoutRatio"),
            source=PROVIDER.code,
        )

    return _reported(client, "ratios", symbol, period, limit, ratios)


def fetch_quote(client: Client, symbol: str) -> Answer[Quote]:
    """What one security is quoted at; `absent` names it where nothing was said."""
    now = client.clock.utc()

    def quote(row: Sent) -> Quote:
        return Quote(
            symbol=fields.same(row, "symbol", symbol),
            name=fields.maybe_text(row, "name"),
            price=fields.number(row, "price", positive=True),
            previous_close=fields.maybe_number(row, "previousClose"),
            open=fields.maybe_number(row, "open"),
            day_low=fields.maybe_number(row, "dayLow"),
            day_high=fields.maybe_number(row, "dayHigh"),
            year_low=fields.maybe_number(row, "yearLow"),
            year_high=fields.maybe_number(row, "yearHigh"),
            change=fields.maybe_number(row, "change"),
            change_percent=fields.maybe_number(row, "changePercentage"),
            volume=fields.maybe_number(row, "volume"),
            market_cap=fields.maybe_number(row, "marketCap"),
            exchange=fields.maybe_text(row, "exchange"),
            at=fields.epoch(row, "timestamp", unit=timedelta(seconds=1), latest=now),
            source=PROVIDER.code,
        )

    sieve = Sieve[Quote](PROVIDER.code, "quote", day="timestamp", symbol="symbol")
    sieve.take(_of_symbol(client, "/quote", symbol), quote, key=lambda row: row.symbol)
    return sieve.answer(requested=[symbol], name_of=lambda row: row.symbol)


def fetch_dividends(client: Client, symbol: str, *, first: date, last: date) -> Answer[Dividend]:
    """The dividends of a company with an ex-date between two days, ahead or past; not adjusted for later splits."""

    def dividend(row: Sent) -> Dividend:
        return Dividend(
            symbol=fields.same(row, "symbol", symbol),
            ex_date=fields.day(row, "date"),
            record_date=fields.maybe_day(row, "recordDate"),
            pay_date=fields.maybe_day(row, "paymentDate"),
            announced=fields.maybe_day(row, "declarationDate"),
            amount=fields.number(row, "dividend", positive=True),
            currency=None,
            source=PROVIDER.code,
        )

    sieve = Sieve[Dividend](PROVIDER.code, "dividend", day="date", about=symbol)
    rows = _within(_of_symbol(client, "/dividends", symbol), first, last)
    sieve.take(rows, dividend, key=lambda row: (row.ex_date, row.amount))
    return sieve.answer()


def fetch_splits(client: Client, symbol: str, *, first: date, last: date) -> Answer[Split]:
    """The splits of a company between two days, ahead or past."""

    def split(row: Sent) -> Split:
        return Split(
            symbol=fields.same(row, "symbol", symbol),
            ex_date=fields.day(row, "date"),
            ratio=fields.quotient(row, "numerator", "denominator"),
            source=PROVIDER.code,
        )

    sieve = Sieve[Split](PROVIDER.code, "split", day="date", about=symbol)
    rows = _within(_of_symbol(client, "/splits", symbol), first, last)
    sieve.take(rows, split, key=lambda row: row.ex_date)
    return sieve.answer()


def fetch_earnings_calendar(client: Client, *, first: date, last: date) -> Answer[Earnings]:
    """When companies report, or what they did report."""

    def earnings(row: Sent) -> Earnings:
        return Earnings(
            symbol=fields.text(row, "symbol"),
            day=_day_within(row, first, last),
            eps=fields.maybe_number(row, "epsActual"),
            eps_estimated=fields.maybe_number(row, "epsEstimated"),
            revenue=fields.maybe_number(row, "revenueActual"),
            revenue_estimated=fields.maybe_number(row, "revenueEstimated"),
            source=PROVIDER.code,
        )

    sieve = Sieve[Earnings](PROVIDER.code, "earnings", day="date", symbol="symbol")
    rows = _between(client, "/earnings-calendar", first, last)
    sieve.take(rows, earnings, key=lambda row: (row.symbol, row.day))
    return sieve.answer()


def _reported(
    client: Client, what: str, symbol: str, period: Period, limit: int, read: Callable[[Sent, date], Reported]
) -> Answer[Reported]:
    today = client.clock.utc().date()

    def row_of(row: Sent) -> Reported:
        if "symbol" in row:
            fields.same(row, "symbol", symbol)
        return read(row, fields.day(row, "date", latest=today))

    sieve = Sieve[Reported](PROVIDER.code, what, day="date", about=symbol)
    rows = _of_symbol(client, f"/{what}", symbol, {"period": period, "limit": str(limit)})
    sieve.take(rows, row_of, key=lambda row: row.period_end)
    return sieve.answer(requested=[symbol], name_of=lambda row: row.symbol)


def _between(client: Client, path: str, first: date, last: date) -> list[Any]:
    """All rows of a calendar, asked for in spans that one answer can hold. Raises ProviderFailed where none holds a day."""
    rows: list[Any] = []
    while first <= last:
        end = min(last, first + timedelta(days=CALENDAR_DAYS - 1))
        rows += _whole(client, path, first, end)
        first = end + timedelta(days=1)
    return rows


def _whole(client: Client, path: str, first: date, last: date) -> list[Any]:
    rows = _list(client, path, {"from": first.isoformat(), "to": last.isoformat()})
    if len(rows) < CALENDAR_ROWS:
        return rows
    if first == last:
        raise http.ProviderFailed(
            PROVIDER.code, path, f"sent {number_of(len(rows), 'row')} of {first}, and perhaps not all", passing=False
        )
    middle = first + (last - first) // 2
    return _whole(client, path, first, middle) + _whole(client, path, middle + timedelta(days=1), last)


def _of_symbol(client: Client, path: str, symbol: str, query: Mapping[str, str] | None = None) -> list[Any]:
    return _list(client, path, {"symbol": http.symbol_in_path(symbol), **(query or {})})


def _within(rows: list[Any], first: date, last: date) -> list[Any]:
    """Those of the wanted days, as an answer holds a company's whole history. A row without a day is wanted, to be refused."""
    return [row for row in rows if not isinstance(row, Mapping) or first <= (_day_of(row) or first) <= last]


def _day_of(row: Sent) -> date | None:
    try:
        return fields.day(row, "date")
    except BadField:
        return None


def _list(client: Client, path: str, query: Mapping[str, str] | None = None) -> list[Any]:
    payload: list[Any] = client.get(
        path, query, fault=lambda payload: None if isinstance(payload, list) else "is no list"
    )
    return payload


def _day_within(row: Sent, first: date, last: date) -> date:
    day = fields.day(row, "date")
    if not first <= day <= last:
        raise BadField("date", day, "was not asked for")
    return day


def _currency(row: Sent, field: str) -> str:
    """A currency, or a minor unit that prices are quoted in."""
    currency = fields.text(row, field)
    if fx.trading_currency(currency) not in fx.CURRENCIES:
        raise BadField(field, currency, "is no currency")
    return currency


def _maybe_currency(row: Sent, field: str) -> str | None:
    return None if row.get(field) is None else _currency(row, field)
