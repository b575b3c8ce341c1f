"""The street door: parse, authenticate, call one verb, answer."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from http import HTTPStatus
from time import perf_counter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from config import scope
from execution import executor, metering, strict_json
from execution.executor import planning
from execution.executor.errors import AnsweredBefore, ExecutionNotFound, IdempotencyConflict, RequestInvalid
from execution.models import Execution, ExecutionStatus, IdempotencyKey
from execution.web.problems import told

MAX_BODY_BYTES = 1024 * 1024
MAX_KEY_LENGTH = 200

PROBLEM = OpenApiResponse(
    response=inline_serializer(
        "Problem",
        {
            "type": serializers.CharField(),
            "title": serializers.CharField(),
            "status": serializers.IntegerField(),
            "detail": serializers.CharField(),
            "request_id": serializers.CharField(),
        },
    ),
    description="An RFC 9457 problem document.",
)
ANSWER = inline_serializer(
    "Answer",
    {
        "execution_id": serializers.UUIDField(),
        "result": serializers.DictField(),
        "metadata": serializers.DictField(),
        "trace": serializers.DictField(),
    },
)
ASKED = inline_serializer(
    "Asked",
    {
        "pattern_id": serializers.CharField(max_length=64),
        "inputs": serializers.DictField(required=False),
        "portfolio_id": serializers.UUIDField(required=False),
        "asof_date": serializers.DateField(required=False),
        "require_fresh": serializers.BooleanField(required=False, default=True),
        "ledger_commit": serializers.RegexField(r"^[0-9a-f]{40}$", required=False),
        "pricing_pack_id": serializers.CharField(max_length=48, required=False),
    },
)
REFUSALS = {(status, "application/problem+json"): PROBLEM for status in (400, 401, 403, 404, 409, 413, 415, 500, 503)}


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Execute(APIView):
    """Run a pattern. Not one transaction: what was claimed, and what failed, stays on record."""

    @extend_schema(
        request=ASKED,
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
            body = _body(request)
            asked = parse(strict_json.loads(body, max_bytes=MAX_BODY_BYTES))
            pattern_id = asked.pattern_id
            served = _once(request, asked, body)
            status = 200
        except Exception as failure:
            problem = told(failure)
            status = problem.status
            if problem.type == "unavailable":
                pattern_id = ""  # whether there is such a pattern can't be asked now
            raise
        finally:
            metering.observe_request(pattern_id, status, perf_counter() - started)
        return _answer(served)


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Executed(APIView):
    """An execution as it was answered, under the rights of now."""

    @extend_schema(responses={200: ANSWER, 304: OpenApiResponse(description="As If-None-Match has it."), **REFUSALS})
    def get(self, request: Request, execution_id: UUID) -> HttpResponse:
        served = executor.fetch(execution_id, user=_caller(request))
        if matches(request, served.etag):
            return HttpResponse(status=304, headers={"ETag": served.etag})
        return _answer(served)


class SpanAsked(serializers.Serializer[Any]):
    """A span of packs by date, in the query string."""

    first = serializers.DateField(required=False, help_text="No pack of an earlier date.")
    last = serializers.DateField(required=False, help_text="No pack of a later date.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "first" in attrs and "last" in attrs and attrs["first"] > attrs["last"]:
            raise serializers.ValidationError({"first": f"is after last, {attrs['last'].isoformat()}"})
        return attrs


class StrictJson(BaseParser):
    """JSON with one meaning or none, and no more of it than MAX_BODY_BYTES."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        document = strict_json.loads(stream.read(MAX_BODY_BYTES + 1), max_bytes=MAX_BODY_BYTES)
        if not isinstance(document, dict):
            raise RequestInvalid([{"pointer": "", "reason": "must be an object"}])
        return document


class LogInTries(ScopedRateThrottle):
    """Ten tries a minute and address. What a client writes into X-Forwarded-For counts only behind our own proxy."""

    def get_ident(self, request: HttpRequest | Request) -> str:
        forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")) if settings.SECURE_PROXY_SSL_HEADER else ""
        return forwarded.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))


@extend_schema(description="A bearer token for a user name and a password. Ten tries a minute.")
class Token(TokenObtainPairView):
    throttle_classes = (LogInTries,)
    throttle_scope = "log-in"
    parser_classes = (StrictJson,)


class RefreshedToken(TokenRefreshView):
    throttle_classes = (LogInTries,)
    throttle_scope = "log-in"
    parser_classes = (StrictJson,)


