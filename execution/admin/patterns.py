"""Patterns with their versions, which are evidence: what is served, since when and why; retired and brought back."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from config.admin import EvidenceAdmin, EvidenceInline
from execution.admin.drafts import USE_DAYS, as_file, page_of, user_id
from execution.models import Pattern, PatternDraft, PatternVersion
from execution.operations import pattern_use
from execution.patterns import document_text, drafts, publishing, versions


def begin_draft(request: HttpRequest, version: PatternVersion) -> HttpResponse:
    """Begin a draft with a version, and go to it; to the one that is there, or back to a version that may not be used."""
    try:
        drafts.begin_from(version, by=user_id(request))
    except drafts.DraftExists as exists:
        messages.error(request, f"{exists}: publish or discard it first")
    except versions.PatternAltered as altered:
        messages.error(request, str(altered))
        return HttpResponseRedirect(reverse("admin:execution_patternversion_change", args=[version.pk]))
    return HttpResponseRedirect(page_of(version.pattern_id))


class PatternVersionInline(EvidenceInline):
    model = PatternVersion
    fields = ("version", "message", "author", "published_by", "published_at", "document_hash")
    show_change_link = True


@admin.register(Pattern)
class PatternAdmin(EvidenceAdmin):
    """Who may add drafts edits; who may publish patterns retires and brings back."""

    list_display = ("id", "title", "current_version", "retired_at")
    list_select_related = ("current",)
    search_fields = ("id", "title")
    fields = ("id", "title", "current", "retired_at", "retired_by", "retired_because", "next_step")
    readonly_fields = ("next_step",)
    inlines = (PatternVersionInline,)

    @admin.display(description="serves", empty_value="—")
    def current_version(self, row: Pattern) -> str | None:
        return row.current.version if row.current else None

    @admin.display(description="next")
    def next_step(self, row: Pattern) -> SafeString:
        page, words = ("bring_back", "bring back") if row.retired_at else ("retire", "retire")
        return format_html(
            '<a href="{}">{}</a> · <a href="{}">{}</a>',
            reverse("admin:execution_pattern_edit", args=[row.pk]),
            "go on with its draft" if PatternDraft.objects.filter(pk=row.pk).exists() else "edit",
            reverse(f"admin:execution_pattern_{page}", args=[row.pk]),
            words,
        )

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("execution.publish_pattern"))

    def get_urls(self) -> list[URLPattern]:
        pages = (("edit", self.edit), ("retire", self.retire), ("bring_back", self.bring_back))
        return [
            *(
                path(f"<slug:pattern_id>/{name}/", self.admin_site.admin_view(page), name=f"execution_pattern_{name}")
                for name, page in pages
            ),
            *super().get_urls(),
        ]

    def edit(self, request: HttpRequest, pattern_id: str) -> HttpResponse:
        """The draft of the next version; where there is none, the button that begins it with what is served."""
        if not request.user.has_perm("execution.add_patterndraft"):
            raise PermissionDenied
        pattern = get_object_or_404(Pattern.objects.select_related("current"), pk=pattern_id, current__isnull=False)
        if not PatternDraft.objects.filter(pk=pattern_id).exists():
            if request.method != "POST":
                return self._page(request, pattern, "Edit", "Begin a draft", asks_reason=False)
            assert pattern.current is not None  # by the filter above
            return begin_draft(request, pattern.current)
        return HttpResponseRedirect(page_of(pattern_id))

    def retire(self, request: HttpRequest, pattern_id: str) -> HttpResponse:
        return self._move(request, pattern_id, "Retire", publishing.retire)

    def bring_back(self, request: HttpRequest, pattern_id: str) -> HttpResponse:
        return self._move(request, pattern_id, "Bring back", publishing.bring_back)

    def _move(self, request: HttpRequest, pattern_id: str, verb: str, act: Callable[..., None]) -> HttpResponse:
        """Act with the reason of a form that was sent, or show the form."""
        if not self.has_publish_permission(request):
            raise PermissionDenied
        pattern = get_object_or_404(Pattern, pk=pattern_id, current__isnull=False)
        refusal = ""
        if request.method == "POST":
            try:
                act(pattern_id, because=request.POST.get("reason", ""), by=user_id(request))
            except publishing.ReasonMissing as missing:
                refusal = str(missing)
            else:
                messages.success(request, f"{verb}: {pattern_id}, done")
                return HttpResponseRedirect(reverse("admin:execution_pattern_change", args=[pattern_id]))
        return self._page(request, pattern, verb, verb, asks_reason=True, refusal=refusal)

    def _page(
        self, request: HttpRequest, pattern: Pattern, title: str, verb: str, *, asks_reason: bool, refusal: str = ""
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{title} {pattern.pk}",
            "pattern": pattern,
            "verb": verb,
            "asks_reason": asks_reason,
            "use": pattern_use.count(pattern.pk, days=USE_DAYS),
            "days": USE_DAYS,
            "refusal": refusal,
        }
        return TemplateResponse(
            request, "admin/execution/pattern/confirm.html", context, status=409 if refusal else 200
        )


@admin.register(PatternVersion)
class PatternVersionAdmin(EvidenceAdmin):
    list_display = ("pattern_id", "version", "message", "author", "document_hash", "published_at")
    list_display_links = ("version",)
    list_filter = ("pattern",)
    list_select_related = ("author",)
    search_fields = ("pattern__id", "document_hash", "message")
    date_hierarchy = "published_at"
    fields = (
        *("pattern", "version", "message", "author", "published_by", "published_at", "based_on", "document_hash"),
        *("next_step", "changes", "document_text"),
    )
    readonly_fields = ("next_step", "changes", "document_text")

    def get_urls(self) -> list[URLPattern]:
        pages = (("export", require_safe(self.export)), ("begin", require_POST(self.begin)))
        return [
            *(
                path(f"<int:number>/{name}/", self.admin_site.admin_view(page), name=f"execution_patternversion_{name}")
                for name, page in pages
            ),
            *super().get_urls(),
        ]

    def export(self, request: HttpRequest, number: int) -> HttpResponse:
        """The document as a file, which can be imported as a draft."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        version = get_object_or_404(PatternVersion, pk=number)
        return as_file(document_text.write(version.document), f"{version.pattern_id}-{version.version}.json")

    def begin(self, request: HttpRequest, number: int) -> HttpResponse:
        """A draft of the next version with the document of this one."""
        if not request.user.has_perm("execution.add_patterndraft"):
            raise PermissionDenied
        return begin_draft(request, get_object_or_404(PatternVersion, pk=number))

    @admin.display(description="next")
    def next_step(self, row: PatternVersion) -> SafeString:
        return format_html('<a href="{}">export</a>', reverse("admin:execution_patternversion_export", args=[row.pk]))

    @admin.display(description="document")
    def document_text(self, row: PatternVersion) -> SafeString:
        return format_html("<pre>{}</pre>", document_text.write(row.document))

    @admin.display(description="changes to the version before")
    def changes(self, row: PatternVersion) -> SafeString | str:
        if row.based_on is None:
            return "it was the first"
        return format_html("<pre>{}</pre>", "\n".join(document_text.diff(row.based_on.document, row.document)))
