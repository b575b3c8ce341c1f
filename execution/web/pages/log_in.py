"""The log-in page, of the site and of the admin."""

from typing import Any, cast

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from redis.exceptions import RedisError

from config.log_in import second_factor
from config.log_in.tries import TooManyTries
from execution.web.pages import problem_page


class LogInForm(AuthenticationForm):
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "User name, password or code are wrong, or the account is not active. A code can be used once.",
    }
    otp = forms.CharField(
        label="Code of your second factor, if you have set one up",
        required=False,
        max_length=16,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text"}),
    )

    def clean(self) -> dict[str, Any]:
        """Raises TooManyTries, and ValidationError for all that is wrong alike."""
        username, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if username and password:
            self.user_cache = authenticate(
                self.request, username=username, password=password, otp_token=self.cleaned_data.get("otp", "")
            )
            if self.user_cache is None:
                raise self.get_invalid_login_error()
        return self.cleaned_data


class LogIn(LoginView):
    form_class = LogInForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return cast("HttpResponse", super().dispatch(request, *args, **kwargs))
        except (TooManyTries, RedisError) as failure:
            return problem_page.render_failure(request, failure, {})

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self._has_to_set_up():
            return HttpResponseRedirect(self._set_up())
        response: HttpResponse = super().get(request, *args, **kwargs)
        return response

    def get_success_url(self) -> str:
        return self._set_up() if self._has_to_set_up() else super().get_success_url()

    def _has_to_set_up(self) -> bool:
        """Whether who is here is of the staff and has no second factor yet."""
        user: Any = self.request.user
        return user.is_authenticated and user.is_staff and not second_factor.has_one(user)

    def _set_up(self) -> str:
        return f"{reverse('second-factor')}?{urlencode({'next': self.get_redirect_url()})}"
