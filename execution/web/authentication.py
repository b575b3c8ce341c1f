"""Who the caller is: the credential alone says it, no header and no body."""

from typing import Any

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from config import scope


class BearerToken(JWTAuthentication):
    """A signed token of POST /v1/token. The user is read from the database each time, so that an inactive one is refused."""

    def authenticate(self, request: Request) -> Any:
        user_and_token = super().authenticate(request)
        if user_and_token is not None:
            scope.enter(user_and_token[0])
        return user_and_token


class Session(SessionAuthentication):
    """The browser's session, with its CSRF check. The middleware of config.scope has set the scope already."""

    def enforce_csrf(self, request: Request) -> None:
        """The check looks for its token in a form first. REST framework would read a JSON body for that, which can be read once;
        Django's own request knows that such a body is no form."""
        is_json = (request.content_type or "").partition(";")[0].strip().lower() == "application/json"
        super().enforce_csrf(request._request if is_json else request)  # type: ignore[arg-type]


class BearerTokenScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """The bearer token in the OpenAPI document."""

    target_class = "execution.web.authentication.BearerToken"
    name = "token"


class SessionCookieScheme(SessionScheme):  # type: ignore[no-untyped-call]
    target_class = "execution.web.authentication.Session"
    name = "session"
