"""The way out to a provider: what it asks, what it never asks, and the name of each thing that can go wrong."""

import logging
import random
import socket
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from typing import Any

import pytest
import redis
import requests
from django.conf import settings
from django.test import override_settings
from requests.adapters import BaseAdapter

from config.breaker import BreakerOpen
from config.errors import TieoutError
from pricing.providers import fmp, fred, http, newsapi
from pricing.providers.budget import Allowance
from pricing.providers.http import (
    BadSymbol,
    Client,
    KeyRefused,
    ProviderBusy,
    ProviderFailed,
    ProviderOff,
    RequestRefused,
)
from pricing.tests.provider_server import BOMB, BROKEN_GZIP, HTML, KEY, Time, broken_off, endless, reset, sent

GOOD = sent('{"price": 12.10}')


def ask(client, **parameters):
    return client.get("/v3/thing", parameters, fault=lambda payload: None)


def failure_of(client):
    with pytest.raises(TieoutError) as failed:
        ask(client)
    return failed.value


@pytest.fixture
def client(connect):
    return connect(fmp.PROVIDER)


@pytest.fixture
def shared(request):
    """A Redis with nothing of this provider in it."""
    connected = redis.Redis.from_url(settings.REDIS_URL)
    code = f"p{request.node.name[:40]}"
    yield connected, code
    for name in connected.scan_iter(f"tieout:*{code}*"):
        connected.delete(name)
    connected.zrem("tieout:provider:forbidden", code)
    connected.close()


def test_numbers_are_the_decimals_that_stood_in_the_text(client, server):
    server.answers(sent('{"price": 12.10, "volume": 7.25e7}'))

    payload = ask(client)

    assert (str(payload["price"]), f"{payload['volume']:f}") == ("12.10", "72500000")


def test_it_asks_its_own_host_over_https_with_the_key(client, server, carried):
    server.answers(GOOD)

    ask(client, ticker="A&apiKey=other")

    assert carried.origins == ["https://financialmodelingprep.com"]
    assert server.asked == [("/stable/v3/thing", {"ticker": "A&apiKey=other", "apikey": KEY})]


