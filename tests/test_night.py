"""The night on a week of a small market: order, failure, resumption, back-fill, restatement, and what it refuses."""

import io
import json
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from unittest import mock

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from config.errors import TieoutError
from execution import executor, tasks
from execution.executor import LedgerNotReconciled, ReconciliationFailed
from execution.models import BlockedPortfolio, Execution, JobRun, NightlyRun
from execution.night import attempts, history_check, jobs, nightly, restatement, runs
from execution.operations import intake
from execution.patterns import publishing
from execution.tests import staging
from portfolio import books, valuation
from portfolio.books import reconciliation
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import (
    Break,
    DailyValue,
    EconomicPhase,
    LedgerRevision,
    Portfolio,
    Reconciliation,
)
from pricing import market, packs
from pricing.models import PackContent, PricingPack, PricingPolicy, Security
from tests import plugin, small
from tests.small import WEEK

pytestmark = [pytest.mark.role("job"), pytest.mark.usefixtures("read_once")]

NAMES = ["build_pack", "reconcile_ledger", "compute_metrics", "prewarm_factors", "mark_pack_fresh"]
SPLIT = "2020-01-09,,OAK,split,2,,USD,derived:wood,,ok\n"
HALVED = "2020-01-09,OAK,52,USD,wood\n2020-01-10,OAK,51.5,USD,wood\n"
SPLIT_ENTRY = """
2020-01-09 * "Split" "2 for 1"
  id: "S1"
  ratio: "2:1"
  Assets:Shares:OAK  -10 OAK {101 USD}
  Assets:Shares:OAK  20 OAK {50.5 USD, 2020-01-07}
"""


def states(run):
    return {job.name: job.state for job in JobRun.objects.filter(run=run)}


def statuses(**of):
    return set(PricingPack.objects.filter(**of).values_list("status", flat=True))


WRITTEN = (
    PricingPack, PackContent, Reconciliation, Break, DailyValue, EconomicPhase, NightlyRun, JobRun, LedgerRevision,
)  # fmt: skip


def everything():
    """What a night writes, without when it did."""
    return {model.__name__: list(model.objects.order_by("pk").values_list("pk", flat=True)) for model in WRITTEN}


def commit(text, slug="small"):
    """Past our own writer, as a push would."""
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        return repository.commit(
            slug,
            {"main.beancount": text.encode()},
            message="pushed",
            author="somebody",
            at=timezone.now(),
            expected_head=repository.head(),
        )


# --- what several tests begin with: made once, a copy for each


def until_wednesday(folder):
    small.night(small.begin(folder), last=WEEK[2])


def late(folder):
    """Owned since Wednesday, and no night of the days before."""
    policy = small.begin(folder, small.ACCOUNTS + small.DEPOSIT.replace("2020-01-06", "2020-01-08"))
    small.night(policy, first=WEEK[2])


def split_of_the_pack(folder):
    small.begin(folder, without=("2020-01-09,OAK", "2020-01-10,OAK"), also=HALVED, actions=SPLIT)


def night_of_the_split_of_the_pack(folder):
    split_of_the_pack(folder)
    with pytest.raises(attempts.JobFailed, match="do not tie out"):
        small.night(small.policy())


def night_of_the_split_of_the_ledger(folder):
    policy = small.begin(folder, small.LEDGER + SPLIT_ENTRY)
    with pytest.raises(attempts.JobFailed, match="do not tie out"):
        small.night(policy)


@pytest.fixture(scope="module")
def made(migrated, django_db_blocker, tmp_path_factory):
    """The database that one of these left."""
    names = {}
    with ExitStack() as templates:

        def by(make):
            if make not in names:
                name = templates.enter_context(plugin.template(plugin.SHARED[plugin.EMPTY]))
                with plugin.at_work(plugin.World(name), django_db_blocker) as world, world.role("job"):
                    make(tmp_path_factory.mktemp(make.__name__))
                names[make] = name
            return names[make]

        yield by


@pytest.fixture
def own(request, made, django_db_blocker):
    yield from plugin.copy_of(made(request.param), plugin.World, django_db_blocker)


def after(make):
    return pytest.mark.parametrize("own", [make], indirect=True)


# --- order


def test_the_five_jobs_run_in_their_order_and_leave_a_row_each(after_night):
    run = NightlyRun.objects.get()

    rows = list(JobRun.objects.filter(run=run).order_by("started_at"))
    assert [job.name for job in rows] == list(jobs.JOBS) == NAMES
    assert [(job.position, job.state, job.fencing) for job in rows] == [(at, "done", 1) for at in range(5)]
    assert all(before.finished_at <= after.started_at for before, after in pairwise(rows))
    assert (run.state, statuses()) == ("done", {"fresh"})
    assert [pack.asof_date for pack in PricingPack.objects.order_by("sequence")] == list(WEEK)
    assert DailyValue.objects.count() == Reconciliation.objects.filter(status="pass").count() == 5


def test_the_small_plan_is_worth_what_a_pencil_says(after_night):
    values = list(DailyValue.objects.order_by("date").values_list("value", flat=True))

    # CAD 3,500; USD 5,000 at 1.30; then USD 3,985 and 10 OAK at 101, 102, 104, 103, at 1.30, 1.31, 1.30, 1.32
    expected = ["10000", "9993.5", "10056.55", "10032.5", "10119.8"]
    assert [round(value, 9) for value in values] == [Decimal(each) for each in expected]


