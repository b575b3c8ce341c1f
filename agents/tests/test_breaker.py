"""The breaker of one agent: with a memory of its own, and with a real Redis between threads and processes."""

import logging
import multiprocessing
import threading
import time

import psycopg
import pytest
import redis
from django.db.utils import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from agents import breaker
from agents.breaker import DependencyFailed, StorageAway
from agents.tests import fakes
from config.breaker import Breaker, BreakerOpen, Verdict, read_states
from config.errors import TieoutError


class ProviderAway(DependencyFailed):
    pass


class BadQuestion(TieoutError):
    pass


@pytest.fixture(scope="module")
def socket(tmp_path_factory):
    with fakes.redis_server(tmp_path_factory.mktemp("r")) as path:
        yield path


@pytest.fixture(params=["memory", "redis"])
def client(request):
    if request.param == "memory":
        yield None
        return
    connected = redis.Redis(unix_socket_path=request.getfixturevalue("socket"))
    connected.flushall()
    yield connected
    connected.close()


def failing(error):
    def ask():
        raise error

    return ask


def fail(guard, times, error=None):
    for _ in range(times):
        with pytest.raises((DependencyFailed, OSError)):
            guard.call(failing(error or ProviderAway("gone")))


def test_five_failures_in_a_row_open_it_for_a_minute(client):
    guard = breaker.for_capability("harvester", client=client)

    fail(guard, 5)

    with pytest.raises(BreakerOpen) as closed_door:
        guard.call(lambda: pytest.fail("the agent was asked"))
    assert closed_door.value.name == "harvester"
    assert 59 < closed_door.value.retry_after_s <= 60
    assert guard.state == 1


def test_an_outage_of_the_database_never_opens_it_and_does_not_wipe_the_count(client):
    guard = breaker.for_capability("harvester", client=client)

    fail(guard, 4)
    for _ in range(100):
        with pytest.raises(OperationalError):
            guard.call(failing(wrapped_by_django()))
    still_closed = guard.state
    fail(guard, 1)

    assert still_closed == 0
    assert guard.state == 1


def test_a_success_in_between_starts_the_count_anew(client):
    guard = breaker.for_capability("harvester", client=client)

    fail(guard, 4)
    guard.call(lambda: 1)
    fail(guard, 4)

    assert guard.state == 0


def test_a_hundred_bad_questions_leave_it_closed_and_do_not_wipe_the_count(client):
    guard = breaker.for_capability("harvester", client=client)

    fail(guard, 4)
    for _ in range(100):
        with pytest.raises(BadQuestion):
            guard.call(failing(BadQuestion("no such thing")))
    still_closed = guard.state
    fail(guard, 1)

    assert still_closed == 0
    assert guard.state == 1


def test_after_the_time_one_success_closes_it(client):
    guard = breaker.for_capability("harvester", client=client, reset_timeout_s=0.05)
    fail(guard, 5)
    time.sleep(0.06)

    assert guard.call(lambda: "back") == "back"
    assert guard.state == 0


def test_a_failed_probe_opens_it_for_the_full_time_again(client):
    guard = breaker.for_capability("harvester", client=client, reset_timeout_s=0.3)
    fail(guard, 5)
    time.sleep(0.31)

    fail(guard, 1)

    with pytest.raises(BreakerOpen) as closed_door:
        guard.call(lambda: pytest.fail("the agent was asked"))
    assert closed_door.value.retry_after_s > 0.2


def test_a_probe_that_shows_nothing_leaves_the_next_call_to_probe(client):
    guard = breaker.for_capability("harvester", client=client, reset_timeout_s=0.05)
    fail(guard, 5)
    time.sleep(0.06)

    with pytest.raises(BadQuestion):
        guard.call(failing(BadQuestion("no such thing")))
    seen = guard.state
    guard.call(lambda: 1)

    assert seen == 2
    assert guard.state == 0


def test_a_caller_that_looked_before_the_probe_ended_is_an_ordinary_caller(client):
    now, meanwhile = 1_000.0, list[str]()

    def clock():
        """Asked between a caller's look and its probe: there another probe begins and ends."""
        if now > 1_060 and not meanwhile:
            meanwhile.append("asked")
            meanwhile.append(guard.call(lambda: "back"))
        return now

    guard = Breaker("harvester", judge=breaker.judge, fail_max=5, reset_timeout_s=60, client=client, clock=clock)
    fail(guard, 5)
    now += 61

    fail(guard, 1)

    assert meanwhile == ["asked", "back"]
    assert guard.state == 0


def test_a_failure_that_comes_late_does_not_make_the_wait_longer(client):
    now = 1_000.0
    guard = Breaker("harvester", judge=breaker.judge, fail_max=5, reset_timeout_s=60, client=client, clock=lambda: now)

    def late():
        nonlocal now
        fail(guard, 5)
        now += 30
        raise ProviderAway("gone")

    with pytest.raises(ProviderAway):
        guard.call(late)

    with pytest.raises(BreakerOpen) as refused:
        guard.call(lambda: pytest.fail("the agent was asked"))
    assert refused.value.retry_after_s == pytest.approx(30)


