"""What a portfolio's figures are computed by: one list, taken from the model, so that none can be left out of an answer."""

from collections.abc import Mapping
from typing import Any, Final

from portfolio.models import LedgerRevision, Portfolio

SETTINGS: Final = tuple(
    field.name for field in Portfolio._meta.concrete_fields if field.name not in Portfolio.NOT_SETTINGS
)
"""Each of them is part of every canonical request, and of its key."""
FIXED: Final = ("base_currency", "policy")
"""Amounts are booked in them: once the portfolio has a ledger they stay; the database refuses it, too."""
DIRECTIVES: Final[Mapping[str, str]] = {
    "booking_method": "booking-method",
    "fees_in_cost": "fees-in-cost",
    "trade_fx": "trade-fx",
}
"""Lots are derived by them, so a change is an entry of the ledger (setting -> its name there) and makes a revision."""
BENCHMARK: Final = "benchmark"
"""In a request it stands by its definition, which staff may change: its number would say nothing."""
BEFORE_THEY_WERE_KEPT: Final[Mapping[str, Any]] = {"accrual": "cash", "trade_fx": "ledger"}
"""What answers were computed by whose request does not tell these two."""

_ATTRIBUTES = {
    field.name: field.attname for field in Portfolio._meta.concrete_fields if field.name in {*SETTINGS} - {BENCHMARK}
}


def as_dict(portfolio: Portfolio) -> dict[str, Any]:
    """All settings but the benchmark, as a canonical request has them."""
    return {name: getattr(portfolio, attribute) for name, attribute in _ATTRIBUTES.items()}


def restore(portfolio: Portfolio, stored: Mapping[str, Any]) -> None:
    """Let a portfolio that is never saved have the settings of a canonical request."""
    for name, attribute in _ATTRIBUTES.items():
        if name in stored or name in BEFORE_THEY_WERE_KEPT:
            setattr(portfolio, attribute, stored.get(name, BEFORE_THEY_WERE_KEPT.get(name)))


def take_from(revision: LedgerRevision, portfolio: Portfolio) -> None:
    """Let a portfolio that is never saved have the settings that a revision of its ledger carries."""
    for name in DIRECTIVES:
        if name in revision.settings:
            setattr(portfolio, name, revision.settings[name])


def in_ledger(portfolio: Portfolio) -> dict[str, Any]:
    """What the ledger says by now, also where its newest revision is not reconciled yet: what new entries are written by."""
    said = LedgerRevision.objects.filter(portfolio=portfolio).exclude(settings={}).order_by("-number")
    chosen = said.values_list("settings", flat=True).first() or {}
    return {name: chosen.get(name, getattr(portfolio, name)) for name in DIRECTIVES}
