"""POST /v1/execute runs a pattern; GET /v1/executions/<id> serves an execution again."""

from collections.abc import Mapping
from functools import partial
from time import perf_counter
from types import MappingProxyType
from typing import ClassVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse, HttpResponseNotModified, JsonResponse
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from config.models import TokenScope
from execution import executor, metering
from execution.executor import orders
from execution.web import limits, problems
from execution.web.api import body, execute_request
from execution.web.api.door import Door
from execution.web.api.idempotency import execute_once
from execution.web.api.orders import ORDER, address_of, as_dict, ring
from execution.web.api.schema import EXAMPLE_ID, TRACE_STEPS, refusals

METADATA = inline_serializer(
    "Metadata",
    {
        "pattern_id": serializers.CharField(),
        "pattern_version": serializers.CharField(),
        "pricing_pack_id": serializers.CharField(),
        "pack_content_hash": serializers.CharField(),
        "pack_chain_hash": serializers.CharField(),
        "policy": serializers.CharField(),
        "ledger_commit_hash": serializers.CharField(allow_null=True),
        "asof_date": serializers.DateField(),
        "requested_asof_date": serializers.DateField(),
        "engine_version": serializers.CharField(),
        "result_hash": serializers.CharField(help_text="SHA-256 of the result's RFC 8785 form, before rights."),
        "cached": serializers.BooleanField(),
        "provisional": serializers.BooleanField(),
        "computed_at": serializers.DateTimeField(allow_null=True),
        "duration_ms": serializers.FloatField(allow_null=True),
        "sources": serializers.ListField(child=serializers.CharField(), help_text="Providers of what was read."),
        "attributions": serializers.ListField(child=serializers.CharField(), help_text="To be shown with any figure."),
        "rights": inline_serializer(
            "AnswerRights",
            {
                "version": serializers.IntegerField(help_text="Of the rights that decided; 0: none was published."),
                "withheld": serializers.DictField(
                    child=serializers.ListField(child=serializers.CharField()),
                    help_text="Output -> the sources that keep it back.",
                ),
            },
        ),
        "confidence": inline_serializer(
            "Confidence",
            {
                "share": serializers.FloatField(
                    allow_null=True, help_text="Part of `ok` in all figures that have a status; null where none has."
                ),
                "ok": serializers.IntegerField(help_text="Figures that stand without a doubt."),
                "degraded": serializers.IntegerField(help_text="Those whose reason says what they lack."),
                "unavailable": serializers.IntegerField(help_text="Those without a value, and outputs kept back."),
            },
        ),
        "warnings": serializers.ListField(child=serializers.CharField()),
    },
)
ANSWER = inline_serializer(
    "Answer",
    {
        "execution_id": serializers.UUIDField(),
        "result": serializers.DictField(),  # typed by openapi.complete
        "metadata": METADATA,
        "trace": inline_serializer("Trace", {"steps": TRACE_STEPS}),
    },
)
EXAMPLES = [
    OpenApiExample(
        "the overview of a portfolio",
        {"pattern_id": "portfolio_overview", "portfolio_id": EXAMPLE_ID},
        request_only=True,
    ),
    OpenApiExample(
        "as of a date, with an input",
        {
            "pattern_id": "portfolio_overview",
            "portfolio_id": EXAMPLE_ID,
            "asof_date": "2012-12-31",
            "inputs": {"lookback_days": 60},
        },
        request_only=True,
    ),
]
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
ASKED_AGAIN: Mapping[str, str] = MappingProxyType({"Cache-Control": "private, no-cache"})
"""The caller's own cache may keep the answer, and asks each time whether it is still the same."""


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Execute(Door):
    """Run a pattern. Not one transaction: what was claimed, and what failed, stays on record."""

    token_scopes: ClassVar = {"POST": TokenScope.EXECUTE}

    @extend_schema(
        operation_id="execute",
        summary="Run a pattern, or serve what it answered before",
        description="Not one transaction: what was claimed, and what failed, stays on record.",
        request=execute_request.ExecuteRequest,
        examples=EXAMPLES,
        responses={200: ANSWER, 202: ORDER, **refusals(404, 409, 410)},
        parameters=[
            OpenApiParameter(
                "Prefer",
                str,
                OpenApiParameter.HEADER,
                description="respond-async: what is not stored is computed by a worker; 202 with Location.",
            ),
            OpenApiParameter(
                "Idempotency-Key", str, OpenApiParameter.HEADER, description="Makes a retry return the same execution."
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        started = perf_counter()
        pattern_id = ""
        status = 500
        try:
            content = body.read_bytes(request)
            query = execute_request.parse(body.read_object(content))
            pattern_id = query.pattern_id
            key, user = request.headers.get("Idempotency-Key"), caller_of(request)
            if key is None and not query.faults and _prefers_async(request):
                order = _order(query, request, user)
                if order is not None:
                    status = 202
                    return order
            if key is None or query.faults:
                served = executor.execute(query, user=user, admit=partial(limits.executing, user))
            else:
                served = execute_once(query, user=user, key=key, body=content)
            status = 200
        except Exception as failure:
            problem = problems.describe(failure)
            status = problem.status
            if problem.type == "unavailable":
                pattern_id = ""  # the database can't say whether there is such a pattern
            raise
        finally:
            metering.observe_request(pattern_id, status, perf_counter() - started)
        return _answer(served, limits.EXECUTIONS.headers(user))


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class StoredExecution(Door):
    """An execution as it was answered, under the rights of now."""

    @extend_schema(
        operation_id="execution",
        summary="An execution as it was answered, under the rights of now",
        responses={200: ANSWER, 304: OpenApiResponse(description="Unchanged since If-None-Match."), **refusals(410)},
        parameters=[OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="An ETag of before.")],
    )
    def get(self, request: Request, execution_id: UUID) -> HttpResponse:
        served = executor.fetch(execution_id, user=caller_of(request))
        if _is_unchanged(request, served.etag):
            return HttpResponseNotModified(headers={"ETag": served.etag, **ASKED_AGAIN})
        return _answer(served)


def _prefers_async(request: Request) -> bool:
    """Whether the caller would rather not wait (RFC 7240)."""
    preferences = request.headers.get("Prefer", "").split(",")
    return "respond-async" in (each.partition(";")[0].strip().lower() for each in preferences)


def _order(query: executor.Request, request: Request, user: User) -> HttpResponse | None:
    """The answer to what a worker is to compute; None where it is stored already."""
    order = orders.place(
        query,
        user=user,
        request_id=request._request.request_id,  # type: ignore[attr-defined]
        admit=partial(limits.count_execution, user),
    )
    if order is None:
        return None
    ring(order)
    headers = {"Location": address_of(order), "Preference-Applied": "respond-async", **limits.EXECUTIONS.headers(user)}
    return JsonResponse(as_dict(order), status=202, headers=headers)


def _is_unchanged(request: Request, etag: str) -> bool:
    """Whether If-None-Match names this state."""
    etags = request.headers.get("If-None-Match", "")
    return etags.strip() == "*" or etag in (each.strip().removeprefix("W/") for each in etags.split(","))


def caller_of(request: Request) -> User:
    assert isinstance(request.user, User)  # permission_classes let nobody else in
    return request.user


def _answer(served: executor.Served, more: Mapping[str, str] = NO_HEADERS) -> HttpResponse:
    return HttpResponse(
        served.body(),
        content_type="application/json",
        headers={"ETag": served.etag, **ASKED_AGAIN, **more},
    )
