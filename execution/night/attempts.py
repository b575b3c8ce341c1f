"""One attempt at a job: its row, its heartbeat, and how it ends."""

import logging
from dataclasses import replace
from time import monotonic

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from config import telemetry
from config.errors import TieoutError
from execution import metering
from execution.models import JobRun, NightlyRun, RunState
from execution.night import blocked, jobs
from execution.night.night import Night, Progress
from execution.night.runs import require_order
from pricing import packs
from pricing.models import PackStatus, PricingPack

logger = logging.getLogger(__name__)

HEARTBEAT_S = 1
STALE_AFTER_S = 60
"""A running job that has been silent for so long is taken up again by the watchdog."""


class JobFailed(TieoutError):
    """A job failed; those after it did not begin."""

    def __init__(self, job: str, reason: str) -> None:
        super().__init__(f"{job} failed: {reason}")
        self.job, self.reason = job, reason


class JobTakenOver(JobFailed):
    """A later attempt does the job: this one leaves everything as it is."""

    def __init__(self, job: str) -> None:
        super().__init__(job, "a later attempt took it over")


def attempt(night: Night, job: JobRun) -> Night:
    """Do a job, under a fencing number of its own; the night with its packs, as the next job takes it.

    raises   OutOfOrder, JobFailed, JobTakenOver
    """
    require_order(night.run, job.name)
    JobRun.objects.filter(pk=job.pk).update(
        state=RunState.RUNNING,
        fencing=F("fencing") + 1,
        started_at=Now(),
        heartbeat_at=Now(),
        finished_at=None,
        reason="",
        detail={},
    )
    job.refresh_from_db()
    blocked.clear(jobs=jobs.from_job_on(job.name), packs=night.packs)
    try:
        with (
            telemetry.span("job.run", job=job.name, pricing_pack_id=night.head.pk if night.packs else None),
            metering.observe_duration(metering.JOB_SECONDS, job=job.name),
        ):
            result = jobs.JOBS[job.name](replace(night, progress=with_heartbeat(job, night.progress)))
    except JobTakenOver:
        raise
    except TieoutError as failure:
        _fail(night, job, failure)
        raise JobFailed(job.name, str(failure)) from failure
    ended = JobRun.objects.filter(pk=job.pk, fencing=job.fencing).update(
        state=RunState.DONE, finished_at=Now(), detail=dict(result.detail)
    )
    if not ended:
        raise JobTakenOver(job.name)
    return night if result.packs is None else replace(night, packs=result.packs)


def with_heartbeat(job: JobRun, progress: Progress) -> Progress:
    """`progress`, which also writes the job's heartbeat, at most once in HEARTBEAT_S. What it returns raises JobTakenOver.

    Inside a transaction nobody would see the heartbeat, so that it waits for a call outside.
    """
    last = monotonic()

    def report(what: str, done: int, total: int) -> None:
        nonlocal last
        progress(what, done, total)
        if monotonic() - last < HEARTBEAT_S or connection.in_atomic_block:
            return
        last = monotonic()
        if not JobRun.objects.filter(pk=job.pk, fencing=job.fencing).update(heartbeat_at=Now()):
            raise JobTakenOver(job.name)

    return report


def _fail(night: Night, job: JobRun, failure: TieoutError) -> None:
    reason, detail = str(failure), dict(getattr(failure, "detail", {}))
    failed = JobRun.objects.filter(pk=job.pk, fencing=job.fencing).update(
        state=RunState.FAILED, finished_at=Now(), reason=reason[:4000], detail=detail
    )
    if not failed:
        raise JobTakenOver(job.name)
    NightlyRun.objects.filter(pk=night.run.pk).update(state=RunState.FAILED, finished_at=Now())
    warming = list(PricingPack.objects.filter(run=night.run.pk, status=PackStatus.WARMING))
    if warming:
        packs.mark_error(warming, job=job.name, reason=reason[:4000])
    with telemetry.binding(job=job.name):  # the report of it says which
        logger.error("nightly job failed", exc_info=failure, extra={"job": job.name, "run_id": str(night.run.pk)})
