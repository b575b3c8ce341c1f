"""The pricing pack that answers a request."""

from datetime import date

from django.utils import timezone

from execution.executor.ledger_revisions import ReconciliationFailed, find_breaks
from execution.executor.request import Request, RequestInvalid
from portfolio.models import Portfolio, Reconciliation
from pricing import packs
from pricing.models import PackStatus, PricingPack, PricingPolicy


class PackNotOfDate(RequestInvalid):
    """The request names a pack and a date, and the pack is that of another date."""

    def __init__(self, pack_id: str, asof_date: date) -> None:
        super().__init__(
            [{"pointer": "/pricing_pack_id", "reason": f"{pack_id} is not the pack of {asof_date.isoformat()}"}]
        )


def choose_pack(request: Request, policy: PricingPolicy) -> tuple[PricingPack, bool]:
    """The pack that answers, and whether the answer is provisional because the pack is not fresh.

    raises   PackNotFound, PackNotOfDate, AsofOutOfRange, ReconciliationFailed; PackWarming and PackInError unless the request
             allows a pack that is not fresh
    """
    pack = _named_pack(request, policy) if request.pricing_pack_id is not None else _resolve(policy, request.asof_date)
    if pack.status == PackStatus.FRESH:
        return pack, False
    if not request.require_fresh and pack.sealed_at is not None:
        return pack, True
    if pack.status == PackStatus.ERROR and pack.failed_job == "reconcile_ledger":
        raise ReconciliationFailed(pack.pk, find_breaks(Reconciliation.objects.filter(pack=pack)))
    return packs.require_fresh(pack=pack), False


def answering_date(portfolio: Portfolio, asof_date: date | None) -> date | None:
    """The pack day that answers for a date; None while there is no pack. Raises AsofOutOfRange."""
    try:
        return _resolve(portfolio.policy, asof_date).asof_date
    except packs.PackWarming:
        return None


def date_warnings(requested: date, pack_date: date) -> tuple[str, ...]:
    if requested == pack_date:
        return ()
    return (f"{requested.isoformat()} has no pack; answered by {pack_date.isoformat()}",)


def only_policy() -> PricingPolicy:
    """The pricing policy of requests without a portfolio. Raises RequestInvalid where there are several."""
    policies = list(PricingPolicy.objects.all()[:2])
    if len(policies) != 1:
        raise RequestInvalid(
            [{"pointer": "/portfolio_id", "reason": "is needed: there is more than one pricing policy"}]
        )
    return policies[0]


def _named_pack(request: Request, policy: PricingPolicy) -> PricingPack:
    assert request.pricing_pack_id is not None
    pack = packs.find(pack_id=request.pricing_pack_id)
    if pack.policy_id != policy.pk:
        raise packs.PackNotFound(request.pricing_pack_id)
    if request.asof_date is not None and _resolve(policy, request.asof_date).asof_date != pack.asof_date:
        raise PackNotOfDate(pack.pk, request.asof_date)
    return pack


def _resolve(policy: PricingPolicy, asof_date: date | None) -> PricingPack:
    return packs.resolve(policy=policy, asof_date=asof_date, today=timezone.localdate())
