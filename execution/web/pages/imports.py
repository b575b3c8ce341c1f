"""The imports of a portfolio in a browser: upload, look at the preview, confirm, undo.

Between the preview and the confirmation the file waits in the cache, for its owner alone; what is confirmed is read anew, so
that a ledger that has moved meanwhile is taken as it is.
"""

import base64
import secrets
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.files.uploadedfile import UploadedFile
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods
from redis.exceptions import RedisError

from config.errors import TieoutError
from execution.executor.errors import NotAllowed
from execution.web.pages import navigation
from execution.web.problems import problem_of
from portfolio.books import imports
from portfolio.books.imports import Choices, ImportRefused, ImportTooLarge, Preview
from portfolio.ledger.importing.formats import FORMATS
from portfolio.ledger.importing.rows import MAX_BYTES
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import LedgerRevision, Portfolio

WAITS_S = 15 * 60
SHOWN_ROWS = 50
BODY_MARGIN = 64 * 1024


@csrf_exempt  # its check reads the whole body: _shown has it, once the length is known
@transaction.non_atomic_requests
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    too_large = length.isdigit() and int(length) > MAX_BYTES + BODY_MARGIN
    response: HttpResponse = _too_large(request, int(length)) if too_large else _shown(request, slug)
    patch_cache_control(response, private=True, no_store=True)
    return response


def _too_large(request: HttpRequest, length: int) -> HttpResponse:
    said = str(ImportTooLarge(length))
    return HttpResponse(said, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, content_type="text/plain")


@csrf_protect
@login_required
def _shown(request: HttpRequest, slug: str) -> HttpResponse:
    with transaction.atomic():
        portfolio = Portfolio.objects.filter(slug=slug).first()
    if portfolio is None:
        return render(request, "404.html", status=HTTPStatus.NOT_FOUND)
    try:
        if request.method == "POST":
            if portfolio.owner_id != request.user.pk:
                raise NotAllowed("only the owner of a portfolio writes to its ledger")
            return _done(request, portfolio)
        return _page(request, portfolio)
    except (TieoutError, OperationalError, InterfaceError, RedisError) as failure:
        problem = problem_of(failure)
        assert problem is not None  # whatever is caught above has its row in the table
        return _page(request, portfolio, status=problem.status, problem=problem.detail)


def _done(request: HttpRequest, portfolio: Portfolio) -> HttpResponse:
    """One of the page's forms."""
    author, now = request.user.get_username(), timezone.now()
    if "undo" in request.POST:
        try:
            imports.undo(portfolio=portfolio, author=author, at=now, import_id=request.POST["undo"])
        except LedgerRefused as refused:
            said = f"What came later needs this import; undo that first. {refused}"
            return _page(request, portfolio, status=HTTPStatus.BAD_REQUEST, problem=said)
        return _to(portfolio, undone=request.POST["undo"])
    if "confirm" in request.POST:
        waiting = cache.get(_key(request, portfolio, request.POST["confirm"]))
        if waiting is None:
            said = "The file has not waited that long: choose it again"
            return _page(request, portfolio, status=HTTPStatus.BAD_REQUEST, problem=said)
        file = _unpacked(waiting)
        try:
            done = imports.commit(portfolio=portfolio, author=author, at=now, choices=_choices(request), **file)
        except ImportRefused as refused:
            return _page(
                request, portfolio, status=HTTPStatus.BAD_REQUEST, findings=refused.findings, file=file["name"]
            )
        cache.delete(_key(request, portfolio, request.POST["confirm"]))
        return _to(portfolio, done=done.import_id or "nothing")
    if "look" in request.POST:
        waiting = cache.get(_key(request, portfolio, request.POST["look"]))
        if waiting is None:
            said = "The file has not waited that long: choose it again"
            return _page(request, portfolio, status=HTTPStatus.BAD_REQUEST, problem=said)
        return _previewed(request, portfolio, **_unpacked(waiting))
    uploaded, code = request.FILES.get("file"), request.POST.get("format") or None
    if not isinstance(uploaded, UploadedFile):
        return _page(request, portfolio, status=HTTPStatus.BAD_REQUEST, problem="Choose a file first")
    return _previewed(request, portfolio, name=uploaded.name or "", content=uploaded.read(MAX_BYTES + 1), code=code)


