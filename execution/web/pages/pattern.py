"""The page of a pattern: its result for a portfolio, drawn by its panels.

A page without an input that its pattern must have asks for it: a holding is chosen from the holdings.
"""

from functools import partial
from time import perf_counter
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from config import dates
from config.errors import TieoutError
from execution import executor, metering, patterns
from execution.executor import NothingBooked, PortfolioNotFound, RequestInvalid
from execution.models import PatternVersion
from execution.patterns import versions
from execution.patterns.templating import Scope
from execution.web import limits
from execution.web.pages import holdings, navigation, page_tag
from execution.web.pages.navigation import OVERVIEW, SECURITY
from execution.web.pages.pattern_inputs import form_context, is_unanswered, read_request
from execution.web.pages.problem_page import render_failure
from portfolio.models import Portfolio


@transaction.non_atomic_requests
@require_safe
@login_required
def page(request: HttpRequest, slug: str, pattern_id: str) -> HttpResponse:
    """Run a pattern for a portfolio, or say what prevents it."""
    started = perf_counter()
    response = _run(request, slug, pattern_id)
    metering.observe_request(pattern_id, response.status_code, perf_counter() - started)
    return response


def _run(request: HttpRequest, slug: str, pattern_id: str) -> HttpResponse:
    portfolio = version = None
    try:
        with transaction.atomic():
            portfolio = Portfolio.objects.filter(slug=slug).first()
            if portfolio is None:
                raise PortfolioNotFound
            version = versions.current_version(pattern_id)
        if is_unanswered(version, request.GET):
            return _ask(request, version, portfolio)
        query = read_request(request.GET.dict(), version, portfolio)
        admit = partial(limits.executing, request.user)
        served = executor.execute(query, user=request.user, admit=admit)  # type: ignore[arg-type]
        if version.version != served.metadata["pattern_version"]:
            version = versions.published_version(pattern_id, served.metadata["pattern_version"])
    except NothingBooked:
        assert portfolio is not None  # it is the portfolio that has no ledger
        context = {"portfolio": portfolio} | _links(request, portfolio, pattern_id)
        return render(request, "nothing_booked.html", context)
    except (TieoutError, OperationalError, InterfaceError, RedisError) as failure:
        frame = {}
        if portfolio and isinstance(failure, TieoutError):
            frame = _links(request, portfolio, pattern_id)
        if portfolio and version and isinstance(failure, RequestInvalid | patterns.InputsInvalid):
            frame |= form_context(version, portfolio, request.GET)
        return render_failure(request, failure, frame)
    return _show(request, served, version, portfolio)


def _show(request: HttpRequest, served: executor.Served, version: PatternVersion, portfolio: Portfolio) -> HttpResponse:
    tag = page_tag.of_result(served.etag, request)
    unchanged = get_conditional_response(request, etag=tag)
    if unchanged is not None:
        return unchanged
    context = result_context(served, version, portfolio) | _links(request, portfolio, version.pattern_id)
    response = render(request, "pattern.html", context | form_context(version, portfolio, request.GET))
    response["ETag"] = tag
    for name, value in limits.EXECUTIONS.headers(request.user).items():
        response[name] = value
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _ask(request: HttpRequest, version: PatternVersion, portfolio: Portfolio) -> HttpResponse:
    """The page that asks which holding is wanted, or what else the pattern must have. Raises RequestInvalid."""
    query = read_request({"asof": request.GET.get("asof", "")}, version, portfolio)
    asof = executor.answering_date(portfolio, query.asof_date)
    context = {
        "title": version.document["title"],
        "description": version.document["description"],
        "portfolio": portfolio,
        "overview": OVERVIEW,
        "holdings": holdings.read(portfolio, asof) if SECURITY in version.document["inputs"] else None,
    }
    context |= form_context(version, portfolio, request.GET) | _links(request, portfolio, version.pattern_id)
    response = render(request, "choose.html", context)
    patch_cache_control(response, private=True, no_store=True)
    return response


@transaction.atomic
def _links(request: HttpRequest, portfolio: Portfolio, pattern_id: str) -> dict[str, Any]:
    """The links to the portfolio's other pages, on the date that this one shows."""
    asof = request.GET.get("asof", "")
    asof = asof if dates.ISO_DATE.fullmatch(asof) else ""
    return {"navigation": navigation.for_portfolio(portfolio, current=pattern_id, asof=asof)}


def result_context(served: executor.Served, version: PatternVersion, portfolio: Portfolio) -> dict[str, Any]:
    """What the template shows of a result: its outputs for the panels, and what it ties out to."""
    result, metadata = served.result, served.metadata
    captions = [each["basis_caption"] for each in result.values() if isinstance(each, dict) and "basis_caption" in each]
    return {
        "document": version.document,
        "portfolio": portfolio,
        "metadata": metadata,
        "execution_id": served.execution_id,
        "export_page": f"{reverse('exports-page')}?execution={served.execution_id}",
        "caption": captions[0] if captions else "",
        "ties": [
            ("Pricing pack", metadata["pricing_pack_id"]),
            ("Content hash", metadata["pack_content_hash"]),
            ("Chain hash", metadata["pack_chain_hash"]),
            ("Policy", metadata["policy"]),
            ("Ledger commit", metadata["ledger_commit_hash"]),
            ("Pattern", f"{metadata['pattern_id']} {metadata['pattern_version']}"),
            ("Engine", metadata["engine_version"]),
            ("Result hash", metadata["result_hash"]),
            ("Execution", str(served.execution_id)),
        ],
        "scope": Scope(
            inputs={},
            state=result,
            ctx={
                "portfolio_id": str(portfolio.pk),
                "asof_date": metadata["asof_date"],
                "pricing_pack_id": metadata["pricing_pack_id"],
                "base_currency": portfolio.base_currency,
            },
        ),
    }
