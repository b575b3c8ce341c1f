"""The corporate actions that a pack knows."""

from collections.abc import Collection
from datetime import date

from django.db.models import Q

from pricing.market.seal import Seal
from pricing.models import PackAction, PricingPack
from pricing.packs.deltas import not_withdrawn
from pricing.packs.rows import KnownAction
from pricing.packs.stored_rows import in_order_of, orm_columns, sealed_contents


def actions(pack: PricingPack) -> list[KnownAction]:
    """The corporate actions that the pack knows, by ex-date: announced, or ex, on or before its date.

    Raises packs.PackWarming, packs.PackInError.
    """
    seal = Seal.from_pack(pack)
    return known_actions(seal.policy, seal.sequence, seal.asof_date)


def known_actions(
    policy: str, sequence: int, asof_date: date, securities: Collection[int] | None = None
) -> list[KnownAction]:
    """What a pack of that sequence and date knows of these securities; None: of all. By ex-date."""
    announced_by_then = Q(announced__lte=asof_date) | Q(announced__isnull=True, ex_date__lte=asof_date)
    of_securities = Q() if securities is None else Q(security__in=securities)
    rows = PackAction.objects.filter(announced_by_then & of_securities).order_by("ex_date")
    value_rows = rows.values_list("content_id", *orm_columns(KnownAction))
    in_sequence = in_order_of(sealed_contents(policy=policy, up_to=sequence), value_rows)
    newest = {action.key: action for action in not_withdrawn([KnownAction(*row) for row in in_sequence])}
    return sorted(newest.values(), key=lambda action: (action.ex_date, action.symbol, action.action))
