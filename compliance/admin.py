"""Rights are staff's to edit; each change opens a version of the table, which served results name. The audit log is read."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString

from compliance import rights
from compliance.models import AuditCheck, AuditEntry, AuditSeal, DataSource, RightsVersion
from config.admin import EvidenceAdmin, pretty


@admin.register(DataSource)
class DataSourceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("code", "name", "display", "export_csv", "export_pdf", "redistribute", "attribution")
    list_filter = ("display", "export_csv", "export_pdf", "redistribute")
    search_fields = ("code", "name", "attribution")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Rows of packs carry the code."""
        return ("code",) if obj else ()

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: DataSource, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        rights.stamp()

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: DataSource) -> None:
        super().delete_model(request, obj)
        rights.stamp()

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[DataSource]") -> None:
        super().delete_queryset(request, queryset)
        rights.stamp()


@admin.register(RightsVersion)
class RightsVersionAdmin(EvidenceAdmin):
    list_display = ("id", "digest", "made_at")
    search_fields = ("digest",)
    date_hierarchy = "made_at"


class UserFilter(admin.SimpleListFilter):
    """By name, of those who changed anything."""

    title = "who"
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        users = get_user_model().objects.filter(pk__in=AuditEntry.objects.order_by().values("user_id"))
        return [(str(pk), name) for pk, name in users.order_by("username").values_list("pk", "username")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[AuditEntry]") -> "QuerySet[AuditEntry]":
        chosen = self.value()
        return queryset.filter(user_id=chosen) if chosen and chosen.isdecimal() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(EvidenceAdmin):
    """The database shows it to staff who may view audit entries."""

    list_display = ("at", "who", "door", "action", "table_name", "row_key", "of_portfolio", "via", "reason")
    list_filter = (UserFilter, "door", "action", "table_name", "of_portfolio")
    search_fields = ("row_key", "request_id")
    date_hierarchy = "at"
    fields = (
        "id", "at", "who", "door", "via", "request_id", "reason", "account", "role", "action", "table_name", "row_key",
        "of_portfolio", "changed_from", "changed_to", "transaction", "server",
    )  # fmt: skip
    readonly_fields = ("who", "changed_from", "changed_to")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[AuditEntry]":
        users = get_user_model().objects.filter(pk=OuterRef("user_id"))
        rows: QuerySet[AuditEntry] = super().get_queryset(request)
        return rows.annotate(username=Subquery(users.values("username")[:1]))

    @admin.display(description="who")
    def who(self, row: Any) -> str:
        return row.username or row.account or "—"

    @admin.display(description="before")
    def changed_from(self, row: AuditEntry) -> SafeString:
        return pretty(row.before)

    @admin.display(description="after")
    def changed_to(self, row: AuditEntry) -> SafeString:
        return pretty(row.after)


@admin.register(AuditSeal)
class AuditSealAdmin(EvidenceAdmin):
    list_display = ("number", "sealed_at", "from_transaction", "to_transaction", "signature")
    date_hierarchy = "sealed_at"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[AuditSeal]":
        """The list reads no column that is large."""
        rows: QuerySet[AuditSeal] = super().get_queryset(request)
        return rows.defer("entries")


@admin.register(AuditCheck)
class AuditCheckAdmin(EvidenceAdmin):
    list_display = ("finished_at", "entries", "rows", "count")
    date_hierarchy = "finished_at"
