"""What to say of a price or a rate that a pack does not hold: the last day on which one was known, and why there is none."""

from collections.abc import Collection, Mapping
from datetime import date

from django.db.models import Max, Q

from config.errors import TieoutError
from pricing.fx import MissingRate
from pricing.market.actions import known_actions
from pricing.models import Decision, PackPrice, PackRate, PriceBasis, QuarantinedRow, Security
from pricing.packs.restatement import MOST_DAYS_CARRIED
from pricing.packs.stored_rows import sealed_contents

REASONS: Mapping[str, str] = {
    "": "",
    "expiry_unbooked": "it has expired or matured, and its end is not booked",
    "carried_too_long": f"it is delisted, and a last close is carried for {MOST_DAYS_CARRIED} days",
    "after_last_listed_day": "it is no longer listed, and no delisting of it is on record",
    "split_between": "it has split since",
    "in_quarantine": "a newer close waits for a decision",
    "no_quote_unit": "it is a bond, and nobody has said what its price is of",
}
"""Why a price is missing, where more is to be said than that none is known: by code, in words."""


class MissingPrice(TieoutError):
    """The security has no price on that day; `reason` is a key of REASONS.

    last_known_date  the day of its newest close in any pack, also where that may not be taken any more
    """

    def __init__(self, symbol: str, asof_date: date, last_known_date: date | None = None, reason: str = "") -> None:
        note = f"last known {last_known_date}" if last_known_date else "none known before"
        why = f"; {REASONS[reason]}" if REASONS[reason] else ""
        super().__init__(f"no price of {symbol} on {asof_date} ({note}{why})")
        self.symbol, self.asof_date, self.last_known_date, self.reason = symbol, asof_date, last_known_date, reason


def missing_price(policy: str, sequence: int, security_id: int, symbol: str, day: date) -> MissingPrice:
    """The error of a missing price, by all packs up to that sequence; without a reason where there is none (sequence 0)."""
    security = Security.objects.filter(pk=security_id).first() if sequence else None
    if security is None:
        return MissingPrice(symbol, day)
    contents = sealed_contents(policy=policy, up_to=sequence)
    closes = PackPrice.objects.filter(content__in=contents, security=security, observed_date__lte=day)
    last = closes.aggregate(last=Max("observed_date"))["last"]
    return MissingPrice(security.symbol, day, last, _reason(policy, sequence, security, last, day))


def _reason(policy: str, sequence: int, security: Security, last: date | None, day: date) -> str:
    actions = [each for each in known_actions(policy, sequence, day, [security.pk]) if each.ex_date <= day]
    splits = [each for each in actions if each.action == "split" and last and last < each.ex_date]
    if security.ends and security.ends < day:
        return "expiry_unbooked"
    if security.lacks_quote_unit:
        return "no_quote_unit"
    if splits and security.price_basis == PriceBasis.RAW:
        return "split_between"
    if last and any(each.action == "delisting" for each in actions) and (day - last).days > MOST_DAYS_CARRIED:
        return "carried_too_long"
    if security.last_date and security.last_date < day:
        return "after_last_listed_day"
    waiting = QuarantinedRow.objects.filter(kind="price", key=security.symbol, decision=Decision.PENDING)
    return "in_quarantine" if waiting.filter(date__gt=last or date.min, date__lte=day).exists() else ""


def missing_rate(policy: str, sequence: int, frm: str, to: str, lacking: Collection[str], day: date) -> MissingRate:
    """The error of a missing rate, by all packs up to that sequence.

    lacking  the currencies without a leg; the last day with a rate is that of the leg that ended first
    """
    if not sequence:
        return MissingRate(frm, to, day)
    contents = sealed_contents(policy=policy, up_to=sequence)
    rates = PackRate.objects.filter(content__in=contents, observed_date__lte=day)
    ended: list[date | None] = [
        rates.filter(Q(base=currency) | Q(quote=currency)).aggregate(last=Max("observed_date"))["last"]
        for currency in lacking
    ]
    return MissingRate(frm, to, day, None if None in ended else min(filter(None, ended), default=None))
