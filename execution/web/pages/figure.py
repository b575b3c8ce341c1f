"""The page of one figure of an answer: what it is, how it is made, what went in, and what it ties out to.

A script of the other pages shows the same in a dialog over the page that printed the figure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from compliance.refusal import RightDenied
from config.errors import TieoutError
from execution import executor, explanation, figures, metering
from execution.executor import DifferentEngine, ExecutionNotFound, RequestInvalid
from execution.explanation import NotExplained, PathNotFound, question
from execution.figures import FORMATS, Figure, formulas
from execution.models import Execution
from execution.patterns import versions
from execution.web import limits, problems
from execution.web.pages import explained, navigation, panel_labels, problem_page
from execution.web.pages.panel_labels import PrintedFigure
from execution.web.pages.problem_page import render_failure
from portfolio.models import Portfolio

REFUSALS: Final[Mapping[type[TieoutError], str]] = {
    NotExplained: "What this figure is made of can't be shown yet. It was computed from the pricing pack and the ledger commit"
    " below.",
    RightDenied: "The terms of a data provider do not allow to show what this figure rests on.",
    DifferentEngine: "Another release of Tieout computed this figure, and this one does not come to the same digits, so that it"
    " does not explain it.",
    PathNotFound: "This answer has no such figure.",
    RequestInvalid: "This is no figure, but a text, a list, or a group of figures.",
}
"""Why a figure is not taken apart -> what its page says."""
STILL_SHOWN: Final = (NotExplained, RightDenied, DifferentEngine)
"""Refusals of the explanation alone: the page has what may be shown of the figure, and what it ties out to."""
REFUSED: Final = (*REFUSALS,)


@dataclass(frozen=True, slots=True)
class Account:
    """The explanation of a figure as the API has it, or why there is none, with the status of the page."""

    document: Mapping[str, Any] | None = None
    refusal: str = ""
    providers: tuple[str, ...] = ()
    status: int = HTTPStatus.OK


def address_before_path(portfolio: Portfolio, execution_id: UUID, carried: Mapping[str, str]) -> str:
    """The address of a figure's page but for its path, which comes last."""
    address = reverse("figure", args=[portfolio.slug, execution_id])
    return f"{address}?{urlencode({**carried, 'path': ''})}"


@transaction.non_atomic_requests
@require_safe
@login_required
def page(request: HttpRequest, slug: str, execution_id: UUID) -> HttpResponse:
    with transaction.atomic():
        portfolio = Portfolio.objects.filter(slug=slug).first()
    if portfolio is None:
        return problem_page.not_found(request)
    try:
        return _show(request, portfolio, execution_id)
    except (TieoutError, OperationalError, InterfaceError, RedisError) as failure:
        frame = {"navigation": _frame(request, portfolio)} if isinstance(failure, TieoutError) else {}
        return render_failure(request, failure, frame)


