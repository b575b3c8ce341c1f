"""Publishing the rights, with what would change shown first. Added here: the room of rights knows no patterns or portfolios."""

from collections.abc import Callable, Collection
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from compliance import versions
from compliance.admin import RightsVersionAdmin
from compliance.models import RightsVersion
from compliance.terms import RightsTable, Use
from config.admin import pretty
from execution.exports import FORMATS
from execution.operations.rights_effect import find_effects

REFUSALS = (versions.NothingChanged, versions.ReasonMissing, versions.SecondPersonNeeded, versions.OvertakenVersion)

admin.site.unregister(RightsVersion)


@admin.register(RightsVersion)
class PublishedRightsAdmin(RightsVersionAdmin):
    """Versions, with the pages on which one is published or taken back. Who may add a version may do both."""

    fields = (
        "id", "reason", "made_at", "proposed_by", "published_at", "published_by", "based_on", "takes_back_to", "digest",
        "next_step", "table_json",
    )  # fmt: skip
    readonly_fields = ("next_step", "table_json")

    @admin.display(description="table")
    def table_json(self, row: RightsVersion) -> SafeString | str:
        return pretty(row.table) if row.table else "not kept: of an earlier release"

    @admin.display(description="next")
    def next_step(self, row: RightsVersion) -> SafeString | str:
        now = versions.current()
        if now is not None and row.pk == now.pk:
            return "it decides now"
        if row.table is None:
            return "—"
        name, words = (
            ("take_back", "take back to this version") if row.published_at else ("publish", "review and publish")
        )
        return format_html(
            '<a href="{}">{}</a>', reverse(f"admin:compliance_rightsversion_{name}", args=[row.pk]), words
        )

    def get_urls(self) -> list[URLPattern]:
        pages = (
            ("review/", self.review, "review"),
            ("<int:version_id>/publish/", self.publish, "publish"),
            ("<int:version_id>/take-back/", self.take_back, "take_back"),
        )
        return [
            *(
                path(at, self.admin_site.admin_view(page), name=f"compliance_rightsversion_{name}")
                for at, page, name in pages
            ),
            *super().get_urls(),
        ]

    def review(self, request: HttpRequest) -> HttpResponse:
        """The draft beside what decides, and the form that proposes it."""
        self._require_publisher(request)
        return self._confirm(
            request,
            lambda reason: versions.propose(reason=reason, by=request.user.pk),
            after=versions.draft(),
            title="Publish the draft of the rights",
            after_name="draft",
            verb="Publish",
            asks_reason=True,
        )

    def publish(self, request: HttpRequest, version_id: int) -> HttpResponse:
        """A version that somebody proposed, beside what decides, and the button of the second person."""
        self._require_publisher(request)
        version = get_object_or_404(RightsVersion, pk=version_id, published_at__isnull=True, table__isnull=False)
        return self._confirm(
            request,
            lambda _reason: versions.publish(version, by=request.user.pk),
            after=version.as_table(),
            title=f"Publish version {version.pk}: {version.reason}",
            after_name=f"version {version.pk}",
            verb="Publish",
            asks_reason=False,
        )

    def take_back(self, request: HttpRequest, version_id: int) -> HttpResponse:
        """An earlier version beside what decides, and the form that lets it decide again."""
        self._require_publisher(request)
        earlier = get_object_or_404(RightsVersion, pk=version_id, published_at__isnull=False, table__isnull=False)
        return self._confirm(
            request,
            lambda reason: versions.take_back_to(earlier, reason=reason, by=request.user.pk),
            after=earlier.as_table(),
            title=f"Take back to version {earlier.pk}",
            after_name=f"version {earlier.pk}",
            verb="Take back",
            asks_reason=True,
        )

    def _require_publisher(self, request: HttpRequest) -> None:
        if not request.user.has_perm("compliance.add_rightsversion"):
            raise PermissionDenied

    def _tell_outcome(self, request: HttpRequest, version: RightsVersion) -> HttpResponse:
        if version.published_at:
            words = f"version {version.pk} decides now"
        else:
            words = f"version {version.pk} is proposed: a second person must publish it"
        messages.success(request, words)
        return HttpResponseRedirect(reverse("admin:compliance_rightsversion_change", args=[version.pk]))

    def _confirm(
        self, request: HttpRequest, act: Callable[[str], RightsVersion], *, after: RightsTable, **words: Any
    ) -> HttpResponse:
        """Act with the reason of a form that was sent. Where none was, or it is refused, show what `after` would change."""
        refusal = ""
        if request.method == "POST":
            try:
                version = act(request.POST.get("reason", ""))
            except REFUSALS as error:
                refusal = str(error)
            else:
                return self._tell_outcome(request, version)
        before = versions.current()
        table = before.as_table() if before and before.table else RightsTable({})
        effects = find_effects(table, after, at=timezone.now().date())
        context = {
            **self.admin_site.each_context(request),
            **words,
            "before": before,
            "changes": versions.compare(table, after),
            "effects": effects,
            "patterns": sorted({effect.pattern_id for effect in effects}),
            "portfolios": sorted({effect.portfolio for effect in effects if effect.portfolio}),
            "exports": _forms_of({effect.use for effect in effects}),
            "reason": request.POST.get("reason", ""),
            "refusal": refusal,
        }
        return TemplateResponse(request, "admin/compliance/review.html", context, status=409 if refusal else 200)


def _forms_of(uses: Collection[Use]) -> list[str]:
    """The forms of exports that ask for one of the uses: all of them ask for display, and a bundle for its rows, too."""
    return [
        code
        for code, form in FORMATS.items()
        if {form.use, Use.DISPLAY} & set(uses) or (form.is_signed and Use.REDISTRIBUTE in uses)
    ]
