"""Where failures become responses: the handlers of Django and of REST framework."""

import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseServerError, JsonResponse
from django.template.loader import render_to_string
from django.views import defaults
from rest_framework import exceptions as drf
from rest_framework.response import Response

from config import outage
from execution import metering
from execution.web import reader_choices
from execution.web.problems.document import describe, is_fault
from execution.web.problems.problem import CONTENT_TYPE, INTERNAL, TITLES, UNREADABLE, Problem

logger = logging.getLogger(__name__)

Page = Callable[..., HttpResponse]
PERMISSION_DENIED: Page = inspect.unwrap(defaults.permission_denied)
NOT_FOUND: Page = inspect.unwrap(defaults.page_not_found)
"""Django's pages without its check of forms, which reads the body: one that can't be read would be another failure."""


def response_of(problem: Problem, request: HttpRequest) -> JsonResponse:
    metering.count_request_error(problem.type)
    response = JsonResponse(
        problem.document(getattr(request, "request_id", "")), status=problem.status, content_type=CONTENT_TYPE
    )
    for name, value in problem.headers.items():
        response[name] = value
    return response


def is_for_machines(request: HttpRequest) -> bool:
    """Whether the caller reads problem documents; the others see pages."""
    return f"{request.path}/".startswith(("/v1/", "/health/", "/metrics/"))


def log(failure: BaseException, problem: Problem, request: HttpRequest) -> None:
    """Write down what a failure was answered with: our own faults as errors, which are reported; what may pass as a warning."""
    about = {"request": request, "request_id": request.request_id, "problem": problem.type, "status": problem.status}  # type: ignore[attr-defined]
    if is_fault(failure):
        logger.error("request failed", exc_info=failure, extra=about)
    elif problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("request refused", extra=about | {"cause": str(outage.find(failure) or type(failure).__name__)})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_for_machines(request):
        return response_of(Problem(400, "invalid-request", UNREADABLE), request)
    # Without the request: it is what can't be read.
    return HttpResponseBadRequest(render_to_string("400.html", {"chosen": reader_choices.read(request)}))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_for_machines(request):
        return response_of(Problem(403, "forbidden", TITLES["forbidden"]), request)
    return PERMISSION_DENIED(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_for_machines(request):
        return response_of(Problem(404, "not-found", TITLES["not-found"]), request)
    return NOT_FOUND(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """The answer to a failure that no view has handled, whether it was expected or not."""
    failure = sys.exception()
    problem = INTERNAL if failure is None else describe(failure)
    if is_for_machines(request):
        return response_of(problem, request)
    context = {"chosen": reader_choices.read(request), "problem": problem}
    if problem.status != HTTPStatus.SERVICE_UNAVAILABLE:
        return HttpResponseServerError(render_to_string("500.html", context))
    # Without the request: who is logged in would be asked of what may be away.
    return HttpResponse(render_to_string("503.html", context), status=problem.status, headers=problem.headers)


def answer(failure: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler. What is not in the table becomes a 500 without its own words."""
    from rest_framework.views import set_rollback

    request = context["request"]
    problem = describe(failure)
    log(failure, problem, request)
    metering.count_request_error(problem.type)
    set_rollback()
    response = Response(problem.document(request.request_id), status=problem.status, content_type=CONTENT_TYPE)
    for name, value in problem.headers.items():
        response[name] = value
    if isinstance(failure, drf.APIException) and getattr(failure, "auth_header", None):
        response["WWW-Authenticate"] = failure.auth_header  # type: ignore[attr-defined]
    return response
