"""Build packs: one sealed pack for each of some dates; and seal the newest date anew."""

import logging
from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q

from config.errors import TieoutError
from pricing.calendars import Calendar
from pricing.models import PackStatus, PricingPack, PricingPolicy
from pricing.packs import drafting, inputs, sealing
from pricing.packs.gaps import Missing
from pricing.packs.lookup import PackWarming, find
from pricing.packs.sealing import SealedContent
from pricing.packs.status import NAMED_IN_REASON
from pricing.quality import quarantine

logger = logging.getLogger(__name__)


class NoPackDay(TieoutError):
    """On these dates neither the fixing nor an exchange was open, or they are not in rising order."""

    def __init__(self, policy: str, dates: Sequence[date]) -> None:
        super().__init__(f"no pack days of {policy}, or not rising: {', '.join(map(str, dates[:NAMED_IN_REASON]))}")
        self.policy, self.dates = policy, tuple(dates)


class PackIncomplete(TieoutError):
    """A fixing is absent whole, or too many closes are; the packs named are in error, all others of the build are sealed."""

    def __init__(self, pack_ids: Sequence[str], missing: Sequence[Missing]) -> None:
        super().__init__(describe(missing))
        self.pack_ids, self.missing = tuple(pack_ids), tuple(missing)


def describe(missing: Sequence[Missing]) -> str:
    """What is missing, at most twenty by name, and the count."""
    first_ones = "; ".join(map(str, missing[:NAMED_IN_REASON]))
    return f"{len(missing)} missing: {first_ones}" + ("; ..." if len(missing) > NAMED_IN_REASON else "")


def build(
    *,
    policy: PricingPolicy,
    dates: Sequence[date],
    run: UUID,
    restate_reason: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[PricingPack]:
    """One sealed pack for each of the dates, which rise and may have gaps; new ones are `warming`.

    A pack holds all rates of its fixing, and of each active security the newest close that is not stale, whoever needs
    them: what it holds is a function of the loaded data and its day. A date keeps the pack that this run has sealed, so
    that a killed run can be taken up again under its own id, and another run's fresh one, unless `restate_reason` is
    given; every other date gets its next release. What the quality rules suspect is put in quarantine and stays out;
    where it is the newest row of something, that is missing until staff decide. Call it outside a transaction: headers,
    chunks of packs and errors are committed one after the other.

    progress  is called with (packs done, packs in all)
    raises    NoPackDay, sealing.SealingBusy; loading.NoArchive, loading.ArchiveChanged; PackIncomplete when a fixing is absent
              whole, or more closes are missing than the policy lets: those dates' headers are in error with the reason, every
              other date is sealed
    """
    loaded = inputs.load(policy)
    if no_pack_days := _refused_days(loaded.calendar, dates):
        raise NoPackDay(policy.code, no_pack_days)
    report = progress or (lambda count, total: None)
    with sealing.alone(policy):
        packs = _staying_packs(policy, dates, run, restating=restate_reason is not None)
        todo = [day for day in dates if day not in packs]
        already_sealed = len(packs)
        report(already_sealed, len(dates))
        if not todo:
            return [packs[day] for day in dates]
        judgement = inputs.judge(loaded)
        quarantine.record(judgement.suspects_of(todo), run=run)
        drafts = drafting.prepare(loaded, judgement, todo)
        errors = {day: describe(missing) for day, missing in drafts.missing.items()}
        headers = sealing.open_headers(policy, todo, run=run, restates=restate_reason or "", errors=errors)
        sealing.seal_all(
            policy,
            [headers[day] for day in todo if day not in errors],
            drafts.rows,
            drafts.units,
            lambda count: report(already_sealed + count, len(dates)),
        )
    if errors:
        incomplete = sorted(errors)
        for day in incomplete:
            missing = [str(each) for each in drafts.missing[day]]
            logger.warning("pack incomplete", extra={"pack_id": headers[day].pk, "missing": missing})
        lacking = [each for day in incomplete for each in drafts.missing[day]]
        raise PackIncomplete([headers[day].pk for day in incomplete], lacking)
    packs |= headers
    return [packs[day] for day in dates]


def _refused_days(calendar: Calendar, dates: Sequence[date]) -> list[date]:
    if not dates:
        return []
    if falling := [after for before, after in pairwise(dates) if after <= before]:
        return falling
    return sorted(set(dates) - set(calendar.pack_days(dates[0], dates[-1])))


def _staying_packs(
    policy: PricingPolicy, dates: Sequence[date], run: UUID, *, restating: bool
) -> dict[date, PricingPack]:
    """By date, the sealed pack that stays, the highest in sequence: of this run, or (no restatement) already fresh.

    What another run left warming or in error stays closed for ever: only the jobs of its own run can open a pack.
    """
    staying = Q(run=run) if restating else Q(run=run) | Q(status=PackStatus.FRESH)
    sealed = PricingPack.objects.filter(staying, policy=policy, asof_date__in=dates, sequence__isnull=False)
    return {pack.asof_date: pack for pack in sealed.select_related("policy", "content").order_by("sequence")}


def reseal(*, policy: PricingPolicy, run: UUID) -> PricingPack:
    """The newest date sealed anew, so that it sees what was sealed after it: next release, same content, next sequence.

    The date's own pack comes back where nothing was sealed after it. Raises PackWarming ("absent") if none is sealed.
    """
    with sealing.alone(policy), transaction.atomic():
        sealed = PricingPack.objects.filter(policy=policy, sequence__isnull=False).select_related("policy", "content")
        head = sealed.order_by("-asof_date", "-sequence").first()
        if head is None or head.content is None:
            raise PackWarming("", "absent")
        if head.sequence == sealed.aggregate(last=Max("sequence"))["last"]:
            return head
        day = head.asof_date
        header = sealing.open_headers(policy, [day], run=run, restates=f"re-seal of {head.pk}", errors={})[day]
        sealing.seal(policy, [(header, SealedContent(head.content.pk, head.content.content_hash))])
    logger.info("pack re-sealed", extra={"pack_id": header.pk, "sequence": header.sequence})
    return find(pack_id=header.pk)
