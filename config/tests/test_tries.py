"""Tries to log in: ten are free, then each waits longer, by address and by account alike."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from config.log_in import tries
from config.redis_client import shared_redis

pytestmark = pytest.mark.servers


def request(address="192.0.2.1", **headers):
    return RequestFactory().post("/login/", REMOTE_ADDR=address, headers=headers)


def wait_of(address="192.0.2.1", account=None):
    """Seconds that a try is told to wait; 0 where it may go on."""
    try:
        tries.count(request(address), account)
    except tries.TooManyTries as refused:
        return refused.wait_s
    return 0


def let_pass():
    """As if all that has to be waited for had passed."""
    for key in shared_redis().scan_iter("tieout:log-in:*"):
        shared_redis().hset(key, "until", 0)


@pytest.fixture(autouse=True)
def _no_tries():
    cache.clear()
    yield
    cache.clear()


def test_after_ten_tries_each_further_one_waits_twice_as_long_as_the_one_before_up_to_a_quarter_of_an_hour():
    free = [wait_of() for _ in range(10)]
    waits = []
    for _ in range(7):
        waits.append(wait_of())
        let_pass()
        assert wait_of() == 0

    assert free == [0] * 10
    assert waits == pytest.approx([60, 120, 240, 480, 900, 900, 900], abs=1)


def test_an_account_is_counted_wherever_the_tries_come_from_and_others_are_not_told_to_wait():
    for number in range(10):
        assert wait_of(f"198.51.100.{number}", "anna") == 0

    assert wait_of("203.0.113.1", "anna") > 0
    assert wait_of("203.0.113.1", "ben") == 0


def test_a_refused_try_is_not_counted():
    for _ in range(10):
        wait_of(account="anna")

    for _ in range(50):
        assert 0 < wait_of(account="anna") <= 60


def test_a_success_forgets_the_tries_of_the_account_but_of_the_address_only_itself():
    for _ in range(9):
        wait_of(account="anna")
    wait_of(account="ben")

    tries.succeed(request(), "ben")

    assert wait_of("203.0.113.1", "ben") == 0
    assert wait_of() == 0
    assert wait_of() > 0


def test_an_attacker_with_an_account_of_his_own_gets_no_more_tries_by_it():
    wrong = 0
    for _ in range(30):
        wrong += wait_of(account="anna") == 0
        if wait_of(account="own") == 0:
            tries.succeed(request(), "own")

    assert wrong == 10


def test_parallel_tries_do_not_outrun_the_count():
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: wait_of(account="anna"), range(100)))

    assert waits.count(0) == 10


def test_all_is_forgotten_after_an_hour_without_a_try():
    wait_of(account="anna")

    keys = list(shared_redis().scan_iter("tieout:log-in:*"))
    assert len(keys) == 2
    assert {0 < shared_redis().ttl(key) <= 3600 for key in keys} == {True}
    assert not any(b"anna" in key or b"192" in key for key in keys)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("no address", "no address", True),
    ],
)
def test_the_addresses_that_one_customer_is_given_are_one(one, other, is_same):
    assert (tries.address_of(request(one)) == tries.address_of(request(other))) == is_same


def test_what_a_client_says_of_its_address_counts_only_behind_our_proxy(settings):
    claim = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}

    assert tries.address_of(request(**claim)) == "192.0.2.1"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert tries.address_of(request(**claim)) == "198.51.100.7"
