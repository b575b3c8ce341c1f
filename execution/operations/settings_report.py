"""The settings of a portfolio, and a change of them, as plain values that the API and the command line print."""

from typing import Any

from portfolio.models import Portfolio
from portfolio.portfolio_settings import DIRECTIVES, FIXED, SETTINGS, CurrentSettings, SettingsChange


def as_dict(portfolio: Portfolio, current: CurrentSettings) -> dict[str, Any]:
    return {
        "portfolio_id": str(portfolio.pk),
        "settings": dict(current.values),
        "kept_in": {name: _kept_in(name, is_booked=current.is_booked) for name in SETTINGS},
        "revision": current.revision.number if current.revision else None,
    }


def change_as_dict(portfolio: Portfolio, changed: SettingsChange) -> dict[str, Any]:
    revision = changed.revision
    return {
        **as_dict(portfolio, changed.current),
        "changed": list(changed.names),
        "new_revision": revision.number if revision else None,
        "commit": revision.commit if revision else None,
        "revision_status": revision.status if revision else None,
        "breaks": list(changed.breaks),
    }


def _kept_in(name: str, *, is_booked: bool) -> str:
    if name in FIXED:
        return "fixed" if is_booked else "portfolio"
    return "ledger" if name in DIRECTIVES else "portfolio"
