"""The portfolios that the caller may see, and the one that an address names."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from execution.executor import NotAllowed, PortfolioNotFound
from execution.web.api.door import Door
from execution.web.api.query import Page, page_of
from portfolio import books
from portfolio.models import LedgerRevision, Portfolio, RevisionStatus

REVISION: Final = inline_serializer(
    "LedgerRevision",
    {
        "number": serializers.IntegerField(),
        "commit": serializers.CharField(help_text="40 hexadecimal digits: `ledger_commit` of a request."),
        "status": serializers.ChoiceField(RevisionStatus.choices),
    },
    allow_null=True,
    help_text="Null where there is none yet.",
)
FIELDS: Final[dict[str, serializers.Field[Any, Any, Any, Any]]] = {
    "id": serializers.UUIDField(help_text="`portfolio_id` of all requests."),
    "slug": serializers.CharField(help_text="Its name in addresses of pages, and its folder in the ledger."),
    "name": serializers.CharField(),
    "base_currency": serializers.CharField(),
    "policy": serializers.CharField(help_text="The pricing policy of its packs."),
    "access": serializers.ChoiceField(["owner", "reader"]),
    "revision": REVISION,
}
PORTFOLIOS: Final = inline_serializer(
    "Portfolios",
    {
        "count": serializers.IntegerField(help_text="Portfolios on all pages."),
        "offset": serializers.IntegerField(),
        "portfolios": inline_serializer("PortfolioEntry", dict(FIELDS), many=True),
    },
)
PORTFOLIO: Final = inline_serializer(
    "Portfolio",
    {
        **FIELDS,
        "created_at": serializers.DateTimeField(),
        "newest_revision": REVISION,
        "first_date": serializers.DateField(allow_null=True, help_text="Of its first entry."),
        "last_date": serializers.DateField(allow_null=True, help_text="Of the last entry of `revision`."),
    },
)


class Portfolios(Door):
    query_forms: ClassVar = {"GET": Page}

    @extend_schema(
        operation_id="portfolios",
        summary="The portfolios that you own or may read, by name",
        parameters=[Page],
        responses={200: PORTFOLIOS},
    )
    def get(self, request: Request) -> Response:
        rows = Portfolio.objects.order_by("name", "slug")
        page = list(rows[page_of(self.query)])
        entries = _entries(page, request)
        return Response({"count": rows.count(), "offset": self.query["offset"], "portfolios": entries})


class PortfolioDetail(Door):
    @extend_schema(
        operation_id="portfolio",
        summary="One portfolio",
        parameters=[OpenApiParameter("portfolio_id", UUID, OpenApiParameter.PATH)],
        responses={200: PORTFOLIO},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio = find_visible(portfolio_id)
        revision = books.newest_reconciled(portfolio)
        (entry,) = _entries([portfolio], request)
        return Response(
            {
                **entry,
                "created_at": portfolio.created_at,
                "newest_revision": revision_as_dict(books.newest(portfolio)),
                "first_date": books.first_date(portfolio),
                "last_date": books.last_date(revision) if revision else None,
            }
        )


def _entries(portfolios: Sequence[Portfolio], request: Request) -> list[dict[str, Any]]:
    revisions = books.newest_reconciled_by_portfolio(portfolios)
    return [
        {
            "id": each.pk,
            "slug": each.slug,
            "name": each.name,
            "base_currency": each.base_currency,
            "policy": each.policy_id,
            "access": "owner" if each.owner_id == request.user.pk else "reader",
            "revision": revision_as_dict(revisions.get(each.pk)),
        }
        for each in portfolios
    ]


def revision_as_dict(revision: LedgerRevision | None) -> dict[str, Any] | None:
    if revision is None:
        return None
    return {"number": revision.number, "commit": revision.commit, "status": revision.status}


def find_visible(portfolio_id: UUID) -> Portfolio:
    """Row-level security shows the caller's. Raises PortfolioNotFound."""
    portfolio = Portfolio.objects.filter(pk=portfolio_id).first()
    if portfolio is None:
        raise PortfolioNotFound
    return portfolio


def require_owned(portfolio_id: UUID, request: Request) -> Portfolio:
    """Raises PortfolioNotFound where the caller may not see it, NotAllowed where he may only read it."""
    portfolio = find_visible(portfolio_id)
    if portfolio.owner_id != request.user.pk:
        raise NotAllowed("only the owner of a portfolio writes to its ledger")
    return portfolio
