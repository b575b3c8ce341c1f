"""What each expected failure is answered with: one table, and the RFC 9457 documents made from it.

Nothing internal is in a body: no stack, SQL, path, nor whether something of somebody else exists.
"""

import logging
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from redis.exceptions import RedisError
from rest_framework import exceptions as drf
from rest_framework.response import Response

from agents import breaker, registry
from agents.financial_analyst.positions import SecurityNotHeld
from config import strict_json
from config.breaker import BreakerOpen
from config.errors import TieoutError
from config.postgresql.base import WrongRole
from execution import canonical, executor, patterns
from execution.executor import orchestrator
from execution.models import Execution
from execution.night.estimates import estimated_ready
from execution.patterns import conditions, templating
from execution.patterns.versions import PatternNotFound
from portfolio import settings_change, valuation
from portfolio.analytics.errors import AnalyticsError
from portfolio.books import imports
from portfolio.ledger import repository
from portfolio.ledger.screening import LedgerRefused
from pricing import fx, market, packs
from pricing.archive import ArchiveRefused, loading
from pricing.providers import http

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_UNAVAILABLE_S = 5


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


class IdempotencyConflict(TieoutError):
    """An idempotency key was used before with another body."""

    def __init__(self, first_at: str) -> None:
        super().__init__(f"this idempotency key was used with another body at {first_at}")
        self.first_at = first_at


