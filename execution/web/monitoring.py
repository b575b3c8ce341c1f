"""The door of what monitoring reads: open, or closed to whoever does not bring MONITORING_TOKEN."""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from execution.web.problems.handlers import response_of
from execution.web.problems.problem import Problem

REFUSED = Problem(
    401,
    "unauthenticated",
    "send Authorization: Bearer with the MONITORING_TOKEN of this installation",
    headers={"WWW-Authenticate": 'Bearer realm="monitoring"'},
)


def behind_token(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view for callers who bring the token; for everybody where none is set."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        token: str = settings.MONITORING_TOKEN
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if token and not (scheme.lower() == "bearer" and hmac.compare_digest(credentials.encode(), token.encode())):
            return response_of(REFUSED, request)
        return view(request, *args, **kwargs)

    return guarded
