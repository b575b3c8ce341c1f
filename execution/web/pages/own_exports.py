"""Exports in a browser: choose a form, read a refusal, download, take away."""

from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import InterfaceError, OperationalError, transaction
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods, require_safe
from redis.exceptions import RedisError

from compliance.refusal import RightDenied
from config.errors import TieoutError
from execution import exports
from execution.executor import RequestInvalid
from execution.models import Execution, ExecutionExport, ExportState
from execution.web import ordered_exports
from execution.web.pages import navigation
from execution.web.pages.problem_page import render_failure

LISTED: Final = 50


@transaction.non_atomic_requests
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The user's exports; with `execution` (and `panel`) in the address, the forms in which that one can be had."""
    try:
        response = _submit(request) if request.method == "POST" else _show(request)
    except (TieoutError, OperationalError, InterfaceError, RedisError) as failure:
        return render_failure(request, failure, {})
    patch_cache_control(response, private=True, no_store=True)
    return response


@transaction.non_atomic_requests
@require_safe
def verifier(request: HttpRequest) -> FileResponse:
    """The page that verifies bundles, to be saved, for everybody: it works where it is saved, not here."""
    return FileResponse(exports.VERIFIER.open("rb"), as_attachment=True, filename=exports.VERIFIER.name)


def _submit(request: HttpRequest) -> HttpResponse:
    if "remove" in request.POST:
        exports.remove(_id_of(request.POST, "remove"))
        return _to_list(request)
    code = request.POST.get("format", "")
    if code not in exports.FORMATS:
        raise RequestInvalid([{"pointer": "/format", "reason": f"is none of {', '.join(exports.FORMATS)}"}])
    try:
        ordered_exports.order(
            request,
            execution_id=_id_of(request.POST, "execution"),
            code=code,
            panel=request.POST.get("panel", ""),
            reduced=request.POST.get("reduced") == "1",
        )
    except RightDenied as refusal:
        return _show(request, refusal=refusal, code=code)
    return _to_list(request)


def _to_list(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(navigation.with_query(reverse("exports-page"), navigation.carry(request.GET.dict())))


@transaction.atomic
def _show(request: HttpRequest, *, refusal: RightDenied | None = None, code: str = "") -> HttpResponse:
    fields = request.POST if refusal else request.GET
    context: dict[str, Any] = {"exports": _own(), "refused": refusal, "code": code}
    if "execution" in fields:
        context |= _choice(_id_of(fields, "execution"), fields.get("panel", ""))
    return render(request, "exports.html", context, status=403 if refusal else 200)


def _choice(execution_id: UUID, panel: str) -> dict[str, Any]:
    """What can be had of an execution, or of one of its panels."""
    execution = exports.find_execution(execution_id)
    document = execution.pattern_version.document
    titles = {each["id"]: each["title"] for each in document["panels"]}
    if panel and panel not in titles:
        raise exports.NoSuchPanel(panel, tuple(titles))
    return {
        "execution": execution,
        "panel": panel,
        "title": titles.get(panel, document["title"]),
        "formats": [code for code, form in exports.FORMATS.items() if form.of_panel or not panel],
    }


def _own() -> list[dict[str, Any]]:
    """The user's newest exports; row-level security shows no others."""
    rows = ExecutionExport.objects.select_related("execution__pattern_version").order_by("-made_at", "id")[:LISTED]
    return [{"row": row, "title": _title(row.execution), "is_open": row.state in _OPEN} for row in rows]


_OPEN: Final = (ExportState.WAITING, ExportState.RUNNING)


def _title(execution: Execution) -> str:
    return str(execution.pattern_version.document["title"])


def _id_of(fields: Any, name: str) -> UUID:
    try:
        return UUID(fields.get(name, ""))
    except ValueError as wrong:
        raise RequestInvalid([{"pointer": f"/{name}", "reason": "is no identifier"}]) from wrong
