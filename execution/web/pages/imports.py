"""The imports of a portfolio in a browser: upload, look at the preview, confirm, undo.

Between the preview and the confirmation the file waits in the cache, for its owner alone. What is confirmed is read anew, so
that a ledger that has changed meanwhile is taken as it is then.
"""

from http import HTTPStatus
from typing import Any, Final

from django.contrib.auth.decorators import login_required
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

from config.decimals import plain
from config.errors import TieoutError
from execution import metering
from execution.executor import NotAllowed
from execution.web import limits
from execution.web.pages import navigation, waiting_files
from execution.web.pages.waiting_files import WaitingFile
from execution.web.problems import problem_of
from portfolio.books import imports
from portfolio.books.imports import Choices, ImportRefused, ImportTooLarge, Preview
from portfolio.ledger.importing.formats import FORMATS
from portfolio.ledger.importing.rows import MAX_BYTES, Row
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import LedgerRevision, Portfolio

PREVIEWED_ROWS: Final = 50
BODY_MARGIN: Final = 64 * 1024
"""Bytes of a multipart body beside the file: boundaries, names, the other fields."""
FILE_GONE: Final = "The file is not kept any more, after 15 minutes or for newer ones: choose it again"


@csrf_exempt  # its check reads the whole body: _checked_page makes it, once the length is known
@transaction.non_atomic_requests
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    too_large = length.isdigit() and int(length) > MAX_BYTES + BODY_MARGIN
    response: HttpResponse = _too_large(int(length)) if too_large else _checked_page(request, slug)
    patch_cache_control(response, private=True, no_store=True)
    return response


def _too_large(length: int) -> HttpResponse:
    words = str(ImportTooLarge(length))
    return HttpResponse(words, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, content_type="text/plain")


@csrf_protect
@login_required
def _checked_page(request: HttpRequest, slug: str) -> HttpResponse:
    with transaction.atomic():
        portfolio = Portfolio.objects.filter(slug=slug).first()
    if portfolio is None:
        return render(request, "404.html", status=HTTPStatus.NOT_FOUND)
    try:
        if request.method == "POST":
            if portfolio.owner_id != request.user.pk:
                raise NotAllowed("only the owner of a portfolio writes to its ledger")
            with limits.importing(request.user):
                return _submit(request, portfolio)
        return _render(request, portfolio)
    except (TieoutError, OperationalError, InterfaceError, RedisError) as failure:
        problem = problem_of(failure)
        assert problem is not None  # whatever is caught above has its row in the table
        metering.count_request_error(problem.type)
        response = _render(request, portfolio, status=problem.status, problem=problem.detail)
        for name, value in problem.headers.items():
            response[name] = value
        return response


def _submit(request: HttpRequest, portfolio: Portfolio) -> HttpResponse:
    """What the button of one of the page's forms does."""
    if "undo" in request.POST:
        return _undo(request, portfolio, request.POST["undo"])
    if "confirm" in request.POST:
        return _confirm(request, portfolio, request.POST["confirm"])
    if "look" in request.POST:
        file = waiting_files.find(request.user, portfolio, request.POST["look"])
        return _preview(request, portfolio, file) if file else _refuse(request, portfolio, FILE_GONE)
    uploaded = request.FILES.get("file")
    if not isinstance(uploaded, UploadedFile):
        return _refuse(request, portfolio, "Choose a file first")
    content, code = uploaded.read(MAX_BYTES + 1), request.POST.get("format") or None
    return _preview(request, portfolio, WaitingFile(uploaded.name or "", content, code))


def _undo(request: HttpRequest, portfolio: Portfolio, import_id: str) -> HttpResponse:
    author = request.user.get_username()
    try:
        imports.undo(portfolio=portfolio, author=author, at=timezone.now(), import_id=import_id)
    except LedgerRefused as refused:
        return _refuse(request, portfolio, f"Later entries need this import; undo those first. {refused}")
    return _redirect(portfolio, undone=import_id)


