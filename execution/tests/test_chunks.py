"""Jobs by chunks: who takes one, what a killed or failing one leaves, and that nothing is done twice."""

import logging
import threading
import time
from dataclasses import replace
from decimal import Decimal
from unittest import mock

import psycopg
import pytest
from django.db import transaction

from execution import tasks
from execution.models import BlockedPortfolio, JobChunk, JobRun, NightlyRun
from execution.night import chunks
from portfolio.models import (
    Benchmark,
    BenchmarkComponent,
    DailyValue,
    FactorExposure,
    LedgerRevision,
    Portfolio,
    PortfolioMetrics,
)
from portfolio.performance import nightly_figures
from portfolio.valuation import InvariantViolated, Valuer
from pricing.models import PricingPack, Security
from tests import plugin, small
from tests.small import WEEK

pytestmark = [pytest.mark.role("job"), pytest.mark.usefixtures("read_once")]
SLUGS = ("a", "b", "c")
COUNTED = (DailyValue, PortfolioMetrics, FactorExposure)


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


def states(job="compute_metrics"):
    return [chunk.state for chunk in JobChunk.objects.filter(job__name=job).order_by("job", "fencing", "number")]


def stored():
    return [model.objects.count() for model in COUNTED]


# --- who takes it


def test_without_workers_the_process_does_all_chunks_itself(policy):
    rung = []

    run = small.night(policy, ring=rung.append)

    assert states() == states("prewarm_factors") == ["done"] * 3
    assert rung == list(JobChunk.objects.order_by("pk").values_list("pk", flat=True))
    assert run.jobs.get(name="compute_metrics").detail == {"portfolios": 3, "daily_values": 15}
    assert run.jobs.get(name="prewarm_factors").detail == {"portfolios": 3, "phases": 5}
    assert stored() == [15, 3, 15]


def test_a_chunk_that_a_worker_did_is_counted_and_its_second_message_changes_nothing(policy):
    """The worker is rung while the job runs, and hears everything twice."""

    def work(chunk):
        for _ in range(2):
            tasks.compute_chunk(chunk=chunk, said_by="a newer night")

    run = small.night(policy, ring=work)

    before = stored()
    for chunk in JobChunk.objects.values_list("pk", flat=True):
        assert not chunks.work_on(chunk)
    assert run.jobs.get(name="compute_metrics").detail == {"portfolios": 3, "daily_values": 15}
    assert stored() == before == [15, 3, 15]


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
    assert stored() == [15, 3, 15]


def test_without_a_broker_the_chunks_are_done_nonetheless(policy):
    with mock.patch.object(tasks.compute_chunk, "delay", side_effect=tasks.OperationalError("away")):
        tasks.run_nightly(policy=policy.pk, from_date=WEEK[0].isoformat(), date=WEEK[-1].isoformat())

    assert NightlyRun.objects.get().state == "done"
    assert stored() == [15, 3, 15]


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
    failed = {tuple(chunk.detail["failed"]) for chunk in JobChunk.objects.filter(job__name="compute_metrics")}
    assert failed == {(), (str(revision.pk),)}
    assert [record.portfolio_id for record in caplog.records if record.message == "a portfolio has no figures"] == [
        str(small.portfolio("b").pk)
    ] * 2
    assert set(PricingPack.objects.values_list("status", flat=True)) == {"fresh"}
    rows = BlockedPortfolio.objects.values_list("portfolio__slug", "pack__asof_date", "job", "kind")
    assert set(rows) == {
        ("b", WEEK[-1], "compute_metrics", "figures-failed"),
        ("b", WEEK[-1], "prewarm_factors", "figures-failed"),
    }
    assert run.jobs.get(name="compute_metrics").detail == {
        "portfolios": 3,
        "daily_values": 10,
        "failed": 1,
        "blocked": {"portfolios": 1, "kinds": {"figures-failed": 1}},
    }
    assert [record.kinds for record in caplog.records if record.message == "portfolios are blocked"] == [
        {"figures-failed": 1}
    ] * 2
    assert stored() == [10, 2, 10]

    again = small.night(policy, from_step="compute_metrics")

    assert (again.pk, again.state) == (run.pk, "done")
    assert again.jobs.get(name="compute_metrics").detail == {"portfolios": 3, "daily_values": 5}
    assert stored() == [15, 3, 15]
    assert not BlockedPortfolio.objects.exists()