class AnsweredBefore(TieoutError):
    """A request is retried whose first try failed. `problem`: what the first try was answered with."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


INTERNAL = Problem(500, "internal", "the request id finds it in the log")


PROBLEMS: Mapping[type[BaseException], tuple[int, str]] = {
    strict_json.JsonRefused: (400, "invalid-request"),
    strict_json.TooLarge: (413, "too-large"),
    RequestDataTooBig: (413, "too-large"),
    imports.ImportTooLarge: (413, "too-large"),
    imports.ImportRefused: (400, "invalid-request"),
    executor.RequestInvalid: (400, "invalid-request"),
    patterns.InputsInvalid: (400, "invalid-request"),
    http.BadSymbol: (400, "invalid-request"),
    packs.AsofOutOfRange: (400, "invalid-request"),
    packs.NoPackDay: (400, "invalid-request"),
    settings_change.SettingsRefused: (400, "invalid-request"),
    LedgerRefused: (400, "invalid-request"),
    ArchiveRefused: (400, "invalid-request"),
    drf.ParseError: (400, "invalid-request"),
    drf.ValidationError: (400, "invalid-request"),
    drf.NotAuthenticated: (401, "unauthenticated"),
    drf.AuthenticationFailed: (401, "unauthenticated"),
    executor.NotAllowed: (403, "forbidden"),
    drf.PermissionDenied: (403, "forbidden"),
    PermissionDenied: (403, "forbidden"),
    PatternNotFound: (404, "pattern-not-found"),
    executor.PortfolioNotFound: (404, "portfolio-not-found"),
    executor.ExecutionNotFound: (404, "execution-not-found"),
    executor.CommitNotFound: (404, "commit-not-found"),
    repository.CommitNotFound: (404, "commit-not-found"),
    imports.ImportNotFound: (404, "import-not-found"),
    packs.PackNotFound: (404, "pack-not-found"),
    SecurityNotHeld: (404, "security-not-found"),
    drf.NotFound: (404, "not-found"),
    Http404: (404, "not-found"),
    drf.MethodNotAllowed: (405, "method-not-allowed"),
    drf.NotAcceptable: (406, "not-acceptable"),
    drf.UnsupportedMediaType: (415, "unsupported-media-type"),
    IdempotencyConflict: (409, "idempotency-conflict"),
    executor.DifferentEngine: (409, "different-engine"),
    drf.Throttled: (429, "throttled"),
    AnsweredBefore: (500, "internal"),  # until it is answered as the first try was
    executor.ReconciliationFailed: (500, "reconciliation-failed"),
    orchestrator.StepFailed: (500, "step-failed"),
    packs.PackCorrupt: (500, "pack-corrupt"),
    packs.PackWarming: (503, "pack-warming"),
    packs.PackInError: (503, "pack-error"),
    packs.PackIncomplete: (503, "pack-error"),
    market.MissingPrice: (503, "missing-price"),
    fx.MissingRate: (503, "missing-rate"),
    BreakerOpen: (503, "capability-unavailable"),
    breaker.DependencyFailed: (503, "unavailable"),
    executor.LedgerNotReconciled: (503, "unavailable"),
    packs.SealingBusy: (503, "unavailable"),
    loading.NoArchive: (503, "unavailable"),
    loading.ArchiveChanged: (503, "unavailable"),
    repository.LedgerUnavailable: (503, "unavailable"),
    repository.LedgerRewritten: (503, "unavailable"),
    repository.LedgerMoved: (503, "unavailable"),
    WrongRole: (503, "unavailable"),
    http.ProviderOff: (503, "unavailable"),
    http.ProviderFailed: (503, "unavailable"),
    http.ProviderBusy: (503, "unavailable"),
    http.RequestRefused: (503, "unavailable"),
    OperationalError: (503, "unavailable"),
    InterfaceError: (503, "unavailable"),
    RedisError: (503, "unavailable"),
    # What a step meets: bare, it is a fault of ours; inside StepFailed its own words are told.
    breaker.AgentFailed: (500, "internal"),
    registry.UnknownCapability: (500, "internal"),
    registry.ArgumentsInvalid: (500, "internal"),
    orchestrator.StepTimedOut: (500, "internal"),
    templating.TemplateUnresolved: (500, "internal"),
    conditions.ConditionFailed: (500, "internal"),
    market.MissingSeries: (500, "internal"),
    valuation.InvariantViolated: (500, "internal"),
    AnalyticsError: (500, "internal"),
    # What the linter and the renderer keep from happening.
    patterns.PatternInvalid: (500, "internal"),
    templating.TemplateInvalid: (500, "internal"),
    conditions.ConditionInvalid: (500, "internal"),
    canonical.NotRenderable: (500, "internal"),
    packs.BadTransition: (500, "internal"),
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
    "import-not-found": "There is no such import",
    "pack-not-found": "There is no such pricing pack",
    "security-not-found": "The portfolio does not hold it",
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


def entry_of(failure: BaseException) -> tuple[int, str] | None:
    """Status and type by the nearest class in the table."""
    for kind in type(failure).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    return None


def told(failure: BaseException) -> Problem:
    """What any failure is answered with."""
    return problem_of(failure) or INTERNAL


def answer_on_record(execution: Execution) -> Problem | None:
    """What a failed execution was answered with, as `told` has it of the failure itself.

    None where that was no 500, so that a retry is another try, and where the execution has not failed.
    """
    record = execution.problem or {}
    if "answer" in record:  # of releases that recorded the answer itself
        problem = Problem(**record["answer"])
        return problem if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR else None
    if "classes" not in record:
        return None
    entry, cause = _entry_on_record(record), record["fields"].get("cause")
    if cause is not None and (inner := _entry_on_record(cause)) is not None and inner[0] in SHOWN_UNCHANGED:
        return None
    if entry is None or entry[1] == "internal":
        return INTERNAL
    status, kind = entry
    if status != HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    extra = {}
    if kind == "step-failed":
        extra = {name: record["fields"][name] for name in ("step", "capability", "agent")} | {"trace": execution.trace}
    return Problem(status, kind, record["message"], extra)


def _entry_on_record(record: Mapping[str, Any]) -> tuple[int, str] | None:
    """Status and type of a recorded failure, by the nearest of its classes that is in the table."""
    entries = {kind.__name__: entry for kind, entry in PROBLEMS.items()}
    return next((entries[name] for name in record["classes"] if name in entries), None)


def problem_of(failure: BaseException) -> Problem | None:
    """What an expected failure is answered with; None for what we did not expect."""
    if isinstance(failure, AnsweredBefore):
        return failure.problem
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
    if kind == "internal":
        return INTERNAL
    if isinstance(failure, executor.LedgerNotReconciled):
        detail = str(failure)
    elif kind == "unavailable":
        detail = "try again in a moment"
    elif isinstance(failure, RequestDataTooBig):
        detail = f"more than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes"
    else:
        detail = _words(failure.detail) if isinstance(failure, drf.APIException) else str(failure)
    extra, headers = _extra(failure, kind)
    return Problem(status, kind, detail, extra, headers)


def response_of(problem: Problem, request: HttpRequest) -> JsonResponse:
    response = JsonResponse(
        problem.document(getattr(request, "request_id", "")), status=problem.status, content_type=CONTENT_TYPE
    )
    for name, value in problem.headers.items():
        response[name] = value
    return response


def is_for_machines(request: HttpRequest) -> bool:
    """Whether whoever asks reads problem documents; all else is a page."""
    return request.path.startswith(("/v1/", "/health/", "/metrics"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_for_machines(request):
        return response_of(Problem(400, "invalid-request", "the request can't be read"), request)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_for_machines(request):
        return response_of(Problem(403, "forbidden", TITLES["forbidden"]), request)
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_for_machines(request):
        return response_of(Problem(404, "not-found", TITLES["not-found"]), request)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Called while the failure is being handled."""
    failure = sys.exception()
    problem = INTERNAL if failure is None else told(failure)
    if is_for_machines(request):
        return response_of(problem, request)
    response = defaults.server_error(request)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.status_code = problem.status
        for name, value in problem.headers.items():
            response[name] = value
    return response


