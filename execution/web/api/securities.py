"""The securities that there are market data of."""

from typing import Any, ClassVar, Final

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.decimals import plain
from execution.web.api.door import Door
from execution.web.api.fields import Text
from execution.web.api.query import Page, page_of
from pricing.models import Security

FIELDS: Final[dict[str, serializers.Field[Any, Any, Any, Any]]] = {
    "id": serializers.IntegerField(help_text="`security_id` of patterns."),
    "symbol": serializers.CharField(),
    "name": serializers.CharField(),
    "currency": serializers.CharField(help_text="It trades in."),
    "price_unit": serializers.CharField(help_text="Of its published price: a currency, or GBp, GBX, ILA, ZAc."),
    "quote_unit": serializers.CharField(help_text="What a price is of; empty: of a unit."),
    "multiplier": serializers.CharField(help_text="Units of the underlying that one contract stands for."),
    "kind": serializers.CharField(),
    "exchange": serializers.CharField(help_text="Market identifier code (ISO 10383)."),
    "price_basis": serializers.CharField(),
    "first_date": serializers.DateField(),
    "last_date": serializers.DateField(allow_null=True, help_text="Null while it is listed."),
    "expiry": serializers.DateField(allow_null=True),
    "maturity": serializers.DateField(allow_null=True),
    "source": serializers.CharField(help_text="Provider of its closes."),
}
ANSWER = inline_serializer(
    "Securities",
    {
        "count": serializers.IntegerField(help_text="Securities on all pages."),
        "offset": serializers.IntegerField(),
        "securities": inline_serializer("Security", dict(FIELDS), many=True),
    },
)


class SecurityQuery(Page):
    symbol = Text(max_length=32, required=False)
    kind = Text(max_length=32, required=False)
    exchange = Text(max_length=12, required=False)
    currency = Text(max_length=3, required=False)


class Securities(Door):
    query_forms: ClassVar = {"GET": SecurityQuery}

    @extend_schema(
        operation_id="securities",
        summary="The securities that there are market data of, by symbol",
        parameters=[SecurityQuery],
        responses={200: ANSWER},
    )
    def get(self, request: Request) -> Response:
        conditions = {
            name: self.query[name] for name in SecurityQuery().fields.keys() & FIELDS.keys() & self.query.keys()
        }
        rows = Security.objects.filter(**conditions).order_by("symbol")
        page = [dict(zip(FIELDS, row, strict=True)) for row in rows.values_list(*FIELDS)[page_of(self.query)]]
        for row in page:
            row["multiplier"] = plain(row["multiplier"])
        return Response({"count": rows.count(), "offset": self.query["offset"], "securities": page})