def test_a_long_only_return_below_minus_one_hundred_percent_is_told_by_name(policy):
    wrong = small.portfolio("c")
    real = Valuer.history

    def history(self, book):
        life = real(self, book)
        return replace(life, value=life.value - 20_000.0) if book.portfolio_id == wrong.pk else life

    with mock.patch.object(Valuer, "history", history):
        small.night(policy)

    assert not PortfolioMetrics.objects.filter(portfolio=wrong).exists()
    (reason,) = BlockedPortfolio.objects.filter(job="compute_metrics", portfolio=wrong).values_list("reason", flat=True)
    assert reason.startswith("a long-only return is not below -100 %")
    assert set(PricingPack.objects.values_list("status", flat=True)) == {"fresh"}


def test_an_unforeseen_error_of_one_portfolio_leaves_the_others_their_figures(policy, caplog, monkeypatch):
    """While its figures are computed, and while what came out is stored with those of its whole chunk."""
    wrong = small.portfolio("b")
    monkeypatch.setattr(chunks, "MOST_PORTFOLIOS", 50)
    real, real_copy = Valuer.history, nightly_figures.copy_in

    def history(self, book):
        if book.portfolio_id == small.portfolio("a").pk:
            raise IndexError("index 0 is out of bounds for axis 0 with size 0")
        return real(self, book)

    def copy(model, columns, rows, **how):
        rows = list(rows)
        if any(row[0] == wrong.pk for row in rows):
            raise ZeroDivisionError
        return real_copy(model, columns, rows, **how)

    with mock.patch.object(Valuer, "history", history), mock.patch.object(nightly_figures, "copy_in", copy):
        run = small.night(policy)

    assert run.state == "done"
    kinds = BlockedPortfolio.objects.filter(job="compute_metrics").values_list("portfolio__slug", "kind")
    assert set(kinds) == {("a", "figures-failed"), ("b", "figures-failed")}
    assert set(PortfolioMetrics.objects.values_list("portfolio__slug", flat=True)) == {"c"}
    assert {record.message for record in caplog.records if record.exc_info} == {
        "the figures of a portfolio failed",
        "a chunk broke",
    }


# --- again


def test_after_a_benchmark_is_edited_only_the_next_packs_figures_follow_it(policy):
    with transaction.atomic():
        made = Benchmark.objects.create(name="Trees", rebalance="daily")
        for symbol, weight in (("OAK", "0.6"), ("ELM", "0.4")):
            BenchmarkComponent.objects.create(
                benchmark=made, security=Security.objects.get(symbol=symbol), weight=Decimal(weight)
            )
    Portfolio.objects.filter(slug="a").update(benchmark=made)
    small.night(policy, last=WEEK[3])
    before = dict(PortfolioMetrics.objects.values_list("pk", "record"))
    with transaction.atomic():
        BenchmarkComponent.objects.filter(security__symbol="OAK").update(weight=Decimal("0.1"))
        BenchmarkComponent.objects.filter(security__symbol="ELM").update(weight=Decimal("0.9"))

    small.night(policy, first=WEEK[4])

    assert dict(PortfolioMetrics.objects.filter(pk__in=before).values_list("pk", "record")) == before
    told = [
        (row.record["asof_date"], row.record["benchmark_definition"], row.record["benchmark_twr_1d"]["value"])
        for row in PortfolioMetrics.objects.filter(portfolio__slug="a").order_by("pack__sequence")
    ]
    fourth, fifth = 104 / 102 * (1.43 / 1.10) / (1.441 / 1.10), 103 / 104 * 1.452 / 1.43
    elm = [1.43 / 1.441, 1.452 / 1.43]
    assert told == [
        ("2020-01-09", "0.4 ELM, 0.6 OAK, rebalanced daily", pytest.approx(0.4 * elm[0] + 0.6 * fourth - 1)),
        ("2020-01-10", "0.9 ELM, 0.1 OAK, rebalanced daily", pytest.approx(0.9 * elm[1] + 0.1 * fifth - 1)),
    ]
    assert {row.record["benchmark_definition"] for row in PortfolioMetrics.objects.exclude(portfolio__slug="a")} == {
        None
    }


def test_a_later_night_adds_its_day_and_keeps_what_was_known_before(policy):
    small.night(policy, last=WEEK[3])
    before = {row.pk: row.value for row in DailyValue.objects.all()}

    run = small.night(policy, first=WEEK[4])

    assert run.jobs.get(name="compute_metrics").detail["daily_values"] == 3
    assert {row.pk: row.value for row in DailyValue.objects.filter(pk__in=before)} == before
    assert stored() == [15, 6, 30]
    assert DailyValue.objects.filter(date=WEEK[4]).count() == 3
