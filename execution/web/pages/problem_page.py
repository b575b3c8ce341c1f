"""A failure on a page: the words of its problem document, and the facts in it."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control

from execution import metering
from execution.web import problems
from execution.web.problems import Problem

DRAWN: Final = frozenset({"errors", "breaks", "estimated_ready", "trace"})
"""Members of a problem document that the page draws in a form of their own."""


def render_failure(request: HttpRequest, failure: BaseException, frame: dict[str, Any]) -> HttpResponse:
    """The page of an expected failure.

    frame   the links to the portfolio's other pages, and the form, where its inputs can be corrected
    """
    problem = problems.problem_of(failure)
    assert problem is not None  # a page catches only what has its row in the table
    metering.count_request_error(problem.type)
    problems.log(failure, problem, request)
    if problem.type == "portfolio-not-found":
        response = not_found(request)
    else:
        response = render(request, "problem.html", {**_context(problem, request), **frame}, status=problem.status)
    for name, value in problem.headers.items():
        response[name] = value
    patch_cache_control(response, private=True, no_store=True)
    return response


def not_found(request: HttpRequest) -> HttpResponse:
    """The one page of what is unknown and of what is not yours, equal to the byte: no address, no form, no request id."""
    return render(request, "404.html", status=HTTPStatus.NOT_FOUND)


def _context(problem: Problem, request: HttpRequest) -> dict[str, Any]:
    """What the problem has of findings, breaks, missing prices and single facts; the trace's steps where the failure is ours."""
    is_ours = problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    hidden = DRAWN if is_ours else DRAWN | {"step", "capability", "agent"}
    ready = problem.extra.get("estimated_ready")
    return {
        "problem": problem,
        "errors": [
            (each["pointer"].removeprefix("/inputs").strip("/"), each["reason"])
            for each in problem.extra.get("errors", ())
        ],
        "breaks": problem.extra.get("breaks", ()),
        "estimated_ready": datetime.fromisoformat(ready) if ready else None,
        "is_warming": problem.type == "pack-warming",
        "steps": problem.extra.get("trace", {}).get("steps", ()) if is_ours else (),
        "facts": [
            (name.replace("_", " "), value)
            for name, value in problem.extra.items()
            if name not in hidden and isinstance(value, str | int | float)
        ],
        "missing": [row for row in problem.extra.get("missing", ()) if isinstance(row, Mapping)],
        "request_id": getattr(request, "request_id", ""),
        "again": request.get_full_path(),
    }
