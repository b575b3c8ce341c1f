"""The pages of an owner: the portfolios one may see, and a pattern's result drawn by its panels.

A page without an input that its pattern must have asks for it: a holding is chosen from the holdings.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from time import perf_counter
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from config.errors import TieoutError
from execution import executor, metering, patterns
from execution.executor import NothingBooked, PortfolioNotFound, RequestInvalid
from execution.models import PatternVersion
from execution.patterns import versions
from execution.patterns.templating import Scope
from execution.web.pages import charts, navigation, panels, portfolio_list
from execution.web.pages.navigation import OVERVIEW, SECURITY
from execution.web.problems import Problem, problem_of
from portfolio import books
from portfolio.models import Lot, Portfolio
from pricing.models import Security

TEMPLATES = Path(settings.BASE_DIR) / "templates"


@require_safe
@login_required
def portfolios(request: HttpRequest) -> HttpResponse:
    """The portfolios one may see, each with its value, or why there is none."""
    rows = portfolio_list.rows(list(Portfolio.objects.order_by("name", "slug")))
    return TemplateResponse(request, "portfolios.html", {"rows": rows, "overview": OVERVIEW})


@transaction.non_atomic_requests
@require_safe
@login_required
def pattern(request: HttpRequest, slug: str, pattern_id: str) -> HttpResponse:
    """Run a pattern for a portfolio, or say what stands in the way."""
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
        if _unanswered(version, request.GET):
            return _choice(request, version, portfolio)
        served = executor.execute(_asked(request.GET.dict(), version, portfolio), user=request.user)  # type: ignore[arg-type]
        if version.version != served.metadata["pattern_version"]:
            version = PatternVersion.objects.get(pattern=pattern_id, version=served.metadata["pattern_version"])
    except NothingBooked:
        assert portfolio is not None  # it is the portfolio that has no ledger
        context = {"portfolio": portfolio} | _frame(request, portfolio, pattern_id)
        return render(request, "nothing_booked.html", context)
    except (TieoutError, OperationalError, InterfaceError, RedisError) as failure:
        frame = {}
        if portfolio and isinstance(failure, TieoutError):
            frame = _frame(request, portfolio, pattern_id)
        if portfolio and version and isinstance(failure, RequestInvalid | patterns.InputsInvalid):
            frame |= _form(version, portfolio, request.GET)
        return _refused(request, failure, frame)

    tag = _tag(served.etag, request)
    unchanged = get_conditional_response(request, etag=tag)
    if unchanged is not None:
        return unchanged
    context = _context(served, version, portfolio) | _frame(request, portfolio, pattern_id)
    response = render(request, "pattern.html", context | _form(version, portfolio, request.GET))
    response["ETag"] = tag
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _unanswered(version: PatternVersion, query: Mapping[str, str]) -> bool:
    """Whether nothing is said of what the pattern can't do without; what is said wrongly is refused, with its reason."""
    required = {name for name, declared in version.document["inputs"].items() if declared.get("required")}
    return any(not query.get(name) for name in required - {"portfolio_id"}) and not any(
        query.get(name) for name in query if name != "asof"
    )


def _choice(request: HttpRequest, version: PatternVersion, portfolio: Portfolio) -> HttpResponse:
    """What is to be shown: one of the holdings, or what the pattern's form asks for. Raises RequestInvalid."""
    asof = executor.answering_date(
        portfolio, _asked({"asof": request.GET.get("asof", "")}, version, portfolio).asof_date
    )
    context = {
        "title": version.document["title"],
        "description": version.document["description"],
        "portfolio": portfolio,
        "overview": OVERVIEW,
        "holdings": _holdings(portfolio, asof) if SECURITY in version.document["inputs"] else None,
    }
    context |= _form(version, portfolio, request.GET) | _frame(request, portfolio, version.pattern_id)
    response = render(request, "choose.html", context)
    patch_cache_control(response, private=True, no_store=True)
    return response


