"""The reconciliation of a portfolio in a browser: the distance over time, what broke, and the last packs in figures, each of which
opens what was compared at it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from config.decimals import plain
from execution import figures
from execution.operations import reconciliation_report, shown_values
from execution.operations.reconciliation_report import Distance, History, Report, basis_points
from execution.patterns.templating import Scope
from execution.web.pages import navigation, problem_page
from portfolio.books.comparison import VALUE_TOLERANCE_BP, error_bp
from portfolio.models import Portfolio

VISIBLE_ROWS = 30
CHART: Final[Mapping[str, Any]] = {
    "id": "distance",
    "type": "line_chart",
    "title": "Distance between the books, basis points",
    "x": "{{state.distance.dates}}",
    "series": [{"label": "Distance, bp", "values": "{{state.distance.values}}", "format": "decimal_2"}],
}


@require_safe
@login_required
def page(request: HttpRequest, slug: str) -> HttpResponse:
    portfolio = Portfolio.objects.filter(slug=slug).first()
    if portfolio is None:
        return problem_page.not_found(request)
    history = reconciliation_report.read_history(portfolio)
    visible, failing = history.distances[:VISIBLE_ROWS], history.failing[:VISIBLE_ROWS]
    restated = history.restated[:VISIBLE_ROWS]
    all_of_them = list({*visible, *failing, *(each for pair in restated for each in pair)})
    reports = {each.reconciliation.pk: each for each in reconciliation_report.read_reports(all_of_them)}
    rows = [_row(reports[each.reconciliation_id], portfolio) for each in visible]
    response = render(
        request,
        "reconciliation.html",
        {
            "portfolio": portfolio,
            "navigation": navigation.for_portfolio(portfolio, current="reconciliation", query=request.GET.dict()),
            "newest": rows[0] if rows else None,
            "count": len(history.distances),
            "failed": len(history.failing),
            "max_error_bp": basis_points(history.max_error_bp),
            "largest": _find_largest(history),
            "chart": None if history.max_error_bp is None else CHART,
            "scope": _chart_scope(portfolio, history.distances[::-1]),
            "failing": [reconciliation_report.as_dict(reports[each.reconciliation_id]) for each in failing],
            "rows": rows,
            "tolerance_bp": VALUE_TOLERANCE_BP,
            "restatements": [
                _restatement(*(reports[each.reconciliation_id] for each in pair), portfolio=portfolio)
                for pair in restated
            ],
        },
    )
    patch_cache_control(response, private=True, no_store=True)
    return response


@require_safe
@login_required
def at_pack(request: HttpRequest, slug: str, pack_id: str) -> HttpResponse:
    """What the two values at one pack are, how far they are apart, and what they tie out to."""
    portfolio = Portfolio.objects.filter(slug=slug).first()
    distance = reconciliation_report.find_distance(portfolio, pack_id) if portfolio else None
    if portfolio is None or distance is None:
        return problem_page.not_found(request)
    (report,) = reconciliation_report.read_reports([distance])
    ledger, database = report.reconciliation.ledger_value, report.reconciliation.database_value
    is_known = not report.withheld
    difference = database - ledger if is_known and database is not None and ledger is not None else None
    day = distance.asof_date.isoformat()
    api = reverse("reconciliations", args=[portfolio.pk], query={"first": day, "last": day})
    carried = navigation.carry(request.GET.dict())
    context = {
        "portfolio": portfolio,
        "navigation": navigation.for_portfolio(portfolio, current="reconciliation", query=request.GET.dict()),
        "row": _row(report, portfolio),
        "pack": report.reconciliation.pack,
        "difference": _figure(difference, portfolio),
        "tolerance_bp": VALUE_TOLERANCE_BP,
        "value_page": navigation.address(portfolio, navigation.OVERVIEW, {**carried, navigation.ASOF: day}),
        "link": request.build_absolute_uri(),
        "curl": f'curl -s "{request.build_absolute_uri(api)}" -H "Authorization: Bearer $TIEOUT_TOKEN"',
    }
    response = render(request, "reconciliation_at_pack.html", context)
    patch_cache_control(response, private=True, no_store=True)
    return response


def _find_largest(history: History) -> str:
    """The pack of the largest distance; empty where none could be computed."""
    distances = [(each.error_bp, each.pack_id) for each in history.distances if each.error_bp is not None]
    return max(distances, key=lambda each: each[0])[1] if distances else ""


def _chart_scope(portfolio: Portfolio, rising: tuple[Distance, ...]) -> Scope:
    """What the chart's templates read: days and distances, oldest first; of a day that was restated its last release."""
    by_day = {each.asof_date: each for each in rising}
    distances = {
        "dates": [day.isoformat() for day in by_day],
        "values": [None if each.error_bp is None else float(round(each.error_bp, 6)) for each in by_day.values()],
    }
    ctx = {"portfolio_id": str(portfolio.pk), "base_currency": portfolio.base_currency}
    return Scope(inputs={}, state={"distance": distances}, ctx=ctx)


def _row(report: Report, portfolio: Portfolio) -> dict[str, Any]:
    """The endpoint's fields, and both values as figures."""
    return reconciliation_report.as_dict(report) | {
        "ledger": _figure(None if report.withheld else report.reconciliation.ledger_value, portfolio),
        "database": _figure(None if report.withheld else report.reconciliation.database_value, portfolio),
        "why_withheld": shown_values.explain(report.withheld) if report.withheld else "",
    }


def _restatement(earlier: Report, later: Report, *, portfolio: Portfolio) -> dict[str, Any]:
    """The values of both releases as figures, their difference, and its size in basis points of the value before."""
    before, after = (None if each.withheld else each.reconciliation.database_value for each in (earlier, later))
    difference = after - before if before is not None and after is not None else None
    return {
        "pack": later.reconciliation.pack,
        "before_pack": earlier.reconciliation.pack_id,
        "before": _figure(before, portfolio),
        "after": _figure(after, portfolio),
        "difference": _figure(difference, portfolio),
        "distance_bp": basis_points(error_bp(before, after)),
    }


def _figure(value: Decimal | None, portfolio: Portfolio) -> figures.Figure:
    return figures.from_value(plain(value), "currency", currency=portfolio.base_currency)
