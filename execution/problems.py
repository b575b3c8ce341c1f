"""What each expected failure is answered with: one table, and the RFC 9457 documents made from it.

Nothing internal is in a body: no stack, SQL, path, nor whether something of somebody else exists.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from redis.exceptions import RedisError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from agents import runtime as agent_runtime
from config.breaker import BreakerOpen
from config.errors import TieoutError
from execution import errors, orchestrator, patterns, strict_json
from execution.estimates import estimated_ready
from pricing import fx, market, packs
from pricing.providers import http

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_UNAVAILABLE_S = 5

PROBLEMS: Mapping[type[BaseException], tuple[int, str]] = {
    strict_json.JsonRefused: (400, "invalid-request"),
    strict_json.TooLarge: (413, "too-large"),
    RequestDataTooBig: (413, "too-large"),
    errors.RequestInvalid: (400, "invalid-request"),
    patterns.InputsInvalid: (400, "invalid-request"),
    http.BadSymbol: (400, "invalid-request"),
    packs.AsofOutOfRange: (400, "invalid-request"),
    drf.ParseError: (400, "invalid-request"),
    drf.ValidationError: (400, "invalid-request"),
    drf.NotAuthenticated: (401, "unauthenticated"),
    drf.AuthenticationFailed: (401, "unauthenticated"),
    errors.NotAllowed: (403, "forbidden"),
    drf.PermissionDenied: (403, "forbidden"),
    PermissionDenied: (403, "forbidden"),
    errors.PatternNotFound: (404, "pattern-not-found"),
    errors.PortfolioNotFound: (404, "portfolio-not-found"),
    errors.ExecutionNotFound: (404, "execution-not-found"),
    errors.CommitNotFound: (404, "commit-not-found"),
    packs.PackNotFound: (404, "pack-not-found"),
    drf.NotFound: (404, "not-found"),
    Http404: (404, "not-found"),
    drf.MethodNotAllowed: (405, "method-not-allowed"),
    drf.NotAcceptable: (406, "not-acceptable"),
    drf.UnsupportedMediaType: (415, "unsupported-media-type"),
    errors.IdempotencyConflict: (409, "idempotency-conflict"),
    errors.DifferentEngine: (409, "different-engine"),
    drf.Throttled: (429, "throttled"),
    errors.ReconciliationFailed: (500, "reconciliation-failed"),
    orchestrator.StepFailed: (500, "step-failed"),
    packs.PackCorrupt: (500, "pack-corrupt"),
    packs.PackWarming: (503, "pack-warming"),
    packs.PackInError: (503, "pack-error"),
    market.MissingPrice: (503, "missing-price"),
    fx.MissingRate: (503, "missing-rate"),
    BreakerOpen: (503, "capability-unavailable"),
    agent_runtime.DependencyAway: (503, "unavailable"),
    errors.LedgerNotReconciled: (503, "unavailable"),
    http.ProviderOff: (503, "unavailable"),
    http.ProviderFailed: (503, "unavailable"),
    http.ProviderBusy: (503, "unavailable"),
    http.RequestRefused: (503, "unavailable"),
    OperationalError: (503, "unavailable"),
    InterfaceError: (503, "unavailable"),
    RedisError: (503, "unavailable"),
    TieoutError: (500, "internal"),
}

TITLES: Mapping[str, str] = {
    "invalid-request": "The request is not valid",
    "too-large": "The request is too large",
    "unauthenticated": "No or bad credentials",
    "forbidden": "Not allowed",
    "pattern-not-found": "There is no such pattern",
    "portfolio-not-found": "There is no such portfolio",
    "execution-not-found": "There is no such execution",
    "commit-not-found": "There is no such ledger commit",
    "pack-not-found": "There is no such pricing pack",
    "not-found": "There is nothing here",
    "method-not-allowed": "This can't be done here",
    "not-acceptable": "No such form of the answer",
    "unsupported-media-type": "Send application/json",
    "idempotency-conflict": "The idempotency key was used for another request",
    "different-engine": "Another engine computed this",
    "throttled": "Too many requests",
    "reconciliation-failed": "Ledger and database do not agree",
    "step-failed": "A step failed",
    "pack-corrupt": "The pricing pack is not what was sealed",
    "pack-warming": "The pricing pack is not ready yet",
    "pack-error": "The pricing pack is in error",
    "missing-price": "A price is missing",
    "missing-rate": "An exchange rate is missing",
    "capability-unavailable": "An agent is resting after failures",
    "unavailable": "A part of the service does not answer",
    "internal": "Something went wrong",
}

SHOWN_UNCHANGED = (503, 404, 403, 409)
"""Causes of a failed step that are answered as themselves: the step only met them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An RFC 9457 document before it has a request id."""

    status: int
    type: str
    detail: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return TITLES[self.type]

    def document(self, request_id: str) -> dict[str, Any]:
        return {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
            "request_id": request_id,
        }


def entry_of(failure: BaseException) -> tuple[int, str] | None:
    """Status and type by the nearest class in the table."""
    for kind in type(failure).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    return None


def problem_of(failure: BaseException) -> Problem | None:
    """What an expected failure is answered with; None for what we did not expect."""
    if isinstance(failure, orchestrator.StepFailed) and failure.cause is not None:
        inner = entry_of(failure.cause)
        if inner is not None and inner[0] in SHOWN_UNCHANGED:
            met = problem_of(failure.cause)
            assert met is not None
            return Problem(met.status, met.type, met.detail, {**met.extra, **_step(failure)}, met.headers)
    entry = entry_of(failure)
    if entry is None:
        return None
    status, kind = entry
    if kind in ("unavailable", "internal"):
        detail = {"unavailable": "try again in a moment"}.get(kind, "the request id finds it in the log")
    else:
        detail = str(getattr(failure, "detail", failure))
    extra, headers = _extra(failure, kind)
    return Problem(status, kind, detail, extra, headers)


def response_of(problem: Problem, request: HttpRequest) -> JsonResponse:
    response = JsonResponse(
        problem.document(getattr(request, "request_id", "")), status=problem.status, content_type=CONTENT_TYPE
    )
    for name, value in problem.headers.items():
        response[name] = value
    return response


def answer(failure: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler. What is not in the table goes on and becomes a 500 without a word of itself."""
    from rest_framework.views import set_rollback

    request = context["request"]
    problem = problem_of(failure)
    if problem is None:
        logger.exception("request failed", extra={"request_id": request.request_id})
        problem = Problem(500, "internal", "the request id finds it in the log")
    elif problem.status >= 500:
        logger.warning(
            "request refused",
            extra={"request_id": request.request_id, "problem": problem.type, "status": problem.status},
        )
    set_rollback()
    response = Response(problem.document(request.request_id), status=problem.status, content_type=CONTENT_TYPE)
    for name, value in {**getattr(failure, "auth_header_of", {}), **problem.headers}.items():
        response[name] = value
    if isinstance(failure, drf.APIException) and getattr(failure, "auth_header", None):
        response["WWW-Authenticate"] = failure.auth_header  # type: ignore[attr-defined]
    return response


