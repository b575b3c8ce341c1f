"""Every fault of a provider against every question that one is asked: a named error or refused rows, and no more requests
than are due. What a fault does on its way, and where a row is bad, is shown once and in full in the other files."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest

from config.breaker import BreakerOpen
from pricing.providers import ecb, edgar, fmp, fred, http, newsapi, openfigi, polygon, states, tiingo, treasury
from pricing.providers.fields import Answer
from pricing.providers.http import (
    Client,
    KeyRefused,
    NotData,
    NotInPlan,
    Provider,
    ProviderBusy,
    ProviderFailed,
    RequestRefused,
)
from pricing.tests.provider_server import (
    BOMB,
    BROKEN_GZIP,
    HTML,
    KEY,
    NOON,
    Time,
    broken_off,
    endless,
    reset,
    sent,
)

FIRST, LAST = date(2026, 11, 2), date(2026, 11, 19)


class Raw(str):
    """Stands in JSON as it is, without quotes."""


def body(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {body(inner)}" for name, inner in value.items()) + "}"
    return "[" + ", ".join(map(body, value)) + "]" if isinstance(value, list) else json.dumps(value)


@dataclass(frozen=True)
class Question:
    """What is asked, and a good answer of one row. `number`: a field of it that is one; `text`: it comes as a text.

    `whole` of a list of rows is what is sent as JSON; None: a table of comma-separated values is sent.
    """

    provider: Provider
    ask: Callable[[Client], Answer[Any]]
    row: dict[str, Any]
    whole: Callable[[list[Any]], Any] | None
    number: str = ""
    positive: bool = True
    text: bool = False

    def body(self, rows: list[Any]) -> str:
        if self.whole is not None:
            return body(self.whole(rows))
        return "".join(",".join(map(str, line)) + "\r\n" for line in (self.row, *(row.values() for row in rows)))


def _listed(rows: list[Any]) -> Any:
    return rows


def _ok(**more: Any) -> Callable[[list[Any]], Any]:
    return lambda rows: {"status": "OK", "results": rows, **more}


def _report(**fields: Any) -> dict[str, Any]:
    return {"date": "2026-09-30", "symbol": "AAPL", "period": "Q3", **fields}


def _reported(fetch: Any) -> Callable[[Client], Answer[Any]]:
    return lambda client: fetch(client, "AAPL", period="quarter", limit=4)


def _calendar(fetch: Any) -> Callable[[Client], Answer[Any]]:
    return lambda client: fetch(client, first=FIRST, last=LAST)


def _of_a_symbol(fetch: Any) -> Callable[[Client], Answer[Any]]:
    return lambda client: fetch(client, "AAPL", first=FIRST, last=LAST)


EDGAR_COLUMNS = ("accessionNumber", "acceptanceDateTime")

QUESTIONS = {
    "ecb fixings": Question(
        ecb.PROVIDER,
        lambda client: ecb.fetch_fixings(client, "USD", first=FIRST, last=LAST),
        {
            "FREQ": "D", "CURRENCY": "USD", "CURRENCY_DENOM": "EUR", "EXR_TYPE": "SP00", "TIME_PERIOD": "2026-11-02",
            "OBS_VALUE": "1.1234",
        },
        None,
        "OBS_VALUE",
        text=True,
    ),
    "ecb corrections": Question(
        ecb.PROVIDER,
        lambda client: ecb.fetch_corrections(client, "USD", since=FIRST, last=LAST),
        {
            "FREQ": "D", "CURRENCY": "USD", "CURRENCY_DENOM": "EUR", "EXR_TYPE": "SP00", "TIME_PERIOD": "2019-03-04",
            "OBS_VALUE": "1.1337",
        },
        None,
        "OBS_VALUE",
        text=True,
    ),
    "edgar facts": Question(
        edgar.PROVIDER,
        lambda client: edgar.fetch_facts(client, "320193"),
        {"end": "2026-09-26", "val": 7, "accn": "0000320193-26-000106", "form": "10-K", "filed": "2026-10-30"},
        lambda rows: {"facts": {"us-gaap": {"Assets": {"units": {"USD": rows}}}}},
        "val",
        positive=False,
    ),
    "edgar filings": Question(
        edgar.PROVIDER,
        lambda client: edgar.fetch_filings(client, "320193"),
        {"accessionNumber": "0000320193-26-000106", "acceptanceDateTime": "2026-10-30T18:08:27.000Z"},
        lambda rows: {"filings": {"recent": {name: [row[name] for row in rows] for name in EDGAR_COLUMNS}}},
    ),
    "treasury par yields": Question(
        treasury.PROVIDER,
        lambda client: treasury.fetch_par_yields(client, "UST10Y", first=FIRST, last=LAST),
        {"Date": "11/02/2026", "10 Yr": "4.03"},
        None,
    ),
    "openfigi figis": Question(
        openfigi.PROVIDER,
        lambda client: openfigi.fetch_figis(client, "XNAS", "US0378331005"),
        {"figi": "BBG000B9Y5X2", "compositeFIGI": "BBG000B9XRY4"},
        lambda rows: [{"data": rows}],
    ),
    "polygon closes": Question(
        polygon.PROVIDER,
        _of_a_symbol(polygon.fetch_closes),
        {"t": int(datetime(2026, 11, 2, 17, tzinfo=UTC).timestamp() * 1000), "c": Raw("268.5")},
        _ok(ticker="AAPL", adjusted=False),
        "c",
    ),
    "polygon splits": Question(
        polygon.PROVIDER,
        _of_a_symbol(polygon.fetch_splits),
        {"ticker": "AAPL", "execution_date": "2026-11-09", "split_from": 1, "split_to": 4},
        _ok(),
        "split_to",
    ),
    "polygon dividends": Question(
        polygon.PROVIDER,
        _of_a_symbol(polygon.fetch_dividends),
        {"ticker": "AAPL", "ex_dividend_date": "2026-11-09", "cash_amount": Raw("0.26"), "currency": "USD"},
        _ok(),
        "cash_amount",
    ),
    "tiingo days": Question(
        tiingo.PROVIDER,
        _of_a_symbol(tiingo.fetch_days),
        {"date": "2026-11-09T00:00:00.000Z", "close": Raw("268.5"), "divCash": Raw("0.26"), "splitFactor": Raw("1.0")},
        _listed,
        "close",
    ),
    "fmp profile": Question(
        fmp.PROVIDER,
        lambda client: fmp.fetch_profile(client, "AAPL"),
        {"symbol": "AAPL", "companyName": "Apple", "currency": "USD", "exchange": "NASDAQ", "beta": 1.2},
        _listed,
        "beta",
        positive=False,
    ),
    "fmp income statements": Question(
        fmp.PROVIDER, _reported(fmp.fetch_income_statements), _report(revenue=7), _listed, "revenue", positive=False
    ),
    "fmp balance sheets": Question(
        fmp.PROVIDER, _reported(fmp.fetch_balance_sheets), _report(totalAssets=7), _listed, "totalAssets", positive=False
    ),
    "fmp cash flows": Question(
        fmp.PROVIDER, _reported(fmp.fetch_cash_flows), _report(freeCashFlow=7), _listed, "freeCashFlow", positive=False
    ),
    "fmp ratios": Question(
        fmp.PROVIDER, _reported(fmp.fetch_ratios), _report(currentRatio=7), _listed, "currentRatio", positive=False
    ),
    "fmp quote": Question(
        fmp.PROVIDER,
        lambda client: fmp.fetch_quote(client, "AAPL"),
        {"symbol": "AAPL", "price": Raw("268.5"), "timestamp": int(NOON.timestamp()) - 60},
        _listed,
        "price",
    ),
    "fmp dividends": Question(
        fmp.PROVIDER,
        _of_a_symbol(fmp.fetch_dividends),
        {"symbol": "AAPL", "date": "2026-11-09", "dividend": Raw("0.26")},
        _listed,
        "dividend",
    ),
    "fmp splits": Question(
        fmp.PROVIDER,
        _of_a_symbol(fmp.fetch_splits),
        {"symbol": "AAPL", "date": "2026-11-09", "numerator": 4, "denominator": 1},
        _listed,
        "numerator",
    ),
    "fmp earnings": Question(
        fmp.PROVIDER,
        _calendar(fmp.fetch_earnings_calendar),
        {"symbol": "AAPL", "date": "2026-11-09", "epsActual": Raw("1.5")},
        _listed,
        "epsActual",
        positive=False,
    ),
    "fred observations": Question(
        fred.PROVIDER,
        lambda client: fred.fetch_observations(client, "DGS10", first=FIRST, last=LAST),
        {"date": "2026-11-02", "value": "4.1", "realtime_start": "2026-11-03", "realtime_end": "9999-12-31"},
        lambda rows: {"count": len(rows), "observations": rows},
        "value",
        positive=False,
        text=True,
    ),
    "fred series": Question(
        fred.PROVIDER,
        lambda client: fred.fetch_series(client, "DGS10"),
        {
            "id": "DGS10", "title": "Ten years", "units": "Percent", "frequency": "Daily",
            "last_updated": "2026-11-19 15:18:03-06",
        },
        lambda rows: {"seriess": rows},
    ),
    "fred copyright": Question(
        fred.PROVIDER,
        lambda client: fred.fetch_copyright(client, "DGS10"),
        {"name": "public domain: citation requested", "group_id": "cc", "series_count": 4},
        lambda rows: {"tags": rows},
    ),
    "newsapi everything": Question(
        newsapi.PROVIDER,
        lambda client: newsapi.fetch_everything(
            client, "Apple", first=datetime(2026, 11, 17, tzinfo=UTC), last=datetime(2026, 11, 19, tzinfo=UTC)
        ),
        {
            "source": {"name": "The Paper"}, "title": "Shares rise", "url": "https://paper.example/1",
            "publishedAt": "2026-11-18T09:30:00Z",
        },
        lambda rows: {"status": "ok", "articles": rows},
    ),
    "newsapi headlines": Question(
        newsapi.PROVIDER,
        lambda client: newsapi.fetch_headlines(client, country="us"),
        {
            "source": {"name": "The Paper"}, "title": "Shares rise", "url": "https://paper.example/1",
            "publishedAt": "2026-11-20T09:30:00Z",
        },
        lambda rows: {"status": "ok", "articles": rows},
    ),
}  # fmt: skip

ON_THE_WAY: dict[str, tuple[Callable[[str], Any], type[Exception], int]] = {
    "429": (lambda good: sent("", 429), ProviderBusy, 1 + http.RETRIES),
    "429 with Retry-After": (lambda good: sent("", 429, Retry_After="10"), ProviderBusy, 1 + http.RETRIES),
    "429 with a long Retry-After": (lambda good: sent("", 429, Retry_After="900"), ProviderBusy, 1),
    "500": (lambda good: sent("", 500), ProviderFailed, 3),
    "502": (lambda good: sent("<html>", 502), ProviderFailed, 3),
    "503": (lambda good: sent("", 503), ProviderFailed, 3),
    "504": (lambda good: sent("", 504), ProviderFailed, 3),
    "400": (lambda good: sent("{}", 400), RequestRefused, 1),
    "401": (lambda good: sent("{}", 401), KeyRefused, 1),
    "402": (lambda good: sent("{}", 402), NotInPlan, 1),
    "redirect": (lambda good: sent("", 302, Location="http://127.0.0.1:9/"), ProviderFailed, 1),
    "reset": (lambda good: reset(), ProviderFailed, 3),
    "reset at byte k": (lambda good: reset(good, len(good) // 2), ProviderFailed, 3),
    "closed at byte k": (lambda good: broken_off(good, len(good) // 2), ProviderFailed, 3),
    "truncated": (lambda good: sent(good[: len(good) // 2]), ProviderFailed, 3),
    "nothing": (lambda good: sent(""), ProviderFailed, 3),
    "html with status 200": (lambda good: HTML, NotData, 3),
    "broken gzip": (lambda good: BROKEN_GZIP, ProviderFailed, 3),
    "too long": (lambda good: endless(400_000), ProviderFailed, 1),
    "unpacks to too long": (lambda good: BOMB, ProviderFailed, 1),
    "NaN": (lambda good: sent(good.replace("{", '{"x": NaN, ', 1)), ProviderFailed, 3),
    "another shape": (lambda good: sent('{"message": "no"}'), ProviderFailed, 1),
    "a number": (lambda good: sent("7"), ProviderFailed, 1),
}
"""What comes, the error it is, and how many requests are due: three failures open the breaker."""
OF_JSON = {"truncated", "NaN"}
"""What a table has no such form of; one that ends within a row is in test_ecb."""


@pytest.fixture(params=QUESTIONS)
def question(request):
    return QUESTIONS[request.param]


def good(question, **changes):
    return question.body([question.row | changes])


def test_every_provider_is_asked_with_every_fault():
    assert {each.provider for each in QUESTIONS.values()} == set(states.ALL)


def test_a_good_answer_is_a_row(connect, server, question):
    server.answers(sent(good(question)))

    answer = question.ask(connect(question.provider))

    assert (len(answer.rows), answer.refused, answer.absent) == (1, (), ())
    assert answer.rows[0].source == answer.source == question.provider.code


@pytest.mark.parametrize("fault", ON_THE_WAY)
def test_a_fault_on_the_way_is_a_named_error_and_asked_again_only_while_that_helps(connect, server, subtests, fault):
    answer, named, due = ON_THE_WAY[fault]

    for name, question in QUESTIONS.items():
        if question.whole is None and fault in OF_JSON:
            continue
        with subtests.test(name):
            server.answers(answer(good(question)))
            client = connect(question.provider, time=Time(), max_bytes=100_000)

            with pytest.raises(named) as failed:
                question.ask(client)

            assert type(failed.value) is named
            assert failed.value.provider == question.provider.code
            assert len(server.asked) == due
            assert KEY not in str(failed.value)
            if due == 3:
                with pytest.raises(BreakerOpen):
                    question.ask(client)
                assert len(server.asked) == 3


def test_an_answer_that_does_not_come_is_a_named_error(connect, server, question):
    server.answers(server.hang)

    with pytest.raises(ProviderFailed, match="did not answer in time"):
        question.ask(connect(question.provider, timeouts_s=(0.5, 0.02)))

    server.awaits(3)
    assert len(server.asked) == 3


def test_an_empty_list_is_no_row_and_who_was_asked_for_by_name_is_absent(connect, server, question):
    server.answers(sent(question.body([])))

    answer = question.ask(connect(question.provider))

    assert (answer.rows, answer.refused) == ((), ())
    assert set(answer.absent) <= {"AAPL", "DGS10", "USD", "UST10Y", "US0378331005"}


NO_NUMBERS = ("1e400", "-1e400", "9" * 400, '"30,504.50"', '"NaN"', '"."', '""', "true", "[]", "{}")
BAD_NUMBERS = {
    name: [
        bad
        for bad in (("-1", "0") if question.positive else ()) + NO_NUMBERS
        if not (question.text and bad == '"."')  # its word for missing
    ]
    for name, question in QUESTIONS.items()
    if question.number
}


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_a_number_that_is_none_is_a_refused_row(connect, server, subtests, name):
    question = QUESTIONS[name]
    client = connect(question.provider)

    for bad in BAD_NUMBERS[name]:
        with subtests.test(bad):
            server.answers(sent(good(question, **{question.number: Raw(bad)})))

            answer = question.ask(client)

            assert answer.rows == ()
            (refused,) = answer.refused
            assert (refused.source, refused.field) == (question.provider.code, question.number)
            assert refused.rule


@pytest.mark.parametrize(
    "name", [name for name, question in QUESTIONS.items() if question.whole and name != "edgar filings"]
)
def test_a_row_that_is_none_is_refused(connect, server, subtests, name):
    question = QUESTIONS[name]
    client = connect(question.provider)

    for bad in ("null", "7", '"row"', "[]"):
        with subtests.test(bad):
            server.answers(sent(question.body([Raw(bad), question.row])))

            answer = question.ask(client)

            assert (len(answer.rows), [refused.rule for refused in answer.refused]) == (1, ["is no object"])


def test_a_row_that_comes_twice_is_taken_once_and_said(connect, server, question):
    server.answers(sent(question.body([question.row, question.row])))

    answer = question.ask(connect(question.provider))

    assert (len(answer.rows), len(answer.refused)) == (1, 1)


DAYS = {
    "tiingo days": ("date", "2026-11-21T00:00:00.000Z"),
    "edgar facts": ("end", "2026-11-21"),
    "ecb fixings": ("TIME_PERIOD", "2026-11-21"),
    "ecb corrections": ("TIME_PERIOD", "2026-11-21"),
    "treasury par yields": ("Date", "11/21/2026"),
    "polygon closes": ("t", int(datetime(2026, 11, 23, 17, tzinfo=UTC).timestamp() * 1000)),
    "polygon splits": ("execution_date", "2027-11-09"),
    "polygon dividends": ("ex_dividend_date", "2027-11-09"),
    "fmp income statements": ("date", "2027-09-30"),
    "fmp balance sheets": ("date", "2027-09-30"),
    "fmp cash flows": ("date", "2027-09-30"),
    "fmp ratios": ("date", "2027-09-30"),
    "fmp quote": ("timestamp", int(NOON.timestamp()) + 86_400),
    "fmp earnings": ("date", "2027-11-09"),
    "fred observations": ("date", "2026-11-21"),
    "fred series": ("last_updated", "2026-11-21 15:18:03-06"),
    "newsapi everything": ("publishedAt", "2026-11-21T09:30:00Z"),
    "newsapi headlines": ("publishedAt", "2026-11-21T09:30:00Z"),
}


@pytest.mark.parametrize("name", DAYS)
def test_a_day_to_come_is_refused(connect, server, name):
    field, ahead = DAYS[name]
    server.answers(sent(good(QUESTIONS[name], **{field: ahead})))

    answer = QUESTIONS[name].ask(connect(QUESTIONS[name].provider))

    assert (answer.rows, [refused.field for refused in answer.refused]) == ((), [field])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("polygon splits", {"ticker": "MSFT"}),
        ("polygon dividends", {"ticker": "MSFT"}),
        ("polygon dividends", {"currency": "XXY"}),
        ("fmp profile", {"symbol": "MSFT"}),
        ("fmp profile", {"currency": "XXY"}),
        *((f"fmp {what}", {"symbol": "MSFT"}) for what in ("income statements", "balance sheets", "cash flows", "ratios")),
        ("fmp income statements", {"reportedCurrency": "XXY"}),
        ("fmp quote", {"symbol": "MSFT"}),
        ("fmp dividends", {"symbol": "MSFT"}),
        ("fmp splits", {"symbol": "MSFT"}),
        ("fred copyright", {"group_id": "freq"}),
        ("fred series", {"id": "DGS2"}),
    ],
)  # fmt: skip
def test_another_symbol_or_no_currency_is_refused(connect, server, name, changes):
    server.answers(sent(good(QUESTIONS[name], **changes)))

    answer = QUESTIONS[name].ask(connect(QUESTIONS[name].provider))

    assert (answer.rows, [refused.field for refused in answer.refused]) == ((), list(changes))


OTHERS = {
    "tiingo days": {"close": Raw("270.1")},
    "edgar facts": {"val": 8},
    "edgar filings": {"acceptanceDateTime": "2026-10-31T18:08:27.000Z"},
    "ecb fixings": {"OBS_VALUE": "1.2"},
    "treasury par yields": {"10 Yr": "4.04"},
    "openfigi figis": {"compositeFIGI": "BBG000BLNNH6"},
    "polygon closes": {"c": Raw("270.1")},
    "polygon splits": {"split_to": 5},
    "fmp profile": {"companyName": "Apfel"},
    "fmp income statements": {"revenue": 8},
    "fmp quote": {"price": Raw("270.1")},
    "fmp splits": {"numerator": 5},
    "fmp earnings": {"epsActual": Raw("1.6")},
    "fred observations": {"value": "4.2"},
    "fred series": {"title": "Two years"},
    "fred copyright": {"name": "copyrighted: citation required"},
    "newsapi everything": {"title": "Shares fall"},
}


@pytest.mark.parametrize("name", OTHERS)
def test_of_two_rows_of_one_thing_that_differ_neither_is_taken(connect, server, name):
    question = QUESTIONS[name]
    server.answers(sent(question.body([question.row, question.row | OTHERS[name]])))

    answer = question.ask(connect(question.provider))

    assert (answer.rows, len(answer.refused)) == ((), 2)


def test_a_next_page_that_never_ends_is_an_error(connect, server):
    pages = iter(range(1_000_000))

    def page(handler):
        following = f"https://api.massive.com/stocks/v1/splits?cursor=c{next(pages)}"
        sent({"status": "OK", "results": [], "next_url": following})(handler)

    server.answers(page)
    client = connect(polygon.PROVIDER)

    with pytest.raises(ProviderFailed, match="has more than 100 pages"):
        polygon.fetch_splits(client, "AAPL", first=FIRST, last=LAST)

    assert len(server.asked) == polygon.MAX_PAGES
