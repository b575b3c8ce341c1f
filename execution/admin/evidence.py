"""Executions and nights, read-only: all of them are evidence."""

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from compliance import decision_record, rights
from config.admin import EvidenceAdmin, EvidenceInline, pretty
from execution import models
from execution.operations import pack_diff
from pricing.admin import PricingPackAdmin
from pricing.models import PricingPack

MOST_CHANGES = 500
"""Changes that the page of differences lists."""


@admin.register(models.Execution)
class ExecutionAdmin(EvidenceAdmin):
    """Row-level security shows the executions on portfolios that the user may see."""

    list_display = (
        "id", "pattern_version", "user", "asof_date", "pack_id", "status", "provisional", "duration_ms", "started_at",
    )  # fmt: skip
    list_filter = ("status", "provisional", "pattern_version__pattern")
    list_select_related = ("pattern_version", "user")
    search_fields = ("id", "pack_id", "result_hash", "key", "ledger_commit_hash")
    date_hierarchy = "started_at"
    fields = (
        "id", "pattern_version", "user", "portfolio_id", "asof_date", "status", "provisional", "started_at",
        "finished_at", "duration_ms", "pack_id", "pack_chain_hash", "ledger_commit_hash", "engine_version", "key", "result_hash",
        "request_json", "result_json", "trace_json", "sources_json", "warnings_json", "problem_json",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name.endswith("_json"))

    def get_queryset(self, request: HttpRequest) -> "QuerySet[models.Execution]":
        """The list reads no column that is large."""
        rows = super().get_queryset(request)
        match = request.resolver_match
        if match is not None and match.url_name == "execution_execution_changelist":
            return rows.defer("result", "trace", "request", "sources", "warnings", "problem")
        return rows

    @admin.display(description="request")
    def request_json(self, row: models.Execution) -> SafeString:
        return pretty(row.request)

    @admin.display(description="result")
    def result_json(self, row: models.Execution) -> SafeString | str:
        """Rights govern what is displayed, here as in answers."""
        return pretty(_displayable(row)) if row.result else "—"

    @admin.display(description="trace")
    def trace_json(self, row: models.Execution) -> SafeString:
        return pretty(row.trace)

    @admin.display(description="sources")
    def sources_json(self, row: models.Execution) -> SafeString:
        return pretty(row.sources)

    @admin.display(description="warnings")
    def warnings_json(self, row: models.Execution) -> SafeString:
        return pretty(row.warnings)

    @admin.display(description="problem")
    def problem_json(self, row: models.Execution) -> SafeString | str:
        return pretty(row.problem) if row.problem else "—"


def _displayable(row: models.Execution) -> Any:
    """The result without the outputs that the rights of now withhold."""
    decision = rights.decide_outputs(row.sources)
    decision_record.record(decision, execution_id=row.pk)
    withheld = decision.withheld
    return {
        name: {"value": None, "status": "unavailable", "reason": "right-denied"} if name in withheld else output
        for name, output in json.loads(row.result).items()
    }


@admin.register(models.ExecutionExport)
class ExecutionExportAdmin(EvidenceAdmin):
    """Row-level security shows those that the user made."""

    list_display = (
        "id",
        "execution_id",
        "user",
        "format",
        "panel",
        "state",
        "is_reduced",
        "rights_version",
        "size",
        "made_at",
    )
    list_filter = ("state", "format", "is_reduced")
    list_select_related = ("user",)
    search_fields = ("id", "execution__id", "sha256", "request_id")
    date_hierarchy = "made_at"


@admin.register(models.SigningKey)
class SigningKeyAdmin(EvidenceAdmin):
    list_display = ("keyid", "public_key", "valid_from")
    date_hierarchy = "valid_from"


@admin.register(models.IdempotencyKey)
class IdempotencyKeyAdmin(EvidenceAdmin):
    list_display = ("key", "user", "execution_id", "created_at")
    list_select_related = ("user",)
    search_fields = ("key", "body_hash")
    date_hierarchy = "created_at"


class JobRunInline(EvidenceInline):
    model = models.JobRun
    fields = (
        *("position", "name", "state", "fencing", "started_at", "heartbeat_at", "finished_at", "detail", "reason"),
        "retry_at",
    )
    ordering = ("position",)


