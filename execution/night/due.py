"""Nights that are to be run: pack days without one, and runs that nobody is finishing."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from execution.models import NightlyRun, RunState
from execution.night.attempts import STALE_AFTER_S
from execution.night.restatement import LACKING
from pricing import packs
from pricing.archive import loading
from pricing.models import PricingPolicy

LOOK_BACK_DAYS = 31
"""How far before the last due day a policy's first pack day is looked for: longer than any market was closed."""
RINGS_AT = time(0, 5, tzinfo=UTC)
"""When beat rings for the day before."""
FRIDAY = 5


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


def end_of(day: date) -> datetime:
    """The instant at which a day ends, UTC."""
    return datetime.combine(day + timedelta(days=1), time(0), UTC)


def next_ring(now: datetime) -> datetime:
    """When beat rings next for the days that are over by then."""
    today = datetime.combine(now.date(), RINGS_AT)
    return today if now < today else today + timedelta(days=1)


def overdue_since(policies: Iterable[str], now: datetime) -> dict[str, datetime | None]:
    """By policy, since when a night should have been done that is not; None where none should. Empty without market data.

    Asked at every scrape, so it reads no archive: the loaded data end on a day that is a pack day, and of the days before it
    those of the week are taken for pack days. A holiday passes for one until the data of the next day are loaded.
    """
    loaded = loading.newest_archive()
    if loaded is None:
        return {}
    nights = NightlyRun.objects.filter(state=RunState.DONE).exclude(restates=LACKING)
    last_done = dict(nights.order_by().values_list("policy").annotate(Max("date")))
    day = _last_day_to_do(loaded.archive_end, now)
    rung_at = datetime.combine(max(end_of(day), loaded.loaded_at).date(), RINGS_AT)
    if rung_at < loaded.loaded_at:
        rung_at += timedelta(days=1)
    overdue = rung_at if rung_at <= now else None
    return {code: None if last_done.get(code, date.min) >= day else overdue for code in policies}


def _last_day_to_do(archive_end: date, now: datetime) -> date:
    """The last day that is over and has data."""
    day = min(archive_end, now.date() - timedelta(days=1))
    while day != archive_end and day.isoweekday() > FRIDAY:
        day -= timedelta(days=1)
    return day


def stale_runs() -> QuerySet[NightlyRun]:
    """Nights that are not finished and show no sign of life, and those that failed by what may have passed by now; of a date, only
    the newest release is finished."""
    later = NightlyRun.objects.filter(policy=OuterRef("policy"), date=OuterRef("date"), release__gt=OuterRef("release"))
    silent = Q(state__in=(RunState.WAITING, RunState.RUNNING), seen_at__lt=Now() - timedelta(seconds=STALE_AFTER_S))
    return (
        NightlyRun.objects.filter(~Exists(later))
        .annotate(seen_at=Coalesce(Max("jobs__heartbeat_at"), F("started_at")), retry_at=Min("jobs__retry_at"))
        .filter(silent | Q(state=RunState.FAILED, retry_at__lte=Now()))
        .order_by("policy", "date")
    )
