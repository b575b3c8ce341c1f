"""The bell of the night: what is due, what is stale, and that a message too many changes nothing."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import date, timedelta
from unittest import mock

import psycopg
import pytest
from celery import Celery
from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from execution import tasks
from execution.models import JobRun, NightlyRun, RunState
from execution.night import attempts, due, jobs
from execution.night.night import Night
from execution.operations import intake
from pricing.models import PricingPolicy
from pricing.providers import fetching, http
from tests import plugin, small
from tests.plugin import PROJECT, address

pytestmark = pytest.mark.role("job")
LAST = date(2013, 3, 1)  # the last day of demo/ with a close


@pytest.fixture(scope="module")
def loaded(migrated, django_db_blocker):
    with plugin.template(plugin.SHARED[plugin.EMPTY]) as name:
        with plugin.at_work(plugin.World(name), django_db_blocker) as world, world.role("job"):
            intake.load_market_data(str(PROJECT / "demo"))
        yield name


@pytest.fixture
def own(loaded, django_db_blocker):
    """A database with the demo's market data and no night."""
    yield from plugin.copy_of(loaded, plugin.World, django_db_blocker)


@pytest.fixture
def rung():
    """The messages that were sent."""
    with mock.patch.object(tasks.run_nightly, "delay_on_commit", create=True) as sent:
        yield sent


def policy():
    return PricingPolicy.objects.get(pk="ECB_EUR")


def a_run(*, state=RunState.RUNNING, seen_s_ago=3600, release=1, day=LAST, job=True):
    ago = timezone.now() - timedelta(seconds=seen_s_ago)
    run = NightlyRun.objects.create(
        policy="ECB_EUR", from_date=day, date=day, release=release, state=state, started_at=ago
    )
    if job:
        JobRun.objects.create(run=run, name="build_pack", position=0, state=state, heartbeat_at=ago)
    return run


def test_without_market_data_nothing_is_due(empty):
    assert due.due_days(policy(), until=LAST) == []


def test_where_no_night_was_only_the_newest_pack_day_is_due(own):
    assert due.due_days(policy(), until=date(2013, 2, 24)) == [date(2013, 2, 22)]


def test_nights_that_were_missed_are_all_due(own):
    a_run(day=date(2013, 2, 26))

    assert due.due_days(policy(), until=date(2026, 1, 1)) == [date(2013, 2, 27), date(2013, 2, 28), LAST]


def test_nothing_is_due_after_the_end_of_an_archive(own, rung):
    a_run()

    tasks.ring_nightly()

    rung.assert_not_called()


def test_two_beats_open_one_night(own, rung):
    tasks.ring_nightly()
    tasks.ring_nightly(said_by="a newer beat")

    run = NightlyRun.objects.get()
    assert (run.from_date, run.date, run.state, run.jobs.count()) == (LAST, LAST, RunState.WAITING, len(jobs.JOBS))
    rung.assert_called_once_with(policy="ECB_EUR", from_date="2013-03-01", date="2013-03-01")


@pytest.mark.parametrize("state", [RunState.WAITING, RunState.RUNNING])
def test_a_night_without_a_sign_of_life_is_rung_for_again(empty, rung, state):
    a_run(state=state)

    tasks.take_up_stale_runs()

    rung.assert_called_once_with(policy="ECB_EUR", from_date="2013-03-01", date="2013-03-01")


def test_a_night_whose_message_was_lost_before_any_job_began_is_rung_for_again(empty, rung):
    a_run(state=RunState.WAITING, job=False)

    tasks.take_up_stale_runs()

    rung.assert_called_once()


@pytest.mark.parametrize(
    "changes",
    [{"state": RunState.DONE}, {"state": RunState.FAILED, "job": False}, {"seen_s_ago": attempts.STALE_AFTER_S - 30}],
    ids=["done", "failed", "alive"],
)
def test_a_night_that_is_over_or_alive_is_left_alone(empty, rung, changes):
    a_run(**changes)

    tasks.take_up_stale_runs()

    rung.assert_not_called()


def test_an_older_release_of_a_night_is_left_alone(empty, rung):
    a_run(release=1)
    a_run(release=2, state=RunState.DONE)

    tasks.take_up_stale_runs()

    rung.assert_not_called()


