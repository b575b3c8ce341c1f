"""The market of one pack in `Decimal`: its closes, its published rates, and the crosses between currencies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

from pricing import fx
from pricing.fx import Leg, MissingRate
from pricing.market.delistings import carried_closes
from pricing.market.missing import MissingPrice, missing_price, missing_rate
from pricing.market.seal import Seal
from pricing.models import PackPrice, PackRate, PricingPack
from pricing.packs.rows import Close
from pricing.packs.stored_rows import orm_columns


@dataclass(frozen=True, slots=True)
class Market:
    """The market of one pack."""

    pack_id: str
    asof_date: date
    pivot: str
    closes: Mapping[int, Close]  # by security id, in the order of symbols
    legs: Mapping[tuple[str, str], Leg]  # by (base, quote), as published
    policy: str = ""
    sequence: int = 0  # up to which the packs of the policy are looked at for what was known before

    def close(self, security_id: int, symbol: str) -> Close:
        """Raises MissingPrice: a missing price is neither cost nor zero."""
        if security_id not in self.closes:
            raise self.missing_price(security_id, symbol)
        return self.closes[security_id]

    def missing_price(self, security_id: int, symbol: str) -> MissingPrice:
        """The error of a security without a close here."""
        return missing_price(self.policy, self.sequence, security_id, symbol, self.asof_date)

    def missing_rate(self, frm: str, to: str) -> MissingRate:
        """The error of two currencies that no legs join here."""
        lacking = {currency for currency in (frm, to) if currency != self.pivot and not self._has_leg(currency)}
        return missing_rate(self.policy, self.sequence, frm, to, lacking, self.asof_date)

    def _has_leg(self, currency: str) -> bool:
        return (self.pivot, currency) in self.legs or (currency, self.pivot) in self.legs


def cross(market: Market, frm: str, to: str) -> Decimal:
    """Units of `to` for one `frm`, unrounded (34 digits) from the published legs. Raises MissingRate, never 1.0."""
    try:
        return fx.cross(market.legs, pivot=market.pivot, frm=frm, to=to, asof_date=market.asof_date)
    except MissingRate:
        raise market.missing_rate(frm, to) from None


def legs_between(market: Market, frm: str, to: str) -> tuple[Leg, ...]:
    """The published legs that `cross` is made of, for sources and flags. Raises MissingRate."""
    try:
        return fx.legs_between(market.legs, pivot=market.pivot, frm=frm, to=to, asof_date=market.asof_date)
    except MissingRate:
        raise market.missing_rate(frm, to) from None


def as_of(pack: PricingPack) -> Market:
    """The market of a sealed pack. Raises packs.PackWarming, packs.PackInError where nothing is sealed."""
    return _read(Seal.from_pack(pack))


@lru_cache(maxsize=16)
def _read(seal: Seal) -> Market:
    rows = PackPrice.objects.filter(content=seal.content_id).order_by().values_list(*orm_columns(Close))
    closes = {close.security_id: close for close in (Close(*row) for row in rows)}
    closes |= carried_closes(seal.policy, seal.sequence, seal.asof_date, closes)
    rates = PackRate.objects.filter(content=seal.content_id).order_by("base", "quote").values_list(*orm_columns(Leg))
    return Market(
        pack_id=seal.pack_id,
        asof_date=seal.asof_date,
        pivot=seal.pivot,
        closes=MappingProxyType(dict(sorted(closes.items(), key=lambda each: each[1].symbol))),
        legs=MappingProxyType({(leg.base, leg.quote): leg for leg in (Leg(*row) for row in rates)}),
        policy=seal.policy,
        sequence=seal.sequence,
    )
