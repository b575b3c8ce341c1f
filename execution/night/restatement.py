"""Days whose packs lack what data loaded since can price, and when they are restated."""

import logging
from datetime import date, datetime

from django.db.models import Exists, OuterRef

from config import doctor
from execution.models import NightlyRun, RunState
from portfolio.models import Portfolio
from pricing import packs
from pricing.archive import loading
from pricing.models import PricingPolicy, QuarantinedRow

logger = logging.getLogger(__name__)

LACKING = "the loaded data now have what this pack lacked"
"""Why a pack is restated without anybody asking, and the name of a run that does nothing else."""
MOST_COMPARED_BY_ITSELF = 100_000
"""Days times portfolios of what is restated without being asked: some minutes. More waits for --restate-lacking."""


def span_of_lacking(policy: PricingPolicy) -> tuple[date, date] | None:
    """First and last day of a run with restates=LACKING: of the one that was begun, else of all days that lack something.

    None where no day does.
    """
    begun = begun_run(policy)
    if begun is not None:
        return begun.from_date, begun.date
    lacking = packs.restatable_days(policy)
    return (lacking[0], lacking[-1]) if lacking else None


def begun_run(policy: PricingPolicy) -> NightlyRun | None:
    """The restatement of lacking days that was begun and is not done; none whose last day has a later release."""
    begun = NightlyRun.objects.filter(policy=policy.code, restates=LACKING).exclude(state=RunState.DONE)
    later = NightlyRun.objects.filter(policy=OuterRef("policy"), date=OuterRef("date"), release__gt=OuterRef("release"))
    return begun.filter(~Exists(later)).order_by("started_at").first()


def due_days(policy: PricingPolicy) -> list[date]:
    """The days that are restated without anybody asking: where data were loaded, or rows accepted, since the last night.

    Empty where they are too many, or where no archive can be read.
    """
    last = NightlyRun.objects.filter(policy=policy.code, state=RunState.DONE).order_by("-started_at").first()
    if last is None or loading.newest_archive() is None or not has_news(since=last.started_at):
        return []
    try:
        return few_enough(policy, packs.restatable_days(policy))
    except (loading.NoArchive, loading.ArchiveChanged):
        return []


def has_news(*, since: datetime) -> bool:
    """Whether data were loaded, or rows in quarantine decided, since an instant: a restatement from then may come out otherwise."""
    loaded = loading.newest_archive()
    is_loaded = loaded is not None and loaded.loaded_at >= since
    return is_loaded or QuarantinedRow.objects.filter(decided_at__gt=since).exists()


def find_advice() -> list[doctor.Fault]:
    """Days whose packs lack what the loaded data have: packs of an earlier release, which held only what somebody needed, or more
    days than a night restates by itself."""
    advice = []
    for policy in PricingPolicy.objects.order_by("code"):
        try:
            lacking = packs.restatable_days(policy)
        except (loading.NoArchive, loading.ArchiveChanged):
            continue
        if lacking:
            what = (
                f"{len(lacking)} days of {policy.code}, {lacking[0]} to {lacking[-1]}, lack what the loaded data have"
            )
            mend = f"restate them: manage.py nightly --policy {policy.code} --restate-lacking"
            advice.append(doctor.Fault("pricing packs", what, mend))
    return advice


def few_enough(policy: PricingPolicy, lacking: list[date]) -> list[date]:
    """The days, where a night may restate so many by itself; none where they are more."""
    if len(lacking) * Portfolio.objects.filter(policy=policy).count() <= MOST_COMPARED_BY_ITSELF:
        return lacking
    logger.error("packs lack what the loaded data have", extra={"policy": policy.code, "days": len(lacking)})
    return []
