"""The audit log of a portfolio as its owner reads it: without who others are."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.auth import get_user_model

from compliance.models import AuditEntry, AuditSeal
from portfolio.models import Portfolio

WHAT: Final = {
    "portfolio_portfolio": "portfolio",
    "portfolio_portfolioaccess": "grant",
    "portfolio_ledgerrevision": "ledger revision",
    "execution_execution": "stored answer",
}
"""Table -> what a row of it is."""
PERSONS: Final = frozenset({"owner_id", "user_id", "granted_by_id"})
"""Columns that name a user."""


def count(portfolio: Portfolio) -> int:
    return AuditEntry.objects.filter(of_portfolio=portfolio.pk).count()


def read(portfolio: Portfolio, page: slice, *, reader: int) -> list[dict[str, Any]]:
    """Entries of a page, newest first, as documents. reader: the id of the user who asks."""
    entries = list(AuditEntry.objects.filter(of_portfolio=portfolio.pk)[page])
    staff = _staff_among(entries)
    newest = AuditSeal.objects.only("server", "to_transaction").first()
    return [_as_dict(each, reader, staff, newest) for each in entries]


def _as_dict(entry: AuditEntry, reader: int, staff: set[int], newest: AuditSeal | None) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "at": entry.at.isoformat(),
        "who": _who(entry, reader, staff),
        "door": entry.door or "database",
        "request_id": entry.request_id if entry.user_id == reader else "",
        "reason": entry.reason,
        "action": entry.action,
        "what": WHAT.get(entry.table_name, entry.table_name),
        "before": _without_others(entry.before, reader),
        "after": _without_others(entry.after, reader),
        "sealed": newest is not None and (entry.server != newest.server or entry.transaction < newest.to_transaction),
    }


def _who(entry: AuditEntry, reader: int, staff: set[int]) -> str:
    if entry.user_id is None:
        return "the service" if entry.door else "the database"
    if entry.user_id == reader:
        return "you"
    return "staff" if entry.user_id in staff else "another user"


def _without_others(cells: dict[str, Any] | None, reader: int) -> dict[str, Any] | None:
    if cells is None:
        return None
    return {
        name: ("you" if value == reader else "another user") if name in PERSONS and value is not None else value
        for name, value in cells.items()
    }


def _staff_among(entries: Sequence[AuditEntry]) -> set[int]:
    users = get_user_model().objects.filter(pk__in={each.user_id for each in entries}, is_staff=True)
    return set(users.values_list("pk", flat=True))
