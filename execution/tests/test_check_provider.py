"""`check_provider` against a server on loopback: what it says of an answer that is as ever, and of one that is not."""

import json

import pytest
from django.core.management import CommandError, call_command

from pricing.providers import checking, http, states
from pricing.tests import provider_server
from pricing.tests.provider_server import HTML, KEY, sent

SPLIT = {"ticker": "AAPL", "execution_date": "2020-08-31", "split_from": 1, "split_to": 4}
PROFILE = {
    "symbol": "AAPL", "companyName": "Apple Inc.", "currency": "USD", "exchange": "NASDAQ", "industry": "Consumer Electronics",
    "sector": "Technology", "country": "US", "isin": "US0378331005", "cusip": "037833100", "marketCap": 3e12, "beta": 1.2,
}  # fmt: skip


@pytest.fixture
def answers(settings, monkeypatch):
    with provider_server.serving() as server:
        clients = []

        def make_client(terms, key):
            clients.append(provider_server.client_to(server, terms))
            return clients[-1]

        monkeypatch.setattr(http, "make_client", make_client)
        settings.PROVIDER_KEYS = dict.fromkeys(settings.PROVIDER_KEYS, KEY) | {"newsapi": ""}
        yield server.answers
        for client in clients:
            client.session.close()


def test_a_provider_that_answers_as_ever_differs_in_nothing(answers, capsys):
    answers(sent({"status": "OK", "results": [SPLIT]}))

    call_command("check_provider", "polygon")

    assert capsys.readouterr().out == "polygon: 1 row, by the contract of 2026-11\n"


@pytest.mark.parametrize(
    ("name", "answer", "difference"),
    [
        ("fmp", sent([{**PROFILE, "mktCap": 1, "marketCap": None}]), "no row has a value of market_cap"),
        ("fmp", sent([]), "it sent no row that can be used, of what it surely has"),
        ("fmp", sent("Premium Endpoint", 402), "fmp /profile: not_in_plan, refused with 402"),
        ("polygon", sent({"status": "OK", "results": [SPLIT | {"split_to": "4"}]}), "split_to 4: is not a number"),
        ("openfigi", sent([{"warning": "No identifier found."}]), "it sent no row that can be used"),
        ("ecb", HTML, "not_data: is a page for people (HTML), with status 200"),
        ("treasury", sent("Day,10 Yr\n"), "has no column Date"),
    ],
)
def test_what_differs_is_told_and_the_end_is_one(answers, capsys, name, answer, difference):
    answers(answer)

    with pytest.raises(CommandError, match=f"^{name} differs: ") as ended:
        call_command("check_provider", name, "--json")

    told = json.loads(capsys.readouterr().out)
    assert ended.value.returncode == 1
    assert any(difference in each for each in told["differences"])
    assert KEY not in str(told)


@pytest.mark.parametrize(
    ("name", "words"), [("newsapi", "newsapi is off: NEWSAPI_KEY is not set"), ("yahoo", "no provider is called yahoo")]
)
def test_who_is_off_or_unknown_is_told_and_not_asked(answers, name, words):
    with pytest.raises(CommandError, match=words):
        call_command("check_provider", name)


def test_every_provider_can_be_checked():
    assert [terms for terms, _ in checking.CHECKS.values()] == list(states.ALL)
