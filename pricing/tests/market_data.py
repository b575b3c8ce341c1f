"""A policy and a loaded folder, for tests that need rows."""

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.apps import apps

from pricing import packs
from pricing.archive import loading
from pricing.models import PricingPack, PricingPolicy
from pricing.tests import folders

RUN, OTHER_RUN = UUID(int=1), UUID(int=2)
ALL = (date(2020, 1, 1), date(2020, 12, 31))


def policy() -> PricingPolicy:
    return PricingPolicy.objects.get_or_create(
        code="ECB_EUR",
        defaults={"fixing": "ECB", "pivot": "EUR", "fix_time": time(14, 15), "fix_timezone": "Europe/Berlin"},
    )[0]


def loaded(folder: Path, changes: Mapping[str, str | None] | None = None) -> PricingPolicy:
    loading.load(folders.write(folder, changes))
    return policy()


def without_room(of: PricingPolicy) -> PricingPolicy:
    """The policy as it lets no close lack, and none be older than two sessions: SMALL's ASH is, on the 8th and 9th."""
    of.max_stale_sessions, of.max_missing_share, of.max_missing_count = 2, Decimal(0), 0
    of.save()
    return of


def build(of: PricingPolicy, first: date = ALL[0], last: date = ALL[1], **how: Any) -> list[PricingPack]:
    dates = packs.pack_days(policy=of, first=first, last=last)
    given: dict[str, Any] = {"run": RUN} | how
    return packs.build(policy=of, dates=dates, **given)


def jobs_done(run: UUID = RUN) -> None:
    """The database opens a pack only behind the jobs of its run."""
    night = apps.get_model("execution", "NightlyRun").objects.create(
        pk=run, policy="ECB_EUR", from_date=ALL[0], date=ALL[1], release=run.int
    )
    for position, name in enumerate(("build_pack", "reconcile_ledger", "compute_metrics", "prewarm_factors")):
        apps.get_model("execution", "JobRun").objects.create(run=night, name=name, position=position, state="done")
