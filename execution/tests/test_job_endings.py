"""Whatever ends a job of the night, it is `failed` with a reason, its packs are in error, and what may pass is tried again."""

import errno
from datetime import timedelta
from unittest import mock

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from django.test import Client
from django.utils import timezone
from psycopg import errors
from redis.exceptions import ConnectionError as RedisAway

from config.errors import TieoutError
from execution import tasks
from execution.models import BlockedPortfolio, JobRun, NightlyRun
from execution.night import attempts, due, jobs
from portfolio.ledger import reader
from portfolio.ledger.repository import LedgerRepository, LedgerUnavailable
from portfolio.performance import daily_values
from pricing.models import PricingPack
from tests import plugin, small

pytestmark = pytest.mark.role("job")


def disk_full():
    return OSError(errno.ENOSPC, "No space left on device")


def wrapped(outer, inner):
    outer.__cause__ = inner
    return outer


PASSING = {
    "unforeseen": (
        lambda: ZeroDivisionError("12,345.67 of anna"),
        "a fault of this program (ZeroDivisionError), which its operator finds in the log",
    ),
    "disk": (disk_full, "disk: is full; free space"),
    "disk of the database": (lambda: wrapped(OperationalError("no room"), errors.DiskFull()), "disk: is full; free"),
    "disk of the ledger": (lambda: wrapped(LedgerUnavailable("No space"), disk_full()), "disk: is full; free"),
    "database": (lambda: OperationalError("the host of anna is away"), "database: does not answer, or ended the se"),
    "Redis": (lambda: RedisAway("the host of anna is away"), "Redis: does not answer; start Redis"),
}


@pytest.fixture
def failing(monkeypatch):
    """Calls the night, where one job raises after it has done its work."""

    def night(name, failure):
        def fails(given):
            jobs_before[name](given)
            raise failure

        with monkeypatch.context() as broken:
            broken.setattr(jobs, "JOBS", jobs_before | {name: fails})
            with pytest.raises(attempts.JobFailed) as failed:
                small.night(small.policy())
        return failed.value

    jobs_before = dict(jobs.JOBS)
    return night


def rung():
    with mock.patch.object(tasks.run_nightly, "delay_on_commit", create=True) as sent:
        tasks.take_up_stale_runs()
    return sent.call_count


def pass_time():
    JobRun.objects.exclude(retry_at=None).update(retry_at=timezone.now() - timedelta(seconds=1))


def assert_goes_on_by_itself():
    """The watchdog rings, not before its time, and the run of that message is done."""
    early = rung()
    pass_time()
    with mock.patch.object(
        tasks.run_nightly, "delay_on_commit", lambda **message: tasks.run_nightly(**message), create=True
    ):
        tasks.take_up_stale_runs()

    assert early == 0
    assert NightlyRun.objects.get().state == "done"
    assert set(PricingPack.objects.values_list("status", "reason")) == {("fresh", "")}
    assert set(JobRun.objects.values_list("state", "reason", "retry_at")) == {("done", "", None)}
    assert not BlockedPortfolio.objects.exists()
    assert rung() == 0


@pytest.mark.parametrize("kind", PASSING)
def test_what_may_pass_ends_the_job_with_its_reason_and_goes_on_by_itself(begun, failing, kind):
    make, reason = PASSING[kind]

    failed = failing("compute_metrics", make())

    job = JobRun.objects.get(name="compute_metrics")
    assert job.reason.startswith(reason)
    assert failed.reason == job.reason
    assert "anna" not in job.reason
    assert (job.state, job.run.state, job.finished_at is None, job.retry_at is None) == (
        "failed",
        "failed",
        False,
        False,
    )
    assert set(PricingPack.objects.values_list("status", "failed_job", "reason")) == {
        ("error", "compute_metrics", job.reason)
    }
    assert_goes_on_by_itself()


@pytest.mark.parametrize("name", jobs.JOBS)
def test_every_job_of_the_night_ends_so(begun, failing, name):
    failing(name, ZeroDivisionError())

    assert JobRun.objects.get(name=name).state == "failed"
    assert set(PricingPack.objects.values_list("status", flat=True)) <= {"error", "fresh"}
    assert_goes_on_by_itself()


def test_what_the_data_cause_waits_for_a_person(begun, failing):
    failing("reconcile_ledger", TieoutError("the books of all differ"))

    JobRun.objects.update(heartbeat_at=timezone.now() - timedelta(days=1))
    assert JobRun.objects.get(name="reconcile_ledger").retry_at is None
    assert rung() == 0


