"""What may follow what: the status of a pack moves by TRANSITIONS alone, by conditional UPDATEs whose count is looked at."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from config.errors import TieoutError
from pricing.models import PackStatus, PricingPack

TRANSITIONS: Mapping[PackStatus, frozenset[PackStatus]] = {
    PackStatus.BUILDING: frozenset({PackStatus.WARMING, PackStatus.ERROR}),
    PackStatus.WARMING: frozenset({PackStatus.FRESH, PackStatus.ERROR}),
    PackStatus.FRESH: frozenset(),
    PackStatus.ERROR: frozenset({PackStatus.WARMING}),  # only if sealed
}

NAMED_IN_REASON = 20
"""How many packs, days or missing closes a message names; it gives the count of all."""


class BadTransition(TieoutError):
    """The packs are not in a status from which `to` can follow."""

    def __init__(self, pack_ids: Sequence[str], to: str) -> None:
        super().__init__(f"can't become {to}: {', '.join(pack_ids)}")
        self.pack_ids, self.to = tuple(pack_ids), to


def mark_fresh(packs: Sequence[PricingPack]) -> None:
    """Open packs to readers: last in the nightly run, once the ledger ties out. Raises BadTransition, and moves none then."""
    _move(packs, PackStatus.FRESH)


def mark_error(packs: Sequence[PricingPack], *, job: str, reason: str) -> None:
    """Close packs to readers, with the job that failed and why. Raises BadTransition, and moves none then."""
    _move(packs, PackStatus.ERROR, failed_job=job, reason=reason)


def mark_warming(packs: Sequence[PricingPack]) -> None:
    """Give sealed packs in error back to the run for another try. Raises BadTransition, and moves none then."""
    _move(packs, PackStatus.WARMING, sequence__isnull=False)


@transaction.atomic
def _move(
    packs: Sequence[PricingPack],
    to: PackStatus,
    *,
    failed_job: str = "",
    reason: str = "",
    **only: Any,
) -> None:
    ids = [pack.pk for pack in packs]
    before = [status for status, after in TRANSITIONS.items() if to in after]
    movable = PricingPack.objects.filter(pk__in=ids, status__in=before, **only)
    row_count = movable.update(status=to, failed_job=failed_job, reason=reason, updated_at=Now())
    if row_count != len(set(ids)):
        stuck = PricingPack.objects.filter(pk__in=ids).exclude(status=to).values_list("pk", flat=True)
        raise BadTransition(sorted(stuck)[:NAMED_IN_REASON] or ids[:NAMED_IN_REASON], to)
    for pack in packs:
        pack.status, pack.failed_job, pack.reason = to, failed_job, reason
