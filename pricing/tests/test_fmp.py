"""Shapes under /stable as of November 2026, of Financial Modeling Prep and its users; the numbers are made up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pricing.providers import fmp
from pricing.providers.http import ProviderFailed
from pricing.providers.rows import Dividend, Split
from pricing.tests.provider_server import KEY, NOON, sent

AT = int(NOON.timestamp()) - 60
FIRST, LAST = date(2026, 11, 1), date(2026, 12, 31)


def quote(symbol):
    return {"symbol": symbol, "name": symbol, "price": 12.5, "changePercentage": -1.25, "volume": None, "timestamp": AT}


def test_a_quote_is_asked_for_by_its_symbol_alone(connect, server):
    server.answers(sent([quote("AAPL")]))

    (row,) = fmp.fetch_quote(connect(fmp.PROVIDER), "AAPL").rows

    assert server.asked == [("/stable/quote", {"symbol": "AAPL", "apikey": KEY})]
    assert (row.change_percent, row.volume, row.at) == (Decimal("-1.25"), None, datetime.fromtimestamp(AT, UTC))


@pytest.mark.parametrize("fetch", [fmp.fetch_quote, fmp.fetch_profile])
def test_nothing_is_no_answer_and_says_of_whom(connect, server, fetch):
    server.answers(sent([]))

    assert fetch(connect(fmp.PROVIDER), "AAPL").absent == ("AAPL",)


@pytest.mark.parametrize(
    "changes",
    [
        {"price": 0},
        {"price": None},
        {"price": "12.5"},
        {"symbol": "MSFT"},
        {"timestamp": AT + 3600},
        {"timestamp": 1e30},
        {"volume": "n/a"},
    ],
)
def test_a_quote_that_is_none_is_refused(connect, server, changes):
    server.answers(sent([quote("AAPL") | changes]))

    answer = fmp.fetch_quote(connect(fmp.PROVIDER), "AAPL")

    assert (answer.rows, len(answer.refused), answer.absent) == ((), 1, ("AAPL",))


def profile(**changes):
    return {
        "symbol": "RIO.L",
        "companyName": "Rio",
        "currency": "GBp",
        "exchange": "LSE",
        "sector": "",
        "beta": 0.7,
    } | changes


def test_a_profile_keeps_the_unit_it_is_quoted_in(connect, server):
    server.answers(sent([profile()]))

    (row,) = fmp.fetch_profile(connect(fmp.PROVIDER), "RIO.L").rows

    assert (row.currency, row.sector, row.isin, row.beta) == ("GBp", None, None, Decimal("0.7"))


def test_the_market_value_is_read(connect, server):
    server.answers(sent([profile(marketCap=91000000001)]))

    (row,) = fmp.fetch_profile(connect(fmp.PROVIDER), "RIO.L").rows

    assert row.market_cap == Decimal(91000000001)


@pytest.mark.parametrize("changes", [{"symbol": "RIO"}, {"currency": "gbp"}, {"companyName": ""}, {"beta": "high"}])
def test_a_profile_that_is_another_or_can_not_be_read_is_refused(connect, server, changes):
    server.answers(sent([profile(**changes)]))

    answer = fmp.fetch_profile(connect(fmp.PROVIDER), "RIO.L")

    assert (answer.rows, answer.absent) == ((), ("RIO.L",))


REPORTS: dict[str, tuple[Any, dict[str, int], str]] = {
    "income-statement": (fmp.fetch_income_statements, {"revenue": 1000000000001, "interestExpense": 0}, "revenue"),
    "balance-sheet-statement": (fmp.fetch_balance_sheets, {"totalAssets": 1000000000001}, "total_assets"),
    "cash-flow-statement": (fmp.fetch_cash_flows, {"operatingCashFlow": 1000000000001}, "operating"),
    "ratios": (fmp.fetch_ratios, {"currentRatio": 1000000000001}, "current"),
}


@pytest.mark.parametrize("what", REPORTS)
def test_what_a_report_does_not_say_is_none_and_never_zero(connect, server, what):
    fetch, told, field = REPORTS[what]
    server.answers(sent([{"date": "2026-09-30", "period": "Q3", **told}]))

    (row,) = fetch(connect(fmp.PROVIDER), "AAPL", period="quarter", limit=4).rows

    assert server.asked == [(f"/stable/{what}", {"symbol": "AAPL", "period": "quarter", "limit": "4", "apikey": KEY})]
    assert getattr(row, field) == Decimal(1000000000001)
    unsaid = {name for name in row.__slots__ if getattr(row, name) is None}
    assert len(unsaid) >= 4
    assert getattr(row, "interest_expense", Decimal(0)) == 0


@pytest.mark.parametrize(
    ("fetch", "sent_as", "field"),
    [
        (fmp.fetch_income_statements, "epsDiluted", "eps_diluted"),
        (fmp.fetch_cash_flows, "netDividendsPaid", "dividends_paid"),
        (fmp.fetch_ratios, "debtToEquityRatio", "debt_to_equity"),
        (fmp.fetch_ratios, "priceToEarningsRatio", "price_to_earnings"),
        (fmp.fetch_ratios, "dividendYield", "dividend_yield"),
        (fmp.fetch_ratios, "dividendPayoutRatio", "payout"),
    ],
)
def test_what_was_renamed_is_read_by_its_new_name(connect, server, fetch, sent_as, field):
    server.answers(sent([{"date": "2026-09-30", "fiscalYear": "2026", sent_as: -1.5}]))

    (row,) = fetch(connect(fmp.PROVIDER), "AAPL", period="quarter", limit=1).rows

    assert getattr(row, field) == Decimal("-1.5")


@pytest.mark.parametrize(
    "changes", [{"date": "2027-09-30"}, {"symbol": "MSFT"}, {"revenue": "many"}, {"reportedCurrency": "$"}]
)
def test_a_statement_that_can_not_be_used_is_refused(connect, server, changes):
    server.answers(sent([{"date": "2026-09-30", "revenue": 1} | changes]))

    answer = fmp.fetch_income_statements(connect(fmp.PROVIDER), "AAPL", period="annual", limit=1)

    assert (answer.rows, len(answer.refused)) == ((), 1)


def test_two_statements_of_one_period_that_differ_are_both_refused(connect, server):
    server.answers(sent([{"date": "2026-09-30", "revenue": 1}, {"date": "2026-09-30", "revenue": 2}]))

    answer = fmp.fetch_income_statements(connect(fmp.PROVIDER), "AAPL", period="annual", limit=1)

    assert (answer.rows, len(answer.refused)) == ((), 2)


def test_a_dividend_is_what_was_paid_and_not_the_adjusted_amount(connect, server):
    coming = {
        "symbol": "AAPL", "date": "2026-12-09", "recordDate": "2026-12-10", "paymentDate": "", "declarationDate": None,
        "adjDividend": 0.065, "dividend": 0.26, "yield": 0.4, "frequency": "Quarterly",
    }  # fmt: skip
    server.answers(sent([coming, coming | {"date": "1999-12-09"}, coming | {"date": "soon"}]))

    answer = fmp.fetch_dividends(connect(fmp.PROVIDER), "AAPL", first=FIRST, last=LAST)

    assert server.asked[0] == ("/stable/dividends", {"symbol": "AAPL", "apikey": KEY})
    assert answer.rows == (
        Dividend("AAPL", date(2026, 12, 9), date(2026, 12, 10), None, None, Decimal("0.26"), None, "fmp"),
    )
    assert [refused.rule for refused in answer.refused] == ["is no date"]


def test_a_split_is_new_shares_per_old(connect, server):
    coming = {"symbol": "AAPL", "date": "2026-12-01", "numerator": 4, "denominator": 1}
    server.answers(sent([coming, coming | {"date": "2026-12-02", "denominator": 0}]))

    answer = fmp.fetch_splits(connect(fmp.PROVIDER), "AAPL", first=FIRST, last=LAST)

    assert answer.rows == (Split("AAPL", date(2026, 12, 1), Decimal(4), "fmp"),)
    assert [refused.day for refused in answer.refused] == ["2026-12-02"]


def test_earnings_that_are_not_out_yet_are_none(connect, server):
    server.answers(sent([{"date": "2026-12-01", "symbol": "AAPL", "epsActual": None, "epsEstimated": 1.2}]))

    (row,) = fmp.fetch_earnings_calendar(connect(fmp.PROVIDER), first=FIRST, last=LAST).rows

    assert (row.eps, row.eps_estimated, row.revenue) == (None, Decimal("1.2"), None)


def test_an_error_with_status_200_is_an_error(connect, server):
    server.answers(sent({"Error Message": "Invalid API KEY"}))

    with pytest.raises(ProviderFailed, match="is no list"):
        fmp.fetch_quote(connect(fmp.PROVIDER), "AAPL")


def test_a_calendar_is_asked_for_in_spans_of_ninety_days(connect, server):
    server.answers(sent([]))

    fmp.fetch_earnings_calendar(connect(fmp.PROVIDER), first=date(2026, 1, 1), last=date(2026, 7, 15))

    assert [(asked["from"], asked["to"]) for _, asked in server.asked] == [
        ("2026-01-01", "2026-03-31"), ("2026-04-01", "2026-06-29"), ("2026-06-30", "2026-07-15"),
    ]  # fmt: skip


def calendar(handler):
    """A thousand reports a day, and no more than three thousand at once, as its pages say."""
    asked = parse_qs(urlsplit(handler.path).query)
    begin, end = (date.fromisoformat(asked[name][0]) for name in ("from", "to"))
    days = [begin + timedelta(n) for n in range((end - begin).days + 1)]
    rows = [{"date": str(day), "symbol": f"S{n}", "epsActual": 1} for day in days for n in range(1_000)]
    sent(rows[: fmp.CALENDAR_ROWS])(handler)


def test_of_a_calendar_that_is_longer_than_an_answer_nothing_is_lost(connect, server):
    server.answers(calendar)

    answer = fmp.fetch_earnings_calendar(connect(fmp.PROVIDER), first=FIRST, last=FIRST + timedelta(6))

    assert (len(answer.rows), answer.refused) == (7_000, ())


def test_a_day_that_fills_an_answer_may_be_cut_off_and_is_refused(connect, server):
    rows = [{"date": str(FIRST), "symbol": f"S{n}", "epsActual": 2} for n in range(3_000)]
    server.answers(sent(rows))

    with pytest.raises(ProviderFailed, match="sent 3,000 rows of 2026-11-01, and perhaps not all"):
        fmp.fetch_earnings_calendar(connect(fmp.PROVIDER), first=FIRST, last=FIRST)
