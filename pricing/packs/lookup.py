"""Find the pack of an id, or the one that answers for a date; require that it is open to readers."""

from datetime import date

from django.db.models import Case, F, Max, Min, When

from config.errors import TieoutError
from pricing.models import PackStatus, PricingPack, PricingPolicy


class PackNotFound(TieoutError):
    """There is no pack of that id."""

    def __init__(self, pack_id: str) -> None:
        super().__init__(f"no pricing pack {pack_id}")
        self.pack_id = pack_id


class PackWarming(TieoutError):
    """The pack is building or warming, or there is none yet (`status` is "absent", `pack_id` empty)."""

    def __init__(self, pack_id: str, status: str) -> None:
        super().__init__(f"pricing pack {pack_id or '(none)'} is {status}")
        self.pack_id, self.status = pack_id, status


class PackInError(TieoutError):
    """The pack is closed to readers, with the job that failed and why."""

    def __init__(self, pack_id: str, job: str, reason: str) -> None:
        super().__init__(f"pricing pack {pack_id} is in error since {job or 'sealing'}: {reason}")
        self.pack_id, self.job, self.reason = pack_id, job, reason


class AsofOutOfRange(TieoutError):
    """The date lies before the first pack, or after today."""

    def __init__(self, asof_date: date, first: date, last: date) -> None:
        super().__init__(f"as-of date {asof_date} is not between {first} and {last}")
        self.asof_date, self.first, self.last = asof_date, first, last


def find(*, pack_id: str) -> PricingPack:
    """The pack of that id. Raises PackNotFound."""
    pack = PricingPack.objects.select_related("policy", "content").filter(pk=pack_id).first()
    if pack is None:
        raise PackNotFound(pack_id)
    return pack


def resolve(*, policy: PricingPolicy, asof_date: date | None = None, today: date | None = None) -> PricingPack:
    """The pack that answers for a date, whatever its status: ask `require_fresh` next.

    asof_date  None: the newest pack day; a date without a pack day is answered by the last one before it
    today      no as-of date may lie after it, when given
    raises     PackWarming ("absent") while the policy has no pack, AsofOutOfRange
    """
    headers = PricingPack.objects.filter(policy=policy)
    until = headers if asof_date is None else headers.filter(asof_date__lte=asof_date)
    # Of the releases of one date the fresh one that was sealed last; where none is fresh, the newest.
    sealed_fresh = Case(When(status=PackStatus.FRESH, then=F("sequence")))
    pack = until.order_by("-asof_date", sealed_fresh.desc(nulls_last=True), "-release").first()
    if asof_date is not None and (pack is None or (today is not None and asof_date > today)):
        days = headers.aggregate(first=Min("asof_date"), last=Max("asof_date"))
        if days["first"] is not None:
            raise AsofOutOfRange(asof_date, days["first"], today or days["last"])
    if pack is None:
        raise PackWarming("", "absent")
    pack.policy = policy  # it is known, and need not be read again
    return pack


def require_fresh(*, pack: PricingPack) -> PricingPack:
    """The pack itself if it is open to readers. Raises PackWarming, PackInError."""
    if pack.status == PackStatus.ERROR:
        raise PackInError(pack.pk, pack.failed_job, pack.reason)
    if pack.status != PackStatus.FRESH:
        raise PackWarming(pack.pk, pack.status)
    return pack


def require_sealed(*, pack: PricingPack) -> PricingPack:
    """The pack itself if it has content, fresh or not. Raises PackWarming, PackInError."""
    if pack.sequence is None:
        return require_fresh(pack=pack)
    return pack
