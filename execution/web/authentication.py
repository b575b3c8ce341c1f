"""Who the caller is: the credential alone says it, no header and no body."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from config import scope
from config.errors import TieoutError
from config.log_in import personal_tokens
from config.models import PersonalToken, TokenScope
from execution.web import limits


class BearerHeader(JWTAuthentication):
    """The header `Authorization: Bearer …`. Upper and lower case are one in the name of a scheme (RFC 9110)."""

    def get_raw_token(self, header: bytes) -> bytes | None:
        scheme, space, rest = header.partition(b" ")
        return super().get_raw_token((b"Bearer" if scheme.lower() == b"bearer" else scheme) + space + rest)


class BearerToken(BearerHeader):
    """A signed token of POST /v1/token. The user is read from the database each time, so that an inactive one is refused."""

    def authenticate(self, request: Request) -> Any:
        user_and_token = super().authenticate(request)
        if user_and_token is not None:
            scope.enter(user_and_token[0])
        return user_and_token


class OwnToken(BearerHeader):
    """A personal token of the account page, sent like the signed ones, and told from them by its beginning."""

    def authenticate(self, request: Request) -> Any:
        """Raises AuthenticationFailed; LimitReached where the token has asked as often as one may."""
        header = self.get_header(request)
        text = None if header is None else self.get_raw_token(header)
        if text is None or not personal_tokens.is_personal(text.decode(errors="replace")):
            return None
        token = personal_tokens.find(text.decode(errors="replace"), datetime.now(UTC))
        if token is None:
            raise AuthenticationFailed("This personal token is unknown, has expired or was revoked.")
        scope.enter(token.user)
        limits.TOKEN_REQUESTS.count(token)
        return token.user, token


class ScopeMissing(TieoutError):
    """A personal token asks for what its scopes do not hold. `scope` is None where no scope would."""

    def __init__(self, scope: TokenScope | None) -> None:
        super().__init__(
            f"this personal token has not the scope {scope.value}"
            if scope
            else "no personal token may do this: log in, in a browser or by POST /v1/token"
        )
        self.scope = scope


class WithinScope(BasePermission):
    """A personal token opens what its scopes say: `token_scopes` of a view has the scope of each method. Reading needs `read` where
    that says nothing; what changes something and is not named is closed."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raises ScopeMissing."""
        if isinstance(request.auth, PersonalToken):
            scope = needed_scope(view, cast("str", request.method))
            if scope is None or scope.value not in request.auth.scopes:
                raise ScopeMissing(scope)
        return True


def needed_scope(view: Any, method: str) -> TokenScope | None:
    scopes: Mapping[str, TokenScope] = getattr(view, "token_scopes", {})
    return scopes.get(method, TokenScope.READ if method in SAFE_METHODS else None)


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


class OwnTokenScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """The personal token in the OpenAPI document."""

    target_class = "execution.web.authentication.OwnToken"
    name = "personalToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of the page Tokens: tieout_…",
        }


class SessionCookieScheme(SessionScheme):  # type: ignore[no-untyped-call]
    target_class = "execution.web.authentication.Session"
    name = "session"