def answer(failure: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler. What is not in the table becomes a 500 without a word of itself."""
    from rest_framework.views import set_rollback

    request = context["request"]
    problem = told(failure)
    if problem is INTERNAL:
        logger.exception("request failed", extra={"request_id": request.request_id})
    elif problem.status >= 500:
        logger.warning(
            "request refused",
            extra={"request_id": request.request_id, "problem": problem.type, "status": problem.status},
        )
    set_rollback()
    response = Response(problem.document(request.request_id), status=problem.status, content_type=CONTENT_TYPE)
    for name, value in problem.headers.items():
        response[name] = value
    if isinstance(failure, drf.APIException) and getattr(failure, "auth_header", None):
        response["WWW-Authenticate"] = failure.auth_header  # type: ignore[attr-defined]
    return response


def _extra(failure: BaseException, kind: str) -> tuple[dict[str, Any], dict[str, str]]:
    match failure:
        case executor.RequestInvalid():
            span = dict(zip(("first", "last"), map(_iso, failure.possible), strict=True)) if failure.possible else {}
            return {"errors": [dict(finding) for finding in failure.findings], **span}, {}
        case patterns.InputsInvalid():
            return {
                "errors": [{"pointer": finding.pointer, "reason": finding.reason} for finding in failure.findings]
            }, {}
        case settings_change.SettingsRefused():
            return {
                "errors": [
                    {"pointer": strict_json.pointer_to(name), "reason": reason} for name, reason in failure.findings
                ]
            }, {}
        case LedgerRefused() | ArchiveRefused():
            return {"errors": [{"pointer": "", "reason": str(finding)} for finding in failure.findings[:100]]}, {}
        case imports.ImportRefused():
            told = ("row", "column", "value", "reason", "suggestion")
            return {
                "errors": [
                    {"pointer": "/file", **{name: getattr(finding, name) for name in told}}
                    for finding in failure.findings
                ]
            }, {}
        case strict_json.JsonRefused():
            return {"errors": [{"pointer": failure.pointer or "", "reason": failure.reason}]}, {}
        case packs.AsofOutOfRange():
            possible = {"first": _iso(failure.first), "last": _iso(failure.last)}
            return {"errors": [{"pointer": "/asof_date", "reason": str(failure)}], **possible}, {}
        case PatternNotFound():
            return {"near": list(failure.near)}, {}
        case packs.PackWarming():
            ready = estimated_ready(failure.pack_id)
            wait = (
                RETRY_UNAVAILABLE_S
                if ready is None
                else max(1, math.ceil((ready - datetime.now(ready.tzinfo)).total_seconds()))
            )
            return {
                "pack_id": failure.pack_id or None,
                "status_of_pack": failure.status,
                "estimated_ready": _iso(ready),
            }, {"Retry-After": str(wait)}
        case packs.PackInError():
            return {"pack_id": failure.pack_id, "job": failure.job, "reason": failure.reason}, {}
        case market.MissingPrice():
            return _missing(failure, symbol=failure.symbol)
        case fx.MissingRate():
            return _missing(failure, pair=f"{failure.frm}/{failure.to}")
        case executor.ReconciliationFailed():
            return {"pack_id": failure.pack_id, "breaks": list(failure.breaks)}, {}
        case orchestrator.StepFailed():
            return _step(failure), {}
        case BreakerOpen():
            return {"agent": failure.name}, {"Retry-After": str(max(1, math.ceil(failure.retry_after_s)))}
        case executor.DifferentEngine():
            return {"stored": failure.stored, "current": failure.current, "path": failure.path}, {}
        case IdempotencyConflict():
            return {"first_at": failure.first_at}, {}
        case drf.ValidationError():
            return {
                "errors": [
                    {"pointer": f"/{name}" if name else "", "reason": _words(reasons)}
                    for name, reasons in _named(failure.detail)
                ]
            }, {}
        case drf.Throttled():
            return {}, {"Retry-After": str(math.ceil(getattr(failure, "wait", None) or 1))}
        case drf.UnsupportedMediaType():
            return {}, {"Accept": "application/json"}
    return {}, {"Retry-After": str(RETRY_UNAVAILABLE_S)} if kind == "unavailable" else {}


def _missing(failure: Any, **what: str) -> tuple[dict[str, Any], dict[str, str]]:
    told = {"date": _iso(failure.asof_date), "last_known_date": _iso(failure.last_known_date)}
    return {**what, **told, "reason": getattr(failure, "reason", "") or None}, {}


def _step(failure: orchestrator.StepFailed) -> dict[str, Any]:
    return {
        "step": failure.step,
        "capability": failure.capability,
        "agent": failure.agent,
        "trace": {"steps": [_traced(step, failure) for step in failure.trace]},
    }


def _traced(step: orchestrator.StepTrace, failure: orchestrator.StepFailed) -> dict[str, Any]:
    """What is away may have a name and a place: that is for the log."""
    shown = step.as_dict()
    entry = entry_of(failure.cause)
    if step.name == failure.step and entry is not None and entry[1] == "unavailable":
        shown["reason"] = TITLES["unavailable"]
    return shown


def _named(detail: Any) -> list[tuple[str, Any]]:
    return list(detail.items()) if isinstance(detail, Mapping) else [("", detail)]


def _words(detail: Any) -> str:
    """REST framework's details, which nest, as one line of text."""
    if isinstance(detail, Mapping):
        return _words(detail["detail"]) if "detail" in detail else "; ".join(map(_words, detail.values()))
    if isinstance(detail, list | tuple):
        return "; ".join(map(_words, detail))
    return str(detail)


def _iso(instant: Any) -> str | None:
    return None if instant is None else instant.isoformat()
