"""The studio: staff begin, write, check, publish and discard drafts of patterns. Each page is a form that works without script."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.validators import RegexValidator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from config import strict_json
from config.admin import OfferedFilters
from execution.admin import dry_run
from execution.models import Pattern, PatternDraft, PatternVersion
from execution.operations import pattern_use
from execution.patterns import (
    PatternInvalid,
    catalogue,
    document_text,
    drafts,
    inspection,
    publishing,
    step_graph,
    versions,
)

REFUSALS = (
    drafts.DraftOvertaken,
    drafts.VersionOvertaken,
    drafts.VersionNotRaised,
    drafts.PublisherIsAuthor,
    publishing.ReasonMissing,
    publishing.PatternRefused,
    PatternInvalid,
    strict_json.JsonRefused,
    strict_json.TooLarge,
    versions.PatternRetired,
)
NAME = RegexValidator(r"^[a-z][a-z0-9_]{0,63}\Z", "small letters, digits and _, a letter first")
USE_DAYS = 30


class BeginForm(forms.Form):
    """A draft from nothing, from a file, or from what is published or shipped."""

    id = forms.CharField(
        max_length=64,
        required=False,
        validators=[NAME],
        help_text="Of the pattern, as its address and the API have it; empty: the file's own.",
    )
    copied = forms.ChoiceField(label="Copy of", required=False)
    file = forms.FileField(required=False, help_text="A document, as an export gives it.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        served = versions.served_patterns().values_list("pk", "title")
        self.fields["copied"].choices = [  # type: ignore[attr-defined]
            ("", "nothing: a skeleton"),
            *((f"served {pk}", f"{title} ({pk})") for pk, title in served),
            *((f"library {name}", f"{name}, of the library") for name in publishing.read_library()),
        ]

    def clean(self) -> dict[str, Any]:
        """With `document`, which the draft begins with, and the `id` of its pattern."""
        cleaned = super().clean() or {}
        document: dict[str, Any] | None = None
        file, copied = cleaned.get("file"), cleaned.get("copied")
        if file:
            try:
                value = strict_json.loads(
                    file.read(publishing.MAX_DOCUMENT_BYTES + 1), max_bytes=publishing.MAX_DOCUMENT_BYTES
                )
            except (strict_json.JsonRefused, strict_json.TooLarge) as refusal:
                raise forms.ValidationError(f"{file.name}: {refusal}") from refusal
            if not isinstance(value, dict):
                raise forms.ValidationError(f"{file.name}: a pattern is an object")
            document = value
        elif copied:
            kind, _, name = copied.partition(" ")
            try:
                document = dict(
                    versions.current_version(name).document if kind == "served" else publishing.read_library()[name]
                )
            except (versions.PatternRetired, versions.PatternAltered) as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        pattern_id = cleaned.get("id") or (document or {}).get("id")
        if not isinstance(pattern_id, str):
            raise forms.ValidationError("a pattern has an id")
        NAME(pattern_id)
        cleaned["id"] = pattern_id
        cleaned["document"] = (document or skeleton()) | {"id": pattern_id}
        return cleaned


def skeleton() -> dict[str, Any]:
    """What a pattern begins with: the positions of a portfolio, valued, as a table."""
    return {
        "id": "",
        "version": "1.0.0",
        "title": "A title",
        "description": "",
        "inputs": {"portfolio_id": {"type": "uuid", "required": True, "description": "The portfolio."}},
        "steps": [
            {
                "capability": "ledger.positions",
                "args": {"portfolio_id": "{{inputs.portfolio_id}}"},
                "as": "positions",
            },
        ],
        "outputs": ["positions"],
        "panels": [],
    }


@admin.register(PatternDraft)
class PatternDraftAdmin(OfferedFilters):
    """Who may add and change drafts writes them; who may publish patterns publishes them."""

    list_display = ("id", "revision", "based_on", "saved_by", "saved_at", "proposed_by")
    list_select_related = ("based_on", "saved_by", "proposed_by")
    search_fields = ("id", "text")
    date_hierarchy = "saved_at"
    actions = None

    def get_urls(self) -> list[URLPattern]:
        pages: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
            ("catalogue/", require_safe(self.catalogue), "catalogue"),
            ("<slug:pattern_id>/check/", require_POST(self.findings), "check"),
            ("<slug:pattern_id>/publish/", self.publish, "publish"),
            ("<slug:pattern_id>/dry-run/", dry_run.page, "dry_run"),
            ("<slug:pattern_id>/export/", require_safe(self.export), "export"),
        )
        return [
            *(
                path(at, self.admin_site.admin_view(page), name=f"execution_patterndraft_{name}")
                for at, page, name in pages
            ),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The form that begins a draft."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = BeginForm(request.POST, request.FILES) if request.method == "POST" else BeginForm()
        if form.is_valid():
            try:
                draft = drafts.begin_with(form.cleaned_data["document"], by=user_id(request))
            except drafts.DraftExists as exists:
                form.add_error("id", str(exists))
            else:
                return HttpResponseRedirect(page_of(draft.pk))
        return self._page(request, "begin", title="Begin a draft", form=form)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The editor. It saves with POST, and shows what is stored where somebody else was quicker."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        draft = PatternDraft.objects.select_related("based_on", "saved_by", "proposed_by").filter(pk=object_id).first()
        if request.method != "POST":
            if draft is None:
                raise Http404
            return self._editor(request, draft, draft.text)
        if not self.has_change_permission(request):
            raise PermissionDenied
        text = request.POST.get("text", "").replace("\r\n", "\n")
        if draft is None:
            return self._gone(request, object_id, text)
        if "check" in request.POST:
            return self._editor(request, draft, text, revision=read_revision(request))
        try:
            draft = drafts.save(object_id, text, revision=read_revision(request), by=user_id(request))
        except drafts.DraftOvertaken as overtaken:
            if overtaken.other is None:
                return self._gone(request, object_id, text)
            return self._editor(request, overtaken.other, text, refusal=str(overtaken))
        if "review" in request.POST:
            return HttpResponseRedirect(page_of(draft.pk, "publish"))
        messages.success(request, f"revision {draft.revision} is saved")
        return HttpResponseRedirect(page_of(draft.pk))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Discard the revision that was shown."""
        draft = get_object_or_404(PatternDraft, pk=object_id)
        if not self.has_delete_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            try:
                drafts.discard(object_id, revision=read_revision(request))
            except drafts.DraftOvertaken as overtaken:
                return self._page(request, "discard", title="Discard the draft", draft=draft, refusal=str(overtaken))
            messages.success(request, f"the draft of {object_id} is discarded")
            return HttpResponseRedirect(reverse("admin:execution_patterndraft_changelist"))
        return self._page(request, "discard", title="Discard the draft", draft=draft)

    def findings(self, request: HttpRequest, pattern_id: str) -> JsonResponse:
        """The findings of a text that is being typed, and the graph of its steps."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        draft_inspection = inspection.inspect(request.POST.get("text", ""), pattern_id)
        return JsonResponse(
            {
                "findings": [
                    {"line": each.line, "column": each.column, "pointer": each.pointer, "message": each.message}
                    for each in draft_inspection.findings
                ],
                "graph": None if draft_inspection.document is None else draw_graph(draft_inspection),
            }
        )

    def catalogue(self, request: HttpRequest) -> JsonResponse:
        """What the editor completes."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return JsonResponse(catalogue.catalogue())

    def export(self, request: HttpRequest, pattern_id: str) -> HttpResponse:
        """The text as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        draft = get_object_or_404(PatternDraft, pk=pattern_id)
        return as_file(draft.text, f"{pattern_id}.json")

    def publish(self, request: HttpRequest, pattern_id: str) -> HttpResponse:
        """What would change, who asked the pattern lately, and the form that publishes or proposes."""
        if not request.user.has_perm("execution.publish_pattern"):
            raise PermissionDenied
        draft = get_object_or_404(PatternDraft.objects.select_related("based_on", "proposed_by"), pk=pattern_id)
        message, refusal = request.POST.get("message", ""), ""
        if request.method == "POST":
            try:
                return self._published(request, draft, message)
            except REFUSALS as failure:
                refusal = str(failure)
        draft_inspection = inspection.inspect(draft.text, draft.pk)
        before = draft.based_on.document if draft.based_on else None
        return self._page(
            request,
            "publish",
            status=409 if refusal else 200,
            title=f"Publish {draft.pk}",
            draft=draft,
            inspection=draft_inspection,
            changes="\n".join(document_text.diff(before, draft_inspection.document))
            if draft_inspection.document is not None
            else "",
            use=pattern_use.count(draft.pk, days=USE_DAYS),
            days=USE_DAYS,
            message=message,
            refusal=refusal,
        )

    def _published(self, request: HttpRequest, draft: PatternDraft, message: str) -> HttpResponse:
        revision, by = read_revision(request), user_id(request)
        version: PatternVersion | None
        if draft.proposed_by_id is None:
            version = drafts.propose(draft.pk, revision=revision, message=message, by=by)
        else:
            version = drafts.publish(draft.pk, revision=revision, by=by)
        if version is None:
            messages.success(request, f"{draft.pk} is proposed: a second person must publish it")
            return HttpResponseRedirect(page_of(draft.pk))
        messages.success(request, f"{version} is served now")
        return HttpResponseRedirect(reverse("admin:execution_pattern_change", args=[version.pattern_id]))

    def _editor(
        self, request: HttpRequest, draft: PatternDraft, text: str, *, revision: int | None = None, refusal: str = ""
    ) -> HttpResponse:
        draft_inspection = inspection.inspect(text, draft.pk)
        return self._page(
            request,
            "edit",
            status=409 if refusal else 200,
            title=f"Draft of {draft.pk}",
            draft=draft,
            text=text,
            revision=draft.revision if revision is None else revision,
            inspection=draft_inspection,
            graph=draw_graph(draft_inspection) if draft_inspection.document is not None else "",
            may_change=self.has_change_permission(request),
            may_publish=request.user.has_perm("execution.publish_pattern"),
            refusal=refusal,
            differences="\n".join(document_text.diff_texts(draft.text, text)) if refusal else "",
        )

    def _gone(self, request: HttpRequest, pattern_id: str, text: str) -> HttpResponse:
        """What was written for a draft that was published or discarded meanwhile, and the button that begins another with it."""
        try:
            NAME(pattern_id)
        except forms.ValidationError as no_name:
            raise Http404 from no_name
        refusal = str(drafts.DraftOvertaken(pattern_id, None))
        may_begin = self.has_add_permission(request)
        if "again" in request.POST and may_begin:
            try:
                return HttpResponseRedirect(page_of(drafts.begin(pattern_id, text, by=user_id(request)).pk))
            except drafts.DraftExists as exists:
                refusal = str(exists)
        return self._page(
            request,
            "gone",
            status=409,
            title=f"Draft of {pattern_id}",
            pattern_id=pattern_id,
            pattern=Pattern.objects.filter(pk=pattern_id).first(),
            text=text,
            refusal=refusal,
            may_begin=may_begin,
        )

    def _page(self, request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(
            request, f"admin/execution/patterndraft/{template}.html", {**frame, **context}, status=status
        )


def draw_graph(draft_inspection: inspection.Inspection) -> SafeString:
    return render_to_string(
        "admin/execution/patterndraft/graph.html", {"graph": step_graph.draw(draft_inspection.document or {})}
    )


def page_of(pattern_id: str, name: str = "change") -> str:
    return reverse(f"admin:execution_patterndraft_{name}", args=[pattern_id])


def user_id(request: HttpRequest) -> int:
    assert request.user.pk is not None  # nobody else comes into the admin
    return request.user.pk


def read_revision(request: HttpRequest) -> int:
    text = request.POST.get("revision", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def as_file(text: str, name: str) -> HttpResponse:
    return HttpResponse(
        text, content_type="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
