"""When a pack that is being built will be ready, from how long earlier nights took."""

from datetime import datetime, timedelta
from statistics import median

from django.utils import timezone

from execution.models import NightlyRun, RunState
from pricing.models import PricingPack

NIGHTS = 20


def estimated_ready(pack_id: str) -> datetime | None:
    """The instant at which the run of a pack will probably be done, never in the past.

    None where no night has ended yet, or the pack is in no run.
    """
    run_id = PricingPack.objects.filter(pk=pack_id).values_list("run", flat=True).first()
    run = NightlyRun.objects.filter(pk=run_id).first() if run_id else None
    return estimated_end(run) if run else None


def estimated_end(run: NightlyRun) -> datetime | None:
    """The instant at which a run will probably be done, never in the past; None where no night has ended yet."""
    seconds_a_day = [
        (finished - started).total_seconds() / ((until - since).days + 1)
        for started, finished, since, until in NightlyRun.objects.filter(policy=run.policy, state=RunState.DONE)
        .order_by("-finished_at")
        .values_list("started_at", "finished_at", "from_date", "date")[:NIGHTS]
        if finished is not None
    ]
    if not seconds_a_day:
        return None
    expected = run.started_at + timedelta(seconds=median(seconds_a_day) * ((run.date - run.from_date).days + 1))
    return max(expected, timezone.now() + timedelta(seconds=1))