FAULTS = {
    "500": (sent("", 500), "answered 500"),
    "502": (sent("<html>", 502), "answered 502"),
    "503": (sent("", 503), "answered 503"),
    "504": (sent("", 504), "answered 504"),
    "204": (sent("", 204), "answered (204)"),
    "reset before the answer": (reset(), "can't be reached or broke off"),
    "reset at byte 9": (reset('{"price": 12.10}', 9), "broke off"),
    "closed at byte 9": (broken_off('{"price": 12.10}', 9), "broke off"),
    "html with status 200": (HTML, "not_data: is a page for people"),
    "nothing": (sent(""), "is not strict JSON: Expecting value"),
    "truncated json": (sent('{"price": 12.'), "is not strict JSON: "),
    "broken gzip": (BROKEN_GZIP, "can't be unpacked"),
    "NaN": (sent('{"price": NaN}'), "NaN is no JSON"),
    "Infinity": (sent('{"price": -Infinity}'), "-Infinity is no JSON"),
    "key named twice": (sent('{"price": 1, "price": 2}'), "key named twice"),
    "latin-1": (sent('{"name": "caf\xe9"}'.encode("latin-1")), "not UTF-8"),
    "nested without end": (sent("[" * 200_000), "nested deeper than 100"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_tried_again_until_the_breaker_opens(client, server, fault):
    answer, reason = FAULTS[fault]
    server.answers(answer)

    failed = failure_of(client)

    assert isinstance(failed, ProviderFailed)
    assert reason in failed.reason
    assert len(server.asked) == (3 if failed.passing else 1)


@pytest.mark.parametrize("fault", ["500", "reset at byte 9", "truncated json", "broken gzip"])
def test_a_fault_that_passes_is_not_seen(client, server, fault):
    server.answers(FAULTS[fault][0], FAULTS[fault][0], GOOD)

    payload = ask(client)

    assert str(payload["price"]) == "12.10"
    assert client.breaker.state == 0


def test_a_time_out_is_named(connect, server):
    server.answers(server.hang)

    failed = failure_of(connect(fmp.PROVIDER, timeouts_s=(0.05, 0.05)))

    server.awaits(3)
    assert failed.reason == "did not answer in time"
    assert len(server.asked) == 3


def test_an_answer_that_drips_is_cut_off(connect, server, time):
    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"[" + b"1," * 40_000)
        time.pass_(http.REQUEST_S + 1)
        handler.wfile.write(b"1," * 80_000)
        handler.close_connection = True

    server.answers(drip)

    assert failure_of(connect(fmp.PROVIDER)).reason == "did not end within 25 s"


@pytest.mark.parametrize("answer", [endless(2_000_000), BOMB], ids=["long", "small but unpacks to long"])
def test_an_answer_that_is_too_long_is_dropped_and_not_asked_for_again(connect, server, answer):
    server.answers(answer)

    failed = failure_of(connect(fmp.PROVIDER, max_bytes=1_000_000))

    assert failed.reason == "sent more than 1000000 bytes"
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(client, server, status):
    with socket.create_server(("127.0.0.1", 0)) as trap:
        server.answers(sent("", status, Location=f"http://127.0.0.1:{trap.getsockname()[1]}/"))

        failed = failure_of(client)

        trap.settimeout(0)
        with pytest.raises(BlockingIOError):
            trap.accept()
    assert failed.reason == f"wants to redirect ({status})"
    assert len(server.asked) == 1


def test_the_rest_of_an_answer_that_redirects_is_not_read(connect, server):
    def long_redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", "https://financialmodelingprep.com/")
        handler.end_headers()
        handler.wfile.flush()
        server.over.wait(10)

    server.answers(long_redirect)

    assert failure_of(connect(fmp.PROVIDER)).reason == "wants to redirect (302)"


def test_cookies_are_not_sent_back(client, server):
    server.answers(sent('{"price": 1}', Set_Cookie="session=1; Path=/"))

    ask(client)

    assert list(client.session.cookies) == []


@pytest.mark.parametrize(
    ("status", "named"), [(400, RequestRefused), (404, RequestRefused), (401, KeyRefused), (403, KeyRefused)]
)
def test_a_refused_request_is_not_repeated_and_says_nothing_against_the_provider(client, server, status, named):
    server.answers(sent({"error": "no"}, status))

    for _ in range(5):
        assert type(failure_of(client)) is named

    assert len(server.asked) == 5
    assert client.breaker.state == 0


# --- waiting


def test_the_back_off_doubles_from_a_second_with_a_fifth_of_jitter(connect, server, time, monkeypatch):
    monkeypatch.setattr(http, "FAIL_MAX", 100)
    server.answers(sent("", 500))

    failure_of(connect(fmp.PROVIDER))

    assert len(server.asked) == 1 + http.RETRIES
    for wait_s, middle_s in zip(time.slept, [1, 2, 4, 8, 16], strict=True):
        assert 0.8 * middle_s <= wait_s <= 1.2 * middle_s
    assert len({wait_s / middle_s for wait_s, middle_s in zip(time.slept, [1, 2, 4, 8, 16], strict=True)}) > 1


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
def test_nobody_asks_before_the_time_the_provider_asked_for(connect, server, time, status, form):
    until = datetime.fromtimestamp(time.at, UTC) + timedelta(seconds=30)
    told = "30" if form == "seconds" else format_datetime(until, usegmt=True)
    server.answers(sent("", status, Retry_After=told), GOOD)
    client = connect(fmp.PROVIDER)
    began = time.at

    ask(client)

    assert 30 <= time.at - began <= 30 * 1.2
    assert len(server.asked) == 2


@pytest.mark.parametrize("told", ["", "soon", "-5", "1e9", "Wed, 99 Foo 2026"])
def test_a_429_that_says_nothing_readable_is_backed_off_from(connect, server, time, told):
    server.answers(sent("", 429, **({"Retry_After": told} if told else {})), GOOD)

    ask(connect(fmp.PROVIDER))

    assert 0.8 <= sum(time.slept) <= 1.5


def test_a_wait_that_is_longer_than_the_caller_has_is_refused_at_once_with_its_length(connect, server, time):
    server.answers(sent("", 429, Retry_After="3600"))
    client = connect(fmp.PROVIDER)

    first, second = failure_of(client), failure_of(client)

    assert isinstance(first, ProviderBusy)
    assert isinstance(second, ProviderBusy)
    assert first.retry_after_s == 3600
    assert second.retry_after_s is not None
    assert second.retry_after_s >= 3600
    assert (time.slept, len(server.asked)) == ([], 1)


class Storm(BaseAdapter):
    """Answers 429 for ever, each time with another Retry-After; `asked` has when it was asked and what it had forbidden."""

    def __init__(self, time: Time) -> None:
        self.time, self.until, self.asked = time, 0.0, list[tuple[float, float]]()

    def send(self, *args: Any, **options: Any) -> requests.Response:
        self.asked.append((self.time.at, self.until))
        seconds = (7 * len(self.asked)) % 23
        self.until = self.time.at + seconds
        response = requests.Response()
        response.raw = BytesIO()
        response.status_code, response.headers["Retry-After"] = 429, str(seconds)
        return response

    def close(self) -> None:
        pass


@pytest.mark.slow
def test_in_a_storm_of_429_no_request_of_ten_thousand_falls_into_a_forbidden_window(time):
    storm = Storm(time)
    workers = [Client(fmp.PROVIDER, KEY, adapter=storm, clock=time.clock) for _ in range(4)]
    for worker in workers:
        worker.budget = workers[0].budget
    calls = 0

    while len(storm.asked) < 10_000:
        before = len(storm.asked)
        failure_of(workers[calls % 4])
        calls += 1
        assert len(storm.asked) - before <= 1 + http.RETRIES

    assert [at for at, forbidden_until in storm.asked if at < forbidden_until] == []


@pytest.mark.servers
def test_workers_share_the_window_the_budget_and_the_breaker(connect, server, time, shared):
    client, code = shared
    allowance = Allowance(per_minute=2)
    here, there = (connect(fmp.PROVIDER, redis=client, code=code, allowance=allowance) for _ in range(2))
    server.answers(GOOD)

    began = time.at
    for worker in (here, there, here):
        ask(worker)
    waited_s = time.at - began
    server.answers(sent("", 500))
    failure_of(here)

    assert 60 <= waited_s <= 67
    with pytest.raises(BreakerOpen):
        ask(there)
    assert len(server.asked) == 3


def test_a_budget_that_is_used_up_for_the_day_is_refused_with_the_time_to_wait(connect, server, time):
    server.answers(GOOD)
    client = connect(fmp.PROVIDER, allowance=Allowance(per_minute=2, per_day=3))
    for _ in range(3):
        ask(client)

    failed = failure_of(client)

    assert isinstance(failed, ProviderBusy)
    assert failed.retry_after_s is not None
    assert 86_000 < failed.retry_after_s < 96_000
    assert len(server.asked) == 3


# --- breaker


def test_after_three_failures_it_is_left_alone_for_a_minute_and_then_probed_once(client, server, time):
    server.answers(sent("", 500))
    failure_of(client)

    time.pass_(59)
    with pytest.raises(BreakerOpen):
        ask(client)
    before = len(server.asked)
    time.pass_(2)
    failure_of(client)

    assert (before, len(server.asked)) == (3, 4)
    with pytest.raises(BreakerOpen) as refused:
        ask(client)
    assert refused.value.retry_after_s > 50


def test_a_probe_that_is_answered_closes_it(client, server, time):
    server.answers(sent("", 500))
    failure_of(client)
    time.pass_(61)
    server.answers(GOOD)

    ask(client)
    ask(client)

    assert client.breaker.state == 0


@pytest.mark.slow
def test_of_a_week_of_outage_only_probes_are_left(client, server, time):
    server.answers(sent("", 502))
    failure_of(client)

    for _ in range(1000):
        time.pass_(30)
        failure_of(client)

    assert len(server.asked) <= 3 + 500


def test_one_that_is_down_every_other_second_is_asked_again_and_answers(connect, server, time):
    """A wait of about a second mostly ends in the other second: of the seeded jitters all but a few calls are answered."""
    client = connect(fmp.PROVIDER, dice=random.Random(18))

    def flapping(handler):
        (GOOD if int(time.at) % 2 else sent("", 503))(handler)

    server.answers(flapping)
    answered = 0

    for _ in range(200):
        time.pass_(0.37)
        try:
            answered += str(ask(client)["price"]) == "12.10"
        except (ProviderFailed, BreakerOpen):
            time.pass_(http.RESET_TIMEOUT_S)

    assert answered >= 190
    assert len(server.asked) <= 200 * http.FAIL_MAX


def test_the_answers_of_other_providers_go_on(connect, server, time):
    server.answers(sent("", 500))
    failure_of(connect(fmp.PROVIDER))
    server.answers(GOOD)

    assert ask(connect(fred.PROVIDER))


# --- a request that is refused

LEGACY = {
    "Error Message": "Legacy Endpoint : Due to Legacy endpoints being no longer supported - This endpoint is only available for"
}


@pytest.mark.parametrize(
    ("answer", "named", "words"),
    [
        (sent("Premium Endpoint", 402), http.NotInPlan, "not_in_plan, refused with 402"),
        (sent(LEGACY, 403), http.KeyTooNew, "key_too_new, refused with 403"),
        (sent({"Error Message": "Invalid API KEY"}, 403), KeyRefused, "refused with 403"),
        (sent("", 403), KeyRefused, "refused with 403"),
        (sent("", 401), KeyRefused, "refused with 401"),
    ],
)
def test_a_refusal_says_whether_it_is_the_plan_or_the_key(client, server, answer, named, words):
    server.answers(answer)

    failed = failure_of(client)

    assert (type(failed), str(failed)) == (named, f"fmp /v3/thing: {words}")
    assert len(server.asked) == 1


# --- where it may go


def test_a_host_that_is_not_in_the_list_is_no_provider():
    with pytest.raises(ValueError, match=r"^provider fmp: 127\.0\.0\.1 is not in the list of hosts$"):
        replace(fmp.PROVIDER, host="127.0.0.1")


def test_a_key_that_the_logs_would_show_is_no_providers():
    with pytest.raises(ValueError, match=r"^provider fmp: the logs would show a key that is called token$"):
        replace(fmp.PROVIDER, key_parameter="token")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "fe80::1", "224.0.0.1"],
)
def test_a_name_that_resolves_to_a_place_that_is_not_public_is_not_connected_to(monkeypatch, address, time):
    with socket.create_server(("127.0.0.1", 0)) as trap:
        resolved = (address, trap.getsockname()[1])
        monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [(socket.AF_INET, 1, 6, "", resolved)])
        monkeypatch.setattr(socket.socket, "connect", lambda *a: pytest.fail("connected"))
        client = Client(fmp.PROVIDER, KEY, clock=time.clock)

        failed = failure_of(client)

        trap.settimeout(0)
        with pytest.raises(BlockingIOError):
            trap.accept()
    assert isinstance(failed, ProviderFailed)
    client.session.close()


