"""A bearer token for a user name and a password, and its renewal."""

from django.conf import settings
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from execution.web.api.body import StrictJson


class LogInThrottle(ScopedRateThrottle):
    """Ten tries a minute and address. What a client writes into X-Forwarded-For counts only behind our own proxy."""

    def get_ident(self, request: HttpRequest | Request) -> str:
        forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")) if settings.SECURE_PROXY_SSL_HEADER else ""
        return forwarded.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))


@extend_schema(description="A bearer token for a user name and a password. Ten tries a minute.")
class Token(TokenObtainPairView):
    throttle_classes = (LogInThrottle,)
    throttle_scope = "log-in"
    parser_classes = (StrictJson,)


class RefreshedToken(TokenRefreshView):
    throttle_classes = (LogInThrottle,)
    throttle_scope = "log-in"
    parser_classes = (StrictJson,)
