"""Jobs by chunks: who takes one, what a killed or failing one leaves, and that nothing is done twice."""

import logging
import threading
import time
from dataclasses import replace
from unittest import mock

import psycopg
import pytest

from execution import tasks
from execution.models import BlockedPortfolio, JobChunk, JobRun, NightlyRun
from execution.night import chunks
from portfolio.models import (
    DailyValue,
    LedgerRevision,
)
from portfolio.valuation import InvariantViolated, Valuer
from pricing.models import PricingPack
from tests import plugin, small
from tests.small import WEEK

pytestmark = [pytest.mark.role("job"), pytest.mark.usefixtures("read_once")]
SLUGS = ("a", "b", "c")


@pytest.fixture(scope="module")
def three(migrated, django_db_blocker, tmp_path_factory):
    """Three portfolios of one ledger, before any night."""
    with plugin.template(plugin.SHARED[plugin.EMPTY]) as name:
        with plugin.at_work(plugin.World(name), django_db_blocker) as world, world.role("job"):
            small.begin(tmp_path_factory.mktemp("three"), slugs=SLUGS)
        yield name


@pytest.fixture
def own(three, django_db_blocker):
    yield from plugin.copy_of(three, plugin.World, django_db_blocker)


@pytest.fixture
def policy(own, monkeypatch):
    """A chunk holds one portfolio."""
    monkeypatch.setattr(chunks, "MOST_PORTFOLIOS", 1)
    return small.policy()


def states():
    return [chunk.state for chunk in JobChunk.objects.order_by("job", "fencing", "number")]


# --- who takes it


def test_without_workers_the_process_does_all_chunks_itself(policy):
    rung = []

    run = small.night(policy, ring=rung.append)

    assert states() == ["done"] * 3
    assert rung == list(JobChunk.objects.order_by("pk").values_list("pk", flat=True))
    assert run.jobs.get(name="compute_metrics").detail == {"portfolios": 3, "daily_values": 15}
    assert run.jobs.get(name="prewarm_factors").detail == {"phases": 5}
    assert DailyValue.objects.count() == 15


def test_a_chunk_that_a_worker_did_is_counted_and_its_second_message_changes_nothing(policy):
    """The worker is rung while the job runs, and hears everything twice."""

    def work(chunk):
        for _ in range(2):
            tasks.compute_chunk(chunk=chunk, said_by="a newer night")

    run = small.night(policy, ring=work)

    before = DailyValue.objects.count()
    for chunk in JobChunk.objects.values_list("pk", flat=True):
        assert not chunks.work_on(chunk)
    assert run.jobs.get(name="compute_metrics").detail == {"portfolios": 3, "daily_values": 15}
    assert DailyValue.objects.count() == before == 15


def test_a_chunk_whose_worker_is_killed_is_done_by_who_counts(policy, own):
    """A worker's death ends its session, and with it the lock on the chunk; nobody else tells."""
    waited = []

    def take(chunk):
        if not waited:
            session = psycopg.connect(plugin.address(own.database, "job"), autocommit=True)
            session.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"execution.chunk:{chunk}"])
            JobChunk.objects.filter(pk=chunk).update(state="running")
            waited.append(time.monotonic())
            threading.Timer(0.5, session.close).start()

    run = small.night(policy, ring=take)

    assert run.state == "done"
    assert time.monotonic() - waited[0] >= 0.5
    assert states() == ["done"] * 3
    assert DailyValue.objects.count() == 15


def test_without_a_broker_the_chunks_are_done_nonetheless(policy):
    with mock.patch.object(tasks.compute_chunk, "delay", side_effect=tasks.OperationalError("away")):
        tasks.run_nightly(policy=policy.pk, from_date=WEEK[0].isoformat(), date=WEEK[-1].isoformat())

    assert NightlyRun.objects.get().state == "done"
    assert DailyValue.objects.count() == 15


