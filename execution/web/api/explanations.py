"""GET /v1/executions/<id>/explain: a figure of an execution taken apart, down to rows of packs and transactions."""

from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from execution import explanation
from execution.web import limits
from execution.web.api.door import Door
from execution.web.api.executions import caller_of
from execution.web.api.fields import Text
from execution.web.api.own_executions import OF_EXECUTION
from execution.web.api.schema import refusals

ANSWER = inline_serializer(
    "Explanation",
    {
        "execution_id": serializers.UUIDField(),
        "path": serializers.CharField(),
        "what": serializers.CharField(help_text="What the figure is, in words."),
        "name": serializers.CharField(),
        "value": serializers.JSONField(help_text="As it was answered: money as text, a ratio as a number."),
        "unit": serializers.CharField(),
        "formula": serializers.CharField(
            required=False, help_text="In the names of `terms`; docs/explain.md has its words."
        ),
        "method": serializers.CharField(
            required=False,
            help_text="Of an estimate, which no formula gives: how it is estimated. `terms` are what it is estimated from.",
        ),
        "terms": serializers.ListField(
            child=serializers.DictField(),
            required=False,
            help_text="Each a number with its own formula, terms, rows or a path to go on; or `items`; or a series of `dates`"
            " and `values`.",
        ),
        "rows": serializers.ListField(
            child=serializers.DictField(), required=False, help_text="Rows of packs, and transactions of the ledger."
        ),
        "status": serializers.CharField(
            required=False, help_text="Of a figure that has one: ok, degraded, unavailable."
        ),
        "reason": serializers.CharField(required=False, allow_null=True),
        "window": serializers.DictField(required=False),
        "basis": serializers.DictField(required=False),
        "metadata": serializers.DictField(),
    },
)
EXAMPLE = OpenApiExample(
    "The close of a holding",
    response_only=True,
    value={
        "execution_id": "59a11598-065d-4043-b959-c203497745a7",
        "path": "/valued_positions/positions/0/fx_rate",
        "what": "Base currency for one of the currency, at the fixing of the pack",
        "name": "fx_rate",
        "value": "1.033615384615",
        "unit": "CAD per USD",
        "formula": "rate",
        "terms": [
            {
                "name": "rate",
                "value": "1.033615384615384615384615384615385",
                "unit": "CAD per USD",
                "formula": "EUR_CAD / EUR_USD",
                "rows": [
                    {
                        "kind": "rate",
                        "pack_id": "PP_2013-03-01_ECB_EUR_r1",
                        "sequence": 2649,
                        "base": "EUR",
                        "quote": "USD",
                        "rate": "1.3",
                        "observed_date": "2013-03-01",
                        "source": "ecb-eurofxref",
                        "flags": "",
                    }
                ],
            }
        ],
        "metadata": {"pricing_pack_id": "PP_2013-03-01_ECB_EUR_r1", "ledger_commit_hash": "2fd07a1d"},
    },
)


class ExplainQuery(serializers.Serializer[Any]):
    """Which figure."""

    path = Text(max_length=300, help_text="A JSON pointer into the result, such as /valued_positions/total_value.")


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Explanation(Door):
    """A figure taken apart: what it is, its formula, and every value that went in, with source, date and row."""

    query_forms: ClassVar = {"GET": ExplainQuery}

    @extend_schema(
        operation_id="explain",
        summary="What a figure of an execution is made of",
        parameters=[ExplainQuery, OF_EXECUTION],
        responses={200: ANSWER, **refusals(400, 401, 403, 404, 409, 410, 429, 500, 503)},
        examples=[EXAMPLE],
    )
    def get(self, request: Request, execution_id: UUID) -> Response:
        user = caller_of(request)
        with limits.replaying(user):
            document = explanation.explain(execution_id, self.query["path"], user=user)
        return Response(document, headers={"Cache-Control": "private, no-cache"})
