"""What the OpenAPI document says of every endpoint's refusals."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

from execution.web.problems.problem import CONTENT_TYPE

EXAMPLE_ID: Final = "0d413ced-4d7a-40fc-9d6b-54476385f974"
"""Stands in examples for the caller's own."""
PROBLEM = OpenApiResponse(
    response=inline_serializer(
        "Problem",
        {
            "type": serializers.CharField(help_text="The runbook has a line for each."),
            "title": serializers.CharField(),
            "status": serializers.IntegerField(),
            "detail": serializers.CharField(),
            "errors": inline_serializer(
                "Finding",
                {
                    "pointer": serializers.CharField(help_text="JSON Pointer to what is wrong; empty: the whole."),
                    "reason": serializers.CharField(),
                },
                many=True,
                required=False,
                help_text="Everything that is wrong, of a request that is not valid.",
            ),
            "request_id": serializers.CharField(),
        },
    ),
    description="An RFC 9457 problem document.",
)

TRACE_STEPS = serializers.ListField(
    child=inline_serializer(
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
            "sources": serializers.ListField(
                child=serializers.CharField(), help_text="Provider codes of the rows read."
            ),
            "warnings": serializers.ListField(child=serializers.CharField()),
        },
    ),
    help_text="In the order of the pattern.",
)


def refusals(*statuses: int) -> dict[Any, OpenApiResponse]:
    """Refusals that are the endpoint's own, beside those that every one has."""
    return {(status, CONTENT_TYPE): PROBLEM for status in statuses}
