"""Shapes of EDGAR's company facts and submissions as of November 2026. Apple's revenue of its year 2009 and the
days are those of its report (2009-10-27) and of the amendment (2010-01-25) that restated it; the rest is made up."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from pricing.providers import edgar, fundamentals
from pricing.providers.http import BadSymbol, ProviderFailed
from pricing.providers.rows import Fact
from pricing.tests.provider_server import KEY, sent

FIRST, AMENDED = "0001193125-09-214859", "0001193125-10-012091"
YEAR = {"start": "2008-09-28", "end": "2009-09-26", "fy": 2009, "fp": "FY"}


def row(val=36537000000, accn=FIRST, filed="2009-10-27", form="10-K", **changes):
    return {**YEAR, "val": val, "accn": accn, "filed": filed, "form": form} | changes


def facts(tag="SalesRevenueNet", *rows, unit="USD"):
    told = {"label": "x", "description": "x", "units": {unit: list(rows)}}
    return sent({"cik": 320193, "entityName": "Apple Inc.", "facts": {"dei": {}, "us-gaap": {tag: told}}})


def fetched(connect):
    return edgar.fetch_facts(connect(edgar.PROVIDER), "320193")


def test_a_fact_is_its_period_and_its_filing_and_who_asks_says_whom_to_write_to(connect, server):
    server.answers(facts("SalesRevenueNet", row(), row(42905000000, AMENDED, "2010-01-25", "10-K/A")))

    answer = fetched(connect)

    assert answer.rows[0] == Fact(
        "revenue", 2, date(2008, 9, 28), date(2009, 9, 26), Decimal(36537000000), date(2009, 10, 27), FIRST, "sec-edgar"
    )
    assert (len(answer.rows), answer.refused) == (2, ())
    assert server.asked == [("/api/xbrl/companyfacts/CIK0000320193.json", {})]
    assert server.headers[0]["user-agent"] == f"Tieout {KEY}"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"val": "36537000000"}, "val"),
        ({"val": None}, "val"),
        ({"end": "2009-02-30"}, "end"),
        ({"end": "2008-01-01"}, "end"),
        ({"filed": "2009-01-01"}, "end"),
        ({"filed": "2027-01-01"}, "filed"),
        ({"accn": None}, "accn"),
    ],
)
def test_a_fact_that_is_none_is_refused_by_name(connect, server, changes, field):
    server.answers(facts("SalesRevenueNet", row(**changes)))

    answer = fetched(connect)

    assert (answer.rows, [refused.field for refused in answer.refused]) == ((), [field])


def test_another_unit_and_another_rule_book_are_not_read(connect, server):
    server.answers(facts("SalesRevenueNet", row(), unit="EUR"))
    assert fetched(connect).rows == ()

    server.answers(sent({"facts": {"ifrs-full": {}}}))
    assert fetched(connect).rows == ()


@pytest.mark.parametrize("payload", [{}, {"facts": []}, {"facts": {"us-gaap": {"Assets": {"units": {"USD": {}}}}}}])
def test_another_shape_is_refused_whole(connect, server, payload):
    server.answers(sent(payload))

    with pytest.raises(ProviderFailed):
        fetched(connect)


@pytest.mark.parametrize("symbol", ["AAPL", "", "12345678901", "٣"])
def test_a_ticker_is_no_company(connect, server, symbol):
    with pytest.raises(BadSymbol):
        edgar.fetch_facts(connect(edgar.PROVIDER), symbol)

    assert server.asked == []


def test_filings_say_when_they_were_accepted(connect, server):
    recent = {"accessionNumber": [FIRST], "acceptanceDateTime": ["2009-10-27T16:18:29.000Z"], "form": ["10-K"]}
    server.answers(sent({"cik": "320193", "filings": {"recent": recent, "files": []}}))

    (filing,) = edgar.fetch_filings(connect(edgar.PROVIDER), "320193").rows

    assert (filing.accession, filing.accepted_at) == (FIRST, datetime(2009, 10, 27, 16, 18, 29, tzinfo=UTC))


@pytest.mark.parametrize(
    ("filed", "accepted", "known"),
    [
        ("2009-10-27", "2009-10-27T15:59:59", "2009-10-27"),
        ("2009-10-27", "2009-10-27T16:00:00", "2009-10-28"),
        ("2009-10-30", "2009-10-30T16:30:00", "2009-11-02"),  # a Friday evening
        ("2009-11-02", "2009-10-30T18:30:00", "2009-11-02"),  # filed with the next day's date
        ("2009-10-31", "2009-10-31T10:00:00", "2009-11-02"),
        ("2009-10-27", None, "2009-10-28"),
        ("2009-10-30", None, "2009-11-02"),
    ],
)
def test_a_filing_is_known_on_the_first_session_that_could_trade_on_it(filed, accepted, known):
    instant = datetime.fromisoformat(accepted).replace(tzinfo=UTC) if accepted else None

    assert edgar.known_at(date.fromisoformat(filed), instant) == date.fromisoformat(known)


def fact(value, filed, accession, *, rank=0, start=date(2008, 9, 28), end=date(2009, 9, 26)):
    return Fact("revenue", rank, start, end, Decimal(value), filed, accession, "sec-edgar")


def vintages(*rows, accepted_at=None):
    told = fundamentals.observations(rows, accepted_at or {})
    return {key: [(str(row.value), str(row.realtime_start)) for row in value] for key, value in told.items()}


def test_the_earliest_filing_counts_until_another_says_otherwise():
    told = vintages(
        fact(42905, date(2010, 1, 25), AMENDED),
        fact(36537, date(2009, 10, 27), FIRST),
        accepted_at={FIRST: datetime(2009, 10, 27, 12, tzinfo=UTC)},
    )

    assert told == {("revenue", "A"): [("36537", "2009-10-27"), ("42905", "2010-01-26")]}


def test_quarters_years_and_balances_are_series_of_their_own_and_nine_months_none():
    days = [(date(2009, 6, 28), "Q"), (date(2008, 12, 28), None), (date(2008, 9, 28), "A"), (None, "Q")]

    assert [edgar.frequency_of(fact(1, AMENDED, FIRST, start=start)) for start, _ in days] == [each for _, each in days]


def test_of_two_names_in_one_filing_the_preferred_counts():
    filed = date(2019, 10, 31)

    assert vintages(fact(2, filed, FIRST, rank=1), fact(1, filed, FIRST)) == {("revenue", "A"): [("1", "2019-11-01")]}
