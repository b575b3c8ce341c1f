"""The one place where a log-in is compared, whichever door it came by: pages, admin and tokens all call `authenticate`."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from config.log_in import second_factor, tries


class Backend(ModelBackend):
    """User name and password, and the code of the second factor where the user has one. All that is wrong is one answer."""

    def authenticate(  # type: ignore[override]
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        otp_token: str = "",
        **kwargs: Any,
    ) -> AbstractBaseUser | None:
        """The user; `otp_device` is what made the code. Raises TooManyTries, and RedisError."""
        if request is None or username is None or password is None:
            return None
        tries.count(request, username)
        try:
            user = super().authenticate(request, username=username, password=password)
        except tries.TooManyTries:
            tries.take_back(request, username)
            raise
        if user is None:
            return None
        if second_factor.has_one(user):
            user.otp_device = second_factor.find_match(user, otp_token)  # type: ignore[attr-defined]
            if user.otp_device is None:  # type: ignore[attr-defined]
                return None
        tries.succeed(request, username)
        return user