def parse(document: Any) -> planning.Request:
    """The body of POST /v1/execute. Fields that are wrong are left out and stand in its faults, to be told with what else
    is wrong; without a pattern there is nothing else to find. Raises RequestInvalid."""
    if not isinstance(document, Mapping):
        raise RequestInvalid([{"pointer": "", "reason": "must be an object"}])
    wrong: list[dict[str, str]] = []

    def refuse(name: str, reason: str) -> None:
        wrong.append({"pointer": f"/{name}", "reason": reason})

    known = {"pattern_id", "inputs", "portfolio_id", "asof_date", "require_fresh", "ledger_commit", "pricing_pack_id"}
    for name in document:
        if name not in known:
            refuse(name, "is not a field of this request")
    pattern_id = document.get("pattern_id")
    if not isinstance(pattern_id, str) or not 0 < len(pattern_id) <= 64:
        refuse("pattern_id", "is missing" if pattern_id is None else "must be a string of 1 to 64 characters")
    inputs = document.get("inputs", {})
    if not isinstance(inputs, Mapping):
        refuse("inputs", "must be an object")
        inputs = {}
    portfolio_id = _converted(document, "portfolio_id", _uuid, "must be a UUID", refuse)
    asof_date = _converted(document, "asof_date", _date, "must be a date as YYYY-MM-DD", refuse)
    require_fresh = document.get("require_fresh", True)
    if not isinstance(require_fresh, bool):
        refuse("require_fresh", "must be true or false")
        require_fresh = True
    commit = _converted(document, "ledger_commit", _commit, "must be 40 hexadecimal digits", refuse)
    pack_id = _converted(document, "pricing_pack_id", _short, "must be a string of at most 48 characters", refuse)
    if any(fault["pointer"] == "/pattern_id" for fault in wrong):
        raise RequestInvalid(wrong)
    return planning.Request(
        str(pattern_id), inputs, portfolio_id, asof_date, require_fresh, commit, pack_id, tuple(wrong)
    )


def matches(request: HttpRequest | Request, etag: str) -> bool:
    """Whether If-None-Match names this state."""
    given = request.headers.get("If-None-Match", "")
    return given.strip() == "*" or etag in (each.strip().removeprefix("W/") for each in given.split(","))


def _body(request: Request) -> bytes:
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType(kind or "nothing")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise strict_json.TooLarge(MAX_BODY_BYTES)
    return bytes(request._request.body)


def _once(request: Request, asked: planning.Request, body: bytes) -> executor.Served:
    """With an Idempotency-Key, a retry is answered by the first one's execution."""
    key, user = request.headers.get("Idempotency-Key"), _caller(request)
    if key is None or asked.faults:
        return executor.execute(asked, user=user)
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise RequestInvalid(
            [{"pointer": "", "reason": f"Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable characters"}]
        )
    digest = hashlib.sha256(body).hexdigest()
    with scope.of(user), _one_at_a_time(user, key):
        with transaction.atomic():
            kept, _ = IdempotencyKey.objects.get_or_create(user=user, key=key, defaults={"body_hash": digest})
        if kept.body_hash != digest:
            raise IdempotencyConflict(kept.created_at.isoformat())
        return _again(kept, asked, user) or _first(kept, asked, user)


def _caller(request: Request) -> User:
    assert isinstance(request.user, User)  # permission_classes let nobody else in
    return request.user


@contextmanager
def _one_at_a_time(user: User, key: str) -> Iterator[None]:
    """Requests of one key wait in line; the lock dies with its process."""
    named = f"execution.idempotency:{user.pk}:{key}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [named])
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [named])


def _again(kept: IdempotencyKey, asked: planning.Request, user: User) -> executor.Served | None:
    """What the first try was answered with; None where it left nothing: never run, refused before, killed, or to be tried again."""
    if kept.execution_id is None:
        return None
    with transaction.atomic():
        first = Execution.objects.filter(pk=kept.execution_id).only("status", "problem").first()
    if first is None:
        raise ExecutionNotFound  # it was answered, and its portfolio is not the caller's any more
    answered = (first.problem or {}).get("answer", {})
    if answered.get("status") == HTTPStatus.INTERNAL_SERVER_ERROR:
        raise AnsweredBefore(answered)
    if first.status != ExecutionStatus.DONE:
        return None
    return executor.fetch(first.pk, user=user, requested=asked.asof_date)


def _first(kept: IdempotencyKey, asked: planning.Request, user: User) -> executor.Served:
    def bind(execution_id: UUID) -> None:
        with transaction.atomic():
            IdempotencyKey.objects.filter(pk=kept.pk).update(execution=Execution(pk=execution_id))

    served = executor.execute(asked, user=user, claimed=bind)
    bind(served.execution_id)
    return served


def _answer(served: executor.Served) -> HttpResponse:
    return HttpResponse(
        served.body(),
        content_type="application/json",
        headers={"ETag": served.etag, "Cache-Control": "private, no-cache"},
    )


def _converted(document: Mapping[str, Any], name: str, convert: Any, reason: str, refuse: Any) -> Any:
    value = document.get(name)
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise ValueError
        return convert(value)
    except ValueError:
        refuse(name, reason)
        return None


def _uuid(text: str) -> UUID:
    if len(text) != 36:
        raise ValueError
    return UUID(text)


def _date(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError
    return date.fromisoformat(text)


def _commit(text: str) -> str:
    if len(text) != 40 or set(text) - set("0123456789abcdef"):
        raise ValueError
    return text


def _short(text: str) -> str:
    if len(text) > 48:
        raise ValueError
    return text
