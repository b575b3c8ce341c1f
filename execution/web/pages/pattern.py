"""The page of a pattern: its result for a portfolio, drawn by its panels.

A page without an input that its pattern must have asks for it: a holding is chosen from the holdings.
"""

from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from compliance.terms import Placement
from config import dates
from config.errors import TieoutError
from execution import executor, figures, metering, patterns
from execution.executor import NothingBooked, PortfolioNotFound, RequestInvalid
from execution.exports import Reader
from execution.models import BlockedPortfolio, PatternVersion
from execution.patterns import versions
from execution.web import limits, problems
from execution.web.pages import chart_data, figure, holdings, navigation, page_tag, problem_page
from execution.web.pages.navigation import OVERVIEW, SECURITY
from execution.web.pages.page_rows import PageRows
from execution.web.pages.panel_scope import scope_of
from execution.web.pages.pattern_inputs import form_context, is_unanswered, read_request
from execution.web.pages.problem_page import render_failure
from portfolio.models import Portfolio
from pricing import packs
from pricing.models import PackStatus, PricingPack, Security

OF_ONE_DAY: Final = frozenset({"pack-warming", "pack-error", "missing-price", "missing-rate", "reconciliation-failed"})
"""Types of problems past which the day before helps."""


@gzip_page
@transaction.non_atomic_requests
@require_safe
@login_required
def page(request: HttpRequest, slug: str, pattern_id: str) -> HttpResponse:
    """Run a pattern for a portfolio, or say what prevents it."""
    started = perf_counter()
    response = _run(request, slug, pattern_id)
    metering.observe_request(pattern_id, response.status_code, perf_counter() - started)
    return response


@transaction.non_atomic_requests
@require_safe
@login_required
def holding(request: HttpRequest, slug: str, symbol: str) -> HttpResponse:
    """The page of one holding by its symbol: the pattern that shows one, asked for the security's number."""
    with transaction.atomic():
        number = Security.objects.filter(symbol=symbol).values_list("pk", flat=True).first()
    if number is None:
        return problem_page.not_found(request)
    query = request.GET.copy()
    query[SECURITY] = str(number)
    request.GET = query  # type: ignore[assignment]
    return page(request, slug, navigation.HOLDING)


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
        context = {"portfolio": portfolio} | _frame(request, portfolio, version)
        return render(request, "nothing_booked.html", context)
    except (TieoutError, OperationalError, InterfaceError, RedisError) as failure:
        frame = {}
        if portfolio and isinstance(failure, TieoutError):
            frame = _frame(request, portfolio, version)
            frame |= {"ready": _day_before(request, portfolio, pattern_id, failure)}
        if portfolio and version and isinstance(failure, RequestInvalid | patterns.InputsInvalid):
            frame |= form_context(version, portfolio, request.GET)
        return render_failure(request, failure, frame)
    return _show(request, served, version, portfolio)


def _show(request: HttpRequest, served: executor.Served, version: PatternVersion, portfolio: Portfolio) -> HttpResponse:
    frame = _frame(request, portfolio, version, served.metadata["asof_date"])
    rows = PageRows(request.GET.dict())
    tag = page_tag.of_result(served.etag, request, (frame, rows))
    unchanged = get_conditional_response(request, etag=tag)
    if unchanged is not None:
        return unchanged
    context = result_context(served, version, portfolio) | frame | {"page_rows": rows}
    reader = Reader(request.user.pk, request.request_id, timezone.now())  # type: ignore[arg-type, attr-defined]
    carried = navigation.carry(request.GET.dict())
    context["export_page"] = navigation.with_query(
        reverse("exports-page"), {**carried, "execution": str(served.execution_id)}
    )
    context["figure_page"] = figure.address_before_path(portfolio, served.execution_id, carried)
    context["chart_data"] = chart_data.address_before_panel(portfolio, served.execution_id)
    context["restated"] = _restated(portfolio, served.metadata["pricing_pack_id"], carried)
    context["watermarks"] = [reader.watermark(text, "Shown") for text in served.watermarks]
    response = render(request, "pattern.html", context | form_context(version, portfolio, request.GET))
    response["ETag"] = tag
    for name, value in limits.EXECUTIONS.headers(request.user).items():
        response[name] = value
    patch_cache_control(response, private=True, no_cache=True)
    return response


