"""What was typed into a form whose session has ended: it waits for whose form it is, and is sent again after the log-in.

It is so for each form of the pages and of the admin, since it is the log-in's answer that is looked at, whoever gives it. A form
that keeps more, such as a file, says itself where the log-in leads to.
"""

from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from execution.web.pages import display, form_owner
from execution.web.pages.shelf import Shelf

KIND: Final = "form"
MOST_FORMS: Final = 10
"""Of one user at a time."""
MOST_CHARACTERS: Final = 512 * 1024
"""The document of a pattern may be long."""
OF_THE_FORM: Final = frozenset({"csrfmiddlewaretoken", form_owner.FIELD})
SECRET: Final = ("password", "code", "otp")
"""What is named so is typed again: it is stored nowhere."""


class UnsentFormMiddleware:
    """Keeps what was sent where the answer is the log-in, which leads to it from then on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "POST" and _leads_back_by_log_in(request, response):
            user_id = form_owner.read(request.POST)
            token = _keep(request, user_id) if user_id else ""
            if token:
                log_in = urlsplit(response["Location"]).path
                response["Location"] = f"{log_in}?{urlencode({'next': reverse('unsent-form', args=[token])})}"
        return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The answer to a form with the CSRF token of another session: where the same user has logged in anew meanwhile it waits to be
    sent, any other is refused."""
    user_id = form_owner.read(request.POST)
    token = _keep(request, user_id) if request.user.is_authenticated and user_id == str(request.user.pk) else ""
    if token:
        return HttpResponseRedirect(reverse("unsent-form", args=[token]))
    return render(request, "403_csrf.html", status=403)


def _keep(request: HttpRequest, user_id: str) -> str:
    """The token by which the form is found again; empty where it has nothing to keep, or too much."""
    fields = list(_typed(request))
    is_worth_it = fields or not any(_is_secret(name) for name in request.POST)
    if not is_worth_it or sum(len(text) for _, text in fields) > MOST_CHARACTERS:
        return ""
    form = {
        "path": request.get_full_path(),
        "page": display.way_back(request),
        "fields": fields,
        "had_files": bool(request.FILES),
    }
    return Shelf(KIND, user_id).keep(form, most=MOST_FORMS)


def _leads_back_by_log_in(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether the answer is the log-in, and then the same address."""
    if response.status_code != 302:
        return False
    place = urlsplit(response["Location"])
    is_log_in = not place.netloc and place.path in (reverse("login"), reverse("admin:login"))
    return is_log_in and parse_qs(place.query).get("next") == [request.get_full_path()]


def _typed(request: HttpRequest) -> Iterator[tuple[str, str]]:
    for name, values in request.POST.lists():
        if name not in OF_THE_FORM and not _is_secret(name):
            yield from ((name, str(value)) for value in values)


def _is_secret(name: str) -> bool:
    return any(word in name.casefold() for word in SECRET)


@require_safe
@never_cache
@login_required
def page(request: HttpRequest, token: str) -> HttpResponse:
    """What waits, with the button that sends it to where it was meant for."""
    form = Shelf(KIND, str(request.user.pk)).find(token)
    if form is None:
        return render(request, "unsent_form.html", {"form": None}, status=404)
    visible = [(name.strip("_").replace("_", " "), text) for name, text in form["fields"] if text]
    return render(request, "unsent_form.html", {"form": form, "visible": visible})
