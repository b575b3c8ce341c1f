"""The list of portfolios: each by the stored result of one small pattern, or the words for why there is none, and their total.

All are asked for one day, and each is what the overview of that day shows. Sorting is no input of the pattern, and stores nothing.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from compliance.terms import Placement
from config import dates
from config.errors import TieoutError
from execution.executor import RequestInvalid, Served
from execution.exports import Reader
from execution.operations import portfolio_summaries
from execution.operations.portfolio_summaries import Answered, Refused
from execution.web import limits
from execution.web.pages import navigation, summary_rows
from execution.web.pages.problem_page import render_failure
from portfolio.models import Portfolio
from pricing.fx import CURRENCIES
from pricing.models import PackRate

ROWS: Final = 30
"""On a page."""
PATIENCE_S: Final = 5.0
"""So long a page computes what was not answered before; the rest follows when it is shown again."""
COLUMNS: Final[Mapping[str, str]] = {
    "name": "Portfolio",
    "value": "Value",
    "today": "Gain today, without flows",
    "year": "This year",
}
"""What rows can be sorted by -> its heading."""
PARAMETERS: Final = frozenset({*navigation.CARRIED, "currency", "sort", "page"})


@dataclass(frozen=True, slots=True)
class Query:
    """What the address asks for. `sort` begins with a minus where the greatest comes first. The page itself has no range: its
    links carry that of the page before on."""

    asof: date | None
    currency: str
    sort: str
    page: str
    span: Mapping[str, str]

    def parameters(self, **changes: str) -> dict[str, str]:
        """Of the same page, or of one that differs by `changes`; what is empty is left out."""
        own = {
            navigation.ASOF: self.asof.isoformat() if self.asof else "",
            "currency": self.currency,
            "sort": self.sort,
            **self.span,
        }
        return {name: text for name, text in (own | changes).items() if text}


@dataclass(frozen=True, slots=True)
class Heading:
    title: str
    address: str
    order: str
    """ascending, descending, or none."""


@transaction.non_atomic_requests
@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The portfolios that one may see, each with its figures, or why there are none."""
    try:
        context = _read(request)
    except (TieoutError, OperationalError, InterfaceError, RedisError) as failure:
        return render_failure(request, failure, {})
    response = render(request, "portfolios.html", context)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _read(request: HttpRequest) -> dict[str, Any]:
    """Raises RequestInvalid with everything that is wrong with the address."""
    query = _read_query(request.GET.dict())
    with transaction.atomic():
        order = "-name" if query.sort == "-name" else "name"
        portfolios = list(Portfolio.objects.order_by(order, "slug"))
        day = portfolio_summaries.common_day(portfolios, query.asof)
        days, currencies = _days(query, portfolios, day), _currencies(portfolios, day)
    page = Paginator(portfolios, ROWS).get_page(query.page)
    currency = query.currency or portfolio_summaries.usual_currency(portfolios)
    admit = partial(_while_patient, request.user, time.monotonic() + PATIENCE_S)
    summaries = list(
        portfolio_summaries.ask(
            list(page), navigation.SUMMARY, user=request.user, asof=day, currency=currency, admit=admit  # type: ignore[arg-type]
        )
    )  # fmt: skip
    carried = _carried(query, portfolios, day)
    rows = [summary_rows.draw(each, carried) for each in summaries]
    served = [each.served for each in summaries if isinstance(each, Answered)]
    return {
        "rows": summary_rows.arrange(rows, query.sort.removeprefix("-"), descending=query.sort.startswith("-")),
        "total": summary_rows.draw_total(portfolio_summaries.add_up(summaries, currency)),
        "has_several_currencies": any(each.base_currency != currency for each in portfolios),
        "page": page,
        "asof": day.isoformat() if day else "",
        "query": query,
        "headings": [_heading(name, query) for name in COLUMNS],
        "days": days,
        "currency": currency,
        "currencies": sorted(currencies | {currency}),
        "again": f"?{urlencode(query.parameters(page=query.page))}",
        "is_unfinished": any(
            isinstance(each, Refused) and isinstance(each.failure, ComputedLater) for each in summaries
        ),
        "earlier": _page_address(query, page.previous_page_number()) if page.has_previous() else "",
        "later": _page_address(query, page.next_page_number()) if page.has_next() else "",
    } | _terms(served, request)