def test_a_failing_job_blocks_the_rest_is_named_on_the_packs_and_is_taken_up(begun, monkeypatch):
    policy = small.policy()

    def failing(name):
        real = jobs.JOBS[name]

        def fails(night):
            real(night) if name == "build_pack" else None
            raise TieoutError("the roof is on fire")

        return fails

    for at, name in enumerate(NAMES):
        with monkeypatch.context() as broken:
            broken.setattr(jobs, "JOBS", dict(jobs.JOBS) | {name: failing(name)})
            with pytest.raises(attempts.JobFailed, match="the roof is on fire") as failed:
                small.night(policy)

        run = NightlyRun.objects.get()
        assert failed.value.job == name
        assert list(states(run).values()) == ["done"] * at + ["failed"] + ["waiting"] * (4 - at)
        assert run.state == "failed"
        assert set(PricingPack.objects.values_list("status", "failed_job", "reason")) == {
            ("error", name, "the roof is on fire")
        }

    finished = small.night(policy)

    assert (finished.pk, finished.state) == (run.pk, "done")
    assert set(states(run).values()) == {"done"}
    assert statuses() == {"fresh"}
    assert PricingPack.objects.count() == 5
    assert DailyValue.objects.count() == 5


def test_running_again_changes_nothing(after_night):
    policy = small.policy()
    first = NightlyRun.objects.get()
    before = everything()

    again, part = small.night(policy), small.night(policy, first=WEEK[2])
    with_week_ends = small.night(policy, first=date(2020, 1, 4), last=date(2020, 1, 12))

    assert first.pk == again.pk == part.pk == with_week_ends.pk
    assert everything() == before


def test_an_attempt_that_was_taken_over_may_not_finish_its_job(begun, monkeypatch):
    policy = small.policy()
    real = jobs.JOBS["compute_metrics"]

    def overtaken(night):
        JobRun.objects.filter(run=night.run, name="compute_metrics").update(fencing=7)
        return real(night)

    monkeypatch.setattr(jobs, "JOBS", dict(jobs.JOBS) | {"compute_metrics": overtaken})
    with pytest.raises(attempts.JobFailed, match="took it over"):
        small.night(policy)

    assert states(NightlyRun.objects.get())["compute_metrics"] == "running"


def test_another_session_at_the_night_keeps_this_one_out(begun):
    policy = small.policy()
    with psycopg.connect(plugin.address(begun.database, "job")) as elsewhere:
        elsewhere.execute("SELECT pg_advisory_lock(hashtextextended('execution.night.nightly:ECB_EUR', 0))")

        with pytest.raises(nightly.RunElsewhere):
            small.night(policy)

        assert not NightlyRun.objects.exists()
        elsewhere.execute("SELECT pg_advisory_unlock_all()")
    assert small.night(policy).state == "done"


def test_no_job_runs_before_its_predecessors(begun):
    policy = small.policy()
    run = runs.open_run(policy=policy, from_date=WEEK[0], date=WEEK[-1])

    for done in range(5):
        JobRun.objects.filter(run=run, name__in=NAMES[:done]).update(state="done")
        runs.require_order(run, NAMES[done])
        for later in NAMES[done + 1 :]:
            with pytest.raises(runs.OutOfOrder) as refused:
                runs.require_order(run, later)
            assert (refused.value.job, refused.value.missing) == (later, NAMES[done])
            with pytest.raises(runs.OutOfOrder):
                small.night(policy, from_step=later)

    assert not PricingPack.objects.exists()


def test_from_a_step_on_the_rest_is_done_again(begun, monkeypatch):
    policy = small.policy()
    called = []

    def noted(name):
        return lambda night: (called.append(name), nightly_jobs[name](night))[1]

    nightly_jobs = dict(jobs.JOBS)
    monkeypatch.setattr(jobs, "JOBS", nightly_jobs | {"prewarm_factors": lambda night: 1 / 0})
    with pytest.raises(attempts.JobFailed):
        small.night(policy)
    monkeypatch.setattr(jobs, "JOBS", {name: noted(name) for name in NAMES})
    small.night(policy, from_step="reconcile_ledger")

    assert called == NAMES
    assert statuses() == {"fresh"}


def test_a_span_without_a_pack_day_is_refused(begun):
    policy = small.policy()

    with pytest.raises(nightly.NothingToBuild):
        small.night(policy, first=date(2020, 1, 4), last=date(2020, 1, 5))

    assert not NightlyRun.objects.exists()


# --- older days, other releases


@after(late)
def test_a_back_fill_ends_with_a_new_head_that_sees_the_older_days(own):
    policy = small.policy()
    old_head = packs.resolve(policy=policy)

    run = small.night(policy, first=WEEK[0], last=WEEK[1])

    head = packs.resolve(policy=policy)
    assert (head.asof_date, head.release, head.run) == (WEEK[-1], 2, run.pk)
    assert head.sequence == PricingPack.objects.count() == 6
    assert head.content_id == old_head.content_id
    assert head.chain_hash != old_head.chain_hash
    assert statuses() == {"fresh"}
    assert market.history(head).dates.tolist() == list(WEEK)
    assert market.history(old_head).dates.tolist() == list(WEEK[2:])
    assert DailyValue.objects.filter(pack=head).exists()
    assert packs.verify(policy=policy) is None


@after(late)
@pytest.mark.parametrize("failing", ["reconcile_ledger", "mark_pack_fresh"])
def test_a_back_fill_that_failed_is_taken_up_with_its_new_head(failing, own, monkeypatch):
    policy = small.policy()

    def fails(night):
        raise TieoutError("the roof is on fire")

    with monkeypatch.context() as broken:
        broken.setattr(jobs, "JOBS", dict(jobs.JOBS) | {failing: fails})
        with pytest.raises(attempts.JobFailed):
            small.night(policy, first=WEEK[0], last=WEEK[1])
    small.night(policy, first=WEEK[0], last=WEEK[1])

    assert statuses() == {"fresh"}
    assert PricingPack.objects.count() == 6


