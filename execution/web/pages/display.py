"""How a reader wants pages to look: light or dark, the colours of gain and loss, amounts shown or hidden.

Each choice is a cookie of the browser, not of the account: a screen that is shown to others is one device's matter.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from execution.executor import RequestInvalid
from execution.figures import privacy
from execution.web.pages.problem_page import render_failure
from execution.web.reader_choices import CHOICES, read

KEPT_S: Final = 365 * 24 * 3600


def context(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the attributes of each page, and the form."""
    choices = read(request)
    fields = [(name, choice.label, choice.values.items(), choices[name]) for name, choice in CHOICES.items()]
    return {"display": {"chosen": choices, "fields": fields, "is_private": choices["privacy"] == "on"}}


class DisplayMiddleware:
    """Hides amounts while a request of a browser that has chosen so is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with privacy.hiding(is_on=read(request)["privacy"] == "on"):
            return self.get_response(request)


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Keep the choices that were sent, and go back to the page that they were made on.

    A page that has to be the same to the byte whoever asks has no menu, and leads to the form here.
    """
    if request.method != "POST":
        return render(request, "display_page.html")
    choices = {name: request.POST[name] for name in CHOICES if name in request.POST}
    findings = [
        {"pointer": f"/{name}", "reason": f"is none of {', '.join(CHOICES[name].values)}"}
        for name, text in choices.items()
        if text not in CHOICES[name].values
    ]
    if findings:
        return render_failure(request, RequestInvalid(findings), {})
    response = HttpResponseRedirect(way_back(request))
    for name, text in choices.items():
        response.set_cookie(
            name, text, max_age=KEPT_S, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
        )
    patch_cache_control(response, private=True, no_store=True)
    return response


def way_back(request: HttpRequest) -> str:
    """The page of this site that the form was sent from; from elsewhere, or unknown, it is the list of portfolios."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    place = f"{came_from.path}?{came_from.query}".removesuffix("?")
    is_ours = came_from.netloc == request.get_host() and url_has_allowed_host_and_scheme(place, allowed_hosts=None)
    return place if is_ours and came_from.path != request.path else reverse("portfolios")