@transaction.atomic
def _day_before(
    request: HttpRequest, portfolio: Portfolio, pattern_id: str, failure: BaseException
) -> navigation.Link | None:
    """The same page on the last day before the one that failed whose pack is fresh and does not block the portfolio; None where
    another day is no help, or there is none."""
    problem = problems.problem_of(failure)
    if problem is None or problem.type not in OF_ONE_DAY:
        return None
    asof = navigation.carry(request.GET.dict()).get(navigation.ASOF)
    try:
        day = packs.resolve(policy=portfolio.policy, asof_date=dates.parse(asof) if asof else None).asof_date
    except (packs.PackWarming, packs.AsofOutOfRange):
        return None
    blocked = BlockedPortfolio.objects.filter(portfolio=portfolio.pk).values("pack")
    ready = PricingPack.objects.filter(policy=portfolio.policy_id, status=PackStatus.FRESH, asof_date__lt=day)
    before = ready.exclude(pk__in=blocked).aggregate(newest=Max("asof_date"))["newest"]
    if before is None:
        return None
    same = {name: text for name, text in request.GET.dict().items() if text} | {navigation.ASOF: before.isoformat()}
    return navigation.Link(before.isoformat(), navigation.address(portfolio, pattern_id, same))


def _restated(portfolio: Portfolio, pack_id: str, carried: Mapping[str, str]) -> dict[str, str] | None:
    """Why the pack of a page is not the first of its day, and where both are side by side; None for a first one."""
    if pack_id.endswith("_r1"):
        return None
    with transaction.atomic():
        pack = PricingPack.objects.get(pk=pack_id)
    trust = navigation.with_query(reverse("reconciliation", args=[portfolio.slug]), carried)
    return {"reason": pack.restates, "release": str(pack.release), "address": f"{trust}#restatements"}


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
    context |= form_context(version, portfolio, request.GET) | _frame(request, portfolio, version)
    response = render(request, "choose.html", context)
    patch_cache_control(response, private=True, no_store=True)
    return response


@transaction.atomic
def _frame(
    request: HttpRequest, portfolio: Portfolio, version: PatternVersion | None, figures_day: str = ""
) -> dict[str, Any]:
    """The frame of the page, on the day and range that it shows."""
    declared = version.document["inputs"] if version else {}
    frame = navigation.for_portfolio(
        portfolio,
        current=version.pattern_id if version else "",
        query=request.GET.dict(),
        figures_day=figures_day,
        default_range=declared.get(navigation.RANGE, {}).get("default", ""),
    )
    return {"navigation": frame}


def doubt(result: Mapping[str, Any]) -> figures.Figure | None:
    """The share of the value that does not rest on the day's own closes and rates; None for a result that has no value."""
    valued = result.get("valued_positions")
    quality = valued.get("quality") if isinstance(valued, Mapping) else None
    return figures.from_value(quality["doubtful_share"], "percentage") if quality else None


def result_context(served: executor.Served, version: PatternVersion, portfolio: Portfolio) -> dict[str, Any]:
    """What the template shows of a result: its outputs for the panels, and what it ties out to."""
    scope, metadata = scope_of(served, portfolio), served.metadata
    result = scope.state
    captions = [each["basis_caption"] for each in result.values() if isinstance(each, dict) and "basis_caption" in each]
    return {
        "document": version.document,
        "portfolio": portfolio,
        "metadata": metadata,
        "attributions": {
            placement.value: [each for each in served.attributions if each.placement is placement]
            for placement in Placement
        },
        "execution_id": served.execution_id,
        "caption": captions[0] if captions else "",
        "doubt": doubt(result),
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
        "scope": scope,
    }
