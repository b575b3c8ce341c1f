"""The page on which a user sets up a second factor, and gives it up. Staff do the first at their first log-in."""

from typing import Any

import django_otp
from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from redis.exceptions import RedisError

from config.log_in import second_factor, tries
from execution.web.pages import problem_page


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code", max_length=16, widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True})
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponse:
    try:
        return _give_up(request) if second_factor.has_one(_user(request)) else _set_up(request)
    except (tries.TooManyTries, RedisError) as failure:
        return problem_page.render_failure(request, failure, {})


def _set_up(request: HttpRequest) -> HttpResponse:
    device, form = second_factor.begin(_user(request)), CodeForm(request.POST or None)
    if form.is_valid():
        codes = second_factor.confirm(device, form.cleaned_data["code"])
        if codes is not None:
            request.session.cycle_key()  # who had this session's key before is none who has the second factor
            django_otp.login(request, device)
            return render(request, "second_factor.html", {"codes": codes, "next": _next(request)})
        form.add_error("code", "This is not the code of now: look at the app and at the clock of its device.")
    qr_code = mark_safe(second_factor.draw(device))  # noqa: S308 - an image made of our own address
    return render(request, "second_factor.html", {"form": form, "qr_code": qr_code, "key": second_factor.spell(device)})


def _give_up(request: HttpRequest) -> HttpResponse:
    user, form = _user(request), CodeForm(request.POST or None)
    if form.is_valid():
        tries.count(request, user.get_username())
        if second_factor.find_match(user, form.cleaned_data["code"]):
            tries.succeed(request, user.get_username())
            second_factor.end(user)
            return HttpResponseRedirect(request.get_full_path())
        form.add_error("code", "This code is wrong, or was used before.")
    left = second_factor.count_recovery_codes(user)
    return render(request, "second_factor.html", {"form": form, "is_set_up": True, "recovery_codes": left})


def _user(request: HttpRequest) -> Any:
    return request.user


def _next(request: HttpRequest) -> str:
    """Where the user was going."""
    address = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if is_ours else resolve_url("portfolios")
