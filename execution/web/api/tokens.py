"""A bearer token for a user name and a password, its renewal and its end."""

from http import HTTPStatus
from typing import Any, cast

from django.contrib.auth import authenticate
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer, TokenRefreshSerializer
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from compliance.audit.events import Event
from config.log_in import tokens, tries
from execution.executor import RequestInvalid
from execution.operations import log_ins
from execution.web.api.body import StrictJson
from execution.web.api.door import KnownParameters
from execution.web.api.fields import Text
from execution.web.api.query import unknown_fields
from execution.web.authentication import BearerToken

REFRESH = OpenApiExample("a refresh token", {"refresh": "…"}, request_only=True)


ACCESS = serializers.CharField(help_text="For the header Authorization; lives an hour.")
PAIR = inline_serializer(
    "TokenPair", {"access": ACCESS, "refresh": serializers.CharField(help_text="Renews it; lives a day.")}
)


class KnownFields(KnownParameters):
    """A door whose body, too, has no field that its form has not."""

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        form = super().get_serializer(*args, **kwargs)  # type: ignore[misc]
        wrong = unknown_fields(form, kwargs.get("data", ()))
        if wrong:
            raise RequestInvalid(wrong)
        return form


class LogIn(TokenObtainPairSerializer):
    otp = Text(required=False, write_only=True, max_length=16, help_text="Code of the second factor.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"] = Text(write_only=True)  # which may begin or end with a space

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
        log_ins.record(Event.ISSUED, user_id=user.pk, request=self.context["request"])
        refresh = RefreshToken.for_user(user)
        refresh[tokens.CLAIM] = tokens.count_log_outs(user.pk)
        return {"refresh": str(refresh), "access": str(refresh.access_token)}


@extend_schema_view(
    post=extend_schema(
        operation_id="token",
        summary="A token for a user name and a password",
        description="With the code of the second factor of who has one.",
        responses={200: PAIR},
        examples=[OpenApiExample("a log-in", {"username": "owner", "password": "…"}, request_only=True)],
    )
)
@method_decorator(
    transaction.non_atomic_requests, name="dispatch"
)  # a refusal takes back what it wrote, but for the audit log
class Token(KnownFields, TokenObtainPairView):
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


@extend_schema_view(
    post=extend_schema(
        operation_id="renew_token",
        summary="A new access token",
        description="For a refresh token.",
        responses={200: inline_serializer("AccessToken", {"access": ACCESS})},
        examples=[REFRESH],
    )
)
class RefreshedToken(KnownFields, TokenRefreshView):
    serializer_class = Renewal
    parser_classes = (StrictJson,)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        tries.count(request._request)
        renewal = cast("Renewal", self.get_serializer(data=request.data))
        try:
            renewal.is_valid(raise_exception=True)
        except TokenError as wrong:
            raise InvalidToken(wrong.args[0]) from wrong
        tries.succeed(request._request)
        return self.answer(request, renewal)

    def answer(self, request: Request, renewal: Renewal) -> Response:
        log_ins.record(Event.RENEWED, user_id=renewal.user.pk, request=request._request)
        return Response(renewal.validated_data)


@extend_schema_view(
    post=extend_schema(
        operation_id="revoke_token",
        summary="End the refresh tokens of a user",
        examples=[REFRESH],
        description="The one that is given and all others so far, as a log-out does.",
        responses={HTTPStatus.NO_CONTENT: None},
    )
)
class RevokedToken(RefreshedToken):
    def answer(self, request: Request, renewal: Renewal) -> Response:
        log_ins.record(Event.REVOKED, user_id=renewal.user.pk, request=request._request)
        tokens.end_all(renewal.user)
        return Response(status=HTTPStatus.NO_CONTENT)