def test_a_restatement_opens_the_next_release_and_the_old_one_stays_readable(after_night, tmp_path):
    policy = small.policy()
    old = packs.resolve(policy=policy, asof_date=WEEK[1])
    close = market.as_of(old).closes
    changed = small.market(tmp_path / "other", without=("2020-01-07,OAK",), also="2020-01-07,OAK,101.5,USD,wood\n")
    call_command("load_market_data", str(changed), stdout=io.StringIO())

    run = small.night(policy, first=WEEK[1], last=WEEK[1], restates="the close was corrected")

    new = packs.resolve(policy=policy, asof_date=WEEK[1])
    (security,) = (each for each, row in close.items() if row.symbol == "OAK")
    assert (new.release, new.restates, new.run) == (2, "the close was corrected", run.pk)
    assert market.as_of(new).closes[security].close == Decimal("101.5")
    assert market.as_of(packs.find(pack_id=old.pk)).closes[security].close == Decimal("101")
    assert statuses() == {"fresh"}
    values = DailyValue.objects.filter(date=WEEK[1]).order_by("pack__sequence").values_list("pack_id", "value")
    assert [(pack, round(value, 6)) for pack, value in values] == [
        (old.pk, Decimal("9993.5")),
        (new.pk, Decimal("10000")),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_night_that_a_restatement_overtakes_is_on_record_as_ended(begun, monkeypatch, name):
    policy = small.policy()

    def dies(night):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(jobs, "JOBS", dict(jobs.JOBS) | {name: dies})
        with pytest.raises(KeyboardInterrupt):
            small.night(policy)
    small.night(policy, first=WEEK[4], restates="a late close")

    killed, later = NightlyRun.objects.order_by("release")
    assert (killed.state, later.state) == ("failed", "done")
    assert [(each.name, "release 2" in each.reason) for each in killed.jobs.filter(state="failed")] == [(name, True)]
    assert not JobRun.objects.filter(state="running").exists()
    left = PricingPack.objects.filter(run=killed.pk)
    assert set(left.values_list("status", "failed_job")) <= {("error", name)}
    assert packs.resolve(policy=policy, asof_date=WEEK[4]).status == "fresh"


def test_a_killed_night_that_had_done_all_its_jobs_is_done(after_night):
    policy = small.policy()
    NightlyRun.objects.update(state="running", finished_at=None)

    small.night(policy, first=WEEK[4], restates="a late close")

    assert list(NightlyRun.objects.values_list("state", flat=True)) == ["done", "done"]


def test_a_restatement_that_is_done_is_followed_by_another(after_night):
    policy = small.policy()

    releases = [small.night(policy, first=WEEK[4], restates=reason).release for reason in ("one", "two")]

    assert releases == [2, 3]


def test_a_restatement_that_is_said_again_is_the_same_until_something_is_loaded(after_night, tmp_path):
    """As after a kill between its end and its exit code."""
    words = ("--date", str(WEEK[4]), "--restate", "a late close")

    said = [command(*words), command(*words)]
    call_command("load_market_data", str(small.market(tmp_path / "more")), stdout=io.StringIO())
    said.append(command(*words))

    assert ["give another reason" in each for each in said] == [False, True, False]
    assert list(NightlyRun.objects.order_by("release").values_list("release", flat=True)) == [1, 2, 3]
    assert PricingPack.objects.filter(asof_date=WEEK[4], restates="a late close").count() == 2


# --- what is missing

ON_A_DAY_WITHOUT_VALUE = """
2020-01-08 * "Deposit" "second"
  id: "D2"
  Assets:Cash:CAD  100.00 CAD
  Equity:External  -100.00 CAD
"""


def lacking_oak(folder):
    """Anna's portfolio holds OAK, ben's is cash alone; OAK has a close on its first day only, and none may be older."""
    policy = small.begin(folder, without=tuple(f"{day},OAK" for day in WEEK[1:]))
    policy.max_stale_sessions = 0
    policy.save()
    get_user_model().objects.create_user("ben")
    intake.import_ledger(small.ledger(folder / "cash", small.ACCOUNTS + small.DEPOSIT), owner="ben")
    small.night(policy)


@after(lacking_oak)
def test_a_missing_close_stops_those_who_hold_it_and_nobody_else(own):
    for document in publishing.read_library().values():
        publishing.publish(document)

    answer, of_others = ask("anna", "small"), ask("ben", "cash")

    body = answer.json()
    assert (answer.status_code, body["type"]) == (503, "missing-price")
    assert (body["symbol"], body["date"], body["last_known_date"], body["reason"]) == (
        *("OAK", "2020-01-10", "2020-01-06"),
        None,
    )
    assert body["detail"] == "no price of OAK on 2020-01-10 (last known 2020-01-06)"
    assert of_others.status_code == 200
    assert statuses() == {"fresh"}
    assert blocked() == {("small", job, "missing-price") for job in ("reconcile_ledger", "compute_metrics")}
    assert Reconciliation.objects.filter(status="fail").count() == 0


@after(lacking_oak)
def test_who_lacks_a_price_is_counted_for_all_and_named_to_the_operator_alone(own):
    health = Client().get("/health/pack")

    assert health.status_code == 200
    assert health.json()["blocked"] == {"portfolios": 1, "missing": ["missing-price"]}
    assert not any(name in health.content.decode() for name in ("OAK", "small"))
    assert "tieout_blocked_portfolios" in Client().get("/metrics").content.decode()
    assert command("--from", "2020-01-06", "--to", "2020-01-10").splitlines()[1:] == [
        "1 portfolio has no answer at PP_2020-01-10_ECB_EUR_r1:",
        "  small: missing-price: the pack lacks the close of OAK",
    ]


@after(lacking_oak)
def test_days_that_new_data_can_price_are_restated_when_the_night_is_run_again(own, tmp_path):
    call_command("load_market_data", str(small.market(tmp_path / "whole")), stdout=io.StringIO())

    told = command("--from", "2020-01-06", "--to", "2020-01-10")

    assert "4 days restated" in told
    releases = PricingPack.objects.order_by("asof_date", "release").values_list("asof_date", "release")
    assert list(releases) == [(WEEK[0], 1), *((day, release) for day in WEEK[1:] for release in (1, 2))]
    assert statuses() == {"fresh"}
    assert set(PricingPack.objects.filter(release=2).values_list("restates", flat=True)) == {restatement.LACKING}
    assert blocked() == {("small", job, "missing-price") for job in list(jobs.JOBS)[1:3]}  # of the first release
    assert not BlockedPortfolio.objects.filter(pack__release=2).exists()
    assert "release 1: done" in command("--from", "2020-01-06", "--to", "2020-01-10")
    assert PricingPack.objects.count() == 9


def test_a_night_restates_earlier_days_that_data_loaded_since_can_price(empty, tmp_path):
    policy = small.begin(tmp_path, without=(f"{WEEK[1]},OAK", f"{WEEK[2]},OAK"))
    policy.max_stale_sessions = 0
    policy.save()
    small.night(policy, last=WEEK[3])
    call_command("load_market_data", str(small.market(tmp_path / "whole")), stdout=io.StringIO())

    run = small.night(policy, first=WEEK[4])

    assert run.jobs.get(name="build_pack").detail["restated"] == 2
    assert set(PricingPack.objects.filter(run=run.pk).values_list("asof_date", "release", "restates")) == {
        (WEEK[1], 2, restatement.LACKING),
        (WEEK[2], 2, restatement.LACKING),
        (WEEK[4], 1, ""),
    }
    assert statuses() == {"fresh"}
    assert packs.resolve(policy=policy).run == run.pk
    assert DailyValue.objects.filter(date=WEEK[1], pack__release=2).exists()
    assert list(history_check.find_differences(policy)) == []


def test_a_value_may_be_what_an_earlier_pack_saw(empty, tmp_path):
    """Money that came on a day without a value was stored on the next one; by a release of the day it is the day's own."""
    policy = small.begin(
        tmp_path, small.LEDGER + ON_A_DAY_WITHOUT_VALUE, without=tuple(f"{day},OAK" for day in WEEK[1:3])
    )
    policy.max_stale_sessions = 0
    policy.save()
    small.night(policy, last=WEEK[3])
    call_command("load_market_data", str(small.market(tmp_path / "whole")), stdout=io.StringIO())
    small.night(policy, first=WEEK[4])

    restated = DailyValue.objects.get(date=WEEK[2], pack__release=2)
    assert (restated.inflow, DailyValue.objects.get(date=WEEK[3]).inflow) == (100, 100)
    assert list(history_check.find_differences(policy)) == []

    staging.by_force(empty, f"UPDATE portfolio_dailyvalue SET inflow = 101 WHERE date = '{WEEK[3]}'")
    (difference,) = history_check.find_differences(policy)
    assert (difference.column, difference.stored) == ("inflow", "101.0")


def test_a_killed_restatement_is_taken_up_with_all_its_days(empty, tmp_path, monkeypatch):
    lacking_oak(tmp_path)
    policy = small.policy()
    call_command("load_market_data", str(small.market(tmp_path / "whole")), stdout=io.StringIO())

    def dies(night):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(jobs, "JOBS", dict(jobs.JOBS) | {"compute_metrics": dies})
        with pytest.raises(KeyboardInterrupt):
            small.night(policy)
    left = NightlyRun.objects.get(state="running")
    tasks.run_nightly(policy=policy.pk, from_date=left.from_date.isoformat(), date=left.date.isoformat())

    assert {run.state for run in NightlyRun.objects.all()} == {"done"}
    assert statuses() == {"fresh"}
    assert PricingPack.objects.filter(run=left.pk).count() == 4


@after(lacking_oak)
def test_more_days_than_a_night_does_by_itself_wait_for_the_command_that_doctor_names(
    own, tmp_path, monkeypatch, caplog
):
    call_command("load_market_data", str(small.market(tmp_path / "whole")), stdout=io.StringIO())
    monkeypatch.setattr(restatement, "MOST_COMPARED_BY_ITSELF", 7)

    told = command("--from", "2020-01-06", "--to", "2020-01-10")
    (advice,) = restatement.find_advice()
    restated = command("--restate-lacking")
    again = command("--restate-lacking")

    assert "restated" not in told
    assert [each.days for each in caplog.records if each.message == "packs lack what the loaded data have"] == [4]
    assert str(advice) == (
        "pricing packs: 4 days of ECB_EUR, 2020-01-07 to 2020-01-10, lack what the loaded data have;"
        " restate them: manage.py nightly --policy ECB_EUR --restate-lacking"
    )
    assert "4 days restated" in restated
    assert again == "ECB_EUR: no pack lacks what the loaded data have\n"
    assert restatement.find_advice() == []


@after(lacking_oak)
def test_beat_rings_for_what_can_be_priced_where_no_night_is_due(own, tmp_path):
    with mock.patch.object(tasks.run_nightly, "delay_on_commit", create=True) as sent:
        tasks.ring_nightly()
        assert not sent.called
        call_command("load_market_data", str(small.market(tmp_path / "whole")), stdout=io.StringIO())
        tasks.ring_nightly()

    tasks.run_nightly(**sent.call_args.kwargs)

    assert sent.call_args.kwargs["restates"] == restatement.LACKING
    assert NightlyRun.objects.filter(restates=restatement.LACKING, state="done").count() == 1


def test_a_rate_that_is_missing_stops_those_who_need_it_and_nobody_else(empty, tmp_path):
    for document in publishing.read_library().values():
        publishing.publish(document)
    policy = small.begin(tmp_path, without=(f"{WEEK[4]},EUR,CAD",))
    policy.max_stale_fixings = 0
    policy.save()
    get_user_model().objects.create_user("ben")
    dollars = (small.ACCOUNTS + small.DEPOSIT).replace('currency" "CAD"', 'currency" "USD"').replace("00 CAD", "00 USD")
    dollars = dollars.replace("  Assets:Cash:CAD  1", "  Assets:Cash:USD  1")
    intake.import_ledger(small.ledger(tmp_path / "dollars", dollars), owner="ben")

    run = small.night(policy)

    assert (run.state, statuses()) == ("done", {"fresh"})
    body = ask("anna", "small").json()
    assert (body["type"], body["status"], body["pair"], body["date"]) == ("missing-rate", 503, "USD/CAD", "2020-01-10")
    assert body["last_known_date"] == "2020-01-09"
    assert ask("ben", "dollars").status_code == 200
    assert {kind for _, _, kind in blocked()} == {"missing-rate"}


def test_a_fixing_that_is_absent_whole_fails_the_build_for_all(empty, tmp_path):
    policy = small.begin(tmp_path, without=(f"{WEEK[0]},EUR,", f"{WEEK[1]},EUR,"))
    policy.max_stale_fixings = 0
    policy.save()

    with pytest.raises(attempts.JobFailed) as failed:
        small.night(policy)

    (pack,) = PricingPack.objects.filter(asof_date=WEEK[1])
    assert failed.value.job == "build_pack"
    assert (pack.status, pack.failed_job, pack.content_id, pack.sequence) == ("error", "build_pack", None, None)
    assert list(states(NightlyRun.objects.get()).values()) == ["failed"] + ["waiting"] * 4
    assert [model.objects.count() for model in (Reconciliation, DailyValue)] == [0, 0]
    with pytest.raises(packs.PackInError):
        packs.require_fresh(pack=packs.resolve(policy=policy, asof_date=WEEK[1]))


def test_a_missing_close_of_what_nobody_holds_stops_nothing(empty, tmp_path):
    policy = small.begin(tmp_path, without=tuple(f"{day},ELM" for day in WEEK))

    assert small.night(policy).state == "done"
    assert blocked() == set()


def ask(username, slug):
    """POST /v1/execute for an overview, as that user."""
    token = AccessToken.for_user(get_user_model().objects.get(username=username))
    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(small.portfolio(slug).pk)}
    return Client().post(
        "/v1/execute", json.dumps(body), content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )


# --- the ledger


@after(until_wednesday)
def test_a_row_of_an_earlier_pack_that_was_edited_fails_the_night_by_the_packs_name(own):
    policy = small.policy()
    edited = f"PP_{WEEK[1]}_ECB_EUR_r1"
    with psycopg.connect(plugin.address(own.database, "owner"), autocommit=True) as owner:
        owner.execute("ALTER TABLE pricing_packprice DISABLE TRIGGER USER")
        owner.execute(
            "UPDATE pricing_packprice SET source = 'woods' WHERE content_id ="
            " (SELECT content_id FROM pricing_pricingpack WHERE id = %s)",
            [edited],
        )
        owner.execute("ALTER TABLE pricing_packprice ENABLE TRIGGER USER")

    with pytest.raises(attempts.JobFailed, match=f"{edited} is not what was sealed"):
        small.night(policy, first=WEEK[3], last=WEEK[3])

    answer = Client().get("/health/pack")
    assert (answer.status_code, answer.json()["status"], answer.json()["is_fresh"]) == (503, "error", False)
    assert answer.json()["error"] == {
        "job": "build_pack",
        "reason": f"pricing pack {edited} is not what was sealed; verify_packs names the row",
    }
    assert statuses(asof_date=WEEK[2]) == {"fresh"}


