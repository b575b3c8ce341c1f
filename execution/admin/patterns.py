"""Patterns with their versions, which are evidence, and the drafts of the next ones."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.admin import EvidenceAdmin, EvidenceInline
from execution import models
from execution.patterns import document_text


class PatternVersionInline(EvidenceInline):
    model = models.PatternVersion
    fields = ("version", "message", "author", "published_by", "published_at", "document_hash")
    show_change_link = True


@admin.register(models.Pattern)
class PatternAdmin(EvidenceAdmin):
    list_display = ("id", "title", "current_version", "retired_at")
    list_select_related = ("current",)
    search_fields = ("id", "title")
    inlines = (PatternVersionInline,)

    @admin.display(description="serves", empty_value="—")
    def current_version(self, row: models.Pattern) -> str | None:
        return row.current.version if row.current else None


@admin.register(models.PatternVersion)
class PatternVersionAdmin(EvidenceAdmin):
    list_display = ("pattern_id", "version", "message", "author", "document_hash", "published_at")
    list_display_links = ("version",)
    list_filter = ("pattern",)
    list_select_related = ("author",)
    search_fields = ("pattern__id", "document_hash", "message")
    date_hierarchy = "published_at"
    fields = (
        *("pattern", "version", "message", "author", "published_by", "published_at", "based_on", "document_hash"),
        *("changes", "document_text"),
    )
    readonly_fields = ("changes", "document_text")

    @admin.display(description="document")
    def document_text(self, row: models.PatternVersion) -> SafeString:
        return format_html("<pre>{}</pre>", document_text.write(row.document))

    @admin.display(description="changes to the version before")
    def changes(self, row: models.PatternVersion) -> SafeString | str:
        if row.based_on is None:
            return "it was the first"
        return format_html("<pre>{}</pre>", "\n".join(document_text.diff(row.based_on.document, row.document)))


@admin.register(models.PatternDraft)
class PatternDraftAdmin(EvidenceAdmin):
    list_display = ("id", "revision", "based_on", "saved_by", "saved_at", "proposed_by")
    list_select_related = ("based_on", "saved_by", "proposed_by")
    search_fields = ("id", "text")
    date_hierarchy = "saved_at"
