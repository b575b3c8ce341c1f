"""The pages of an owner: the portfolios one may see, and a pattern's result drawn by its panels."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from time import perf_counter
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from config.errors import TieoutError
from execution import charts, executor, metering, panels, patterns, planning
from execution.errors import PortfolioNotFound, RequestInvalid
from execution.models import Pattern, PatternVersion
from execution.problems import Problem, problem_of
from execution.templating import Scope
from portfolio.models import DailyValue, Lot, Portfolio
from pricing.models import PackStatus, Security

OVERVIEW, SECURITY = "portfolio_overview", "security_id"
TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


@require_safe
@login_required
def portfolios(request: HttpRequest) -> HttpResponse:
    """The portfolios one may see, each with its newest stored value."""
    newest = {
        row.portfolio_id: row
        for row in DailyValue.objects.filter(pack__status=PackStatus.FRESH)
        .order_by("portfolio_id", "-date", "-pack__sequence", "-revision__number")
        .distinct("portfolio_id")
    }
    rows = [
        {
            "portfolio": portfolio,
            "value": panels.figure(str(newest[portfolio.pk].value), "currency", currency=portfolio.base_currency)
            if portfolio.pk in newest
            else panels.figure(None, "currency"),
            "asof": newest[portfolio.pk].date.isoformat() if portfolio.pk in newest else "",
        }
        for portfolio in Portfolio.objects.order_by("name", "slug")
    ]
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
            version = planning.current_version(pattern_id)
        served = executor.execute(_asked(request.GET.dict(), version, portfolio), user=request.user)  # type: ignore[arg-type]
        if version.version != served.metadata["pattern_version"]:
            version = PatternVersion.objects.get(pattern=pattern_id, version=served.metadata["pattern_version"])
    except (TieoutError, OperationalError, InterfaceError, RedisError) as failure:
        form = {}
        if portfolio and version and isinstance(failure, RequestInvalid | patterns.InputsInvalid):
            form = _form(version, portfolio, request.GET)
        return _refused(request, failure, form)

    tag = _tag(served.etag, request)
    unchanged = get_conditional_response(request, etag=tag)
    if unchanged is not None:
        return unchanged
    response = render(
        request, "pattern.html", _context(served, version, portfolio) | _form(version, portfolio, request.GET)
    )
    response["ETag"] = tag
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _asked(query: Mapping[str, str], version: PatternVersion, portfolio: Portfolio) -> planning.Request:
    """The request that a query string makes. Empty fields of the form are as if they were not there.

    raises   RequestInvalid with every field that is wrong
    """
    declared = version.document["inputs"]
    given = {name: text for name, text in query.items() if text and name != "asof"}
    inputs = {name: _value(declared[name]["type"], text) if name in declared else text for name, text in given.items()}
    asof = query.get("asof") or None
    request = planning.Request(version.pattern_id, inputs, portfolio_id=portfolio.pk)
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
    """The form's fields: the as-of date, and what the pattern declares but for the portfolio, which the address names;
    and what else there is to look at."""
    return {
        "others": [
            (each.pk, each.title)
            for each in Pattern.objects.filter(current__document__inputs__has_key="portfolio_id")
            if each.pk != version.pattern_id
        ],
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
        held = Security.objects.filter(pk__in=Lot.objects.filter(portfolio=portfolio).values("security"))
        return [(str(each.pk), f"{each.symbol}, {each.name}") for each in held.order_by("symbol")]
    words = ["true", "false"] if declared["type"] == "boolean" else declared.get("enum") or []
    return [(str(word), str(word)) for word in words]


def _written(default: Any) -> str:
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)


def _refused(request: HttpRequest, failure: BaseException, form: dict[str, Any]) -> HttpResponse:
    problem = problem_of(failure)
    assert problem is not None  # whatever is caught above has its row in the table
    if problem.type == "portfolio-not-found":
        # Unknown and not yours are one page, to the byte: no address, no form, no request id.
        response = render(request, "404.html", status=HTTPStatus.NOT_FOUND)
    else:
        response = render(request, "problem.html", _problem_context(problem, request) | form, status=problem.status)
    for name, value in problem.headers.items():
        response[name] = value
    patch_cache_control(response, private=True, no_store=True)
    return response


def _problem_context(problem: Problem, request: HttpRequest) -> dict[str, Any]:
    """Lists of findings and breaks, single facts, and the trace's steps: whatever of them the problem has."""
    known = {"errors", "breaks", "estimated_ready", "trace"}
    return {
        "problem": problem,
        "errors": [
            (each["pointer"].removeprefix("/inputs").strip("/"), each["reason"])
            for each in problem.extra.get("errors", ())
        ],
        "breaks": problem.extra.get("breaks", ()),
        "estimated_ready": datetime.fromisoformat(ready) if (ready := problem.extra.get("estimated_ready")) else None,
        "is_warming": problem.type == "pack-warming",
        "steps": problem.extra.get("trace", {}).get("steps", ()),
        "facts": [
            (name.replace("_", " "), value)
            for name, value in problem.extra.items()
            if name not in known and isinstance(value, str | int | float)
        ],
        "missing": [row for row in problem.extra.get("missing", ()) if isinstance(row, Mapping)],
        "request_id": getattr(request, "request_id", ""),
        "again": request.get_full_path(),
    }