def blocked():
    """Of the newest pack: portfolio, job and kind."""
    rows = BlockedPortfolio.objects.filter(pack__asof_date=WEEK[-1])
    return set(rows.values_list("portfolio__slug", "job", "kind"))


def test_a_ledger_folder_of_nobody_stops_nobody_and_is_told_without_its_name(begun, caplog):
    policy = small.policy()
    commit(small.LEDGER, slug="stranger")

    run = small.night(policy)

    assert (run.state, statuses()) == ("done", {"fresh"})
    assert run.jobs.get(name="reconcile_ledger").detail["folders_without_portfolio"] == 1
    (told,) = (each for each in caplog.records if each.message == "ledger folders without a portfolio")
    assert (told.count, "stranger" in str(vars(told))) == (1, False)
    answer = Client().get("/health/pack")
    assert answer.json()["jobs"][1]["notes"] == ["folders of the ledger without a portfolio: 1"]
    assert "stranger" not in answer.content.decode()


def test_a_portfolio_that_the_ledger_does_not_know_stops_nobody(begun):
    policy = small.policy()
    anna = get_user_model().objects.get(username="anna")
    Portfolio.objects.create(slug="lost", name="Lost", owner=anna, base_currency="CAD", policy=policy)

    run = small.night(policy)

    found = set(Break.objects.filter(portfolio__slug="lost").values_list("kind", "detail"))
    assert found == {("MISSING_ACCOUNT", "the ledger has no folder lost")}
    assert not Break.objects.filter(portfolio__slug="small").exists()
    assert (run.state, statuses()) == ("done", {"fresh"})
    assert blocked() == {("lost", "reconcile_ledger", "no-ledger")}
    assert run.jobs.get(name="reconcile_ledger").detail["failed"] == 0


