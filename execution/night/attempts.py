"""One attempt at a job: its row, its heartbeat, and how it ends."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from config import outage, telemetry
from config.errors import TieoutError
from execution import metering
from execution.models import JobRun, NightlyRun, RunState
from execution.night import blocked, jobs
from execution.night.night import Night, Progress
from execution.night.runs import require_order
from pricing import packs
from pricing.models import PackStatus, PricingPack

logger = logging.getLogger(__name__)

MAX_REASON = 4000
HEARTBEAT_S = 1
STALE_AFTER_S = 60
"""A running job that has been silent for so long is taken up again by the watchdog."""
RETRY_AFTER_S, MOST_RETRY_AFTER_S = 30, 900
"""How long the watchdog waits after a job's first attempt failed by what may pass, doubled for each further attempt; at most."""
RECORD_AGAIN_AFTER_S = (1, 2, 4, 8)
"""Waits for a database that is away, such as one that starts again, before the end of a job is left to the watchdog."""


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
        retry_at=None,
    )
    job.refresh_from_db()
    try:
        return _do(night, job)
    except JobTakenOver:
        raise
    except Exception as failure:
        ending = end_of(failure)
        _fail(night, job, failure, ending)
        raise JobFailed(job.name, ending.reason) from failure


def _do(night: Night, job: JobRun) -> Night:
    blocked.clear(jobs=jobs.from_job_on(job.name), packs=night.packs)
    with (
        telemetry.span("job.run", job=job.name, pricing_pack_id=night.head.pk if night.packs else None),
        metering.observe_duration(metering.JOB_SECONDS, job=job.name),
    ):
        result = jobs.JOBS[job.name](replace(night, progress=with_heartbeat(job, night.progress)))
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

    def report(what: str, count: int, total: int) -> None:
        nonlocal last
        progress(what, count, total)
        if monotonic() - last < HEARTBEAT_S or connection.in_atomic_block:
            return
        last = monotonic()
        if not JobRun.objects.filter(pk=job.pk, fencing=job.fencing).update(heartbeat_at=Now()):
            raise JobTakenOver(job.name)

    return report


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job that failed ends.

    reason   in words that everybody may read: the packs show them
    passes   whether it may go by itself, so that the watchdog tries again. What the data cause waits for a person
    """

    reason: str
    passes: bool
    detail: Mapping[str, Any]


def end_of(failure: Exception) -> Ending:
    """The ending that a failure is for its job: an outage, something expected, or something that nobody foresaw."""
    detail = dict(getattr(failure, "detail", {}))
    if fault := outage.find(failure):
        return Ending(str(fault), True, detail)
    if isinstance(failure, TieoutError):
        return Ending(str(failure)[:MAX_REASON], False, detail)
    kind = type(failure).__name__
    return Ending(f"a fault of this program ({kind}), which its operator finds in the log", True, {})


def _fail(night: Night, job: JobRun, failure: Exception, ending: Ending) -> None:
    """Put the ending on record. While the database is away it can't be: then the row is left as that of a killed process is."""
    with telemetry.binding(job=job.name):  # the report of it says which
        logger.error("nightly job failed", exc_info=failure, extra={"job": job.name, "run_id": str(night.run.pk)})
    for wait_s in (*RECORD_AGAIN_AFTER_S, None):
        connection.close_if_unusable_or_obsolete()
        try:
            return _record(night, job, ending)
        except outage.DATABASE_FAILURES:
            if wait_s is None:
                logger.warning("the end of a job is not on record", extra={"job": job.name})
                return None
            sleep(wait_s)


def _record(night: Night, job: JobRun, ending: Ending) -> None:
    wait_s = min(RETRY_AFTER_S * 2 ** min(job.fencing - 1, 10), MOST_RETRY_AFTER_S)
    failed = JobRun.objects.filter(pk=job.pk, fencing=job.fencing).update(
        state=RunState.FAILED,
        finished_at=Now(),
        reason=ending.reason,
        detail=ending.detail,
        retry_at=Now() + timedelta(seconds=wait_s) if ending.passes else None,
    )
    if not failed:
        raise JobTakenOver(job.name)
    NightlyRun.objects.filter(pk=night.run.pk).update(state=RunState.FAILED, finished_at=Now())
    warming = list(PricingPack.objects.filter(run=night.run.pk, status=PackStatus.WARMING))
    if warming:
        packs.mark_error(warming, job=job.name, reason=ending.reason)