def _show(request: HttpRequest, portfolio: Portfolio, execution_id: UUID) -> HttpResponse:
    """Raises ExecutionNotFound, ExecutionDropped, LimitReached, and what else keeps a stored answer from being read."""
    served = executor.fetch(execution_id, user=request.user)  # type: ignore[arg-type]
    with transaction.atomic():
        execution = Execution.objects.filter(pk=execution_id, portfolio_id=portfolio.pk).first()
        if execution is None:
            raise ExecutionNotFound
        version = versions.published_version(served.metadata["pattern_id"], served.metadata["pattern_version"])
    pointer, place, result = request.GET.get("path", ""), request.GET.get("part", ""), served.result
    value = _stored_value(result, pointer)
    is_absent = _is_unavailable(value) and not question.is_metric(value)
    account = Account() if is_absent else _account(request, execution_id, pointer, place)
    printed = panel_labels.find(version.document, pointer, result)
    whole = printed.label if printed else "the whole figure"
    if place:
        value = printed = None
    carried = navigation.carry(request.GET.dict())
    security = execution.request["inputs"].get(navigation.SECURITY)
    before = address_before_path(portfolio, execution_id, carried)
    entries = reverse("portfolio-transactions", args=[portfolio.slug])
    addresses = explained.Addresses(
        of_figure=lambda path: f"{before}{quote(path)}",
        of_part=lambda part: f"{_before_part(before, part)}{quote(pointer)}",
        of_entry=lambda entry_id: navigation.with_query(entries, {**carried, "words": entry_id}),
    )
    other_inputs = {navigation.SECURITY: str(security)} if security else {}
    context = {
        "portfolio": portfolio,
        "navigation": _frame(request, portfolio, served),
        "metadata": served.metadata,
        "path": pointer,
        "printed": printed,
        "figure": _figure(value, printed, account, portfolio.base_currency),
        "account": account,
        "made": _template_line(account.document, addresses, place),
        "whole": {"title": whole, "address": f"{before}{quote(pointer)}"} if place else None,
        "title": version.document["title"],
        "printing_page": navigation.address(portfolio, version.pattern_id, carried | other_inputs),
        "form_address": navigation.address(portfolio, version.pattern_id, {}),
        "kept": {name: text for name, text in (carried | other_inputs).items() if name != navigation.ASOF},
        "link": request.build_absolute_uri(f"{_before_part(before, place)}{quote(pointer)}"),
        "curl": _curl(request, execution_id, pointer),
    }
    response = render(request, "figure.html", context, status=account.status)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _account(request: HttpRequest, execution_id: UUID, pointer: str, place: str) -> Account:
    """Of a figure, or of the part of its explanation at a place. Raises LimitReached, and what the failure of a step is."""
    try:
        with limits.replaying(request.user):
            document = explanation.explain(execution_id, pointer, user=request.user)  # type: ignore[arg-type]
        return Account(_part_of(document, place) if place else document)
    except REFUSED as failure:
        problem = problems.problem_of(failure)
        assert problem is not None  # each of these has its row in the table
        metering.count_request_error(problem.type)
        problems.log(failure, problem, request)
        return Account(
            refusal=next(words for kind, words in REFUSALS.items() if isinstance(failure, kind)),
            providers=tuple(sorted({each.provider for each in failure.refusals}))
            if isinstance(failure, RightDenied)
            else (),
            status=HTTPStatus.OK if isinstance(failure, STILL_SHOWN) else problem.status,
        )


def _stored_value(result: Any, pointer: str) -> Any:
    """What an answer has at a path, or the state of what is above it and has no value; None where it has nothing there."""
    value = result
    try:
        for name in question.split(pointer):
            if _is_unavailable(value):
                return value
            value = question.stored_at(value, (name,))
    except (RequestInvalid, PathNotFound):
        return None
    return value


def _is_unavailable(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("status") == "unavailable"


def _figure(own_value: Any, printed: PrintedFigure | None, account: Account, currency: str) -> Figure | None:
    """The figure as the panel writes it, or by the unit that its explanation has; None for what is no figure."""
    if account.status != HTTPStatus.OK:
        return None
    document = account.document
    unit = document["unit"] if document else ""
    value = document["value"] if document and own_value is None else own_value
    kind = "percentage" if unit == "fraction" else "currency" if explained.is_currency(unit) else "number"
    if printed and printed.format in FORMATS:
        kind = printed.format
    currency = unit if explained.is_currency(unit) else currency
    return figures.from_value(value, kind, currency=currency, signed=printed is not None and printed.is_change)


def _part_of(document: Mapping[str, Any], place: str) -> dict[str, Any]:
    """A term of an explanation as an explanation of its own. Raises PathNotFound, RequestInvalid."""
    term = explained.find(document, place)
    return {**term, "what": term.get("label") or formulas.name_words(term["name"]), "metadata": document["metadata"]}


def _template_line(
    document: Mapping[str, Any] | None, addresses: explained.Addresses, place: str
) -> dict[str, Any] | None:
    """The explanation as the template draws it."""
    if document is None:
        return None
    return explained.line({**document, "path": ""}, addresses, place)


def _before_part(before: str, place: str) -> str:
    """The address before the path of a figure of which a part is shown."""
    return f"{before.removesuffix('path=')}{urlencode({'part': place, 'path': ''})}" if place else before


def _curl(request: HttpRequest, execution_id: UUID, pointer: str) -> str:
    """The command that asks the API for the same."""
    address = request.build_absolute_uri(f"{reverse('explain', args=[execution_id])}?path={quote(pointer)}")
    return f'curl -s "{address}" -H "Authorization: Bearer $TIEOUT_TOKEN"'


def _frame(request: HttpRequest, portfolio: Portfolio, served: executor.Served | None = None) -> navigation.Navigation:
    with transaction.atomic():
        return navigation.for_portfolio(
            portfolio,
            current=served.metadata["pattern_id"] if served else "",
            query=navigation.carry(request.GET.dict()),
            figures_day=served.metadata["asof_date"] if served else "",
        )
