"""The id of a request, in its answer, in the log and in the audit log, and the door by which it came."""

import re
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse

from config import origin, telemetry
from config.origin import Door
from execution.web import problems

READING = frozenset({"GET", "HEAD", "OPTIONS"})


def _came_in(request: HttpRequest, request_id: str) -> AbstractContextManager[None]:
    beginning = request.path.split("/", 2)[1]
    door = {"admin": Door.ADMIN, "v1": Door.API}.get(beginning, Door.PAGE)
    # The address is quoted again: a caller may write anything into it, also what PostgreSQL can't store.
    via = f"{request.method} {quote(request.path)}"
    return origin.of_request(door, via, request_id, may_write=request.method not in READING)


class RequestIdMiddleware:
    """Gives each request an id, or keeps the caller's if it is a plain one."""

    PLAIN = re.compile(r"[A-Za-z0-9_-]{8,64}")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        own_id = request.headers.get("X-Request-ID", "")
        request.request_id = own_id if self.PLAIN.fullmatch(own_id) else uuid.uuid4().hex  # type: ignore[attr-defined]
        request_id: str = request.request_id  # type: ignore[attr-defined]
        with telemetry.binding(request_id=request_id), _came_in(request, request_id):
            response = self.get_response(request)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response

    def process_exception(self, request: HttpRequest, failure: Exception) -> HttpResponse | None:
        """The problem document for a failure in a view that machines call; the failure of a page is left to Django."""
        if not problems.is_for_machines(request):
            return None
        problem = problems.describe(failure)
        problems.log(failure, problem, request)
        return problems.response_of(problem, request)
