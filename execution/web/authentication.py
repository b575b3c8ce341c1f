"""Who is asking: the credential says it, never a header's or body's own word."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from config import scope


class BearerToken(JWTAuthentication):
    """A signed token of POST /v1/token; the user is read from the database each time, so that leaving ends at once."""

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found is not None:
            scope.enter(found[0])
        return found


class Session(SessionAuthentication):
    """The browser's session, with its CSRF check; config.scope's middleware has already said who asks."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, None] | None:
        return super().authenticate(request)


class BearerTokenScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """How OpenAPI names it."""

    target_class = "execution.web.authentication.BearerToken"
    name = "token"


class SessionCookieScheme(SessionScheme):  # type: ignore[no-untyped-call]
    target_class = "execution.web.authentication.Session"
    name = "session"