@dataclass(frozen=True, slots=True)
class Holding:
    security_id: int
    symbol: str
    name: str


@dataclass(frozen=True, slots=True)
class Holdings:
    """By symbol, of the newest reconciled revision."""

    now: tuple[Holding, ...]
    before: tuple[Holding, ...]


@transaction.atomic
def _holdings(portfolio: Portfolio, asof: date | None) -> Holdings:
    """Of a day (None: today's)."""
    revision = books.newest_reconciled(portfolio)
    if revision is None:
        return Holdings((), ())
    lots = books.of_revisions(Lot.objects.all(), [revision]).order_by()
    if asof is not None:
        lots = lots.filter(valid_from__lte=asof)
    still = Q(valid_to__isnull=True) if asof is None else Q(valid_to__isnull=True) | Q(valid_to__gt=asof)
    now = set(lots.filter(still).values_list("security", flat=True))
    known = Security.objects.filter(pk__in=lots.values("security")).order_by("symbol")
    every = [Holding(*row) for row in known.values_list("pk", "symbol", "name")]
    return Holdings(
        tuple(each for each in every if each.security_id in now),
        tuple(each for each in every if each.security_id not in now),
    )


@transaction.atomic
def _frame(request: HttpRequest, portfolio: Portfolio, pattern_id: str) -> dict[str, Any]:
    """The way to the portfolio's other pages, on the date that is looked at."""
    asof = request.GET.get("asof", "")
    known = asof if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", asof) else ""
    return {"navigation": navigation.for_portfolio(portfolio, current=pattern_id, asof=known)}


def _asked(query: Mapping[str, str], version: PatternVersion, portfolio: Portfolio) -> executor.Request:
    """The request that a query string makes. Empty fields of the form are as if they were not there.

    raises   RequestInvalid with every field that is wrong
    """
    declared = version.document["inputs"]
    given = {name: text for name, text in query.items() if text and name != "asof"}
    inputs = {name: _value(declared[name]["type"], text) if name in declared else text for name, text in given.items()}
    asof = query.get("asof") or None
    request = executor.Request(version.pattern_id, inputs, portfolio_id=portfolio.pk)
    if asof is None:
        return request
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", asof):
        try:
            return replace(request, asof_date=date.fromisoformat(asof))
        except ValueError:
            pass  # a 30 February: told below
    findings = [{"pointer": "/asof_date", "reason": "not a date YYYY-MM-DD"}]
    try:
        patterns.effective_inputs(patterns.parse(version.document), {"portfolio_id": str(portfolio.pk), **inputs})
    except patterns.InputsInvalid as wrong:
        findings += [{"pointer": found.pointer, "reason": found.reason} for found in wrong.findings]
    raise RequestInvalid(findings)


def _value(declared: str, text: str) -> Any:
    """A text of the query string as its declared type. What can't be read so stays text, and is refused as that."""
    if declared == "integer" and re.fullmatch(r"[+-]?[0-9]{1,16}", text):
        return int(text)
    if declared == "number" and re.fullmatch(r"[+-]?[0-9]{1,16}(\.[0-9]{1,16})?", text):
        return float(text)
    if declared == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def _tag(result_tag: str, request: HttpRequest) -> str:
    """The result's tag, and what else the page shows: who looks, the log-out form's secret, how pages are made."""
    get_token(request)
    shown = "\n".join((result_tag, str(request.user.pk), request.META["CSRF_COOKIE"], _look()))
    return f'"{hashlib.sha256(shown.encode()).hexdigest()[:32]}"'


@cache
def _look() -> str:
    """Hash of everything that turns a result into a page, so that a new release is not answered by an old page."""
    sources = [Path(module.__file__ or "") for module in (charts, panels)] + [Path(__file__)]
    files = sorted(path for path in TEMPLATES.rglob("*") if path.is_file())
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in [*sources, *files])).hexdigest()


