"""How far the two books of a portfolio are apart, pack by pack: as an endpoint, and as a page. Looking only."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from execution.executor.errors import PortfolioNotFound, RequestInvalid
from execution.models import BlockedPortfolio
from execution.patterns.templating import Scope
from execution.web.api import PROBLEM, SpanAsked
from execution.web.pages import navigation, panels
from portfolio.books.reconciliation import CASH_TOLERANCE, COST_TOLERANCE, VALUE_TOLERANCE_BP
from portfolio.models import Break, Portfolio, Reconciliation

PAGE, MOST, SHOWN = 100, 1_000, 30

TOLD = inline_serializer(
    "Reconciliations",
    {
        "portfolio_id": serializers.UUIDField(),
        "tolerances": serializers.DictField(help_text="quantity, cash, cost, value_bp: what is no break."),
        "count": serializers.IntegerField(),
        "failed": serializers.IntegerField(help_text="Packs at which the books differ, of all that were asked for."),
        "max_error_bp": serializers.CharField(allow_null=True, help_text="Of all that were asked for."),
        "offset": serializers.IntegerField(),
        "reconciliations": serializers.ListField(
            child=serializers.DictField(), help_text="The last one of each pack, newest first, with its breaks."
        ),
    },
)


class Asked(SpanAsked):
    offset = serializers.IntegerField(min_value=0, max_value=2**31, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=PAGE)


class Reconciliations(APIView):
    """The distance between ledger and database at each pack, in basis points of the ledger's value, and every break."""

    @extend_schema(
        operation_id="reconciliations",
        parameters=[Asked, OpenApiParameter("portfolio_id", UUID, OpenApiParameter.PATH)],
        responses={200: TOLD, **{(status, "application/problem+json"): PROBLEM for status in (400, 401, 404)}},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        asked = _asked(request)
        portfolio = Portfolio.objects.filter(pk=portfolio_id).first()
        if portfolio is None:
            raise PortfolioNotFound
        found = _last_of_each(portfolio, first=asked.get("first"), last=asked.get("last"))
        page = found[asked["offset"] : asked["offset"] + asked["limit"]]
        return Response(
            {
                "portfolio_id": portfolio.pk,
                "tolerances": {
                    "quantity": "0",
                    "cash": str(CASH_TOLERANCE),
                    "cost": str(COST_TOLERANCE),
                    "value_bp": str(VALUE_TOLERANCE_BP),
                },
                "count": len(found),
                "failed": sum(each.status == "fail" for each in found),
                "max_error_bp": _bp(_largest(found)),
                "offset": asked["offset"],
                "reconciliations": [_told(row) for row in _whole(page)],
            }
        )


@require_safe
@login_required
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """The distance over time, what broke, and the last packs in figures."""
    portfolio = Portfolio.objects.filter(slug=slug).first()
    if portfolio is None:
        # Unknown and not yours are one page, to the byte.
        return render(request, "404.html", status=404)
    found = _last_of_each(portfolio)
    rising = found[::-1]
    scope = Scope(
        inputs={},
        state={
            "distance": {
                "dates": [each.asof_date.isoformat() for each in rising],
                "values": [None if each.error_bp is None else float(round(each.error_bp, 6)) for each in rising],
            }
        },
        ctx={"portfolio_id": str(portfolio.pk), "base_currency": portfolio.base_currency},
    )
    failing = [each for each in found if each.status == "fail"]
    told = [_told(row) | _worth(row, portfolio.base_currency) for row in _whole(found[:SHOWN])]
    largest = _largest(found)
    response = render(
        request,
        "reconciliation.html",
        {
            "portfolio": portfolio,
            "navigation": navigation.for_portfolio(portfolio, current="reconciliation"),
            "newest": told[0] if told else None,
            "count": len(found),
            "failed": len(failing),
            "max_error_bp": _bp(largest),
            "chart": None if largest is None else _CHART,
            "scope": scope,
            "failing": [_told(row) for row in _whole(failing[:SHOWN])],
            "rows": told,
            "tolerance_bp": VALUE_TOLERANCE_BP,
        },
    )
    patch_cache_control(response, private=True, no_store=True)
    return response


_CHART: Mapping[str, Any] = {
    "id": "distance",
    "type": "line_chart",
    "title": "Distance between the books, basis points",
    "x": "{{state.distance.dates}}",
    "series": [{"label": "Distance, bp", "values": "{{state.distance.values}}", "format": "decimal_2"}],
}


def _asked(request: Request) -> Mapping[str, Any]:
    """Raises RequestInvalid with every field that is wrong or unknown."""
    form = Asked(data=request.query_params)
    wrong = [
        {"pointer": f"/{name}", "reason": "is not a parameter here"}
        for name in sorted(request.query_params.keys() - form.fields)
    ]
    if not form.is_valid():
        wrong += [
            {"pointer": f"/{name}", "reason": str(reason)}
            for name, reasons in form.errors.items()
            for reason in reasons
        ]
    if wrong:
        raise RequestInvalid(sorted(wrong, key=lambda each: each["pointer"]))
    return dict(form.validated_data)


class Compared(NamedTuple):
    id: int
    asof_date: date
    status: str
    error_bp: Decimal | None


def _last_of_each(portfolio: Portfolio, *, first: date | None = None, last: date | None = None) -> list[Compared]:
    """The last reconciliation of each pack, newest pack first."""
    found: QuerySet[Reconciliation] = Reconciliation.objects.filter(portfolio=portfolio)
    if first:
        found = found.filter(pack__asof_date__gte=first)
    if last:
        found = found.filter(pack__asof_date__lte=last)
    found = found.order_by("-pack__asof_date", "-pack__sequence", "pack_id", "-made_at", "-id")
    rows = found.distinct("pack__asof_date", "pack__sequence", "pack_id")
    return [Compared(*row) for row in rows.values_list("id", "pack__asof_date", "status", "error_bp")]


def _largest(found: Sequence[Compared]) -> Decimal | None:
    return max((each.error_bp for each in found if each.error_bp is not None), default=None)


def _whole(found: Sequence[Compared]) -> list[Reconciliation]:
    """With pack, revision and breaks, and with what kept the night from having figures there; in the order given."""
    rows: QuerySet[Any] = Reconciliation.objects.select_related("pack", "revision").prefetch_related(
        Prefetch("breaks", queryset=Break.objects.order_by("id"), to_attr="found")
    )
    by_id = rows.in_bulk([each.id for each in found])
    whole = [by_id[each.id] for each in found]
    portfolios, packs = {row.portfolio_id for row in whole}, {row.pack_id for row in whole}
    for row in whole:
        row.blocked = []
    for each in BlockedPortfolio.objects.filter(portfolio__in=portfolios, pack__in=packs).order_by("id"):
        for row in whole:
            if row.pack_id == each.pack_id:
                row.blocked.append({"job": each.job, "kind": each.kind, "reason": each.reason})
    return whole


def _told(row: Any) -> dict[str, Any]:
    return {
        "pack_id": row.pack_id,
        "asof_date": row.pack.asof_date,
        "status": row.status,
        "error_bp": _bp(row.error_bp),
        "compared": row.compared,
        "ledger_value": _plain(row.ledger_value),
        "database_value": _plain(row.database_value),
        "revision": row.revision.number if row.revision else None,
        "ledger_commit": row.revision.commit if row.revision else None,
        "made_at": row.made_at,
        "breaks": [
            {
                "kind": each.kind,
                "account": each.account,
                "commodity": each.commodity,
                "ledger_value": _plain(each.ledger_value),
                "database_value": _plain(each.database_value),
                "difference": _plain(each.difference),
                "error_bp": _bp(each.error_bp),
                "detail": each.detail,
            }
            for each in row.found
        ],
        "blocked": row.blocked,
        # The pack's price is its provider's to show: here stands only what is the owner's, and how far it is off.
        "price_differences": [
            {name: value for name, value in each.items() if name != "pack_price"} for each in row.price_differences
        ],
    }


def _worth(row: Reconciliation, currency: str) -> dict[str, panels.Figure]:
    values = {"ledger": row.ledger_value, "database": row.database_value}
    return {
        name: panels.figure(None if value is None else str(value), "currency", currency=currency)
        for name, value in values.items()
    }


def _bp(distance: Decimal | None) -> str | None:
    return None if distance is None else format(round(distance, 6).normalize() + Decimal(0), "f")


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else format(number.normalize() + Decimal(0), "f")