def _confirm(request: HttpRequest, portfolio: Portfolio, token: str) -> HttpResponse:
    file = waiting_files.find(request.user, portfolio, token)
    if file is None:
        return _refuse(request, portfolio, FILE_GONE)
    try:
        imported = imports.commit(
            portfolio=portfolio,
            name=file.name,
            content=file.content,
            author=request.user.get_username(),
            at=timezone.now(),
            code=file.format,
            choices=_choices(request),
        )
    except ImportRefused as refused:
        return _render(request, portfolio, status=HTTPStatus.BAD_REQUEST, findings=refused.findings, file=file.name)
    waiting_files.drop(request.user, portfolio, token)
    return _redirect(portfolio, done=imported.import_id or "nothing")


def _preview(request: HttpRequest, portfolio: Portfolio, file: WaitingFile) -> HttpResponse:
    choices = _choices(request)
    with transaction.atomic():
        preview = imports.preview(
            portfolio=portfolio,
            name=file.name,
            content=file.content,
            today=timezone.now().date(),
            code=file.format,
            choices=choices,
        )
    can_import = preview.is_good and bool(preview.added)
    return _render(
        request,
        portfolio,
        status=HTTPStatus.OK if preview.is_good else HTTPStatus.BAD_REQUEST,
        preview=preview,
        findings=preview.findings,
        file=file.name,
        waiting=waiting_files.keep(request.user, portfolio, file) if can_import else "",
        choices=choices,
        short=dict.fromkeys(preview.labels.get(each.account, each.account) for each in preview.shortfalls),
    )


def _choices(request: HttpRequest) -> Choices:
    """What the form says beside the file."""
    return Choices(
        infer_deposits="infer_deposits" in request.POST,
        margin=tuple(request.POST.getlist("margin")),
        confirm_transfers="confirm_transfers" in request.POST,
    )


def _refuse(request: HttpRequest, portfolio: Portfolio, words: str) -> HttpResponse:
    return _render(request, portfolio, status=HTTPStatus.BAD_REQUEST, problem=words)


def _render(request: HttpRequest, portfolio: Portfolio, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    """The page, with what `more` says of the form that was sent."""
    preview: Preview | None = more.get("preview")
    context = {
        "portfolio": portfolio,
        "navigation": navigation.for_portfolio(portfolio, current="imports", query=request.GET.dict()),
        "is_owner": portfolio.owner_id == request.user.pk,
        "kept": list(reversed(imports.stored(portfolio=portfolio))),
        "formats": [(code, each.TITLE) for code, each in FORMATS.items()],
        "limit_mib": MAX_BYTES // 1024**2,
        "rows": [_row_cells(row) for row in preview.added[:PREVIEWED_ROWS]] if preview else [],
        "more": max(0, len(preview.added) - PREVIEWED_ROWS) if preview else 0,
        "done": request.GET.get("done"),
        "undone": request.GET.get("undone"),
        "revision": _newest_revision(portfolio) if request.GET.keys() & {"done", "undone"} else None,
        **more,
    }
    return render(request, "imports.html", context, status=status)


@transaction.atomic
def _newest_revision(portfolio: Portfolio) -> LedgerRevision | None:
    return LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number").first()


def _row_cells(row: Row) -> dict[str, str]:
    return {
        "row": str(row.row),
        "date": row.date.isoformat(),
        "kind": row.kind.replace("_", " "),
        "symbol": row.symbol,
        "quantity": "all" if row.whole else plain(row.quantity) or "",
        "price": plain(row.unit_price) or "",
        "amount": "" if row.gross is None or row.whole else f"{row.gross:,.2f}",
        "currency": row.currency,
        "text": row.text.partition("\n")[0],
    }


def _redirect(portfolio: Portfolio, **query: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("portfolio-imports", args=[portfolio.slug], query=query))
