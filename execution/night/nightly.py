"""The night: build_pack -> reconcile_ledger -> compute_metrics -> prewarm_factors -> mark_pack_fresh.

A job that fails blocks those after it. What is done and what remains is rows: a run that a killed worker left behind is taken up
where it stopped by whoever comes next. A span of dates is one run: the five jobs run once over it.
"""

import logging
from datetime import date

from django.db.models.functions import Now

from config import locks
from config.errors import TieoutError
from execution import metering
from execution.models import JobRun, NightlyRun, RunState
from execution.night import restatement
from execution.night.attempts import attempt
from execution.night.jobs import from_job_on
from execution.night.night import Night, Progress, Ring
from execution.night.runs import end_overtaken, last_release, open_run, require_order
from pricing import packs
from pricing.models import PricingPolicy

logger = logging.getLogger(__name__)

RUN_ALWAYS = frozenset({"build_pack"})
"""Run again when a run is taken up: packs that are sealed are kept, so it only finds those that the later jobs need."""


class RunElsewhere(TieoutError):
    """Another process runs this policy's night."""

    def __init__(self, policy: str) -> None:
        super().__init__(f"a nightly run of {policy} is under way in another process")
        self.policy = policy


class NothingToBuild(TieoutError):
    """No pack day lies between the two dates."""

    def __init__(self, policy: str, first: date, last: date) -> None:
        super().__init__(f"{policy} has no pack day between {first} and {last}")
        self.policy, self.first, self.last = policy, first, last


def run(
    *,
    policy: PricingPolicy,
    from_date: date,
    date: date,
    restates: str = "",
    from_step: str | None = None,
    progress: Progress = lambda job, count, total: None,
    ring: Ring = lambda chunk: None,
) -> NightlyRun:
    """Finish the night of a date, or of a span of dates, and return its row; at once where it is done already.

    Days that newly loaded data can now price are restated within the run, and by a run of their own where the night is done.
    With restates=LACKING these days alone are done, however many they are.
    from_step  do this job and those after it again, also of a night that is done
    ring       called with the key of each chunk that workers may take; without workers this process does them all
    raises     JobFailed with the name of the job; RunElsewhere; NothingToBuild; OutOfOrder for a `from_step` whose predecessors
               are not done
    """
    if from_step is None and not restates:
        last = last_release(policy, date, restates)
        if last is not None and last.state == RunState.DONE and last.from_date <= from_date:
            begun = restatement.begun_run(policy)
            lacking = [begun.from_date, begun.date] if begun else restatement.due_days(policy)
            if not lacking:
                return last
            from_date, date, restates = lacking[0], lacking[-1], restatement.LACKING
    days = packs.pack_days(policy=policy, first=from_date, last=date)
    if not days:
        raise NothingToBuild(policy.code, from_date, date)
    # The lock ends with the session, so that a killed run can be taken up at once.
    with locks.try_session_lock(f"execution.night.nightly:{policy.code}") as acquired:
        if not acquired:
            raise RunElsewhere(policy.code)
        night_run = open_run(policy=policy, from_date=days[0], date=days[-1], restates=restates)
        if night_run.state == RunState.DONE and from_step is None:
            return night_run
        end_overtaken(night_run)
        night = Night(
            night_run, policy, () if night_run.restates == restatement.LACKING else tuple(days), progress, ring
        )
        if from_step is not None:
            require_order(night_run, from_step)
            JobRun.objects.filter(run=night_run, name__in=from_job_on(from_step)).update(
                state=RunState.WAITING, retry_at=None
            )
        NightlyRun.objects.filter(pk=night_run.pk).update(state=RunState.RUNNING, finished_at=None)
        with metering.observe_duration(metering.PACK_BUILD_SECONDS):
            for job in JobRun.objects.filter(run=night_run).order_by("position"):
                if job.state != RunState.DONE or job.name in RUN_ALWAYS:
                    night = attempt(night, job)
        NightlyRun.objects.filter(pk=night_run.pk).update(state=RunState.DONE, finished_at=Now())
    night_run.refresh_from_db()
    logger.info("nightly run done", extra={"run_id": str(night_run.pk), "policy": policy.code})
    return night_run
