"""The audit log as a file. Added here: the room of the log knows no exports."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from compliance.admin import AuditEntryAdmin
from compliance.audit import events
from compliance.audit.events import Event
from compliance.models import AuditEntry
from config import scope
from execution.exports import neutral

COLUMNS: Final = (
    "id", "at", "user_id", "username", "account", "role", "door", "via", "request_id", "reason", "action", "table_name",
    "row_key", "of_portfolio", "before", "after", "transaction", "server",
)  # fmt: skip
ROWS_AT_ONCE: Final = 1_000

admin.site.unregister(AuditEntry)


@admin.register(AuditEntry)
class AuditFileAdmin(AuditEntryAdmin):
    """Entries, with the file of those that the list finds. Who may view entries may take it, and the log says so."""

    change_list_template = "admin/compliance/audit_change_list.html"

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.export_csv)
        return [path("csv/", page, name="compliance_auditentry_csv"), *super().get_urls()]

    @method_decorator(require_POST)
    def export_csv(self, request: HttpRequest) -> HttpResponseBase:
        """What the list finds with the filters and the search of the address, all pages of it, newest first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            change_list = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{reverse('admin:compliance_auditentry_changelist')}?e=1")
        totals = change_list.queryset.aggregate(entries=Count("pk"), newest=Max("pk"))
        details = {
            "entries": totals["entries"],
            "filters": change_list.get_filters_params(),
            "searched": bool(change_list.query),
        }
        events.record(Event.EXPORTED, user_id=request.user.pk, details=details)
        newest = totals["newest"]
        rows = (
            change_list.queryset.none()
            if newest is None
            else change_list.queryset.filter(pk__lte=newest).order_by("-pk")
        )
        return StreamingHttpResponse(
            _lines(request.user, rows),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="audit-entries.csv"'},
        )


def _lines(user: Any, rows: "QuerySet[Any]") -> Iterator[str]:
    """The file in pieces. Each reads in a transaction of its own: none is open while somebody takes a piece slowly."""
    yield _as_csv([COLUMNS])
    piece = _read(user, rows)
    while piece:
        yield _as_csv([_cell(getattr(row, name)) for name in COLUMNS] for row in piece)
        piece = _read(user, rows.filter(pk__lt=piece[-1].pk))


def _read(user: Any, rows: "QuerySet[Any]") -> list[Any]:
    """After the request, in which `user` asked: here the database is told again."""
    with scope.acting_as(user), transaction.atomic():
        return list(rows[:ROWS_AT_ONCE])


def _as_csv(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return neutral.cell(json.dumps(value, ensure_ascii=False))
    return neutral.cell(value.isoformat() if hasattr(value, "isoformat") else str(value))
