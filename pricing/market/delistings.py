"""What has ended: after a delisting on record the last close stays the price for a while."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pricing.market.actions import known_actions
from pricing.models import PackAction, PackPrice, PriceBasis, PricingPack, Security
from pricing.packs.restatement import MOST_DAYS_CARRIED
from pricing.packs.rows import Close, join_flags
from pricing.packs.stored_rows import in_order_of, orm_columns

DELISTED = "delisted"
"""The flag of a close that is carried beyond a delisting."""


@dataclass(frozen=True, slots=True)
class Delisting:
    """Of a security: the first day without a listing, the last on which it may have a price, and its splits of raw closes."""

    symbol: str
    ex_date: date
    ends: date | None
    splits: tuple[date, ...]

    def carries(self, observed: date, day: date) -> bool:
        """Whether a close observed on the one day still is the price of the other, a later one."""
        if day < self.ex_date or (day - observed).days > MOST_DAYS_CARRIED or (self.ends and self.ends < day):
            return False
        return not any(observed < split <= day for split in self.splits)


def known_delistings(policy: str, sequence: int, asof_date: date) -> Mapping[int, Delisting]:
    """By security, the delistings that a pack of that sequence and date knows, of that date or before."""
    delisted = PackAction.objects.filter(action="delisting", ex_date__lte=asof_date).order_by()
    ids = set(delisted.values_list("security_id", flat=True))
    if not ids:
        return {}
    actions = known_actions(policy, sequence, asof_date, ids)
    ex_dates = {each.symbol: each.ex_date for each in reversed(actions) if each.action == "delisting"}
    delisting_of: dict[int, Delisting] = {}
    for security in Security.objects.filter(
        symbol__in=[symbol for symbol, day in ex_dates.items() if day <= asof_date]
    ):
        splits = tuple(
            each.ex_date
            for each in actions
            if security.price_basis == PriceBasis.RAW and each.action == "split" and each.symbol == security.symbol
        )
        delisting_of[security.pk] = Delisting(security.symbol, ex_dates[security.symbol], security.ends, splits)
    return delisting_of


def carried_closes(policy: str, sequence: int, asof_date: date, closes: Mapping[int, Close]) -> dict[int, Close]:
    """By security, the last closes of what was delisted, flagged, as far as they still are its price on that date.

    closes  those of the pack of that date itself
    """
    delistings = known_delistings(policy, sequence, asof_date)
    last = {security: closes[security] for security in delistings if security in closes}
    if absent := delistings.keys() - last.keys():
        contents = contents_seen(policy, sequence, asof_date - timedelta(days=MOST_DAYS_CARRIED), asof_date)
        rows = PackPrice.objects.filter(content__in=contents, security__in=absent).order_by()
        for row in in_order_of(contents, rows.values_list("content_id", *orm_columns(Close))):
            close = Close(*row)
            last[close.security_id] = close  # the newest comes last
    return {
        security: replace(close, flags=join_flags((close.flags if security in closes else "", DELISTED)))
        for security, close in last.items()
        if close.observed_date < asof_date and delistings[security].carries(close.observed_date, asof_date)
    }


def contents_seen(policy: str, sequence: int, first: date, last: date) -> list[int]:
    """Of each date in a span, rising, the content of its sealed pack with the highest sequence up to that one."""
    sealed = PricingPack.objects.filter(policy=policy, sequence__lte=sequence, asof_date__range=(first, last))
    newest_packs = sealed.order_by("asof_date", "-sequence").distinct("asof_date")
    return [content for content in newest_packs.values_list("content_id", flat=True) if content is not None]
