"""Executions as files: ordered, watched, downloaded and taken away by who ordered them."""

from datetime import datetime
from io import BytesIO
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db import transaction
from django.http import FileResponse, HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.models import TokenScope
from execution import exports
from execution.executor import NotAllowed
from execution.exports import portfolio_file
from execution.models import ExecutionExport, ExportState
from execution.web import limits, ordered_exports
from execution.web.api.body import StrictJson
from execution.web.api.door import Door
from execution.web.api.fields import JsonBoolean, Text, UuidText
from execution.web.api.portfolios import find_visible
from execution.web.api.query import read_form
from execution.web.api.schema import EXAMPLE_ID, refusals

EXPORT = inline_serializer(
    "Export",
    {
        "export_id": serializers.UUIDField(),
        "execution_id": serializers.UUIDField(),
        "format": serializers.CharField(),
        "panel": serializers.CharField(allow_null=True),
        "state": serializers.CharField(help_text="waiting, running, done, failed, cancelled or removed."),
        "progress": serializers.IntegerField(help_text="Percent."),
        "reason": serializers.CharField(allow_null=True, help_text="Why it failed."),
        "left_out": serializers.ListField(child=serializers.CharField(), help_text="Outputs that providers refuse."),
        "rights_version": serializers.IntegerField(),
        "sha256": serializers.CharField(allow_null=True),
        "size": serializers.IntegerField(allow_null=True),
        "file": serializers.CharField(allow_null=True, help_text="Where it is downloaded, once it is done."),
        "made_at": serializers.DateTimeField(),
        "expires_at": serializers.DateTimeField(help_text="When the file is removed."),
    },
)


class ExportRequest(serializers.Serializer[Any]):
    execution_id = UuidText()
    format = serializers.ChoiceField(list(exports.FORMATS))
    panel = Text(max_length=64, required=False, default="", help_text="The id of one panel alone.")
    reduced = JsonBoolean(
        required=False, default=False, help_text="Leave out what providers refuse, where something is left."
    )


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Exports(Door):
    """Not one transaction: what was ordered, refused or failed stays on record."""

    parser_classes = (StrictJson,)
    token_scopes: ClassVar = {"POST": TokenScope.EXPORT}

    @extend_schema(
        operation_id="order_export",
        summary="Make a file of an execution, at once or by a worker",
        description="What was ordered, refused or failed stays on record.",
        request=ExportRequest,
        examples=[
            OpenApiExample("as CSV", {"execution_id": EXAMPLE_ID, "format": "csv", "reduced": True}, request_only=True)
        ],
        responses={201: EXPORT, 202: EXPORT, **refusals(404, 410)},
    )
    def post(self, request: Request) -> Response:
        fields = read_form(ExportRequest(data=request.data), request.data)
        export = ordered_exports.order(
            request,
            execution_id=fields["execution_id"],
            code=fields["format"],
            panel=fields["panel"],
            reduced=fields["reduced"],
        )
        status = 201 if export.state == ExportState.DONE else 202
        headers = {"Location": _address(export), **limits.EXPORTS.headers(request.user)}
        return Response(_as_dict(export), status=status, headers=headers)


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Export(Door):
    token_scopes: ClassVar = dict.fromkeys(("GET", "DELETE"), TokenScope.EXPORT)

    @extend_schema(operation_id="export", summary="How far an export is", responses={200: EXPORT})
    def get(self, request: Request, export_id: UUID) -> Response:
        with transaction.atomic():
            return Response(_as_dict(exports.find(export_id)))

    @extend_schema(
        operation_id="remove_export",
        summary="End an export, or remove its file",
        responses={204: OpenApiResponse(description="Cancelled, or its file removed.")},
    )
    def delete(self, request: Request, export_id: UUID) -> Response:
        exports.remove(export_id)
        return Response(status=204)


FILES: Final = [
    (200, media_type.partition(";")[0])
    for each in exports.FORMATS.values()
    for media_type in (each.media_type, each.panel_media_type)
    if media_type
]
"""Status and media type of each file that an export can be."""


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class ExportFile(Door):
    """The file, whole, or none."""

    token_scopes: ClassVar = {"GET": TokenScope.EXPORT}

    @extend_schema(
        operation_id="export_file",
        summary="The file of an export",
        responses={**dict.fromkeys(FILES, OpenApiTypes.BINARY), **refusals(409, 410)},
    )
    def get(self, request: Request, export_id: UUID) -> FileResponse:
        row, file = exports.open_file(export_id)
        form = exports.FORMATS[row.format]
        return FileResponse(
            file,
            as_attachment=True,
            filename=form.file_name(_stem(row), row.panel),
            content_type=form.panel_media_type if row.panel else form.media_type,
            headers={"Cache-Control": "private, no-store"},
        )


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class PortfolioFile(Door):
    """A whole portfolio, for its owner: its ledger with its history, its settings and its transactions."""

    token_scopes: ClassVar = {"GET": TokenScope.EXPORT}

    @extend_schema(
        operation_id="portfolio_file",
        summary="A whole portfolio in a zip, for its owner",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, portfolio_id: UUID) -> FileResponse:
        with transaction.atomic():
            portfolio = find_visible(portfolio_id)
        if portfolio.owner_id != request.user.pk:
            raise NotAllowed("a whole portfolio is its owner's to take out")
        file = BytesIO()  # some megabytes at most: text, compressed
        portfolio_file.write(file, portfolio)
        file.seek(0)
        return FileResponse(
            file,
            as_attachment=True,
            filename=f"{portfolio.slug}.zip",
            content_type="application/zip",
            headers={"Cache-Control": "private, no-store"},
        )


@require_safe
def signing_keys(request: HttpRequest) -> JsonResponse:
    """The public keys that bundles are verified by, for everybody."""
    return JsonResponse(exports.keys.as_document())


def _stem(row: ExecutionExport) -> str:
    with transaction.atomic():
        execution = row.execution
        return f"{execution.pattern_version.pattern_id}-{execution.asof_date.isoformat()}"


def _as_dict(row: ExecutionExport) -> dict[str, Any]:
    is_done = row.state == ExportState.DONE
    return {
        "export_id": str(row.pk),
        "execution_id": str(row.execution_id),
        "format": row.format,
        "panel": row.panel or None,
        "state": row.state,
        "progress": row.progress,
        "reason": row.reason or None,
        "left_out": row.decision["left_out"],
        "rights_version": row.rights_version,
        "sha256": row.sha256 or None,
        "size": row.size,
        "file": reverse("export-file", args=[row.pk]) if is_done else None,
        "made_at": _iso(row.made_at),
        "expires_at": _iso(row.expires_at),
    }


def _address(row: ExecutionExport) -> str:
    return reverse("export", args=[row.pk])


def _iso(at: datetime) -> str:
    return at.isoformat()
