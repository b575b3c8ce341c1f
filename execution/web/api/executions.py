"""POST /v1/execute runs a pattern; GET /v1/executions/<id> serves an execution again."""

from collections.abc import Mapping
from functools import partial
from time import perf_counter
from types import MappingProxyType
from typing import ClassVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from config.models import TokenScope
from execution import executor, metering
from execution.web import limits, problems
from execution.web.api import body, execute_request
from execution.web.api.door import Door
from execution.web.api.idempotency import execute_once
from execution.web.api.schema import refusals

ANSWER = inline_serializer(
    "Answer",
    {
        "execution_id": serializers.UUIDField(),
        "result": serializers.DictField(),
        "metadata": serializers.DictField(),
        "trace": serializers.DictField(),
    },
)
REFUSALS = refusals(400, 401, 403, 404, 409, 413, 415, 429, 500, 503)
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Execute(Door):
    """Run a pattern. Not one transaction: what was claimed, and what failed, stays on record."""

    token_scopes: ClassVar = {"POST": TokenScope.EXECUTE}

    @extend_schema(
        request=execute_request.ExecuteRequest,
        responses={200: ANSWER, **REFUSALS},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key", str, OpenApiParameter.HEADER, description="Makes a retry return the same execution."
            )
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        started = perf_counter()
        pattern_id = ""
        status = 500
        try:
            sent = body.read_bytes(request)
            query = execute_request.parse(body.read_object(sent))
            pattern_id = query.pattern_id
            key, user = request.headers.get("Idempotency-Key"), caller_of(request)
            if key is None or query.faults:
                served = executor.execute(query, user=user, admit=partial(limits.executing, user))
            else:
                served = execute_once(query, user=user, key=key, body=sent)
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
        responses={200: ANSWER, 304: OpenApiResponse(description="Unchanged since If-None-Match."), **REFUSALS}
    )
    def get(self, request: Request, execution_id: UUID) -> HttpResponse:
        served = executor.fetch(execution_id, user=caller_of(request))
        if _is_unchanged(request, served.etag):
            return HttpResponse(status=304, headers={"ETag": served.etag})
        return _answer(served)


def _is_unchanged(request: Request, etag: str) -> bool:
    """Whether If-None-Match names this state."""
    known = request.headers.get("If-None-Match", "")
    return known.strip() == "*" or etag in (each.strip().removeprefix("W/") for each in known.split(","))


def caller_of(request: Request) -> User:
    assert isinstance(request.user, User)  # permission_classes let nobody else in
    return request.user


def _answer(served: executor.Served, more: Mapping[str, str] = NO_HEADERS) -> HttpResponse:
    return HttpResponse(
        served.body(),
        content_type="application/json",
        headers={"ETag": served.etag, "Cache-Control": "private, no-cache", **more},
    )
