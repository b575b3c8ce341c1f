"""Who is of the staff and has not given a second factor in this session is nobody, but where it is given or set up."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

DOORS = ("login", "admin:login", "logout", "admin:logout", "second-factor")


class SecondFactorMiddleware:
    """Behind django-otp's, which knows whether a code was given."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        has_to = user.is_authenticated and user.is_staff and not user.is_verified()
        if has_to and request.path not in map(reverse, DOORS):
            request.user = AnonymousUser()
        return self.get_response(request)
