"""How far ledger and database are apart, pack by pack. Read-only."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.decimals import plain
from execution.operations import reconciliation_report
from execution.web.api.door import Door
from execution.web.api.portfolios import find_visible
from execution.web.api.query import PageOfSpan, page_of
from portfolio.books.comparison import CASH_TOLERANCE, COST_TOLERANCE, VALUE_TOLERANCE_BP

ANSWER = inline_serializer(
    "Reconciliations",
    {
        "portfolio_id": serializers.UUIDField(),
        "tolerances": serializers.DictField(
            help_text="quantity, cash, cost, value_bp: differences up to these are no breaks."
        ),
        "count": serializers.IntegerField(help_text="Packs on all pages."),
        "failed": serializers.IntegerField(help_text="Of these, packs at which the books differ."),
        "max_error_bp": serializers.CharField(allow_null=True, help_text="The largest distance on all pages."),
        "offset": serializers.IntegerField(),
        "reconciliations": serializers.ListField(
            child=serializers.DictField(), help_text="The last one of each pack, newest first, with its breaks."
        ),
    },
)


class Reconciliations(Door):
    """The distance between ledger and database at each pack, in basis points of the ledger's value, and every break."""

    query_forms: ClassVar = {"GET": PageOfSpan}

    @extend_schema(
        operation_id="reconciliations",
        summary="Ledger against database at each pack, with every break",
        parameters=[PageOfSpan, OpenApiParameter("portfolio_id", UUID, OpenApiParameter.PATH)],
        responses={200: ANSWER},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        query = self.query
        portfolio = find_visible(portfolio_id)
        history = reconciliation_report.read_history(portfolio, first=query.get("first"), last=query.get("last"))
        reports = reconciliation_report.read_reports(history.distances[page_of(query)])
        return Response(
            {
                "portfolio_id": portfolio.pk,
                "tolerances": {
                    "quantity": "0",
                    "cash": plain(CASH_TOLERANCE),
                    "cost": plain(COST_TOLERANCE),
                    "value_bp": plain(VALUE_TOLERANCE_BP),
                },
                "count": len(history.distances),
                "failed": len(history.failing),
                "max_error_bp": reconciliation_report.basis_points(history.max_error_bp),
                "offset": query["offset"],
                "reconciliations": [reconciliation_report.as_dict(each) for each in reports],
            }
        )