def test_a_night_that_another_process_is_at_is_no_failure(own):
    with psycopg.connect(address(own.database, "job"), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('execution.night.nightly:ECB_EUR', 0))")

        tasks.run_nightly(policy="ECB_EUR", from_date="2013-03-01", date="2013-03-01")

    assert not NightlyRun.objects.exists()


def test_a_restatement_whose_message_comes_twice_is_made_once(own):
    done = a_run(state=RunState.DONE)
    NightlyRun.objects.filter(pk=done.pk).update(restates="a late close")

    tasks.run_nightly(policy="ECB_EUR", from_date="2013-03-01", date="2013-03-01", restates="a late close")

    assert NightlyRun.objects.get() == done


def test_a_job_that_works_keeps_its_heartbeat(empty):
    job = a_run().jobs.get()
    before, told = job.heartbeat_at, []
    report = attempts.with_heartbeat(job, lambda *what: told.append(what))

    with mock.patch.object(attempts, "HEARTBEAT_S", 0):
        report("build_pack", 1, 2)

    job.refresh_from_db()
    assert job.heartbeat_at > before
    assert told == [("build_pack", 1, 2)]


def test_a_job_that_was_taken_over_stops_and_leaves_the_later_attempt_alone(empty):
    run = a_run()
    night = Night(run, policy(), (LAST,), lambda *what: None)

    def overtaken(night):
        JobRun.objects.filter(run=run).update(fencing=9, heartbeat_at=Now())
        night.progress("build_pack", 1, 1)
        return {}

    with (
        mock.patch.object(attempts, "HEARTBEAT_S", 0),
        mock.patch.dict(jobs.JOBS, {"build_pack": overtaken}),
        pytest.raises(attempts.JobTakenOver),
    ):
        attempts.attempt(night, run.jobs.get())

    run.refresh_from_db()
    assert run.state == RunState.RUNNING
    assert run.jobs.get().state == RunState.RUNNING


@contextmanager
def worker(database, queue):
    """A Celery worker of its own over a database of the test."""
    environment = os.environ | {
        "DATABASE_URL": address(database, "job"),
        "DATABASE_JOB_URL": address(database, "job"),
        "REDIS_URL": settings.REDIS_URL,
        "LEDGER_PATH": str(settings.LEDGER_PATH),
        "TIEOUT_ROLE": "job",
    }
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "config",
            "worker",
            "--pool",
            "solo",
            "-Q",
            queue,
            "--loglevel",
            "WARNING",
        ],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            said, _ = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
        print(said)  # shown where the test fails


def test_a_real_worker_finishes_the_night_that_the_message_names(begun):
    queue = f"test-{os.getpid()}"
    bell = Celery(broker=settings.CELERY_BROKER_URL)
    bell.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    first, last = small.WEEK[0].isoformat(), small.WEEK[-1].isoformat()
    message = {"policy": "ECB_EUR", "from_date": first, "date": last, "said_by": "a newer beat"}

    with worker(begun.database, queue) as process:
        bell.send_task("execution.tasks.run_nightly", kwargs=message, queue=queue)
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline and process.poll() is None:
            if NightlyRun.objects.filter(state__in=(RunState.DONE, RunState.FAILED)).exists():
                break
            time.sleep(0.2)

    run = NightlyRun.objects.get()
    assert [(job.name, job.state, job.reason) for job in run.jobs.order_by("position")] == [
        (name, RunState.DONE, "") for name in jobs.JOBS
    ]
    assert run.state == RunState.DONE


@pytest.mark.usefixtures("db")
def test_every_provider_that_is_on_is_asked_and_one_that_fails_keeps_nobody_else(monkeypatch):
    keys = {"polygon": "x", "fred": "x", "fmp": "", "newsapi": "x", "sec-edgar": "", "tiingo": ""}
    monkeypatch.setattr(settings, "PROVIDER_KEYS", keys)
    asked = []

    def fetch(*, provider, today, last, **_):
        asked.append((provider, last == today))
        raise http.ProviderFailed(provider, "/path", "answered 500")

    monkeypatch.setattr(fetching, "fetch", fetch)
    tasks.fetch_market_data()

    assert asked == [("ecb", True), ("fred", True), ("openfigi", True), ("polygon", True), ("treasury", True)]