def test_of_twenty_threads_exactly_one_probes(client):
    now = time.time()
    guard = Breaker("harvester", judge=breaker.judge, fail_max=5, reset_timeout_s=60, client=client, clock=lambda: now)
    fail(guard, 5)
    now += 61  # not waited for: the probe's lease is as long as the time-out, by Redis's own clock
    together, probes, refused = threading.Barrier(20), [], []
    done = threading.Event()

    def slow():
        probes.append(1)
        done.wait(5)

    def ask():
        together.wait()
        try:
            guard.call(slow)
        except BreakerOpen:
            refused.append(1)
            if len(refused) == 19:
                done.set()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(probes), len(refused)) == (1, 19)
    assert guard.state == 0


def probe_in_a_process(socket, start, results):
    client = redis.Redis(unix_socket_path=socket)
    guard = breaker.for_capability("harvester", client=client, reset_timeout_s=1.0)

    def probe():
        results.put("probed")
        time.sleep(0.5)

    start.wait()
    try:
        guard.call(probe)
    except BreakerOpen:
        results.put("refused")


def test_of_six_processes_exactly_one_probes(socket):
    client = redis.Redis(unix_socket_path=socket)
    client.flushall()
    guard = breaker.for_capability("harvester", client=client, reset_timeout_s=1.0)
    fail(guard, 5)
    spawn = multiprocessing.get_context("fork")
    start, results = spawn.Event(), spawn.Queue()
    processes = [spawn.Process(target=probe_in_a_process, args=(socket, start, results)) for _ in range(6)]
    for process in processes:
        process.start()
    time.sleep(1.05)

    start.set()
    told = sorted(results.get(timeout=10) for _ in processes)
    for process in processes:
        process.join()

    assert told == ["probed"] + ["refused"] * 5
    assert guard.state == 0


def test_a_second_worker_sees_what_the_first_one_opened(socket):
    client = redis.Redis(unix_socket_path=socket)
    client.flushall()
    fail(breaker.for_capability("harvester", client=client), 5)

    with pytest.raises(BreakerOpen):
        breaker.for_capability("harvester", client=client).call(lambda: pytest.fail("the agent was asked"))
    assert breaker.for_capability("analyst", client=client).state == 0


def test_a_good_call_costs_one_round_trip(socket, monkeypatch):
    client = redis.Redis(unix_socket_path=socket)
    client.flushall()
    guard = breaker.for_capability("harvester", client=client)
    sent, send = [], client.execute_command

    def listen(*words, **options):
        sent.append(words[0])
        return send(*words, **options)

    monkeypatch.setattr(client, "execute_command", listen)

    for _ in range(3):
        guard.call(lambda: 1)

    assert sent == ["HMGET"] * 3


def test_without_redis_each_process_guards_itself_and_says_so_once(tmp_path, caplog):
    nowhere = redis.Redis(unix_socket_path=str(tmp_path / "nothing.sock"), retry=Retry(NoBackoff(), 0))
    with caplog.at_level(logging.WARNING, logger="config.breaker"):
        guard = breaker.for_capability("harvester", client=nowhere)

        fail(guard, 5)

        with pytest.raises(BreakerOpen):
            guard.call(lambda: pytest.fail("the agent was asked"))
    assert [r.message for r in caplog.records if r.name == "config.breaker"] == [
        "breaker state is per process while Redis is away"
    ]


def wrapped_by_django():
    try:
        raise psycopg.OperationalError("server closed the connection")
    except psycopg.OperationalError as cause:
        try:
            raise OperationalError("server closed the connection") from cause
        except OperationalError as outer:
            return outer


@pytest.mark.parametrize(
    ("raised", "counts"),
    [
        (ProviderAway("gone"), True),
        (ConnectionResetError(), True),
        (OSError("no space left"), True),
        (psycopg.OperationalError(), False),
        (psycopg.InterfaceError(), False),
        (redis.ConnectionError(), False),
        (redis.TimeoutError(), False),
        (StorageAway(), False),
        (ZeroDivisionError(), False),
        (BadQuestion(), False),
        (BreakerOpen("a", 1.0), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_what_counts_against_an_agent(raised, counts):
    assert (breaker.judge(raised) is Verdict.FAILED) is counts


def test_a_dependency_is_known_under_djangos_wrapper():
    assert breaker.is_dependency_failure(wrapped_by_django())
    assert breaker.is_storage_failure(wrapped_by_django())
    assert not breaker.is_dependency_failure(ValueError())


def test_the_states_of_many_are_read_as_each_says_its_own(client):
    guards = [breaker.for_capability(name, client=client) for name in ("calm", "harvester")]
    fail(guards[1], 5)

    assert read_states(guards) == [guard.state for guard in guards] == [0, 1]