@admin.register(models.NightlyRun)
class NightlyRunAdmin(EvidenceAdmin):
    list_display = ("id", "policy", "from_date", "date", "release", "state", "restates", "started_at", "finished_at")
    list_filter = ("state", "policy")
    search_fields = ("id", "restates")
    date_hierarchy = "date"
    inlines = (JobRunInline,)


@admin.register(models.JobRun)
class JobRunAdmin(EvidenceAdmin):
    list_display = ("id", "run", "name", "state", "fencing", "started_at", "finished_at", "reason")
    list_filter = ("state", "name")
    list_select_related = ("run",)
    search_fields = ("run__id", "reason")
    date_hierarchy = "started_at"


@admin.register(models.JobChunk)
class JobChunkAdmin(EvidenceAdmin):
    list_display = ("id", "job", "fencing", "number", "pack_id", "state", "started_at", "finished_at", "reason")
    list_filter = ("state", "job__name")
    list_select_related = ("job",)
    search_fields = ("job__run__id", "pack_id", "reason")
    date_hierarchy = "started_at"


@admin.register(models.ExecutionOrder)
class ExecutionOrderAdmin(EvidenceAdmin):
    """Questions that workers answer. Row-level security shows each user's own."""

    list_display = ("id", "user", "state", "execution_id", "ordered_at", "finished_at")
    list_filter = ("state",)
    list_select_related = ("user",)
    search_fields = ("id", "request_id")
    date_hierarchy = "ordered_at"


@admin.register(models.DroppedExecution)
class DroppedExecutionAdmin(EvidenceAdmin):
    """What is left of executions. Row-level security shows those on portfolios that the user may see."""

    list_display = ("id", "pattern_version", "user", "asof_date", "started_at", "dropped_at", "reason")
    list_filter = ("reason",)
    list_select_related = ("pattern_version", "user")
    search_fields = ("id", "result_hash", "key")
    date_hierarchy = "dropped_at"


@admin.register(models.HistoryCheck)
class HistoryCheckAdmin(EvidenceAdmin):
    list_display = ("day", "part", "portfolios", "count", "started_at", "finished_at")
    date_hierarchy = "day"


@admin.register(models.BlockedPortfolio)
class BlockedPortfolioAdmin(EvidenceAdmin):
    """Portfolios that a job of the night could not do. Row-level security shows those that the user may see."""

    list_display = ("portfolio", "pack_id", "job", "kind", "reason", "made_at")
    list_filter = ("kind", "job")
    list_select_related = ("portfolio",)
    search_fields = ("portfolio__slug", "pack__id", "reason")
    date_hierarchy = "made_at"


admin.site.unregister(PricingPack)


@admin.register(PricingPack)
class ComparedPackAdmin(PricingPackAdmin):
    """A pack with its differences to the day before. They are added here, because the room of packs knows no portfolios."""

    readonly_fields = (*PricingPackAdmin.readonly_fields, "day_before")

    @admin.display(description="day before")
    def day_before(self, row: PricingPack) -> SafeString | str:
        if row.sequence is None:
            return "not sealed"
        return format_html('<a href="{}">differences</a>', reverse("admin:pack_diff", args=[row.pk]))

    def get_urls(self) -> list[URLPattern]:
        page = path("<str:pack_id>/diff/", self.admin_site.admin_view(self.diff), name="pack_diff")
        return [page, *super().get_urls()]

    def diff(self, request: HttpRequest, pack_id: str) -> HttpResponse:
        """The page of differences: rows by effect, and the value of each portfolio that the user may see.

        raises   Http404 for a pack that is not sealed
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        pack = get_object_or_404(
            PricingPack.objects.select_related("policy", "content"), sequence__isnull=False, pk=pack_id
        )
        before = pack_diff.day_before(pack)
        differences = pack_diff.as_dict(pack_diff.compare(before, pack)) if before else {}
        context = {
            **self.admin_site.each_context(request),
            "title": "Differences to the day before",
            **differences,
            "pack": pack,
            "before": before,
            "changes": differences.get("changes", [])[:MOST_CHANGES],
            "more": len(differences.get("changes", [])) > MOST_CHANGES,
        }
        return TemplateResponse(request, "admin/pricing/pricingpack/diff.html", context)