def test_a_folder_that_went_away_is_refused_to_its_owner_and_nobody_else(begun, tmp_path):
    for document in publishing.read_library().values():
        publishing.publish(document)
    policy = small.policy()
    small.take_in(tmp_path, slug="other")
    small.night(policy, last=WEEK[3])
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        repository.commit(
            "other", {}, message="gone", author="somebody", at=timezone.now(), expected_head=repository.head()
        )

    run = small.night(policy, first=WEEK[4])

    assert (run.state, statuses()) == ("done", {"fresh"})
    assert blocked() == {("other", "reconcile_ledger", "no-ledger")}
    assert overview().metadata["asof_date"] == str(WEEK[-1])
    with pytest.raises(ReconciliationFailed) as failed:
        overview(slug="other")
    assert failed.value.breaks[0]["kind"] == "MISSING_ACCOUNT"


def test_an_installation_without_a_ledger_has_its_night(empty, tmp_path):
    policy = PricingPolicy.objects.get(pk="ECB_EUR")
    call_command("load_market_data", str(small.market(tmp_path / "market")), stdout=io.StringIO())
    assert not Path(settings.LEDGER_PATH).exists()

    run = small.night(policy)

    assert (run.state, statuses()) == ("done", {"fresh"})


def test_a_ledger_that_is_gone_fails_the_night(begun):
    policy = small.policy()
    small.night(policy, last=WEEK[3])
    Path(settings.LEDGER_PATH).rename(Path(settings.LEDGER_PATH).with_suffix(".away"))

    with pytest.raises(attempts.JobFailed, match="ledger repository: there is none") as failed:
        small.night(policy, first=WEEK[4])

    assert failed.value.job == "reconcile_ledger"
    assert statuses(asof_date=WEEK[4]) == {"error"}


def test_an_unforeseen_failure_of_a_comparison_blocks_that_portfolio_alone(begun, tmp_path, caplog, monkeypatch):
    for document in publishing.read_library().values():
        publishing.publish(document)
    policy = small.policy()
    small.take_in(tmp_path, slug="other")
    real = reconciliation.compare

    def compare(*, portfolio, **how):
        if portfolio.slug == "other":
            raise KeyError("nobody foresaw it")
        return real(portfolio=portfolio, **how)

    monkeypatch.setattr(reconciliation, "compare", compare)
    run = small.night(policy)

    assert (run.state, statuses()) == ("done", {"fresh"})
    assert blocked() == {("other", "reconcile_ledger", "not-compared")}
    assert [each.portfolio_id for each in caplog.records if each.message == "the comparison of a portfolio failed"] == [
        str(small.portfolio("other").pk)
    ]
    assert overview().metadata["asof_date"] == str(WEEK[-1])
    with pytest.raises(LedgerNotReconciled):
        overview(slug="other")


def test_an_import_during_the_night_leaves_it_its_own_commit(begun, tmp_path):
    """The other's folder came by a push, so that the night reads it; and somebody enters something while it does."""
    policy = small.policy()
    anna = get_user_model().objects.get(username="anna")
    for slug in ("other", "third"):
        Portfolio.objects.create(slug=slug, name=slug, owner=anna, base_currency="CAD", policy=policy)
        commit(small.LEDGER, slug=slug)

    def report(job, done, total):
        if (job, done) == ("reconcile_ledger", 1):
            small.take_in(tmp_path, small.LEDGER + small.SECOND_PURCHASE)

    run = nightly.run(policy=policy, from_date=WEEK[0], date=WEEK[-1], progress=report)

    assert (run.state, statuses(), blocked()) == ("done", {"fresh"}, set())


def split_breaks():
    return {
        (row.reconciliation.pack.asof_date, row.detail)
        for row in Break.objects.filter(kind="SPLIT_MISMATCH").select_related("reconciliation__pack")
    }


@after(night_of_the_split_of_the_pack)
def test_a_split_that_only_the_pack_knows_breaks_from_its_ex_date_on(own):
    said = "split of 2020-01-09: only the pack knows it"
    assert split_breaks() == {(WEEK[3], said), (WEEK[4], said)}
    assert Reconciliation.objects.filter(status="pass").count() == 3


@after(split_of_the_pack)
def test_the_day_after_an_unbooked_split_breaks_too(own):
    policy = small.policy()
    small.night(policy, last=WEEK[2])
    with pytest.raises(attempts.JobFailed):
        small.night(policy, first=WEEK[3], last=WEEK[3])

    with pytest.raises(attempts.JobFailed, match="do not tie out"):
        small.night(policy, first=WEEK[4])

    assert {day for day, _ in split_breaks()} == {WEEK[3], WEEK[4]}


@after(night_of_the_split_of_the_ledger)
def test_a_split_that_only_the_ledger_knows_is_a_break(own):
    assert {said for _, said in split_breaks()} == {"split of 2020-01-09: only the ledger knows it"}


def test_a_split_that_both_know_is_none(empty, tmp_path):
    policy = small.begin(
        tmp_path,
        small.LEDGER + SPLIT_ENTRY,
        without=("2020-01-09,OAK", "2020-01-10,OAK"),
        also=HALVED,
        actions=SPLIT,
    )

    small.night(policy)

    values = list(DailyValue.objects.order_by("date").values_list("value", flat=True))
    assert [round(value, 6) for value in values[3:]] == [Decimal("10032.5"), Decimal("10119.8")]