def _context(served: executor.Served, version: PatternVersion, portfolio: Portfolio) -> dict[str, Any]:
    result, metadata = served.result, served.metadata
    captions = [each["basis_caption"] for each in result.values() if isinstance(each, dict) and "basis_caption" in each]
    return {
        "document": version.document,
        "portfolio": portfolio,
        "metadata": metadata,
        "execution_id": served.execution_id,
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


@transaction.atomic
def _form(version: PatternVersion, portfolio: Portfolio, query: Mapping[str, str]) -> dict[str, Any]:
    """The form's fields: the as-of date, and what the pattern declares but for the portfolio, which the address names."""
    return {
        "asof": query.get("asof"),
        "fields": [
            {
                "name": name,
                "label": "Security" if name == SECURITY else name.replace("_", " ").capitalize(),
                "type": {"integer": "number", "number": "number", "date": "date"}.get(declared["type"], "text"),
                "step": "1" if declared["type"] == "integer" else "any",
                "choices": _choices(name, declared, portfolio),
                "required": declared.get("required", False),
                "minimum": declared.get("minimum"),
                "maximum": declared.get("maximum"),
                "hint": declared.get("description", ""),
                "value": query.get(name) or _written(declared.get("default")),
            }
            for name, declared in sorted(
                version.document["inputs"].items(), key=lambda each: (not each[1].get("required", False), each[0])
            )
            if name != "portfolio_id"
        ],
    }


def _choices(name: str, declared: Mapping[str, Any], portfolio: Portfolio) -> list[tuple[str, str]]:
    """(value, label) of each; empty: whatever is written."""
    if name == SECURITY:
        holdings = _holdings(portfolio, None)
        every = sorted([*holdings.now, *holdings.before], key=lambda each: each.symbol)
        return [(str(each.security_id), f"{each.symbol}, {each.name}") for each in every]
    words = ["true", "false"] if declared["type"] == "boolean" else declared.get("enum") or []
    return [(str(word), str(word)) for word in words]


def _written(default: Any) -> str:
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)


def _refused(request: HttpRequest, failure: BaseException, frame: dict[str, Any]) -> HttpResponse:
    """frame: the way to the portfolio's other pages, and the form, where what was asked can be mended."""
    problem = problem_of(failure)
    assert problem is not None  # whatever is caught above has its row in the table
    if problem.type == "portfolio-not-found":
        # Unknown and not yours are one page, to the byte: no address, no form, no request id.
        response = render(request, "404.html", status=HTTPStatus.NOT_FOUND)
    else:
        response = render(request, "problem.html", _problem_context(problem, request) | frame, status=problem.status)
    for name, value in problem.headers.items():
        response[name] = value
    patch_cache_control(response, private=True, no_store=True)
    return response


def _problem_context(problem: Problem, request: HttpRequest) -> dict[str, Any]:
    """Lists of findings and breaks, single facts, and where a failure is ours the trace's steps: whatever the problem has."""
    known = {"errors", "breaks", "estimated_ready", "trace"}
    is_ours = problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if not is_ours:
        known |= {"step", "capability", "agent"}
    return {
        "problem": problem,
        "errors": [
            (each["pointer"].removeprefix("/inputs").strip("/"), each["reason"])
            for each in problem.extra.get("errors", ())
        ],
        "breaks": problem.extra.get("breaks", ()),
        "estimated_ready": datetime.fromisoformat(ready) if (ready := problem.extra.get("estimated_ready")) else None,
        "is_warming": problem.type == "pack-warming",
        "steps": problem.extra.get("trace", {}).get("steps", ()) if is_ours else (),
        "facts": [
            (name.replace("_", " "), value)
            for name, value in problem.extra.items()
            if name not in known and isinstance(value, str | int | float)
        ],
        "missing": [row for row in problem.extra.get("missing", ()) if isinstance(row, Mapping)],
        "request_id": getattr(request, "request_id", ""),
        "again": request.get_full_path(),
    }
