"""A bearer token for a user name and a password, its renewal and its end."""

from http import HTTPStatus
from typing import Any, cast

from django.contrib.auth import authenticate
from django.contrib.auth.models import AbstractUser
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer, TokenRefreshSerializer
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from config.log_in import tokens, tries
from execution.web.api.body import StrictJson
from execution.web.authentication import BearerToken


class LogIn(TokenObtainPairSerializer):
    otp = serializers.CharField(required=False, write_only=True, max_length=16, help_text="Code of the second factor.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """Raises AuthenticationFailed for all that is wrong alike, and for staff that have no second factor yet; TooManyTries."""
        user = cast(
            "AbstractUser | None",
            authenticate(
                self.context["request"],
                username=attrs["username"],
                password=attrs["password"],
                otp_token=attrs.get("otp", ""),
            ),
        )
        if user is None or (user.is_staff and not hasattr(user, "otp_device")):
            raise AuthenticationFailed(self.error_messages["no_active_account"], "no_active_account")
        refresh = RefreshToken.for_user(user)
        refresh[tokens.CLAIM] = tokens.count_log_outs(user.pk)
        return {"refresh": str(refresh), "access": str(refresh.access_token)}


@extend_schema(
    description="A bearer token for a user name, a password and the code of the second factor of who has one."
)
class Token(TokenObtainPairView):
    serializer_class = LogIn
    parser_classes = (StrictJson,)


class Renewal(TokenRefreshSerializer):
    """A refresh token that has not ended; `user` is whose it is."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """Raises TokenError, AuthenticationFailed."""
        refresh = RefreshToken(attrs["refresh"])
        self.user = cast("AbstractUser", BearerToken().get_user(refresh))
        if refresh.get(tokens.CLAIM, 0) != tokens.count_log_outs(self.user.pk):
            raise AuthenticationFailed("The user has logged out.")
        return {"access": str(refresh.access_token)}


class RefreshedToken(TokenRefreshView):
    serializer_class = Renewal
    parser_classes = (StrictJson,)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        tries.count(request._request)
        response = super().post(request, *args, **kwargs)
        tries.succeed(request._request)
        return response


@extend_schema(
    description="Ends the refresh token and all others that its user was given so far, as a log-out does.",
    responses={HTTPStatus.NO_CONTENT: None},
)
class RevokedToken(RefreshedToken):
    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        self.renewal: Any = super().get_serializer(*args, **kwargs)
        return self.renewal

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        super().post(request, *args, **kwargs)
        tokens.end_all(self.renewal.user)
        return Response(status=HTTPStatus.NO_CONTENT)
