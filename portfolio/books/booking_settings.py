"""Settings that lots are derived and deals converted by. They are chosen in the ledger, so that a change is a commit and a
revision."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from portfolio.ledger.journal import LedgerSettings
from portfolio.models import LedgerRevision, Portfolio, RevisionStatus

DIRECTIVES: Final[Mapping[str, str]] = {
    "booking_method": "booking-method",
    "fees_in_cost": "fees-in-cost",
    "trade_fx": "trade-fx",
}
"""Setting -> the name of its directive in the ledger."""
RULES: Final = 3
"""Version of how lots are derived; rows of a revision with an older number are read anew (1: without layers, settings `{}`;
2: lots that went on are known by what opened them alone)."""


@dataclass(frozen=True, slots=True)
class BookingSettings:
    """Frozen values by the names of their columns in `Portfolio`."""

    booking_method: str
    fees_in_cost: bool
    trade_fx: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def as_stored(self) -> dict[str, Any]:
        """The settings and the version of the rules, as a revision stores them."""
        return {**self.as_dict(), "rules": RULES}


def from_ledger(portfolio: Portfolio, own_settings: LedgerSettings) -> BookingSettings:
    """The settings that the ledger chooses, else those that the portfolio was made with."""
    return BookingSettings(
        own_settings.booking_method or portfolio.booking_method,
        portfolio.fees_in_cost if own_settings.fees_in_cost is None else own_settings.fees_in_cost,
        own_settings.trade_fx or portfolio.trade_fx,
    )


def effective(portfolio: Portfolio, revision: LedgerRevision) -> BookingSettings:
    """The settings of a revision; of one that an older release read, the portfolio's own."""
    return _from_stored(portfolio, revision.settings)


def newest(portfolio: Portfolio) -> BookingSettings:
    """The settings that new entries are written by: of the newest revision that has any, reconciled or not."""
    revisions = LedgerRevision.objects.filter(portfolio=portfolio).exclude(settings={}).order_by("-number")
    return _from_stored(portfolio, revisions.values_list("settings", flat=True).first() or {})


def _from_stored(portfolio: Portfolio, values: Mapping[str, Any]) -> BookingSettings:
    return BookingSettings(
        **{each.name: values.get(each.name, getattr(portfolio, each.name)) for each in fields(BookingSettings)}
    )


def is_of_older_rules(revision: LedgerRevision) -> bool:
    """Whether an older release derived its rows, so that its folder is to be read anew."""
    return bool(revision.status != RevisionStatus.BROKEN and revision.settings.get("rules") != RULES)
