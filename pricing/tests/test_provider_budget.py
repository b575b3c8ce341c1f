"""How often a provider may be asked: alike in this process and in Redis."""

import logging
import threading

import pytest
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from pricing.providers.budget import Allowance, Budget, Quota

NOW = 1_790_000_000.0


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
def budget(request):
    if request.param == "memory":
        yield lambda **allowance: Budget("tested", Allowance(**allowance))
        return
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete(*client.keys("tieout:provider:tested*") or ["-"])
    client.zrem("tieout:provider:forbidden", "tested")
    yield lambda **allowance: Budget("tested", Allowance(**allowance), client)
    client.close()


def test_no_minute_wherever_it_begins_holds_more_than_is_allowed(budget):
    tested = budget(per_minute=5)
    went = []

    for second in range(0, 600, 3):
        if tested.take(NOW + second) == 0:
            went.append(second)

    assert max(sum(begin <= second < begin + 60 for second in went) for begin in range(600)) == 5
    assert len(went) >= 45


def test_a_refusal_says_how_long_to_wait_and_books_nothing(budget):
    tested = budget(per_minute=2)
    tested.take(NOW)
    tested.take(NOW + 20)

    waits = [tested.take(NOW + 30) for _ in range(5)]

    assert waits == pytest.approx([30.0] * 5, abs=0.01)
    assert tested.take(NOW + 30 + waits[0]) == 0


def test_the_day_is_kept_to_as_well(budget):
    tested = budget(per_minute=2, per_day=3)
    went = [tested.take(NOW + second) for second in (0, 1, 100, 200)]

    assert went[:3] == [0, 0, 0]
    assert went[3] == pytest.approx(86_400 - 200, abs=0.01)


def test_a_forbidden_time_is_never_moved_nearer(budget):
    tested = budget(per_minute=2)

    tested.forbid(NOW + 60, NOW)
    tested.forbid(NOW + 10, NOW)

    assert tested.take(NOW) == pytest.approx(60, abs=0.01)
    assert tested.take(NOW + 61) == 0


def test_what_is_used_is_told_by_window(budget):
    tested = budget(per_minute=10, per_day=20, bytes_per_month=1000)
    for second in (0, 1, 70):
        tested.take(NOW + second)
    tested.count_bytes(400, NOW)

    assert tested.quotas(NOW + 71) == (Quota("minute", 1, 10), Quota("day", 3, 20), Quota("month", 400, 1000))
    assert tested.quotas(NOW + 71)[2].share == 0.4


def test_each_mark_is_said_once(budget, caplog):
    tested = budget(per_minute=20, bytes_per_month=100)

    with caplog.at_level(logging.WARNING):
        for _ in range(25):
            tested.take(NOW)
        for _ in range(12):
            tested.count_bytes(8, NOW)

    said = [(record.window, record.mark) for record in caplog.records if hasattr(record, "mark")]
    assert sorted(said) == [(window, mark) for window in ("minute", "month") for mark in (70, 85, 95)]


def test_of_twenty_threads_no_more_than_allowed_go(budget):
    tested, together, went = budget(per_minute=7), threading.Barrier(20), []

    def take():
        together.wait()
        if tested.take(NOW) == 0:
            went.append(1)

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(went) == 7


@pytest.mark.servers
def test_a_redis_that_was_started_anew_is_given_the_script_again():
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete("tieout:provider:tested:requests")
    tested = Budget("tested", Allowance(per_minute=5), client)
    tested.take(NOW)

    client.script_flush()

    assert tested.take(NOW) == 0
    client.close()


def test_without_redis_each_process_keeps_to_the_limit_and_says_so_once(tmp_path, caplog):
    nowhere = redis.Redis(unix_socket_path=str(tmp_path / "nothing.sock"), retry=Retry(NoBackoff(), 0))
    tested = Budget("tested", Allowance(per_minute=2), nowhere)

    with caplog.at_level(logging.WARNING):
        went = [tested.take(NOW + second / 10) for second in range(4)]

    assert [wait > 0 for wait in went] == [False, False, True, True]
    assert [record.message for record in caplog.records if "Redis" in record.message] == [
        "provider budget is per process while Redis is away"
    ]