def _choices(request: HttpRequest) -> Choices:
    """What the form says beside the file."""
    return Choices(
        infer_deposits="infer_deposits" in request.POST,
        margin=tuple(request.POST.getlist("margin")),
        confirm_transfers="confirm_transfers" in request.POST,
    )


def _previewed(
    request: HttpRequest, portfolio: Portfolio, *, name: str, content: bytes, code: str | None
) -> HttpResponse:
    choices = _choices(request)
    with transaction.atomic():
        found = imports.preview(
            portfolio=portfolio, name=name, content=content, today=timezone.now().date(), code=code, choices=choices
        )
    waiting = ""
    if found.is_good and found.added:
        waiting = secrets.token_urlsafe(24)
        cache.set(_key(request, portfolio, waiting), _packed(name, content, code), WAITS_S)
    status = HTTPStatus.OK if found.is_good else HTTPStatus.BAD_REQUEST
    return _page(
        request,
        portfolio,
        status=status,
        preview=found,
        findings=found.findings,
        file=name,
        waiting=waiting,
        choices=choices,
        short=dict.fromkeys(found.called.get(each.account, each.account) for each in found.shortfalls),
    )


def _page(request: HttpRequest, portfolio: Portfolio, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    preview: Preview | None = more.get("preview")
    context = {
        "portfolio": portfolio,
        "navigation": navigation.for_portfolio(portfolio, current="imports"),
        "is_owner": portfolio.owner_id == request.user.pk,
        "kept": list(reversed(imports.kept(portfolio=portfolio))),
        "formats": [(code, each.TITLE) for code, each in FORMATS.items()],
        "limit_mib": MAX_BYTES // 1024**2,
        "rows": [_row(row) for row in preview.added[:SHOWN_ROWS]] if preview else [],
        "more": max(0, len(preview.added) - SHOWN_ROWS) if preview else 0,
        "done": request.GET.get("done"),
        "undone": request.GET.get("undone"),
        "revision": _newest_revision(portfolio) if request.GET.keys() & {"done", "undone"} else None,
        **more,
    }
    return render(request, "imports.html", context, status=status)


@transaction.atomic
def _newest_revision(portfolio: Portfolio) -> LedgerRevision | None:
    return LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number").first()


def _row(row: Any) -> dict[str, str]:
    return {
        "row": str(row.row),
        "date": row.date.isoformat(),
        "kind": row.kind.replace("_", " "),
        "symbol": row.symbol,
        "quantity": "all" if row.whole else "" if row.quantity is None else f"{row.quantity:f}",
        "price": "" if row.unit_price is None else f"{row.unit_price:f}",
        "amount": "" if row.gross is None or row.whole else f"{row.gross:,.2f}",
        "currency": row.currency,
        "text": row.text.partition("\n")[0],
    }


def _to(portfolio: Portfolio, **told: str) -> HttpResponse:
    ((name, value),) = told.items()
    return HttpResponseRedirect(reverse("portfolio-imports", args=[portfolio.slug], query={name: value}))


def _key(request: HttpRequest, portfolio: Portfolio, token: str) -> str:
    """What is guessed of it is nobody else's: user and portfolio are in it. Any text of the form may be the token."""
    return f"import-waiting:{request.user.pk}:{portfolio.pk}:{base64.urlsafe_b64encode(token.encode()[:64]).decode()}"


def _packed(name: str, content: bytes, code: str | None) -> dict[str, Any]:
    return {"name": name, "code": code, "content": base64.b64encode(zlib.compress(content)).decode()}


def _unpacked(waiting: Mapping[str, Any]) -> dict[str, Any]:
    content = zlib.decompress(base64.b64decode(waiting["content"]))
    return {"name": waiting["name"], "code": waiting["code"], "content": content}
