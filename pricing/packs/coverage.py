"""What a sealed pack covers, and what is odd about it."""

from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from pricing.models import Decision, PackPrice, PackRate, PricingPack, QuarantinedRow, Security
from pricing.quality.suspects import ACCEPTED, EXTREME


def unpriced_symbols(*, pack: PricingPack) -> list[str]:
    """Symbols of securities that are active on the pack's date and have no close in it: none was observed, or it is too old,
    in quarantine, from before a split, or of a bond without a quote unit."""
    priced = PackPrice.objects.filter(content=pack.content_id).values("security")
    active = Security.objects.filter(_active_on(pack.asof_date)).exclude(pk__in=priced)
    return list(active.order_by("symbol").values_list("symbol", flat=True))


def _active_on(day: Any) -> Q:
    """Listed on the day, and neither expired nor matured before it."""
    last = [Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gte": day}) for end in ("last_date", "expiry", "maturity")]
    return Q(first_date__lte=day) & last[0] & last[1] & last[2]


def with_quality(headers: QuerySet[PricingPack]) -> QuerySet[PricingPack]:
    """Headers with what they cover and what is odd, each a number.

    priced, active      securities with a close in the pack; listed on its date
    converted           published rates
    stale_rows, extreme_rows, accepted_rows  closes and rates by flag
    undecided_rows      rows of its date in quarantine that nobody has decided on
    """

    def count(rows: QuerySet[Any]) -> Coalesce:
        """As a subquery of its own: counts of several joined tables would multiply."""
        alone = rows.order_by().annotate(one=Value(1)).values("one")
        return Coalesce(Subquery(alone.annotate(count=Count("*")).values("count")), 0)

    prices = PackPrice.objects.filter(content=OuterRef("content"))
    rates = PackRate.objects.filter(content=OuterRef("content"))

    def count_flagged(flag: str) -> Any:
        return count(prices.filter(flags__contains=flag)) + count(rates.filter(flags__contains=flag))

    undecided = QuarantinedRow.objects.filter(date=OuterRef("asof_date"), decision=Decision.PENDING)
    return headers.annotate(
        priced=count(prices),
        active=count(Security.objects.filter(_active_on(OuterRef("asof_date")))),
        converted=count(rates),
        stale_rows=count_flagged("stale:"),
        extreme_rows=count_flagged(EXTREME),
        accepted_rows=count_flagged(ACCEPTED),
        undecided_rows=count(undecided),
    )
