"""What the OpenAPI document says of every endpoint's refusals."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

PROBLEM = OpenApiResponse(
    response=inline_serializer(
        "Problem",
        {
            "type": serializers.CharField(),
            "title": serializers.CharField(),
            "status": serializers.IntegerField(),
            "detail": serializers.CharField(),
            "request_id": serializers.CharField(),
        },
    ),
    description="An RFC 9457 problem document.",
)

TRACE_STEP = inline_serializer(
    "TraceStep",
    {
        "as": serializers.CharField(help_text="Name of the step."),
        "capability": serializers.CharField(),
        "agent": serializers.CharField(allow_null=True),
        "status": serializers.ChoiceField(["ok", "skipped", "failed", "not_reached"]),
        "reason": serializers.CharField(required=False, help_text="Of a step that is not ok."),
        "started_at": serializers.DateTimeField(allow_null=True),
        "duration_ms": serializers.FloatField(allow_null=True),
        "asof": serializers.DateField(allow_null=True),
        "ttl": serializers.IntegerField(allow_null=True, help_text="Seconds that a panel may show it."),
        "sources": serializers.ListField(child=serializers.CharField(), help_text="Provider codes of the rows read."),
        "warnings": serializers.ListField(child=serializers.CharField()),
    },
)


def refusals(*statuses: int) -> dict[Any, OpenApiResponse]:
    """The responses of an endpoint that may refuse with these statuses."""
    return {(status, "application/problem+json"): PROBLEM for status in statuses}
