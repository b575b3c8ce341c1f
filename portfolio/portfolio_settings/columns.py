"""The settings that a portfolio's figures are computed by: one list, taken from the model, so that none can be left out."""

from collections.abc import Mapping
from typing import Any, Final

from portfolio.books.booking_settings import DIRECTIVES
from portfolio.models import LedgerRevision, Portfolio

SETTINGS: Final = tuple(
    field.name for field in Portfolio._meta.concrete_fields if field.name not in Portfolio.NOT_SETTINGS
)
"""Each of them is part of every canonical request, and of its key."""
FIXED: Final = ("base_currency", "policy")
"""Amounts are booked in them: once the portfolio has a ledger they stay; the database refuses a change, too."""
BENCHMARK: Final = "benchmark"
"""A request has its definition, which staff may change: the id alone would not tell one definition from the next."""
BEFORE_THEY_WERE_STORED: Final[Mapping[str, Any]] = {"accrual": "cash", "trade_fx": "ledger"}
"""The values behind answers whose stored request does not have these two."""

_ATTRIBUTES = {
    field.name: field.attname for field in Portfolio._meta.concrete_fields if field.name in {*SETTINGS} - {BENCHMARK}
}


def as_dict(portfolio: Portfolio) -> dict[str, Any]:
    """All settings but the benchmark, as a canonical request has them."""
    return {name: getattr(portfolio, attribute) for name, attribute in _ATTRIBUTES.items()}


def restore(portfolio: Portfolio, stored_settings: Mapping[str, Any]) -> None:
    """Set the settings of a stored request on a portfolio that is never saved."""
    for name, attribute in _ATTRIBUTES.items():
        if name in stored_settings or name in BEFORE_THEY_WERE_STORED:
            setattr(portfolio, attribute, stored_settings.get(name, BEFORE_THEY_WERE_STORED.get(name)))


def take_from(revision: LedgerRevision, portfolio: Portfolio) -> None:
    """Set the settings that a revision of its ledger carries on a portfolio that is never saved."""
    for name in DIRECTIVES:
        if name in revision.settings:
            setattr(portfolio, name, revision.settings[name])
