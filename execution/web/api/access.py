"""Who besides its owner may see a portfolio: listed, given and taken back by the owner."""

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from execution.executor import PortfolioNotFound
from execution.web.api.body import StrictJson
from execution.web.api.door import Door
from execution.web.api.fields import IsoInstant, Text
from execution.web.api.portfolios import find_visible
from execution.web.api.query import read_form
from portfolio import access
from portfolio.models import AccessRole, Portfolio, PortfolioAccess

ROLES = [AccessRole.VIEWER.value, AccessRole.ADVISER.value]
ENTRY: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "id": serializers.IntegerField(),
    "username": serializers.CharField(),
    "role": serializers.ChoiceField(AccessRole.choices),
    "granted_at": serializers.DateTimeField(),
    "until": serializers.DateTimeField(allow_null=True, help_text="null: until it is taken back."),
    "is_open": serializers.BooleanField(help_text="Whether its time is not over."),
    "reason": serializers.CharField(help_text="Of the staff: why."),
}


class Given(serializers.Serializer[Any]):
    username = Text(max_length=150)
    role = serializers.ChoiceField(ROLES)
    until = IsoInstant(required=False, allow_null=True)


class PortfolioAccesses(Door):
    """Whoever else may see a portfolio. Owners alone read and give it."""

    parser_classes = (StrictJson,)

    @extend_schema(
        operation_id="portfolio_access",
        summary="Who else may see a portfolio, for its owner",
        responses={
            200: inline_serializer(
                "PortfolioAccesses",
                {"access": serializers.ListField(child=inline_serializer("PortfolioAccess", dict(ENTRY)))},
            ),
        },
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio = require_own(portfolio_id, request)
        rows = portfolio.grants.select_related("user").order_by("granted_at", "pk")
        return Response({"access": [as_dict(row) for row in rows]})

    @extend_schema(
        operation_id="give_access",
        summary="Let somebody see a portfolio, for a time or until it is taken back",
        examples=[OpenApiExample("an adviser", {"username": "viewer", "role": "adviser"}, request_only=True)],
        request=Given,
        responses={201: inline_serializer("PortfolioAccessGiven", dict(ENTRY))},
    )
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio = require_own(portfolio_id, request)
        fields = {"until": None, **read_form(Given(data=request.data), request.data)}
        assert request.user.pk is not None  # who is not logged in was refused
        row = access.give(portfolio, **fields, by=request.user.pk)
        return Response(as_dict(row), status=status.HTTP_201_CREATED)


class PortfolioAccessRow(Door):
    @extend_schema(
        operation_id="take_access_back",
        summary="Take access back",
        request=None,
        responses={204: None},
    )
    @transaction.atomic
    def delete(self, request: Request, portfolio_id: UUID, access_id: int) -> Response:
        """The owner takes it back."""
        access.take_back(require_own(portfolio_id, request), access_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def require_own(portfolio_id: UUID, request: Request) -> Portfolio:
    """Raises PortfolioNotFound where it is not the caller's own: who else sees it is the owner's to know."""
    portfolio = find_visible(portfolio_id)
    if portfolio.owner_id != request.user.pk:
        raise PortfolioNotFound
    return portfolio


def as_dict(row: PortfolioAccess) -> dict[str, Any]:
    return {
        "id": row.pk,
        "username": row.user.get_username(),
        "role": row.role,
        "granted_at": row.granted_at,
        "until": row.until,
        "is_open": row.is_open,
        "reason": row.reason,
    }
