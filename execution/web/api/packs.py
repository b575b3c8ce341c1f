"""The packs through the street door: their headers, and what one of them holds, page by page. Looking only."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from compliance import rights
from execution.executor.errors import RequestInvalid
from execution.web.api import PROBLEM, SpanAsked
from pricing import packs
from pricing.models import PackAction, PackObservation, PackPrice, PackRate, PackStatus, PricingPack

PAGE, MOST = 100, 1_000

REFUSALS = {(status, "application/problem+json"): PROBLEM for status in (400, 401, 404)}
HEADER: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "id": serializers.CharField(),
    "policy": serializers.CharField(),
    "asof_date": serializers.DateField(),
    "release": serializers.IntegerField(),
    "sequence": serializers.IntegerField(allow_null=True, help_text="Order of sealing; null before."),
    "status": serializers.ChoiceField(PackStatus.choices),
    "superseded_by": serializers.CharField(
        allow_null=True, help_text="The fresh pack of the same date that answers instead; derived, never stored."
    ),
    "content_hash": serializers.CharField(allow_null=True),
    "chain_hash": serializers.CharField(allow_null=True),
    "rows": serializers.IntegerField(allow_null=True),
    "restates": serializers.CharField(help_text="Why this release was made; empty for the first."),
    "sealed_at": serializers.DateTimeField(allow_null=True),
    "updated_at": serializers.DateTimeField(),
    "failed_job": serializers.CharField(help_text="Empty unless in error."),
    "reason": serializers.CharField(help_text="Empty unless in error."),
}


class ListAsked(SpanAsked):
    policy = serializers.CharField(max_length=16, required=False)
    status = serializers.ChoiceField(PackStatus.choices, required=False)
    superseded = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="false leaves them out."
    )
    offset = serializers.IntegerField(min_value=0, max_value=2**31, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=PAGE)


class RowsAsked(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["prices", "rates", "observations", "actions"], default="prices")
    offset = serializers.IntegerField(min_value=0, max_value=2**31, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=PAGE)


COLUMNS: Mapping[str, Mapping[str, str]] = {
    "prices": {
        "symbol": "security__symbol", "close": "close", "factor": "factor", "currency": "currency",
        "observed_date": "observed_date",
        "price_basis": "price_basis", "source": "source", "flags": "flags",
    },
    "rates": {
        "base": "base", "quote": "quote", "rate": "rate", "observed_date": "observed_date", "fix_at": "fix_at",
        "source": "source", "flags": "flags",
    },
    "observations": {
        "series": "series_id", "observation_date": "observation_date", "value": "value", "known_at": "known_at",
        "vintage": "vintage", "source": "source", "flags": "flags",
    },
    "actions": {
        "symbol": "security__symbol", "action": "action", "ex_date": "ex_date", "ratio": "ratio", "amount": "amount",
        "currency": "currency", "pay_date": "pay_date", "announced": "announced", "source": "source", "flags": "flags",
    },
}  # fmt: skip
"""By kind, what a row tells and where it is from; the first columns, in which no two rows are equal, order them."""

COUNTS = {
    **dict.fromkeys(COLUMNS, "Rows of that kind."),
    "active": "Securities that were listed on its date.",
    "left_out": "Of those, without a close in it: none that could be taken.",
    "stale": "Closes and rates that are older than its date.",
    "extreme": "Closes and rates that moved further than usual.",
    "accepted": "Closes and rates that staff let in.",
    "undecided": "Rows of its date in quarantine that nobody has decided on.",
}
KEYS = {"prices": 1, "rates": 2, "observations": 2, "actions": 3}
NUMBERS = {"close", "factor", "rate", "value", "ratio", "amount"}

PACKS = inline_serializer(
    "Packs",
    {
        "count": serializers.IntegerField(help_text="Of all pages."),
        "offset": serializers.IntegerField(),
        "packs": inline_serializer("PackHeader", dict(HEADER), many=True),
    },
)
PACK = inline_serializer(
    "Pack",
    {
        **HEADER,
        "counts": inline_serializer(
            "PackCounts",
            {name: serializers.IntegerField(help_text=told) for name, told in COUNTS.items()},
        ),
        "left_out": serializers.ListField(
            child=serializers.CharField(),
            help_text="Securities that were listed and had no close that could be taken.",
        ),
        "kind": serializers.ChoiceField(list(COLUMNS)),
        "offset": serializers.IntegerField(),
        "rows_of_kind": serializers.ListField(
            child=serializers.DictField(),
            help_text="Numbers are decimal strings, as they were published; null where `withheld`.",
        ),
        "rights": inline_serializer(
            "PackRights",
            {"version": serializers.IntegerField(), "withheld": serializers.ListField(child=serializers.CharField())},
        ),
        "attributions": serializers.ListField(child=serializers.CharField()),
    },
)


class Packs(APIView):
    """The packs, newest date first."""

    @extend_schema(operation_id="packs", parameters=[ListAsked], responses={200: PACKS, **REFUSALS})
    def get(self, request: Request) -> Response:
        asked = _asked(ListAsked, request)
        found = _headers().order_by("policy", "-asof_date", "-release")
        for name, condition in (
            ("policy", "policy"), ("status", "status"), ("first", "asof_date__gte"), ("last", "asof_date__lte"),
        ):  # fmt: skip
            if name in asked:
                found = found.filter(**{condition: asked[name]})
        if asked["superseded"] is not None:
            found = found.filter(superseded_by__isnull=not asked["superseded"])
        page = found[asked["offset"] : asked["offset"] + asked["limit"]]
        return Response(
            {"count": found.count(), "offset": asked["offset"], "packs": _described(list(page))},
        )


class Pack(APIView):
    """One pack: its hashes, what it holds, what was left out, and its rows of one kind."""

    @extend_schema(
        operation_id="pack",
        parameters=[
            RowsAsked,
            OpenApiParameter("pack_id", str, OpenApiParameter.PATH, description="PP_<date>_<policy>_r<n>"),
        ],
        responses={200: PACK, **REFUSALS},
    )
    def get(self, request: Request, pack_id: str) -> Response:
        asked = _asked(RowsAsked, request)
        pack: Any = packs.with_quality(_headers()).filter(pk=pack_id).first() if "\0" not in pack_id else None
        if pack is None:
            raise packs.PackNotFound(pack_id)
        left_out = packs.left_out(pack=pack) if pack.content_id else []
        rows, decided = _page(pack, **asked)
        return Response(
            {
                **_described([pack])[0],
                "counts": {
                    "prices": pack.priced,
                    "rates": pack.converted,
                    "observations": _rows(pack, "observations").count(),
                    "actions": _rows(pack, "actions").count(),
                    "active": pack.active,
                    "left_out": len(left_out),
                    "stale": pack.stale_rows,
                    "extreme": pack.extreme_rows,
                    "accepted": pack.accepted_rows,
                    "undecided": pack.undecided_rows,
                },
                "left_out": left_out,
                "kind": asked["kind"],
                "offset": asked["offset"],
                "rows_of_kind": rows,
                "rights": {"version": decided.version, "withheld": sorted(decided.withheld)},
                "attributions": list(decided.attributions),
            }
        )


def _asked(form: type[serializers.Serializer[Any]], request: Request) -> Mapping[str, Any]:
    """The query, checked; every field that is wrong, unknown or told twice is named at once. Raises RequestInvalid."""
    asked = form(data=request.query_params.dict())  # a blank one would be left out as by a form
    wrong = [
        {"pointer": f"/{name}", "reason": "is not a parameter here"}
        for name in request.query_params.keys() - asked.fields
    ]
    wrong += [
        {"pointer": f"/{name}", "reason": "is given twice"}
        for name, values in request.query_params.lists()
        if len(values) > 1
    ]
    if not asked.is_valid():
        wrong += [
            {"pointer": f"/{name}", "reason": str(reason)}
            for name, reasons in asked.errors.items()
            for reason in reasons
        ]
    if wrong:
        raise RequestInvalid(sorted(wrong, key=lambda each: each["pointer"]))
    return dict(asked.validated_data)


def _headers() -> QuerySet[Any, Any]:
    later = PricingPack.objects.filter(
        policy=OuterRef("policy"),
        asof_date=OuterRef("asof_date"),
        release__gt=OuterRef("release"),
        status=PackStatus.FRESH,
    ).order_by("-sequence")
    return PricingPack.objects.select_related("content").annotate(superseded_by=Subquery(later.values("pk")[:1]))


def _described(found: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": pack.pk,
            "policy": pack.policy_id,
            "asof_date": pack.asof_date,
            "release": pack.release,
            "sequence": pack.sequence,
            "status": pack.status,
            "superseded_by": pack.superseded_by,
            "content_hash": pack.content.content_hash if pack.content else None,
            "chain_hash": pack.chain_hash or None,
            "rows": pack.content.rows if pack.content else None,
            "restates": pack.restates,
            "sealed_at": pack.sealed_at,
            "updated_at": pack.updated_at,
            "failed_job": pack.failed_job,
            "reason": pack.reason,
        }
        for pack in found
    ]


def _rows(pack: PricingPack, kind: str) -> QuerySet[Any, Any]:
    model = {"prices": PackPrice, "rates": PackRate, "observations": PackObservation, "actions": PackAction}[kind]
    return model.objects.filter(content=pack.content_id)  # type: ignore[attr-defined, no-any-return]


def _page(pack: PricingPack, kind: str, offset: int, limit: int) -> tuple[list[dict[str, Any]], rights.Decision]:
    """A page of rows, and what may be shown: a row of a source that may not be is there, without its numbers."""
    columns = COLUMNS[kind]
    order = list(columns.values())[: KEYS[kind]]
    rows = list(_rows(pack, kind).order_by(*order).values_list(*columns.values())[offset : offset + limit])
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    decided = rights.decide({source: (source,) for source in sorted({row["source"] for row in named})})
    for row in named:
        row["withheld"] = row["source"] in decided.withheld
        for name in NUMBERS & row.keys():
            shown = row[name] is not None and not row["withheld"]
            row[name] = format(row[name], "f") if shown else None
    return named, decided
