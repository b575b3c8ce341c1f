"""What was changed in a portfolio, and by whom: its owner's to read."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from execution.executor import PortfolioNotFound
from execution.operations import audit_report
from execution.web.api.door import Door
from execution.web.api.portfolios import find_visible
from execution.web.api.query import Page, page_of

ENTRY = inline_serializer(
    "PortfolioAuditEntry",
    {
        "id": serializers.IntegerField(),
        "at": serializers.DateTimeField(),
        "who": serializers.ChoiceField(["you", "staff", "another user", "the service", "the database"]),
        "door": serializers.ChoiceField(["page", "api", "admin", "command", "task", "database"]),
        "request_id": serializers.CharField(help_text="Of your own requests."),
        "reason": serializers.CharField(),
        "action": serializers.CharField(help_text="insert, update, delete; found: there when the log began."),
        "what": serializers.CharField(),
        "before": serializers.DictField(allow_null=True, help_text="Columns that changed; null: it was not there."),
        "after": serializers.DictField(allow_null=True, help_text="Null: it is gone."),
        "sealed": serializers.BooleanField(help_text="Whether it is signed already; it takes a minute."),
    },
)
ANSWER = inline_serializer(
    "PortfolioAudit",
    {
        "portfolio_id": serializers.UUIDField(),
        "count": serializers.IntegerField(help_text="Entries on all pages."),
        "offset": serializers.IntegerField(),
        "entries": serializers.ListField(child=ENTRY, help_text="Newest first."),
    },
)


class PortfolioAudit(Door):
    """Every change of a portfolio, its grants and its ledger revisions."""

    query_forms: ClassVar = {"GET": Page}

    @extend_schema(
        operation_id="portfolio_audit",
        summary="What was changed in a portfolio, and by whom, for its owner",
        parameters=[Page, OpenApiParameter("portfolio_id", UUID, OpenApiParameter.PATH)],
        responses={200: ANSWER},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio = find_visible(portfolio_id)
        if portfolio.owner_id != request.user.pk:
            raise PortfolioNotFound
        return Response(
            {
                "portfolio_id": portfolio.pk,
                "count": audit_report.count(portfolio),
                "offset": self.query["offset"],
                "entries": audit_report.read(portfolio, page_of(self.query), reader=portfolio.owner_id),
            }
        )
