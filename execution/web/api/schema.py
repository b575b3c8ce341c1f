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


def refusals(*statuses: int) -> dict[Any, OpenApiResponse]:
    """The responses of an endpoint that may refuse with these statuses."""
    return {(status, "application/problem+json"): PROBLEM for status in statuses}
