"""Who besides its owner may see a portfolio, in its owner's browser."""

from datetime import UTC, datetime, time
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods

from config import dates
from execution.web.pages import navigation, problem_page
from portfolio import access
from portfolio.models import AccessRole, Portfolio

ROLES = [(role.value, role.label) for role in (AccessRole.VIEWER, AccessRole.ADVISER)]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest, slug: str) -> HttpResponse:
    portfolio = Portfolio.objects.filter(slug=slug).first()
    if portfolio is None or portfolio.owner_id != request.user.pk:
        return problem_page.not_found(request)
    fault: access.AccessRefused | None = None
    if request.method == "POST":
        try:
            _act(portfolio, request)
        except access.AccessRefused as refusal:
            fault = refusal
        except access.AccessNotFound:
            pass  # it is taken back already
        if fault is None:
            return HttpResponseRedirect(request.get_full_path())
    context = {
        "portfolio": portfolio,
        "navigation": navigation.for_portfolio(portfolio, query=request.GET.dict()),
        "rows": portfolio.grants.select_related("user").order_by("granted_at", "pk"),
        "roles": ROLES,
        "refused": fault,
        "given": request.POST,
    }
    response = render(request, "sharing.html", context, status=400 if fault else 200)
    patch_cache_control(response, private=True, no_store=True)
    return response


def _act(portfolio: Portfolio, request: HttpRequest) -> None:
    """Give or take back, as the form says. Raises AccessRefused, AccessNotFound."""
    fields: Any = request.POST
    access_id = fields.get("take_back", "")
    if access_id:
        if not (access_id.isascii() and access_id.isdecimal() and len(access_id) < 19):
            raise access.AccessNotFound
        access.take_back(portfolio, int(access_id))
        return
    assert request.user.pk is not None  # who is logged in has one
    access.give(
        portfolio,
        username=fields.get("username", "").strip(),
        role=fields.get("role", ""),
        until=_end_of(fields.get("until", "")),
        by=request.user.pk,
    )


def _end_of(day: str) -> datetime | None:
    """The last moment of a day, UTC. Raises AccessRefused."""
    if not day:
        return None
    try:
        return datetime.combine(dates.parse(day), time.max, tzinfo=UTC)
    except ValueError as bad:
        raise access.AccessRefused("until", "is no date YYYY-MM-DD") from bad
