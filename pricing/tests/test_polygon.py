"""Shapes as Massive documents them; the numbers are made up but for AAPL's split of 2020-08-31, which was four to one."""

import time as clock_of_the_process
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from pricing.providers import polygon
from pricing.providers.http import BadSymbol, ProviderFailed
from pricing.providers.rows import Close, Dividend, Split
from pricing.tests.provider_server import KEY, Time, sent

FIRST, LAST = date(2020, 8, 26), date(2026, 11, 20)
MIDNIGHT_MS = 1598587200000  # 2020-08-28 00:00 in New York, 04:00 UTC
DAY_MS = 86_400_000


def bars(*results, **changes):
    text = ", ".join(results)
    fixed = {
        "ticker": '"AAPL"',
        "adjusted": "false",
        "status": '"OK"',
        "queryCount": "1",
        "request_id": '"x"',
    } | changes
    return sent("{" + ", ".join(f'"{k}": {v}' for k, v in fixed.items()) + f', "results": [{text}]}}')


def bar(t=MIDNIGHT_MS, c="499.23"):
    return f'{{"t": {t}, "o": 504.05, "h": 505.77, "l": 498.31, "c": {c}, "v": 4.6907479e+07, "vw": 501.1, "n": 9}}'


def closes(connect, **changes):
    return polygon.fetch_closes(connect(polygon.PROVIDER, **changes), "AAPL", first=FIRST, last=LAST)


