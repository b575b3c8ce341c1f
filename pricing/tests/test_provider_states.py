"""What admin and metrics show of the providers, from what the workers share."""

import pkgutil
import time as clock_of_the_process
from dataclasses import replace
from importlib import import_module

import pytest
import redis
from django.conf import settings
from django.test import Client, override_settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from pricing import providers
from pricing.providers import fmp, states
from pricing.providers.budget import Allowance, Budget
from pricing.providers.http import ProviderFailed, breaker_of
from tests import plugin

pytestmark = pytest.mark.servers

ON = {"PROVIDER_KEYS": {**{each.code: "k" for each in states.ALL}, "fred": "", "watched": "k"}}
WATCHED = replace(fmp.PROVIDER, code="watched", allowance=Allowance(per_minute=10, per_day=1000))


@pytest.fixture
def client():
    connected = redis.Redis.from_url(settings.REDIS_URL)
    yield connected
    for name in connected.scan_iter("tieout:*watched*"):
        connected.delete(name)
    connected.close()


def fail(breaker):
    def ask():
        raise ProviderFailed("watched", "/", "answered 500")

    with pytest.raises(ProviderFailed):
        breaker.call(ask)


@override_settings(**ON)
def test_a_provider_that_works_says_how_much_of_it_is_used(client, time):
    budget = Budget("watched", WATCHED.allowance, client)
    for _ in range(9):
        budget.take(time.at)

    state = states.for_provider(WATCHED, client=client, clock=time.clock)

    assert (state.breaker, state.words) == (0, "works")
    assert state.shares == (("minute", 0.9), ("day", 0.009))
    assert state.budgets == "minute 90% (over 85 %), day 1%"


@override_settings(**ON)
def test_an_open_breaker_is_seen_by_everybody_and_so_is_the_probe(client, time):
    breaker = breaker_of(WATCHED, client, time.clock)
    for _ in range(3):
        fail(breaker)
    opened = states.for_provider(WATCHED, client=client, clock=time.clock)

    time.pass_(61)
    during = breaker.call(lambda: states.for_provider(WATCHED, client=client, clock=time.clock))
    after = states.for_provider(WATCHED, client=client, clock=time.clock)

    assert [opened.breaker, during.breaker, after.breaker] == [1, 2, 0]
    assert opened.words == "is left alone after failures"


@override_settings(PROVIDER_KEYS={"watched": ""})
def test_a_provider_without_a_key_is_off_and_says_which(client):
    assert states.for_provider(WATCHED, client=client).words == "off: FMP_API_KEY is not set"


@override_settings(**ON)
def test_what_redis_can_not_say_is_not_made_up(tmp_path):
    nowhere = redis.Redis(unix_socket_path=str(tmp_path / "nothing.sock"), retry=Retry(NoBackoff(), 0))

    state = states.for_provider(WATCHED, client=nowhere)

    assert (state.breaker, state.shares) == (None, (("minute", None), ("day", None)))
    assert (state.words, state.budgets) == ("not known: Redis is away", "minute not known, day not known")


def test_every_module_that_asks_over_http_is_listed():
    modules = [import_module(each.name) for each in pkgutil.iter_modules(providers.__path__, f"{providers.__name__}.")]
    asking = [module.PROVIDER for module in modules if hasattr(module, "PROVIDER")]

    assert sorted(asking, key=lambda provider: provider.code) == list(states.ALL)
    assert set(settings.PROVIDER_KEYS) == {provider.code for provider in states.ALL if provider.key_variable}


@pytest.mark.django_db
@override_settings(**ON)
def test_metrics_have_a_number_for_each(monkeypatch):
    found = tuple(states.for_provider(provider) for provider in states.ALL)
    monkeypatch.setattr(
        states,
        "all_providers",
        lambda: tuple(
            replace(each, breaker=None, shares=(("minute", None),)) if each.provider == "polygon" else each
            for each in found
        ),
    )

    body = Client().get("/metrics").content.decode()

    assert 'tieout_provider_on{provider="fred"} 0.0' in body
    assert 'tieout_provider_on{provider="fmp"} 1.0' in body
    assert 'tieout_provider_quota_ratio{provider="fmp",window="month"}' in body
    assert 'tieout_provider_breaker_state{provider="newsapi"} 0.0' in body
    assert 'tieout_provider_breaker_state{provider="polygon"}' not in body


@pytest.fixture
def failing(time):
    """FMP's breaker, open; and 90 of its 120 requests of a minute booked."""
    shared = redis.Redis.from_url(settings.REDIS_URL)

    def forget():
        for name in (*shared.scan_iter("tieout:breaker:fmp*"), *shared.scan_iter("tieout:provider:fmp*")):
            shared.delete(name)

    forget()
    breaker = breaker_of(fmp.PROVIDER, shared)
    for _ in range(3):
        fail(breaker)
    budget = Budget("fmp", fmp.PROVIDER.allowance, shared)
    for _ in range(90):
        budget.take(clock_of_the_process.time())
    yield
    forget()
    shared.close()


@pytest.fixture
def staff_client(admin_user):
    client = Client()
    plugin.log_in(client, admin_user)
    return client


@pytest.mark.django_db
@override_settings(**ON)
def test_an_open_breaker_and_a_passed_mark_are_seen_in_metrics_and_admin(failing, staff_client):
    metrics = Client().get("/metrics").content.decode()
    page = staff_client.get("/admin/pricing/marketarchive/").content.decode()

    assert 'tieout_provider_breaker_state{provider="fmp"} 1.0' in metrics
    assert 'tieout_provider_breaker_state{provider="polygon"} 0.0' in metrics
    assert 'tieout_provider_quota_ratio{provider="fmp",window="minute"} 0.75' in metrics
    assert '<th scope="row">fmp</th><td>is left alone after failures</td><td>minute 75% (over 70 %)' in page


@pytest.mark.django_db
@override_settings(PROVIDER_KEYS={"fmp": "", "fred": "", "newsapi": "", "polygon": "k", "sec-edgar": "", "tiingo": ""})
def test_the_admin_lists_them_above_the_archives(staff_client):
    body = staff_client.get("/admin/pricing/marketarchive/").content.decode()

    assert "off: FRED_API_KEY is not set" in body
    assert '<th scope="row">polygon</th><td>works</td><td>minute 0%</td>' in body
