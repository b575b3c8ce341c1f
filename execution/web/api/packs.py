"""The pricing packs: their headers, and what one of them holds, page by page. Read-only."""

from typing import Any, ClassVar

from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from execution.web.api import pack_rows
from execution.web.api.door import Door
from execution.web.api.fields import QueryBoolean, Text
from execution.web.api.pack_rows import COLUMNS
from execution.web.api.query import Page, PageOfSpan, page_of
from pricing import packs
from pricing.models import PackStatus, PricingPack

HEADER_FIELDS: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "id": serializers.CharField(),
    "policy": serializers.CharField(),
    "asof_date": serializers.DateField(),
    "release": serializers.IntegerField(),
    "sequence": serializers.IntegerField(allow_null=True, help_text="Order of sealing; null before it is sealed."),
    "status": serializers.ChoiceField(PackStatus.choices),
    "superseded_by": serializers.CharField(
        allow_null=True, help_text="The fresh pack of a later release of the same date, which answers in its place."
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


class ListQuery(PageOfSpan):
    policy = Text(max_length=16, required=False)
    status = serializers.ChoiceField(PackStatus.choices, required=False)
    superseded = QueryBoolean(
        required=False, allow_null=True, default=None, help_text="true: superseded packs alone; false: without them."
    )


class RowsQuery(Page):
    kind = serializers.ChoiceField(list(COLUMNS), default="prices")


COUNTS = {
    **dict.fromkeys(COLUMNS, "Rows of that kind."),
    "active": "Securities that were listed on its date.",
    "left_out": "Of those, securities without a close in the pack.",
    "stale": "Closes and rates that are older than the pack's date.",
    "extreme": "Closes and rates that moved further than usual.",
    "accepted": "Closes and rates that staff accepted.",
    "undecided": "Rows of its date in quarantine that await a decision.",
}
PACKS = inline_serializer(
    "Packs",
    {
        "count": serializers.IntegerField(help_text="Packs on all pages."),
        "offset": serializers.IntegerField(),
        "packs": inline_serializer("PackHeader", dict(HEADER_FIELDS), many=True),
    },
)
PACK = inline_serializer(
    "Pack",
    {
        **HEADER_FIELDS,
        "counts": inline_serializer(
            "PackCounts",
            {name: serializers.IntegerField(help_text=text) for name, text in COUNTS.items()},
        ),
        "left_out": serializers.ListField(
            child=serializers.CharField(),
            help_text="Symbols of listed securities without a usable close.",
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


class Packs(Door):
    """The packs, newest date first."""

    query_forms: ClassVar = {"GET": ListQuery}

    @extend_schema(
        operation_id="packs",
        summary="The pricing packs, newest date first",
        parameters=[ListQuery],
        responses={200: PACKS},
    )
    def get(self, request: Request) -> Response:
        query = self.query
        headers = _headers().order_by("policy", "-asof_date", "-release")
        for name, condition in (
            ("policy", "policy"), ("status", "status"), ("first", "asof_date__gte"), ("last", "asof_date__lte"),
        ):  # fmt: skip
            if name in query:
                headers = headers.filter(**{condition: query[name]})
        if query["superseded"] is not None:
            headers = headers.filter(superseded_by__isnull=not query["superseded"])
        page = [_header_as_dict(pack) for pack in headers[page_of(query)]]
        return Response({"count": headers.count(), "offset": query["offset"], "packs": page})


class Pack(Door):
    """One pack: its hashes, what it holds, what was left out, and its rows of one kind."""

    query_forms: ClassVar = {"GET": RowsQuery}

    @extend_schema(
        operation_id="pack",
        summary="One pack, with its rows of a kind",
        parameters=[
            RowsQuery,
            OpenApiParameter("pack_id", str, OpenApiParameter.PATH, description="PP_<date>_<policy>_r<n>"),
        ],
        responses={200: PACK},
    )
    def get(self, request: Request, pack_id: str) -> Response:
        query = self.query
        pack: Any = packs.with_quality(_headers()).filter(pk=pack_id).first() if "\0" not in pack_id else None
        if pack is None:
            raise packs.PackNotFound(pack_id)
        left_out = packs.unpriced_symbols(pack=pack) if pack.content_id else []
        rows, decision = pack_rows.read_page(pack, query["kind"], page_of(query))
        return Response(
            {
                **_header_as_dict(pack),
                "counts": {
                    "prices": pack.priced,
                    "rates": pack.converted,
                    "observations": pack_rows.of_kind(pack, "observations").count(),
                    "actions": pack_rows.of_kind(pack, "actions").count(),
                    "active": pack.active,
                    "left_out": len(left_out),
                    "stale": pack.stale_rows,
                    "extreme": pack.extreme_rows,
                    "accepted": pack.accepted_rows,
                    "undecided": pack.undecided_rows,
                },
                "left_out": left_out,
                "kind": query["kind"],
                "offset": query["offset"],
                "rows_of_kind": rows,
                "rights": {"version": decision.version, "withheld": sorted(decision.withheld)},
                "attributions": [each.text for each in decision.attributions],
            }
        )


def _headers() -> QuerySet[Any, Any]:
    """The packs, each with its content and with the pack that supersedes it."""
    later = PricingPack.objects.filter(
        policy=OuterRef("policy"),
        asof_date=OuterRef("asof_date"),
        release__gt=OuterRef("release"),
        status=PackStatus.FRESH,
    ).order_by("-sequence")
    return PricingPack.objects.select_related("content").annotate(superseded_by=Subquery(later.values("pk")[:1]))


def _header_as_dict(pack: Any) -> dict[str, Any]:
    return {
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