def test_a_message_of_an_attempt_that_is_over_does_nothing(policy):
    run = small.night(policy)
    job = run.jobs.get(name="compute_metrics")
    old = JobChunk.objects.create(job=job, fencing=job.fencing, number=9, pack_id="-", revisions=[])
    later = JobChunk.objects.create(job=job, fencing=job.fencing + 1, number=1, pack_id="-", revisions=[])

    assert not chunks.work_on(old.pk)  # the job is done
    JobRun.objects.filter(pk=job.pk).update(state="running")
    assert not chunks.work_on(later.pk)  # its fencing number is another's

    assert {old.state, JobChunk.objects.get(pk=old.pk).state, JobChunk.objects.get(pk=later.pk).state} == {"waiting"}


# --- what fails


def test_a_portfolio_that_violates_an_invariant_is_logged_and_the_others_are_stored(policy, caplog):
    wrong = small.portfolio("b")
    real = Valuer.history

    def history(self, book):
        if book.portfolio_id == wrong.pk:
            raise InvariantViolated("the sum of the holdings' gains", WEEK[2], 0.5)
        return real(self, book)

    with mock.patch.object(Valuer, "history", history), caplog.at_level(logging.WARNING):
        run = small.night(policy)

    revision = LedgerRevision.objects.get(portfolio=wrong)
    assert run.state == "done"
    assert states() == ["done"] * 3
    failed = {tuple(chunk.detail["failed"]) for chunk in JobChunk.objects.all()}
    assert failed == {(), (str(revision.pk),)}
    assert [record.portfolio_id for record in caplog.records if record.message == "a portfolio has no figures"] == [
        str(wrong.pk)
    ]
    assert set(PricingPack.objects.values_list("status", flat=True)) == {"fresh"}
    rows = BlockedPortfolio.objects.values_list("portfolio__slug", "pack__asof_date", "job", "kind")
    assert set(rows) == {("b", WEEK[-1], "compute_metrics", "figures-failed")}
    assert run.jobs.get(name="compute_metrics").detail == {
        "portfolios": 3,
        "daily_values": 10,
        "failed": 1,
        "blocked": {"portfolios": 1, "kinds": {"figures-failed": 1}},
    }
    assert [record.kinds for record in caplog.records if record.message == "portfolios are blocked"] == [
        {"figures-failed": 1}
    ]
    assert DailyValue.objects.count() == 10

    again = small.night(policy, from_step="compute_metrics")

    assert (again.pk, again.state) == (run.pk, "done")
    assert again.jobs.get(name="compute_metrics").detail == {"portfolios": 3, "daily_values": 5}
    assert DailyValue.objects.count() == 15
    assert not BlockedPortfolio.objects.exists()


def test_an_unforeseen_error_of_one_portfolio_leaves_the_others_their_figures(policy, caplog, monkeypatch):
    """While its values are computed, and while what came out is stored with those of its whole chunk."""
    monkeypatch.setattr(chunks, "MOST_PORTFOLIOS", 50)
    first, second = small.portfolio("a").pk, small.portfolio("b").pk
    real = Valuer.history

    def history(self, book):
        if book.portfolio_id == first:
            raise IndexError("index 0 is out of bounds for axis 0 with size 0")
        life = real(self, book)
        return replace(life, value=life.value * float("nan")) if book.portfolio_id == second else life

    with mock.patch.object(Valuer, "history", history):
        run = small.night(policy)

    assert run.state == "done"
    kinds = BlockedPortfolio.objects.filter(job="compute_metrics").values_list("portfolio__slug", "kind")
    assert set(kinds) == {("a", "figures-failed"), ("b", "figures-failed")}
    assert set(DailyValue.objects.values_list("portfolio__slug", flat=True)) == {"c"}
    assert [record.message for record in caplog.records if record.exc_info] == ["the figures of a portfolio failed"] * 2


# --- again


def test_a_later_night_adds_its_day_and_keeps_what_was_known_before(policy):
    small.night(policy, last=WEEK[3])
    before = {row.pk: row.value for row in DailyValue.objects.all()}

    run = small.night(policy, first=WEEK[4])

    assert run.jobs.get(name="compute_metrics").detail["daily_values"] == 3
    assert {row.pk: row.value for row in DailyValue.objects.filter(pk__in=before)} == before
    assert DailyValue.objects.count() == 15
    assert DailyValue.objects.filter(date=WEEK[4]).count() == 3
