"""The entries of a portfolio's ledger as rows, newest first: what each was, and what it did to cash. Filters store nothing."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from config import dates
from config.decimals import plain
from execution import figures
from execution.figures import privacy
from execution.web.pages import navigation, problem_page
from portfolio import books
from portfolio.models import Portfolio, Transaction

ROWS: Final = 100
FILTERS: Final = ("kind", "symbol", "words")


@gzip_page
@require_safe
@login_required
def page(request: HttpRequest, slug: str) -> HttpResponse:
    portfolio = Portfolio.objects.filter(slug=slug).first()
    if portfolio is None:
        return problem_page.not_found(request)
    revision = books.newest_reconciled(portfolio)
    rows = Transaction.objects.none()
    if revision is not None:
        rows = books.rows_of_revisions(Transaction.objects.select_related("security"), [revision])
    query = {name: request.GET.get(name, "").replace("\0", "").strip()[:100] for name in FILTERS}
    up_to = _day(request.GET.get("asof", ""))
    if up_to is not None:
        rows = rows.filter(date__lte=up_to)
    kinds = sorted(set(rows.order_by().values_list("kind", flat=True)))
    one_page = Paginator(_filter(rows, query).order_by("-date", "-ordinal", "-id"), ROWS).get_page(
        request.GET.get("page")
    )
    carried = navigation.carry(request.GET.dict()) | {name: text for name, text in query.items() if text}
    response = render(
        request,
        "transactions.html",
        {
            "portfolio": portfolio,
            "navigation": navigation.for_portfolio(portfolio, current="transactions", query=request.GET.dict()),
            "revision": revision,
            "kinds": kinds,
            "query": query,
            "asof": up_to.isoformat() if up_to else "",
            "page": one_page,
            "rows": [_row(each, portfolio) for each in one_page],
            "earlier": f"?{urlencode(carried | {'page': one_page.next_page_number()})}" if one_page.has_next() else "",
            "later": f"?{urlencode(carried | {'page': one_page.previous_page_number()})}" if one_page.has_previous() else "",
        },
    )  # fmt: skip
    patch_cache_control(response, private=True, no_store=True)
    return response


def _day(text: str) -> date | None:
    """None for what is no day: then all entries are listed, and the page says of no day."""
    try:
        return dates.parse(text)
    except ValueError:
        return None


def _filter(rows: QuerySet[Transaction], query: Mapping[str, str]) -> QuerySet[Transaction]:
    if query["kind"]:
        rows = rows.filter(kind=query["kind"])
    if query["symbol"]:
        rows = rows.filter(security__symbol__iexact=query["symbol"])
    if query["words"]:
        words = query["words"]
        rows = rows.filter(Q(note__icontains=words) | Q(entry_id__icontains=words) | Q(security__name__icontains=words))
    return rows


def _row(row: Transaction, portfolio: Portfolio) -> dict[str, Any]:
    return {
        "date": row.date,
        "kind": row.kind.replace("_", " "),
        "security": row.security,
        "quantity": _number(row.quantity),
        "unit_price": _number(row.unit_price),
        "amount": _money(row.amount, row.currency),
        "currency": row.currency,
        "fee": _money(row.fee, row.currency),
        "tax": _money(row.tax, row.currency),
        "counter": _money(row.counter_amount, row.counter_currency),
        "counter_currency": row.counter_currency,
        "note": privacy.sentence(row.note),
        "entry_id": row.entry_id,
        "came_by": PurePosixPath(row.file).stem if row.file.startswith("imports/") else "",
        "inferred": row.inferred,
    }


def _number(value: Decimal | None) -> figures.Figure | None:
    return None if value is None else figures.from_value(plain(value), "number")


def _money(value: Decimal | None, currency: str) -> figures.Figure | None:
    return None if value is None else figures.from_value(plain(value), "currency", currency=currency)
