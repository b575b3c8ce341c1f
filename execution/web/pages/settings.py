"""The name and the settings of a portfolio in a browser: everybody who sees it reads them, its owner changes them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.db import InterfaceError, OperationalError, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods
from redis.exceptions import RedisError

from config.errors import TieoutError
from execution.executor import NotAllowed
from execution.web.pages import navigation, problem_page
from execution.web.pages.pattern_inputs import field_text
from execution.web.pages.problem_page import render_failure
from portfolio import portfolio_settings
from portfolio.models import Benchmark, Portfolio
from portfolio.portfolio_settings import BENCHMARK, CHOICES, FIXED, SETTINGS, SettingsRefused

EDITABLE: Final = tuple(name for name in SETTINGS if name not in FIXED)
YES_OR_NO: Final = {"true": True, "false": False}
WORDS: Final[Mapping[str, str]] = {
    "booking_method": "Lots are taken",
    "fees_in_cost": "Fees of deals",
    "flow_timing": "Money in and out counts",
    "accrual": "Dividends",
    "trade_fx": "Deals are converted at",
    "benchmark": "Benchmark",
    "base_currency": "Base currency",
    "policy": "Pricing policy",
}


@transaction.non_atomic_requests
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest, slug: str) -> HttpResponse:
    with transaction.atomic():
        portfolio = Portfolio.objects.filter(slug=slug).first()
    if portfolio is None:
        return problem_page.not_found(request)
    try:
        response = _submit(request, portfolio) if request.method == "POST" else _show(request, portfolio)
    except (TieoutError, OperationalError, InterfaceError, RedisError) as failure:
        with transaction.atomic():
            return render_failure(request, failure, {"navigation": _frame(request, portfolio)})
    patch_cache_control(response, private=True, no_store=True)
    return response


def _submit(request: HttpRequest, portfolio: Portfolio) -> HttpResponse:
    """Change what is another value than before. What is refused stays in the form as it was typed."""
    if portfolio.owner_id != request.user.pk:
        raise NotAllowed("only the owner of a portfolio changes its settings")
    typed = {name: request.POST.get(name, "") for name in ("name", *EDITABLE) if name in request.POST}
    values = {name: _value(name, text) for name, text in typed.items() if name != "name"}
    fault = portfolio_settings.find_name_fault(typed["name"]) if "name" in typed else ""
    try:
        if fault:
            raise SettingsRefused((("name", fault),))
        changed = portfolio_settings.change(
            portfolio=portfolio, values=values, author=request.user.get_username(), at=timezone.now()
        )
    except SettingsRefused as refusal:
        return _show(request, portfolio, typed=typed, faults=dict(refusal.findings))
    names = list(changed.names)
    if "name" in typed and portfolio_settings.rename(portfolio=portfolio, name=typed["name"]):
        names.insert(0, "name")
    query = navigation.carry(request.GET.dict()) | {"changed": ",".join(names) or "nothing"}
    if changed.breaks:
        query["broken"] = "1"
    return HttpResponseRedirect(reverse("portfolio-settings", args=[portfolio.slug], query=query))


def _value(name: str, text: str) -> Any:
    """A field as the setting takes it; what can't be read stays text, and is refused as that."""
    if name == "fees_in_cost":
        return YES_OR_NO.get(text, text)
    return None if name == BENCHMARK and not text else text


@transaction.atomic
def _show(
    request: HttpRequest,
    portfolio: Portfolio,
    *,
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> HttpResponse:
    current = portfolio_settings.show(portfolio=portfolio)
    fields, wrong = typed or {}, faults or {}
    context = {
        "portfolio": portfolio,
        "navigation": _frame(request, portfolio),
        "is_owner": portfolio.owner_id == request.user.pk,
        "name": fields.get("name", portfolio.name),
        "max_length": portfolio_settings.MAX_NAME,
        "name_fault": wrong.get("name", ""),
        "fields": [
            {
                "name": name,
                "label": WORDS[name],
                "choices": _choices(name),
                "value": fields.get(name, field_text(current.values[name])),
                "hint": Portfolio._meta.get_field(name).help_text,  # type: ignore[union-attr]
                "fault": wrong.get(name, ""),
            }
            for name in EDITABLE
        ],
        "fixed": [(WORDS[name], current.values[name]) for name in FIXED],
        "changed": [each.replace("_", " ") for each in request.GET.get("changed", "").split(",") if each],
        "is_broken": request.GET.get("broken") == "1",
    }
    return render(request, "settings.html", context, status=HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK)


def _frame(request: HttpRequest, portfolio: Portfolio) -> navigation.Navigation:
    return navigation.for_portfolio(portfolio, current="settings", query=request.GET.dict())


def _choices(name: str) -> list[tuple[str, str]]:
    if name == BENCHMARK:
        return [("", "none"), *((each, each) for each in Benchmark.objects.values_list("name", flat=True))]
    if name == "fees_in_cost":
        return [("true", "in cost and proceeds"), ("false", "apart")]
    field = Portfolio._meta.get_field(name)
    assert isinstance(field, models.Field)
    words = dict(field.choices or ())
    return [(value, str(words[value])) for value in CHOICES[name]]
