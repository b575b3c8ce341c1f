"""The draft of the rights is staff's to edit; what decides are the versions, which stay as they are. The audit log is read."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from compliance import versions
from compliance.models import (
    USES,
    AuditCheck,
    AuditEntry,
    AuditSeal,
    DataSource,
    Licence,
    RightsDecision,
    RightsVersion,
)
from compliance.terms import Use, digest
from config.admin import EvidenceAdmin, OfferedFilters, pretty


class DraftAdmin(OfferedFilters):
    """A list that says whether the draft differs from what decides."""

    change_list_template = "admin/compliance/draft_change_list.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        now = versions.current()
        is_changed = now is None or now.digest != digest(versions.draft().as_dict())
        return super().changelist_view(request, {**(extra_context or {}), "version": now, "is_changed": is_changed})


class SourceForm(forms.ModelForm):  # type: ignore[type-arg]
    link = forms.URLField(max_length=400, required=False, assume_scheme="https")


@admin.register(DataSource)
class DataSourceAdmin(DraftAdmin):
    form = SourceForm
    list_display = ("code", "name", *(use.value for use in Use), "attribution")
    list_filter = tuple(use.value for use in Use)
    search_fields = ("code", "name", "attribution")
    fieldsets = (
        (None, {"fields": ("code", "name", "terms")}),
        ("Uses", {"fields": tuple(use.value for use in Use)}),
        ("Words", {"fields": ("attribution", "placement", "link", "watermark")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Rows of packs carry the code."""
        return ("code",) if obj else ()


class LicenceForm(forms.ModelForm):  # type: ignore[type-arg]
    uses = forms.MultipleChoiceField(choices=USES, widget=forms.CheckboxSelectMultiple)


@admin.register(Licence)
class LicenceAdmin(DraftAdmin):
    form = LicenceForm
    list_display = ("source", "tier", "uses", "environment", "valid_from", "valid_to", "document")
    list_filter = ("source",)
    list_select_related = ("source",)
    search_fields = ("source__code", "tier", "document")
    date_hierarchy = "valid_from"


@admin.register(RightsVersion)
class RightsVersionAdmin(EvidenceAdmin):
    list_display = ("id", "reason", "made_at", "published_at", "takes_back_to", "digest")
    search_fields = ("digest", "reason")
    date_hierarchy = "made_at"


class VerdictFilter(admin.SimpleListFilter):
    """What was refused, apart from what was let through."""

    title = "verdict"
    parameter_name = "verdict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("refused", "refused"), ("let-through", "let through")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[RightsDecision]") -> "QuerySet[RightsDecision]":
        match self.value():
            case "refused":
                return queryset.exclude(refusing=[])
            case "let-through":
                return queryset.filter(refusing=[])
        return queryset


class ProviderFilter(admin.SimpleListFilter):
    """Sources that were asked, of those that are registered."""

    title = "source"
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(code, code) for code in DataSource.objects.values_list("code", flat=True)]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[RightsDecision]") -> "QuerySet[RightsDecision]":
        return queryset.filter(sources__has_key=self.value()) if self.value() else queryset


@admin.register(RightsDecision)
class RightsDecisionAdmin(EvidenceAdmin):
    """What was taken and what was refused. The database shows it to staff who may view rights decisions."""

    list_display = (
        "at", "who", "use", "outcome", "refused_by", "rights_version", "environment", "execution_id", "request_id",
    )  # fmt: skip
    list_filter = (VerdictFilter, "use", "outcome", ProviderFilter, "rights_version", "environment")
    search_fields = ("execution_id", "request_id")
    date_hierarchy = "at"
    fields = (
        "id", "at", "who", "use", "outcome", "sources_json", "rights_version", "day", "environment", "execution_id",
        "request_id",
    )  # fmt: skip
    readonly_fields = ("who", "sources_json")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[RightsDecision]":
        return with_username(super().get_queryset(request))

    @admin.display(description="who")
    def who(self, row: Any) -> str:
        return row.username or str(row.user_id)

    @admin.display(description="refused by", empty_value="—")
    def refused_by(self, row: RightsDecision) -> str | None:
        return ", ".join(row.refusing) or None

    @admin.display(description="sources")
    def sources_json(self, row: RightsDecision) -> SafeString:
        return pretty(row.sources)


def with_username(rows: "QuerySet[Any]") -> "QuerySet[Any]":
    """The rows with the name of whom their `user_id` numbers."""
    users = get_user_model().objects.filter(pk=OuterRef("user_id"))
    rows_with_names: QuerySet[Any] = rows.annotate(username=Subquery(users.values("username")[:1]))
    return rows_with_names


class UserFilter(admin.SimpleListFilter):
    """By name, of those who changed anything."""

    title = "who"
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        users = get_user_model().objects.filter(pk__in=AuditEntry.objects.order_by().values("user_id"))
        return [(str(pk), name) for pk, name in users.order_by("username").values_list("pk", "username")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[AuditEntry]") -> "QuerySet[AuditEntry]":
        user_id = self.value()
        return queryset.filter(user_id=user_id) if user_id and user_id.isdecimal() else queryset


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
        return with_username(super().get_queryset(request))

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