def test_closes_are_asked_for_as_traded_and_kept_exactly(connect, server):
    server.answers(bars(bar(), bar(MIDNIGHT_MS + 3 * DAY_MS, "129.040")))

    answer = closes(connect)

    path, asked = server.asked[0]
    assert path == "/v2/aggs/ticker/AAPL/range/1/day/2020-08-26/2026-11-20"
    assert (asked["adjusted"], asked["sort"], asked["limit"]) == ("false", "asc", "50000")
    assert answer.rows == (
        Close("AAPL", date(2020, 8, 28), Decimal("499.23"), "polygon", "raw"),
        Close("AAPL", date(2020, 8, 31), Decimal("129.040"), "polygon", "raw"),
    )
    assert str(answer.rows[1].close) == "129.040"


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo", "UTC"])
def test_a_bar_has_the_date_of_the_exchange_wherever_the_machine_stands(connect, server, zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    clock_of_the_process.tzset()
    winter_ms = 1610946000000  # 2021-01-18 00:00 in New York, 05:00 UTC
    server.answers(bars(bar(), bar(winter_ms)))

    days = [row.observed_date for row in closes(connect).rows]

    monkeypatch.undo()
    clock_of_the_process.tzset()
    assert days == [date(2020, 8, 28), date(2021, 1, 18)]


@pytest.mark.parametrize(
    ("number", "rule"),
    [
        ("-499.23", "is not above zero"),
        ("0", "is not above zero"),
        ("0.0", "is not above zero"),
        ("1e400", "is beyond every range"),
        ("1e-400", "is beyond every range"),
        ("0e999999999", "is beyond every range"),
        ("9" * 5000, "is beyond every range"),
        ('"30,504.50"', "is not a number"),
        ('"499.23"', "is not a number"),
        ('"."', "is not a number"),
        ("true", "is not a number"),
        ("null", "is missing"),
        ("[1]", "is not a number"),
    ],
)
def test_a_close_that_is_none_is_refused_by_name_and_the_others_are_kept(connect, server, number, rule):
    server.answers(bars(bar(c=number), bar(MIDNIGHT_MS + 3 * DAY_MS, "129.04")))

    answer = closes(connect)

    assert [row.observed_date for row in answer.rows] == [date(2020, 8, 31)]
    (refused,) = answer.refused
    assert (refused.source, refused.kind, refused.symbol, refused.day, refused.field, refused.rule) == (
        "polygon", "close", "AAPL", str(MIDNIGHT_MS), "c", rule,
    )  # fmt: skip


def test_two_closes_of_one_day_are_both_refused_and_so_is_a_third(connect, server):
    server.answers(bars(bar(), bar(c="4992.3"), bar()))

    answer = closes(connect)

    assert answer.rows == ()
    assert {refused.rule for refused in answer.refused} == {"contradicts another row for the same"}
    assert len(answer.refused) == 3


def test_a_day_that_is_sent_twice_is_taken_once_and_said(connect, server):
    server.answers(bars(bar(), bar()))

    answer = closes(connect)

    assert len(answer.rows) == 1
    assert [refused.rule for refused in answer.refused] == ["was sent twice and is taken once"]


@pytest.mark.parametrize(
    ("now", "taken"),
    [
        (datetime(2020, 8, 28, 20, 29, tzinfo=UTC), 0),
        (datetime(2020, 8, 28, 20, 31, tzinfo=UTC), 1),
        (datetime(2020, 8, 27, 23, 0, tzinfo=UTC), 0),
    ],
)
def test_a_session_that_is_not_over_or_lies_ahead_is_refused(connect, server, now, taken):
    server.answers(bars(bar()))

    answer = closes(connect, time=Time(now))

    assert (len(answer.rows), len(answer.refused)) == (taken, 1 - taken)


@pytest.mark.parametrize("t", ["1598587200000.5", "99999999999999999999", '"2020-08-28"', "1", "null"])
def test_a_day_that_is_none_or_was_not_asked_for_is_refused(connect, server, t):
    server.answers(bars(bar(t)))

    answer = closes(connect)

    assert (answer.rows, len(answer.refused)) == ((), 1)


@pytest.mark.parametrize(
    "changes",
    [{"ticker": '"MSFT"'}, {"adjusted": "true"}, {"status": '"ERROR"'}, {"adjusted": '"false"'}],
)
def test_an_answer_that_is_not_what_was_asked_for_is_refused_whole(connect, server, changes):
    server.answers(bars(bar(), **changes))

    with pytest.raises(ProviderFailed):
        closes(connect)


@pytest.mark.parametrize(
    "body", ["[]", "null", "1", '{"status": "OK", "ticker": "AAPL", "adjusted": false, "results": {}}']
)
def test_json_of_another_shape_is_refused_whole(connect, server, body):
    server.answers(sent(body))

    with pytest.raises(ProviderFailed):
        closes(connect)


def test_no_bars_are_no_rows(connect, server):
    server.answers(sent('{"ticker": "AAPL", "adjusted": false, "status": "OK", "resultsCount": 0}'))

    assert closes(connect).rows == ()


def test_a_symbol_that_is_none_asks_nothing(connect, server):
    with pytest.raises(BadSymbol):
        polygon.fetch_closes(connect(polygon.PROVIDER), "../v3", first=FIRST, last=LAST)

    assert server.asked == []


# --- pages


def events(*results, following=None):
    return sent({"status": "OK", "results": list(results)} | ({"next_url": following} if following else {}))


def split(day="2020-08-31", frm=1, to=4, ticker="AAPL"):
    return {"ticker": ticker, "execution_date": day, "split_from": frm, "split_to": to, "id": "x"}


def splits(connect):
    return polygon.fetch_splits(connect(polygon.PROVIDER), "AAPL", first=date(2000, 1, 1), last=LAST)


def test_a_split_is_new_shares_per_old(connect, server):
    server.answers(events(split(), split("2005-02-28", 1, 2), split("2001-01-02", 8, 1)))

    answer = splits(connect)

    assert answer.rows == (
        Split("AAPL", date(2020, 8, 31), Decimal(4), "polygon"),
        Split("AAPL", date(2005, 2, 28), Decimal(2), "polygon"),
        Split("AAPL", date(2001, 1, 2), Decimal("0.125"), "polygon"),
    )
    assert server.asked[0][0] == "/stocks/v1/splits"
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert server.asked[0][1] == {
        "ticker": "AAPL", "execution_date.gte": "2000-01-01", "execution_date.lte": "2026-11-20", "limit": "1000",
    }  # fmt: skip


@pytest.mark.parametrize(
    "bad",
    [split(frm=0), split(to=-4), split(to="4"), split(day="2020-02-30"), split(ticker="MSFT"), split(day="1999-01-04")],
)
def test_a_split_that_is_none_is_refused(connect, server, bad):
    server.answers(events(bad))

    answer = splits(connect)

    assert (answer.rows, len(answer.refused)) == ((), 1)


def test_two_splits_of_one_day_that_differ_are_both_refused(connect, server):
    server.answers(events(split(), split(frm=4, to=1)))

    answer = splits(connect)

    assert (answer.rows, len(answer.refused)) == ((), 2)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://api.massive.com/stocks/v1/splits?cursor=abc",
        "https://api.polygon.io/v3/reference/splits?cursor=abc",
        "http://127.0.0.1:9/v3/reference/splits?cursor=abc&apiKey=stolen",
    ],
)
def test_of_the_next_page_at_either_host_only_the_cursor_is_taken(connect, server, carried, elsewhere):
    server.answers(events(split(), following=elsewhere), events(split("2005-02-28", 1, 2)))

    answer = splits(connect)

    assert len(answer.rows) == 2
    assert [asked.get("cursor") for _, asked in server.asked] == [None, "abc"]
    assert set(carried.origins) == {"https://api.massive.com"}
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {KEY}"}


