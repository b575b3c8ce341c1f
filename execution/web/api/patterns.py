"""The patterns that can be executed: what each takes, and what it gives."""

from typing import Any, ClassVar, Final

from django.db.models import F
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from execution.models import PatternVersion
from execution.patterns import json_schema, versions
from execution.web.api.door import Door
from execution.web.api.fields import Text
from execution.web.api.schema import refusals

HEADER: Final[dict[str, serializers.Field[Any, Any, Any, Any]]] = {
    "id": serializers.CharField(),
    "version": serializers.CharField(),
    "title": serializers.CharField(),
    "description": serializers.CharField(),
    "published_at": serializers.DateTimeField(),
    "document_hash": serializers.CharField(help_text="SHA-256 of the document's RFC 8785 form."),
}
PATTERNS = inline_serializer("Patterns", {"patterns": inline_serializer("PatternHeader", dict(HEADER), many=True)})
PATTERN = inline_serializer(
    "Pattern",
    {
        **HEADER,
        "versions": serializers.ListField(
            child=serializers.CharField(),
            help_text="All that were published, the newest first: `pattern_version` asks for one.",
        ),
        "inputs": serializers.DictField(help_text="JSON Schema (2020-12) of `inputs` of POST /v1/execute."),
        "outputs": serializers.DictField(
            child=serializers.DictField(), help_text="Name of each output of the result -> its JSON Schema."
        ),
        "steps": inline_serializer(
            "PatternStep",
            {
                "as": serializers.CharField(),
                "capability": serializers.CharField(),
                "when": serializers.CharField(allow_null=True, help_text="Its condition, in CEL."),
                "on_error": serializers.CharField(help_text="fail or omit."),
            },
            many=True,
        ),
    },
)


class Patterns(Door):
    @extend_schema(
        operation_id="patterns",
        summary="The patterns that can be executed",
        responses={200: PATTERNS},
    )
    def get(self, request: Request) -> Response:
        current = PatternVersion.objects.filter(pattern__in=versions.served_patterns(), pattern__current=F("pk"))
        return Response({"patterns": [_header(versions.require_intact(row)) for row in current.order_by("pattern_id")]})


class VersionQuery(serializers.Serializer[Any]):
    version = Text(required=False, max_length=32, help_text="Without it, the one that is served.")


class Pattern(Door):
    query_forms: ClassVar = {"GET": VersionQuery}

    @extend_schema(
        operation_id="pattern",
        summary="What a pattern takes and gives, as JSON Schema",
        parameters=[OpenApiParameter("pattern_id", str, OpenApiParameter.PATH), VersionQuery],
        responses={200: PATTERN, **refusals(409, 410)},
    )
    def get(self, request: Request, pattern_id: str) -> Response:
        row = versions.find_version(pattern_id, self.query.get("version"))
        pattern = versions.parse_version(row)
        return Response(
            {
                **_header(row),
                "versions": versions.published_names(pattern_id),
                "inputs": json_schema.of_inputs(pattern),
                "outputs": {name: json_schema.of_output(pattern, name) for name in pattern.outputs},
                "steps": [
                    {"as": step.name, "capability": step.capability, "when": step.when, "on_error": step.on_error}
                    for step in pattern.steps
                ],
            }
        )


def _header(row: PatternVersion) -> dict[str, Any]:
    """What the document says of itself, whether this release can run it or not."""
    return {
        "id": row.pattern_id,
        "version": row.version,
        "title": row.document["title"],
        "description": row.document["description"],
        "published_at": row.published_at,
        "document_hash": row.document_hash,
    }