def _extra(failure: BaseException, kind: str) -> tuple[dict[str, Any], dict[str, str]]:
    match failure:
        case errors.RequestInvalid() | patterns.InputsInvalid():
            return {"errors": [_finding(finding) for finding in failure.findings]}, {}
        case strict_json.JsonRefused():
            return {"errors": [{"pointer": failure.pointer or "", "reason": failure.reason}]}, {}
        case packs.AsofOutOfRange():
            possible = {"first": _iso(failure.first), "last": _iso(failure.last)}
            return {"errors": [{"pointer": "/asof_date", "reason": str(failure)}], **possible}, {}
        case errors.PatternNotFound():
            return {"near": list(failure.near)}, {}
        case packs.PackWarming():
            ready = estimated_ready(failure.pack_id)
            wait = (
                RETRY_UNAVAILABLE_S
                if ready is None
                else max(1, math.ceil((ready - datetime.now(ready.tzinfo)).total_seconds()))
            )
            return {"pack_id": failure.pack_id, "status_of_pack": failure.status, "estimated_ready": _iso(ready)}, {
                "Retry-After": str(wait)
            }
        case packs.PackInError():
            return {"pack_id": failure.pack_id, "job": failure.job, "reason": failure.reason}, {}
        case market.MissingPrice():
            return _missing(failure, symbol=failure.symbol)
        case fx.MissingRate():
            return _missing(failure, pair=f"{failure.frm}/{failure.to}")
        case errors.ReconciliationFailed():
            return {"pack_id": failure.pack_id, "breaks": list(failure.breaks)}, {}
        case orchestrator.StepFailed():
            return _step(failure), {}
        case BreakerOpen():
            return {"agent": failure.name}, {"Retry-After": str(max(1, math.ceil(failure.retry_after_s)))}
        case errors.DifferentEngine():
            return {"stored": failure.stored, "current": failure.current, "path": failure.path}, {}
        case errors.IdempotencyConflict():
            return {"first_at": failure.first_at}, {}
        case drf.ValidationError():
            return {
                "errors": [{"pointer": f"/{name}", "reason": str(reasons)} for name, reasons in _named(failure.detail)]
            }, {}
        case drf.Throttled():
            return {}, {"Retry-After": str(math.ceil(failure.wait or 1))}
        case drf.MethodNotAllowed():
            return {}, {}
    return {}, {"Retry-After": str(RETRY_UNAVAILABLE_S)} if kind == "unavailable" else {}


def _missing(failure: Any, **what: str) -> tuple[dict[str, Any], dict[str, str]]:
    return {**what, "date": _iso(failure.asof_date), "last_known_date": _iso(failure.last_known_date)}, {}


def _step(failure: orchestrator.StepFailed) -> dict[str, Any]:
    return {
        "step": failure.step,
        "capability": failure.capability,
        "agent": failure.agent,
        "trace": {"steps": [step.as_json() for step in failure.trace]},
    }


def _finding(finding: Any) -> dict[str, str]:
    if isinstance(finding, Mapping):
        return {"pointer": finding["pointer"], "reason": finding["reason"]}
    return {"pointer": finding.pointer, "reason": finding.reason}


def _named(detail: Any) -> list[tuple[str, Any]]:
    return list(detail.items()) if isinstance(detail, Mapping) else [("", detail)]


def _iso(instant: Any) -> str | None:
    return None if instant is None else instant.isoformat()
