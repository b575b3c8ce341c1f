"""Nights that are to be run: pack days without one, and runs that nobody is finishing."""

from datetime import date, timedelta

from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.db.models.functions import Coalesce, Now

from execution.models import NightlyRun, RunState
from execution.night.attempts import STALE_AFTER_S
from pricing import packs
from pricing.archive import loading
from pricing.models import PricingPolicy

LOOK_BACK_DAYS = 31
"""How far before the last due day a policy's first pack day is looked for: longer than any market was closed."""


def due_days(policy: PricingPolicy, *, until: date) -> list[date]:
    """Pack days up to `until` after the last night; where there was none yet, only the newest.

    Packs of an archive end with it, so that nothing is due after that.
    """
    loaded = loading.newest_archive()
    if loaded is None:
        return []
    end = min(until, loaded.archive_end)
    last = NightlyRun.objects.filter(policy=policy.code).order_by("-date").values_list("date", flat=True).first()
    if last is not None and last >= end:
        return []
    first = end - timedelta(days=LOOK_BACK_DAYS) if last is None else last + timedelta(days=1)
    days = packs.pack_days(policy=policy, first=first, last=end)
    return days[-1:] if last is None else days


def stale_runs() -> QuerySet[NightlyRun]:
    """Nights that are not finished and show no sign of life; of a date, only the newest release is finished."""
    later = NightlyRun.objects.filter(policy=OuterRef("policy"), date=OuterRef("date"), release__gt=OuterRef("release"))
    return (
        NightlyRun.objects.filter(~Exists(later), state__in=(RunState.WAITING, RunState.RUNNING))
        .annotate(seen_at=Coalesce(Max("jobs__heartbeat_at"), F("started_at")))
        .filter(seen_at__lt=Now() - timedelta(seconds=STALE_AFTER_S))
        .order_by("policy", "date")
    )
