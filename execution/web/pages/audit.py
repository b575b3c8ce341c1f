"""What was changed in a portfolio, in its owner's browser."""

from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from execution.operations import audit_report
from execution.web.pages import navigation, problem_page
from portfolio.models import Portfolio

VISIBLE_ENTRIES: Final = 100


@require_safe
@login_required
def page(request: HttpRequest, slug: str) -> HttpResponse:
    portfolio = Portfolio.objects.filter(slug=slug).first()
    if portfolio is None or portfolio.owner_id != request.user.pk:
        return problem_page.not_found(request)
    response = render(
        request,
        "audit.html",
        {
            "portfolio": portfolio,
            "navigation": navigation.for_portfolio(portfolio, query=request.GET.dict()),
            "count": audit_report.count(portfolio),
            "entries": audit_report.read(portfolio, slice(VISIBLE_ENTRIES), reader=portfolio.owner_id),
        },
    )
    patch_cache_control(response, private=True, no_store=True)
    return response
