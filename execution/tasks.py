"""The bell of the night. What remains to do is rows: a message that is lost, late or doubled changes nothing."""

import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from celery import shared_task
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.db.models.functions import Coalesce, Now
from kombu.exceptions import OperationalError

from config.errors import TieoutError
from execution.models import NightlyRun, RunState
from execution.night import chunks, nightly
from pricing import packs
from pricing.archive import loading
from pricing.models import PricingPolicy
from pricing.providers import fetching, http

logger = logging.getLogger(__name__)

LOOK_BACK_DAYS = 31
"""How far before the last due day a policy's first pack day is looked for: longer than any market was closed."""


@shared_task
def ring_nightly(**_: Any) -> None:
    """Open the night of each policy that has a due pack day without one, and ring for it; where none is due, of what data
    loaded since can now price."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    for policy in PricingPolicy.objects.order_by("code"):
        days, restates = due_days(policy, until=yesterday), ""
        if not days:
            days, restates = nightly.restatable_by_itself(policy), nightly.LACKING
        if not days:
            logger.info("no night is due", extra={"policy": policy.code})
            continue
        with transaction.atomic():
            nightly.open_run(policy=policy, from_date=days[0], date=days[-1], restates=restates)
            _ring(policy.code, days[0], days[-1], restates)


@shared_task
def fetch_market_data(**_: Any) -> None:
    """Ask every provider that is on up to this day, each by itself: one that fails keeps nobody else from being asked."""
    today = datetime.now(UTC).date()
    for provider, (terms, _ask) in fetching.FETCHED.items():
        if not http.key_of(terms):
            logger.info("provider is off", extra={"provider": provider})
            continue
        try:
            outcome = fetching.fetch(provider=provider, run=uuid4(), today=today, last=today)
        except TieoutError as failure:
            logger.error("nothing was fetched", extra={"provider": provider, "reason": str(failure)})
            continue
        logger.info(
            "market data fetched",
            extra={
                "provider": provider,
                "refused": len(outcome.refused),
                "failed": list(map(str, outcome.failed[:20])),
            },
        )


@shared_task
def run_nightly(*, policy: str, from_date: str, date: str, restates: str = "", **_: Any) -> None:
    """Finish a night; nothing to do where it is done, or where another worker is at it."""
    first, last = _date(from_date), _date(date)
    restated = NightlyRun.objects.filter(policy=policy, date=last, restates=restates, state=RunState.DONE)
    if restates and restates != nightly.LACKING and restated.exists():
        logger.info("restated already", extra={"policy": policy, "date": date})
        return
    try:
        nightly.run(
            policy=PricingPolicy.objects.get(pk=policy),
            from_date=first,
            date=last,
            restates=restates,
            ring=_ring_for_chunk,
        )
    except nightly.RunElsewhere:
        logger.info("nightly run is under way elsewhere", extra={"policy": policy, "date": date})


@shared_task
def compute_chunk(*, chunk: int, **_: Any) -> None:
    """Do a chunk of a job; nothing to do where it has ended, or where another worker is at it."""
    chunks.work_on(chunk)


@shared_task
def take_up_stale_runs(**_: Any) -> None:
    """Ring again for nights that nobody is at: killed with their worker, or their message was lost."""
    for run in stale_runs():
        logger.warning("nightly run is taken up", extra={"run_id": str(run.pk), "policy": run.policy})
        # Without its reason, a restatement that was finished in the meantime is not begun anew. What restates lacking days
        # alone finds none then.
        _ring(run.policy, run.from_date, run.date, run.restates if run.restates == nightly.LACKING else "")


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
        .filter(seen_at__lt=Now() - timedelta(seconds=nightly.STALE_AFTER_S))
        .order_by("policy", "date")
    )


def _ring_for_chunk(chunk: int) -> None:
    """Without a broker nobody hears it, and who opened the chunk does it."""
    try:
        compute_chunk.delay(chunk=chunk)
    except OperationalError:
        logger.warning("no bell for a chunk: the broker does not answer", extra={"chunk": chunk})


def _ring(policy: str, first: date, last: date, restates: str = "") -> None:
    how = {"restates": restates} if restates else {}
    run_nightly.delay_on_commit(  # type: ignore[attr-defined]  # of Celery's Django task
        policy=policy, from_date=first.isoformat(), date=last.isoformat(), **how
    )


def _date(text: str) -> date:
    return date.fromisoformat(text)