def test_each_try_waits_twice_as_long_and_never_longer_than_a_quarter_of_an_hour(begun, failing):
    waits = []
    for _ in range(8):
        failing("prewarm_factors", ZeroDivisionError())
        job = JobRun.objects.get(name="prewarm_factors")
        waits.append(round((job.retry_at - job.finished_at).total_seconds()))

    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


@pytest.fixture
def as_job():
    """Sessions that are opened in the test act as the role that it began with."""

    def become(connection, **_):
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE job")

    connection_created.connect(become)
    yield
    connection_created.disconnect(become)


def end_session(database):
    """As a restart of PostgreSQL does to the session of this process."""
    with psycopg.connect(plugin.address(database, "postgres"), autocommit=True) as elsewhere:
        elsewhere.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])


def test_a_session_that_is_lost_in_a_job_is_told_and_the_night_goes_on(begun, as_job, monkeypatch):
    real = jobs.JOBS["reconcile_ledger"]

    def loses_its_session(night):
        end_session(begun.database)
        return real(night)

    with monkeypatch.context() as broken:
        broken.setattr(jobs, "JOBS", dict(jobs.JOBS) | {"reconcile_ledger": loses_its_session})
        with pytest.raises(attempts.JobFailed, match="ended the session"):
            small.night(small.policy())

    assert JobRun.objects.get(name="reconcile_ledger").state == "failed"
    assert_goes_on_by_itself()


def test_while_the_database_is_away_the_job_is_left_as_that_of_a_killed_process_is(begun, as_job, monkeypatch):
    """Nobody may log in until the attempt is over."""

    def limit(count):
        with psycopg.connect(plugin.address("postgres", "postgres"), autocommit=True) as elsewhere:
            elsewhere.execute(f"ALTER DATABASE {begun.database} CONNECTION LIMIT {count}")

    def shuts_the_door(night):
        limit(0)
        end_session(begun.database)
        connection.ensure_connection()
        PricingPack.objects.count()

    with monkeypatch.context() as broken:
        broken.setattr(attempts, "RECORD_AGAIN_AFTER_S", (0.1, 0.1))
        broken.setattr(jobs, "JOBS", dict(jobs.JOBS) | {"build_pack": shuts_the_door})
        with pytest.raises(attempts.JobFailed, match="does not answer"):
            small.night(small.policy())
    limit(-1)
    connection.close()
    left = JobRun.objects.get(name="build_pack")
    JobRun.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=attempts.STALE_AFTER_S + 1))

    assert (left.state, left.reason) == ("running", "")
    assert [run.pk for run in due.stale_runs()] == [left.run_id]
    assert small.night(small.policy()).state == "done"


def commit(text):
    """Past our own writer, so that the night has something to read."""
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        repository.commit(
            "small",
            {"main.beancount": text.encode()},
            message="pushed",
            author="somebody",
            at=timezone.now(),
            expected_head=repository.head(),
        )


@pytest.mark.parametrize("name", ["reconcile_ledger", "compute_metrics"])
def test_a_full_disk_is_no_fault_of_a_portfolio(begun, monkeypatch, name):
    """It is met while a portfolio is read or computed, and blocks none."""

    def full(*_, **__):
        raise disk_full()

    with monkeypatch.context() as broken:
        if name == "reconcile_ledger":
            commit(small.LEDGER + small.SECOND_PURCHASE)
            broken.setattr(reader.tempfile, "TemporaryDirectory", full)
        else:
            broken.setattr(daily_values.market, "history", full)
        with pytest.raises(attempts.JobFailed, match="disk: is full"):
            small.night(small.policy())

    assert JobRun.objects.get(name=name).state == "failed"
    assert not BlockedPortfolio.objects.exists()
    assert_goes_on_by_itself()


def test_a_pack_that_was_not_sealed_when_its_job_failed_is_told_as_in_error(begun, monkeypatch):
    """Its header stays `building`, for the next attempt to seal the same release."""
    from pricing.packs import sealing

    with monkeypatch.context() as broken:
        broken.setattr(sealing, "seal_all", mock.Mock(side_effect=disk_full()))
        with pytest.raises(attempts.JobFailed, match="disk: is full"):
            small.night(small.policy())
    health = Client().get("/health/pack")

    assert set(PricingPack.objects.values_list("status", flat=True)) == {"building"}
    assert (health.status_code, health.json()["status"]) == (503, "error")
    assert health.json()["error"]["reason"].startswith("disk: is full")
    assert_goes_on_by_itself()
    assert set(PricingPack.objects.values_list("release", flat=True)) == {1}