def test_a_split_booked_in_one_of_two_accounts_is_a_break_of_the_other(empty, tmp_path):
    elsewhere = small.PURCHASE.replace("B1", "B7").replace("Assets:Shares:OAK", "Assets:Other:OAK")
    policy = small.begin(
        tmp_path,
        small.LEDGER + "2020-01-06 open Assets:Other:OAK OAK\n" + elsewhere + SPLIT_ENTRY,
        without=("2020-01-09,OAK", "2020-01-10,OAK"),
        also=HALVED,
        actions=SPLIT,
    )

    with pytest.raises(attempts.JobFailed, match="do not tie out"):
        small.night(policy)

    found = set(Break.objects.values_list("kind", "account", "commodity", "detail"))
    assert found == {("SPLIT_MISMATCH", "Assets:Other:OAK", "OAK", "split of 2020-01-09: only the pack knows it")}


def test_a_split_of_a_security_whose_prices_are_adjusted_is_the_ledgers_own_affair(empty, tmp_path):
    policy = small.begin(tmp_path, small.LEDGER + SPLIT_ENTRY)
    Security.objects.filter(symbol="OAK").update(price_basis="split_adjusted")

    small.night(policy)

    assert not Break.objects.exists()


@pytest.mark.parametrize(
    ("basis", "doubtful"), [("split_adjusted", False), ("total_return_adjusted", True), ("price_index", True)]
)
def test_a_split_that_adjusted_closes_have_in_them_is_no_break_and_the_value_says_what_it_rests_on(
    empty, tmp_path, basis, doubtful
):
    policy = small.begin(tmp_path, actions=SPLIT, basis=basis)

    small.night(policy)

    portfolio, head = small.portfolio(), PricingPack.objects.get(asof_date=WEEK[-1])
    held = valuation.positions(
        books.load(portfolio, books.newest_reconciled(portfolio)),
        head.asof_date,
        {row[0]: row[1:] for row in Security.objects.values_list("id", "symbol", "name", "currency")},
    )
    valued = valuation.apply(held, market.as_of(head))
    assert split_breaks() == set()
    assert "split" in {action.action for action in market.actions(head)}
    # 10 OAK at 103, USD at 1.32, of CAD 10,119.80: as a pencil says of raw closes
    assert (valued.total_value, valued.positions[0].price_basis) == (Decimal("10119.80"), basis)
    assert valued.quality.degraded_share == pytest.approx(1359.6 / 10119.8 if doubtful else 0.0)


@after(until_wednesday)
def test_doing_a_broken_night_again_does_not_make_it_pass(own, tmp_path):
    policy = small.policy()
    small.take_in(tmp_path, small.LEDGER + SPLIT_ENTRY)

    for _ in range(2):
        with pytest.raises(attempts.JobFailed, match="do not tie out"):
            small.night(policy, first=WEEK[3])

    assert statuses(asof_date__gte=WEEK[3]) == {"error"}
    # At the pack of its entry the books agreed; the break is of the later packs, and stands in their rows.
    assert LedgerRevision.objects.get(number=2).status == "reconciled"
    assert {day for day, _ in split_breaks()} == {WEEK[3], WEEK[4]}


@after(night_of_the_split_of_the_pack)
def test_once_the_ledger_books_the_split_the_same_night_finishes(own, tmp_path):
    policy = small.policy()
    small.take_in(tmp_path, small.LEDGER + SPLIT_ENTRY)

    run = small.night(policy)

    assert (run.state, statuses()) == ("done", {"fresh"})
    assert list(LedgerRevision.objects.order_by("number").values_list("status", flat=True)) == ["broken", "reconciled"]


def test_once_the_pack_is_restated_the_revision_that_it_broke_is_reconciled(empty, tmp_path):
    policy = small.begin(
        tmp_path, small.LEDGER + SPLIT_ENTRY, without=("2020-01-09,OAK", "2020-01-10,OAK"), also=HALVED
    )
    with pytest.raises(attempts.JobFailed):
        small.night(policy)
    whole = small.market(tmp_path / "whole", without=("2020-01-09,OAK", "2020-01-10,OAK"), also=HALVED, actions=SPLIT)
    call_command("load_market_data", str(whole), stdout=io.StringIO())

    small.night(policy, restates="the split was missing")

    assert LedgerRevision.objects.get().status == "reconciled"
    assert packs.resolve(policy=policy).status == "fresh"


def overview(user="anna", slug="small"):
    return executor.execute(
        executor.Request("portfolio_overview", {}, portfolio_id=small.portfolio(slug).pk),
        user=get_user_model().objects.get(username=user),
    )


@after(until_wednesday)
def test_a_revision_that_is_broken_at_entry_is_never_used_by_a_night(own, tmp_path):
    """Its split is not in the pack: entered after the pack of the split, it is broken at once."""
    for document in publishing.read_library().values():
        publishing.publish(document)
    policy = small.policy()
    small.night(policy, first=WEEK[3], last=WEEK[3])
    entered = small.take_in(tmp_path, small.LEDGER + SPLIT_ENTRY)

    small.night(policy, first=WEEK[4])
    restated = small.night(policy, first=WEEK[3], last=WEEK[3], restates="again")

    good, broken = LedgerRevision.objects.order_by("number")
    assert (entered["status"], good.status, broken.status) == ("broken", "reconciled", "broken")
    assert (restated.state, statuses(), blocked()) == ("done", {"fresh"}, set())
    assert overview().metadata["ledger_commit_hash"] == good.commit
    assert not Reconciliation.objects.filter(run=restated.pk).exclude(revision=good).exists()