class ComputedLater(limits.LimitReached):
    """A page computes only so long."""

    def __init__(self) -> None:
        super().__init__("not computed yet: it is when this page is shown again", {"Retry-After": "1"})


@contextmanager
def _while_patient(user: Any, until: float) -> Iterator[None]:
    """Around what has to be computed. Raises ComputedLater once the page has computed long enough; LimitReached."""
    if time.monotonic() > until:
        raise ComputedLater
    with limits.executing(user):
        yield


def _read_query(parameters: Mapping[str, str]) -> Query:
    """Raises RequestInvalid with everything that is wrong."""
    parameters = {name: text for name, text in parameters.items() if text}
    findings = [{"pointer": f"/{name}", "reason": "unknown parameter"} for name in parameters if name not in PARAMETERS]
    asof, currency, sort = None, parameters.get("currency", ""), parameters.get("sort", "name")
    try:
        asof = dates.parse(parameters[navigation.ASOF]) if navigation.ASOF in parameters else None
    except ValueError:
        findings.append({"pointer": "/asof_date", "reason": "not a date YYYY-MM-DD"})
    if currency and currency not in CURRENCIES:
        findings.append({"pointer": "/currency", "reason": "not a currency by its three letters"})
    if sort.removeprefix("-") not in COLUMNS:
        findings.append({"pointer": "/sort", "reason": f"not one of {', '.join(COLUMNS)}"})
    if findings:
        raise RequestInvalid(findings)
    span = {name: text for name, text in navigation.carry(parameters).items() if name != navigation.ASOF}
    return Query(asof, currency, "" if sort == "name" else sort, parameters.get("page", ""), span)


def _carried(query: Query, portfolios: Sequence[Portfolio], day: date | None) -> dict[str, str]:
    """What the links to the overviews carry on: the range, and the day where it was named or is not the newest of all of them."""
    several = len({each.policy_id for each in portfolios}) > 1
    own_day = {navigation.ASOF: day.isoformat()} if day is not None and (query.asof or several) else {}
    return {**own_day, **query.span}


def _heading(name: str, query: Query) -> Heading:
    """The address turns the order of a column round that rows are sorted by; figures begin with the greatest."""
    current, order, sort = query.sort or "name", "none", name if name == "name" else f"-{name}"
    if name == current.removeprefix("-"):
        order = "descending" if current.startswith("-") else "ascending"
        sort = name if current.startswith("-") else f"-{name}"
    return Heading(COLUMNS[name], _address(query.parameters(sort="" if sort == "name" else sort)), order)


def _days(query: Query, portfolios: Sequence[Portfolio], day: date | None) -> list[navigation.Link]:
    if day is None:
        return []
    return [
        navigation.Link(title, _address(query.parameters(asof=other.isoformat())), hint=hint)
        for title, hint, other in navigation.pack_days((each.policy_id for each in portfolios), day)
    ]


def _currencies(portfolios: Sequence[Portfolio], day: date | None) -> set[str]:
    """Those that the packs of the day have a rate of, and those that portfolios are kept in."""
    bases = {each.base_currency for each in portfolios}
    if day is None:
        return bases
    policies = {each.policy_id for each in portfolios}
    rates = PackRate.objects.filter(content__packs__policy__in=policies, content__packs__asof_date=day)
    pairs = rates.order_by().values_list("base", "quote").distinct()
    return {currency for pair in pairs for currency in pair} | bases


def _page_address(query: Query, number: int) -> str:
    return _address(query.parameters(page=str(number)))


def _address(parameters: Mapping[str, str]) -> str:
    return f"?{urlencode(parameters)}"


def _terms(served: Sequence[Served], request: HttpRequest) -> dict[str, Any]:
    """What the providers of the rows want to be said beside them, each once."""
    reader = Reader(request.user.pk, request.request_id, timezone.now())  # type: ignore[arg-type, attr-defined]
    attributions = dict.fromkeys(term for each in served for term in each.attributions)
    return {
        "attributions": {
            place.value: [each for each in attributions if each.placement is place] for place in Placement
        },
        "watermarks": [
            reader.watermark(text, "Shown")
            for text in dict.fromkeys(text for each in served for text in each.watermarks)
        ],
    }
