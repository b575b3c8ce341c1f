"""The days and values of a panel's charts as columns of numbers: what a page's script draws lines of."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from config.errors import TieoutError
from execution import executor
from execution.executor import ExecutionNotFound
from execution.models import Execution
from execution.patterns import panel_parts, versions
from execution.patterns.panel_values import NoPanelValueError
from execution.web import problems
from execution.web.pages import chart_panel, page_tag
from execution.web.pages.panel_scope import scope_of
from portfolio.models import Portfolio


def address_before_panel(portfolio: Portfolio, execution_id: UUID) -> str:
    """The address of the data of a panel's charts but for the panel's id, which comes last."""
    return f"{reverse('chart-data', args=[portfolio.slug, execution_id])}?panel="


@gzip_page
@transaction.non_atomic_requests
@require_safe
@login_required
def columns(request: HttpRequest, slug: str, execution_id: UUID) -> HttpResponse:
    """The charts of a panel of a stored answer by their ids, under the rights of now. A chart without a value is absent.

    A reader who hides amounts gets them as parts of the chart's highest level. Refusals are problem documents.
    """
    try:
        return _answer(request, slug, execution_id)
    except (TieoutError, OperationalError, InterfaceError, RedisError) as failure:
        problem = problems.describe(failure)
        problems.log(failure, problem, request)
        return problems.response_of(problem, request)


def _answer(request: HttpRequest, slug: str, execution_id: UUID) -> HttpResponse:
    served = executor.fetch(execution_id, user=request.user)  # type: ignore[arg-type]
    with transaction.atomic():
        portfolio = Portfolio.objects.filter(slug=slug).first()
        if portfolio is None or not Execution.objects.filter(pk=execution_id, portfolio_id=portfolio.pk).exists():
            raise ExecutionNotFound
        version = versions.published_version(served.metadata["pattern_id"], served.metadata["pattern_version"])
    asked_for = request.GET.get("panel", "")
    tag = page_tag.of_result(served.etag, request, asked_for)
    unchanged = get_conditional_response(request, etag=tag)
    if unchanged is not None:
        return unchanged
    scope, charts = scope_of(served, portfolio), {}
    for panel in version.document["panels"]:
        if panel["id"] != asked_for or panel_parts.why_undrawn(panel):
            continue  # the page says what it lacks
        for document in panel_parts.charts(panel):
            try:
                charts[document["id"]] = chart_panel.columns(document, scope)
            except NoPanelValueError:
                continue  # the page says why
    response = JsonResponse(charts)
    response["ETag"] = tag
    patch_cache_control(response, private=True, no_cache=True)
    return response
