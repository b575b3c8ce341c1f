"""Rights are staff's to edit; each change opens a version of the table, which served results name."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from compliance import rights
from compliance.models import DataSource, RightsVersion
from config.admin import EvidenceAdmin


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
