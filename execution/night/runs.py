"""The rows of a night: a run and its jobs, opened once however often the night is asked for."""

from datetime import date

from django.db import transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now

from config import scope
from config.errors import TieoutError
from execution.models import JobRun, NightlyRun, RunState
from execution.night.jobs import JOBS
from execution.night.restatement import LACKING, has_news
from pricing import packs
from pricing.models import PackStatus, PricingPack, PricingPolicy


class OutOfOrder(TieoutError):
    """A job may not run before its predecessors are done."""

    def __init__(self, job: str, missing: str) -> None:
        super().__init__(f"{job} needs {missing} to be done first")
        self.job, self.missing = job, missing


def open_run(*, policy: PricingPolicy, from_date: date, date: date, restates: str = "") -> NightlyRun:
    """The row of a night, with rows of its jobs. The same night is the same row; a restatement, or a longer span that ends on the
    same day, opens the next release.

    A restatement is named by its reason: said again, as after a kill just before its exit code, it is the same one, even if done,
    unless something was loaded since.
    """
    last = last_release(policy, date, restates)
    if last is not None and last.from_date <= from_date and (not restates or _is_the_same(last, restates)):
        return last
    with scope.because(restates), transaction.atomic():
        newest = NightlyRun.objects.filter(policy=policy.code, date=date).aggregate(release=Max("release"))["release"]
        night_run, _ = NightlyRun.objects.get_or_create(
            policy=policy.code,
            date=date,
            release=(newest or 0) + 1,
            defaults={"from_date": from_date, "restates": restates},
        )
        jobs = [JobRun(run=night_run, name=name, position=position) for position, name in enumerate(JOBS)]
        JobRun.objects.bulk_create(jobs, ignore_conflicts=True)
    return night_run


def _is_the_same(run: NightlyRun, restates: str) -> bool:
    if run.restates != restates:
        return False
    return run.state != RunState.DONE or (restates != LACKING and not has_news(since=run.started_at))


@transaction.atomic
def end_overtaken(run: NightlyRun) -> None:
    """Put on record that nobody finishes earlier releases of its day any more, which killed processes left unfinished.

    Under the lock of the night, so that none of them is under way.
    """
    reason = f"release {run.release} of the night was begun after the process of this one had ended"
    earlier = NightlyRun.objects.filter(policy=run.policy, date=run.date, release__lt=run.release)
    for left in earlier.filter(state__in=(RunState.WAITING, RunState.RUNNING)):
        job = JobRun.objects.filter(run=left).exclude(state=RunState.DONE).order_by("position").first()
        if job is not None:
            JobRun.objects.filter(pk=job.pk).update(
                state=RunState.FAILED, fencing=F("fencing") + 1, finished_at=Now(), reason=reason
            )
            unfinished = PricingPack.objects.filter(run=left.pk, status__in=(PackStatus.BUILDING, PackStatus.WARMING))
            packs.mark_error(list(unfinished), job=job.name, reason=reason)
        NightlyRun.objects.filter(pk=left.pk).update(
            state=RunState.DONE if job is None else RunState.FAILED, finished_at=Now()
        )


def last_release(policy: PricingPolicy, date: date, restates: str) -> NightlyRun | None:
    """The newest run that ends on a day. Runs that only restate lacking days are runs apart: they do not cover the days between."""
    releases = NightlyRun.objects.filter(policy=policy.code, date=date).order_by("-release")
    restatement = Q(restates=LACKING)
    return releases.filter(restatement if restates == LACKING else ~restatement).first()


def require_order(run: NightlyRun, name: str) -> None:
    """Raises OutOfOrder with the first predecessor that is not done."""
    names_done = set(JobRun.objects.filter(run=run, state=RunState.DONE).values_list("name", flat=True))
    for before in list(JOBS)[: list(JOBS).index(name)]:
        if before not in names_done:
            raise OutOfOrder(name, before)
