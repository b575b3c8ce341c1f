"""Capabilities that ask a provider, against a server on loopback: what they give, and each fault by its name."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from agents import registry
from agents.data_harvester.provider_answers import NoAnswer
from agents.tests import fakes
from config.breaker import BreakerOpen
from config.errors import TieoutError
from portfolio.tests.test_news_impact import APPLE, IBM
from pricing.providers import http, newsapi
from pricing.providers.http import ProviderOff
from pricing.tests import provider_server
from pricing.tests.provider_server import BOMB, BROKEN_GZIP, HTML, KEY, broken_off, endless, reset, sent
from pricing.tests.test_every_fault import ON_THE_WAY

TODAY = date(2026, 11, 20)
END = datetime(2026, 11, 20, 17, tzinfo=UTC)  # now, as the server's clock has it: before the as-of date ends


@pytest.fixture
def provider(settings, monkeypatch):
    """A server that stands for every provider, with a key for each."""
    with provider_server.serving() as server:
        clients = {}

        def make_client(terms, key):
            known = clients.get(terms.code)
            if known is None:
                known = clients[terms.code] = provider_server.client_to(
                    server, terms, timeouts_s=(1.0, 1.0), total_s=terms.total_s
                )
            return known

        monkeypatch.setattr(http, "make_client", make_client)
        settings.PROVIDER_KEYS = dict.fromkeys(settings.PROVIDER_KEYS, KEY)
        yield server
        for client in clients.values():
            client.session.close()


def ctx(asof=TODAY):
    return replace(fakes.context(), asof_date=asof)


def ask(name, asof=TODAY, **arguments):
    capability = registry.get(name)
    return capability(ctx(asof), **registry.bind(capability, arguments))


def article(at, **changes):
    return {
        "source": {"id": None, "name": "The Paper"}, "author": None, "title": "Apple gains", "description": "It did.",
        "url": f"https://paper.example/{at.timestamp():.0f}", "publishedAt": at.isoformat(),
    } | changes  # fmt: skip


def articles(*rows):
    return sent({"status": "ok", "totalResults": len(rows), "articles": list(rows)})


def search(asof=TODAY, entities=(APPLE, IBM), **arguments):
    return ask("news.search", asof, entities=entities, **arguments)


def test_a_search_asks_for_names_and_tickers_of_the_look_back_that_ends_with_the_day(provider):
    provider.answers(articles())

    search(date(2026, 11, 18), lookback_hours=48)

    path, query = provider.asked[0]
    assert (path, query["q"]) == (
        "/v2/everything",
        '"Apple" OR "AAPL" OR "International Business Machines" OR "IBM"',
    )
    assert (query["from"], query["to"]) == ("2026-11-17T00:00:00+00:00", "2026-11-19T00:00:00+00:00")
    assert len(provider.asked) == 1


def test_an_article_that_is_older_than_the_look_back_or_later_than_the_day_is_left_out(provider):
    first, until = END - timedelta(hours=24), END
    inside = [first, until - timedelta(seconds=1)]
    provider.answers(articles(*map(article, [first - timedelta(seconds=1), *inside])))

    result = search()

    assert [each["published_at"] for each in result.data["items"]] == [each.isoformat() for each in reversed(inside)]
    assert (result.data["from_time"], result.data["until"]) == (first.isoformat(), until.isoformat())
    assert result.is_final


def test_what_is_later_than_an_earlier_as_of_date_is_in_no_result_of_it(provider):
    provider.answers(
        articles(article(datetime(2026, 11, 18, 23, 59, tzinfo=UTC)), article(datetime(2026, 11, 19, tzinfo=UTC)))
    )

    result = search(date(2026, 11, 18))

    assert [each["published_at"] for each in result.data["items"]] == ["2026-11-18T23:59:00+00:00"]


def test_holdings_that_the_questions_have_no_room_for_are_named(provider):
    provider.answers(articles())
    many = [
        replace(APPLE, symbol=f"S{n:03}", name=f"Company number {n:03} " + "x" * 60, weight=1 / n) for n in range(1, 81)
    ]

    result = search(entities=tuple(many))

    assert len(provider.asked) == 4
    assert all(len(query["q"]) <= 500 for _, query in provider.asked)
    told = result.data
    assert [*told["searched"], *told["not_searched"]] == [row.symbol for row in many]
    assert told["not_searched"]


FAULTS = {
    "429": (sent("", 429), "newsapi may not be asked"),
    "429 with a long Retry-After": (sent("", 429, Retry_After="900"), "newsapi may not be asked for another"),
    "500": (sent("", 500), "newsapi /everything: answered 500"),
    "503": (sent("", 503), "newsapi /everything: answered 503"),
    "401": (sent("{}", 401), "newsapi /everything: refused with 401"),
    "402": (sent("{}", 402), "newsapi /everything: not_in_plan, refused with 402"),
    "403": (sent("{}", 403), "newsapi /everything: refused with 403"),
    "426, beyond what the plan looks back": (sent("{}", 426), "newsapi /everything: refused with 426"),
    "redirect": (sent("", 302, Location="http://127.0.0.1:9/"), "wants to redirect"),
    "reset": (reset(), "newsapi /everything: "),
    "closed at byte k": (broken_off('{"status": "ok", "articles": []}', 12), "newsapi /everything: "),
    "truncated": (sent('{"status": "ok", "arti'), "is not strict JSON"),
    "nothing": (sent(""), "is not strict JSON"),
    "html with status 200": (HTML, "not_data: is a page for people (HTML), with status 200"),
    "broken gzip": (BROKEN_GZIP, "sent what can't be unpacked"),
    "too long": (endless(40 * 1024 * 1024), "sent more than"),
    "unpacks to too long": (BOMB, "newsapi /everything: "),
    "NaN": (sent('{"status": "ok", "x": NaN, "articles": []}'), "is not strict JSON"),
    "an error with status 200": (sent({"status": "error", "code": "apiKeyDisabled"}), "does not say that its status is ok"),
    "another shape": (sent({"status": "ok"}), "has no list of articles"),
    "silence": (None, "did not answer in time"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_a_state_with_its_name_that_is_not_stored(provider, fault):
    answer, reason = FAULTS[fault]
    provider.answers(answer or provider.hang)

    result = search()

    assert (result.data["status"], result.is_final, result.data["items"]) == ("unavailable", False, [])
    assert reason in result.data["reason"]
    assert KEY not in result.data["reason"]


def test_a_row_that_can_not_be_shown_is_refused_and_the_others_stand(provider):
    inside = END - timedelta(hours=1)
    provider.answers(
        articles(article(inside, url="javascript:alert(1)"), article(inside, title="a\x1b[2Jb"), article(inside))
    )

    result = search()

    assert (len(result.data["items"]), result.data["refused"]) == (1, 2)


def test_it_is_off_without_a_key_says_why_and_asks_nobody(provider, settings):
    settings.PROVIDER_KEYS = {"newsapi": ""}
    provider.answers(articles())

    result = search()

    assert not registry.get("news.search").is_on()
    assert result.data["reason"] == (
        "newsapi is off: NEWSAPI_KEY is not set (its free plan forbids staging and production, internal use included; "
        "a paid one starts at 450 USD a month)"
    )
    assert (result.is_final, provider.asked) == (False, [])


def test_a_portfolio_of_cash_alone_asks_nobody(provider):
    provider.answers(articles())

    result = search(entities=())

    assert (result.data["reason"], result.is_final, provider.asked) == (
        "nothing is held that news could be about",
        True,
        [],
    )


QUOTE = {"symbol": "AAPL", "price": 268.5, "timestamp": int(END.timestamp()) - 60}
REPORT = {"symbol": "AAPL", "period": "FY"}
CALLS = {
    "provider.fetch_quote": ({"symbol": "AAPL"}, sent([QUOTE])),
    "provider.fetch_fundamentals": ({"symbol": "AAPL"}, sent([REPORT | {"date": "2026-09-30", "revenue": 7}])),
    "provider.fetch_ratios": ({"symbol": "AAPL"}, sent([REPORT | {"date": "2026-09-30", "currentRatio": 7}])),
    "provider.fetch_macro": ({"series_id": "DGS10"}, sent({})),
    "provider.fetch_news": ({"query": "Apple"}, articles()),
}


@pytest.mark.parametrize("name", CALLS)
def test_without_its_key_a_provider_is_off_by_name(provider, settings, name):
    settings.PROVIDER_KEYS = dict.fromkeys(settings.PROVIDER_KEYS, "")

    with pytest.raises(ProviderOff, match=r"is off: .* is not set"):
        ask(name, **CALLS[name][0])


@pytest.mark.parametrize("name", CALLS)
def test_a_provider_that_fails_is_a_named_error(provider, name):
    provider.answers(HTML)

    with pytest.raises((http.NotData, BreakerOpen), match="not_data"):
        ask(name, **CALLS[name][0])


@pytest.mark.parametrize("fault", ON_THE_WAY)
def test_each_fault_on_the_way_is_a_named_error_or_a_reason_and_tells_no_key(provider, subtests, fault):
    for name, (arguments, _) in CALLS.items():
        with subtests.test(name):
            provider.answers(ON_THE_WAY[fault][0]('{"a": 1, "b": [{"c": 2}]}'))

            with pytest.raises(TieoutError) as failed:
                ask(name, **arguments)

            assert KEY not in str(failed.value)
    provider.answers(ON_THE_WAY[fault][0]('{"status": "ok", "articles": []}'))
    found = search().data
    assert (found["status"], found["items"]) == ("unavailable", [])
    assert "newsapi" in found["reason"]
    assert KEY not in found["reason"]


def test_every_capability_that_asks_a_provider_is_recorded():
    asking = {each.name for each in registry.all() if each.provider and not each.reads_as_model}

    assert asking == {"news.search", *CALLS}


def test_a_quote_is_of_its_instant(provider):
    provider.answers(sent([QUOTE]))

    result = ask("provider.fetch_quote", symbol="AAPL")

    assert (result.data.at, str(result.data.price), result.asof) == (END - timedelta(seconds=60), "268.5", TODAY)


def test_a_symbol_that_nothing_is_said_of_has_no_quote(provider):
    provider.answers(sent([QUOTE | {"price": None}]))

    with pytest.raises(NoAnswer, match="fmp says 1 row that can't be used of AAPL"):
        ask("provider.fetch_quote", symbol="AAPL")


@pytest.mark.parametrize(("asof", "count"), [(TODAY, 2), (date(2026, 9, 29), 1), (date(2025, 9, 29), 0)])
def test_a_period_that_ended_after_the_as_of_date_is_in_no_result_of_it(provider, asof, count):
    provider.answers(sent([REPORT | {"date": day} for day in ("2026-09-30", "2025-09-30")]))

    statements = ask("provider.fetch_fundamentals", asof, symbol="AAPL").data
    ratios = ask("provider.fetch_ratios", asof, symbol="AAPL").data

    assert {len(each) for each in (statements.income_statement, statements.balance_sheet, statements.cash_flow)} == {
        count
    }
    assert len(ratios.ratios) == count


def test_a_series_is_as_it_was_known_on_the_as_of_date(provider):
    series = {
        "id": "DGS10", "title": "Ten years", "units": "Percent", "frequency": "Daily", "last_updated": "2026-11-19 15:18:03-06",
    }  # fmt: skip
    observed = [
        {"date": f"2026-11-{day:02}", "value": "4.1", "realtime_start": "2026-11-18", "realtime_end": "2026-11-18"}
        for day in (16, 17)
    ]
    provider.answers(sent({"seriess": [series]}), sent({"count": 2, "observations": observed}))

    result = ask("provider.fetch_macro", date(2026, 11, 18), series_id="DGS10", limit=1)

    assert [row.observation_date for row in result.data.observations] == [date(2026, 11, 17)]
    query = provider.asked[1][1]
    assert (query["realtime_start"], query["realtime_end"], query["observation_end"]) == ("2026-11-18",) * 3


def test_articles_of_a_query_are_at_most_so_many(provider):
    provider.answers(articles(*(article(END - timedelta(minutes=n)) for n in range(1, 6))))

    result = ask("provider.fetch_news", query="Apple", limit=2)

    assert [each["published_at"] for each in result.data.articles] == [
        (END - timedelta(minutes=n)).isoformat() for n in (1, 2)
    ]


def test_who_waits_gives_up_earlier_than_the_night(provider):
    client = http.prompt_client_of(newsapi.PROVIDER)
    provider.answers(sent("", 429, Retry_After="20"))

    result = search()

    assert client.provider.total_s == http.PROMPT_S < http.TOTAL_S
    assert len(provider.asked) == 1
    assert "may not be asked for another 20 s" in result.data["reason"]