def test_proxies_of_the_environment_are_not_used(client, server, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.answers(GOOD)

    assert ask(client)


@pytest.mark.parametrize("symbol", ["", "..", "../x", "A/B", "A?apiKey=x", "A%2e", "A B", "A\n", "A" * 40, "Ä"])
def test_what_would_change_the_path_is_no_symbol(symbol):
    with pytest.raises(BadSymbol):
        http.symbol_in_path(symbol)


@pytest.mark.parametrize("symbol", ["AAPL", "BRK.B", "RIO.L", "^GSPC", "BF-B", "DEXCAUS"])
def test_symbols_pass(symbol):
    assert http.symbol_in_path(symbol) == symbol


# --- the key


@pytest.mark.parametrize("fault", [*FAULTS, "no server", "401", "429"])
def test_the_key_is_in_no_log_and_in_no_error(connect, server, carried, caplog, fault):
    answer = {"401": sent("", 401), "429": sent("", 429)}.get(fault) or FAULTS.get(fault, (None,))[0]
    client = connect(fmp.PROVIDER)
    if answer is None:
        carried.port = 9
    else:
        server.answers(answer)

    with caplog.at_level(logging.DEBUG):
        failed = failure_of(client)
        logging.getLogger("test").error("failed", exc_info=failed)

    told = caplog.text + "".join(traceback.format_exception(failed)) + repr(vars(failed))
    assert KEY not in told
    seen, chain = [], failed
    while chain is not None and chain not in seen:
        seen.append(chain)
        chain = chain.__cause__ or chain.__context__
    assert [link for link in seen if KEY in str(link)] == []


@override_settings(PROVIDER_KEYS={"fmp": ""})
def test_without_a_key_it_is_off_and_says_so():
    with pytest.raises(ProviderOff) as off:
        http.client_of(fmp.PROVIDER)

    assert str(off.value) == "fmp is off: FMP_API_KEY is not set"


@override_settings(PROVIDER_KEYS={"newsapi": ""})
def test_newsapi_says_why_nobody_is_given_it_unasked():
    with pytest.raises(ProviderOff, match=r"NEWSAPI_KEY is not set \(its free plan forbids staging and production"):
        http.client_of(newsapi.PROVIDER)


@override_settings(PROVIDER_KEYS={"fmp": "k"})
def test_with_a_key_there_is_one_client_of_the_process():
    assert http.client_of(fmp.PROVIDER) is http.client_of(fmp.PROVIDER)


# --- where the key stands


def test_a_key_in_a_header_is_in_no_address(connect, server):
    bearer = replace(fred.PROVIDER, key_parameter="", key_header=("Authorization", "Bearer {}"))
    server.answers(GOOD)

    ask(connect(bearer))

    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in str(server.asked)


@pytest.mark.parametrize(
    "changes",
    [
        {"key_parameter": ""},
        {"key_header": ("Authorization", "Bearer {}")},
        {"key_variable": ""},
    ],
)
def test_a_key_stands_in_one_place_or_there_is_none(changes):
    with pytest.raises(ValueError, match="a key stands in one place of a request"):
        replace(fred.PROVIDER, **changes)


@override_settings(PROVIDER_KEYS={})
def test_a_provider_that_asks_for_no_key_is_on():
    keyless = replace(fred.PROVIDER, key_variable="", key_parameter="")

    assert http.is_on(keyless)
    assert http.client_of(keyless).provider is keyless