def test_once_all_days_it_differed_from_are_restated_a_broken_revision_is_used(empty, tmp_path):
    """Also where an earlier one was reconciled."""
    closes = ("2020-01-09,OAK", "2020-01-10,OAK")
    policy = small.begin(tmp_path, without=closes, also=HALVED)
    small.night(policy)
    assert small.take_in(tmp_path, small.LEDGER + SPLIT_ENTRY)["status"] == "broken"
    whole = small.market(tmp_path / "whole", without=closes, also=HALVED, actions=SPLIT)
    call_command("load_market_data", str(whole), stdout=io.StringIO())

    small.night(policy, first=WEEK[3], restates="the split was missing")

    assert list(LedgerRevision.objects.order_by("number").values_list("status", flat=True)) == ["reconciled"] * 2
    assert Reconciliation.objects.filter(revision__number=2, status="pass", pack__asof_date=WEEK[4]).exists()


def test_an_unreadable_commit_is_a_broken_revision_and_execution_goes_on_with_the_one_before(begun):
    for document in publishing.read_library().values():
        publishing.publish(document)
    policy = small.policy()
    small.night(policy, last=WEEK[3])
    commit(small.LEDGER + small.UNBALANCED)

    run = small.night(policy, first=WEEK[4])

    good, broken = LedgerRevision.objects.order_by("number")
    assert (run.state, good.status, broken.status) == ("done", "reconciled", "broken")
    assert "main.beancount" in broken.reason
    assert books.newest_reconciled(small.portfolio()) == good
    served = overview()
    assert served.metadata["ledger_commit_hash"] == good.commit
    assert served.metadata["pricing_pack_id"] == packs.resolve(policy=policy).pk
    assert any("revision 2 is broken" in warning for warning in served.metadata["warnings"])


def test_a_first_commit_that_can_not_be_read_fails_at_every_pack(begun):
    policy = small.policy()
    anna = get_user_model().objects.get(username="anna")
    Portfolio.objects.create(slug="other", name="Other", owner=anna, base_currency="CAD", policy=policy)
    commit(small.LEDGER + small.UNBALANCED, slug="other")

    run = small.night(policy)

    rows = Break.objects.filter(portfolio__slug="other")
    assert set(rows.values_list("kind", flat=True)) == {"LEDGER_UNREADABLE"}
    assert rows.count() == 5
    assert (run.state, statuses()) == ("done", {"fresh"})
    assert blocked() == {("other", "reconcile_ledger", "ledger-unreadable")}


@after(until_wednesday)
def test_only_the_portfolio_that_breaks_is_left_out(own):
    for document in publishing.read_library().values():
        publishing.publish(document)
    policy = small.policy()
    ben = get_user_model().objects.create_user("ben")
    Portfolio.objects.create(slug="other", name="Other", owner=ben, base_currency="CAD", policy=policy)
    commit(small.LEDGER + SPLIT_ENTRY, slug="other")

    small.night(policy, first=WEEK[3])

    assert statuses() == {"fresh"}
    assert overview().metadata["asof_date"] == str(WEEK[-1])
    with pytest.raises((ReconciliationFailed, LedgerNotReconciled)):
        executor.execute(
            executor.Request("portfolio_overview", {}, portfolio_id=Portfolio.objects.get(slug="other").pk), user=ben
        )
    assert not DailyValue.objects.filter(portfolio__slug="other").exists()


@after(night_of_the_split_of_the_ledger)
def test_a_failed_reconciliation_is_told_with_both_sides_to_its_owner(own):
    for document in publishing.read_library().values():
        publishing.publish(document)

    with pytest.raises(ReconciliationFailed) as failed:
        overview()

    told = failed.value.breaks[0]
    assert (told["kind"], told["commodity"], told["ledger_value"], told["database_value"]) == (
        "SPLIT_MISMATCH",
        "OAK",
        "2",
        None,
    )
    assert not Execution.objects.exists()


# --- on the command line


def command(*arguments):
    out = io.StringIO()
    call_command("nightly", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_runs_the_last_day_of_the_archive_and_prints_json(empty, tmp_path):
    small.begin(tmp_path, small.ACCOUNTS + small.DEPOSIT.replace("2020-01-06", "2020-01-10"))

    told = json.loads(command("--json"))

    assert (told["from"], told["to"], told["release"], told["state"]) == ("2020-01-10", "2020-01-10", 1, "done")
    assert list(told["jobs"]) == NAMES
    assert told["jobs"]["reconcile_ledger"] == {"portfolios": 1, "failed": 0, "max_error_bp": "0"}


def test_the_command_says_one_line_for_a_span(begun):
    assert (
        command("--from", "2020-01-06", "--to", "2020-01-10") == "ECB_EUR 2020-01-06 to 2020-01-10, release 1: done\n"
    )


def test_wrong_usage_ends_with_two(empty):
    for arguments in (
        ("--policy", "WM4PM_USD"),
        ("--from", "2020-01-06"),
        ("--to", "2020-01-06"),
        ("--date", "2020-01-06", "--from", "2020-01-06", "--to", "2020-01-07"),
    ):
        with pytest.raises(CommandError) as refused:
            command(*arguments)

        assert refused.value.returncode == 2


def test_without_an_archive_the_command_ends_with_one(empty):
    with pytest.raises(CommandError, match="no market data is loaded") as refused:
        command()

    assert refused.value.returncode == 1


def test_a_failed_night_ends_with_one_and_its_job(empty, tmp_path):
    small.begin(tmp_path, small.LEDGER + SPLIT_ENTRY)

    with pytest.raises(CommandError, match="reconcile_ledger failed") as failed:
        command("--from", "2020-01-06", "--to", "2020-01-10")

    assert failed.value.returncode == 1


def test_a_job_role_sees_what_it_must_without_anybody_asking(begun):
    small.night(small.policy())

    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('app.user_id', true), ''), current_user")

        assert cursor.fetchone() == ("", "job")
    assert Portfolio.objects.count() == 1