@pytest.mark.parametrize("following", ["https://api.polygon.io/v3/reference/splits?cursor=abc", "nonsense"])
def test_a_next_page_that_comes_again_for_ever_is_an_error(connect, server, following):
    server.answers(events(split(), following=following))

    with pytest.raises(ProviderFailed, match="next page"):
        splits(connect)
    assert len(server.asked) <= 2


# --- dividends


def dividend(**changes):
    return {
        "ticker": "AAPL", "ex_dividend_date": "2026-11-09", "record_date": "2026-11-09", "pay_date": "2026-11-12",
        "declaration_date": "2026-10-29", "cash_amount": 0.26, "split_adjusted_cash_amount": 0.065,
        "historical_adjustment_factor": 0.99, "currency": "USD", "frequency": 4, "distribution_type": "recurring",
    } | changes  # fmt: skip


def dividends(connect, *rows):
    return polygon.fetch_dividends(connect(polygon.PROVIDER), "AAPL", first=FIRST, last=date(2027, 1, 1))


def test_a_dividend_has_its_four_dates(connect, server):
    server.answers(events(dividend(), dividend(ex_dividend_date="2026-12-09", pay_date=None, record_date="")))

    answer = dividends(connect)

    told = Dividend(
        "AAPL",
        date(2026, 11, 9),
        date(2026, 11, 9),
        date(2026, 11, 12),
        date(2026, 10, 29),
        Decimal("0.26"),
        "USD",
        "polygon",
    )
    assert answer.rows[0] == told
    assert (answer.rows[1].pay_date, answer.rows[1].record_date) == (None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"cash_amount": 0},
        {"cash_amount": -0.26},
        {"cash_amount": "0.26"},
        {"currency": "usd"},
        {"currency": "GBp"},
        {"currency": None},
        {"ticker": "MSFT"},
        {"ex_dividend_date": "9-11-2026"},
        {"ex_dividend_date": "2027-06-01"},
        {"pay_date": "soon"},
    ],
)
def test_a_dividend_that_is_none_is_refused(connect, server, changes):
    server.answers(events(dividend(**changes)))

    answer = dividends(connect)

    assert (answer.rows, len(answer.refused)) == ((), 1)


def test_a_dividend_sent_twice_is_taken_once_and_a_special_one_beside_it_is_kept(connect, server):
    server.answers(events(dividend(), dividend(), dividend(cash_amount=3)))

    answer = dividends(connect)

    assert [row.amount for row in answer.rows] == [Decimal("0.26"), Decimal(3)]
    assert len(answer.refused) == 1
