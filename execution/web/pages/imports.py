"""The imports of a portfolio in a browser, in four steps: the file, what is wrong with it, what it would change, done. And undo.

Until the confirmation the file waits in the cache, for its owner alone. What is confirmed is read anew, so that a ledger that
has changed meanwhile is taken as it is then.
"""

from http import HTTPStatus
from typing import Any, Final

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
from execution import metering
from execution.executor import NotAllowed
from execution.operations import intake
from execution.web import limits
from execution.web.pages import import_form, import_tables, navigation, problem_page, waiting_files
from execution.web.pages.import_form import WAITING
from execution.web.pages.navigation import OVERVIEW
from execution.web.pages.shelf import Shelf
from execution.web.pages.waiting_files import WaitingFile
from execution.web.problems import problem_of
from portfolio.books import imports, revisions
from portfolio.books.imports import Choices, ImportRefused, ImportTooLarge, Preview
from portfolio.ledger.importing.formats import FORMATS
from portfolio.ledger.importing.rows import MAX_BYTES, RowFinding
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import LedgerRevision, Portfolio

BODY_MARGIN: Final = 64 * 1024
"""Bytes of a multipart body beside the file: boundaries, names, the other fields."""
FILE_GONE: Final = "The file is not kept any more, after an hour or for newer ones: choose it again"


@csrf_exempt  # its check reads the whole body: _checked_page makes it, once the length is known
@transaction.non_atomic_requests
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    too_large = length.isdigit() and int(length) > MAX_BYTES + BODY_MARGIN
    response: HttpResponse = _too_large(request, slug, int(length)) if too_large else _checked_page(request, slug)
    patch_cache_control(response, private=True, no_store=True)
    return response


def _too_large(request: HttpRequest, slug: str, length: int) -> HttpResponse:
    """Refused before the body is read; whoever may see the portfolio stays on its page."""
    words, status = str(ImportTooLarge(length)), HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    portfolio = _find(slug) if request.user.is_authenticated else None
    if portfolio is None:
        return HttpResponse(words, status=status, content_type="text/plain")
    return _render(request, portfolio, status=status, problem=words)


@transaction.atomic
def _find(slug: str) -> Portfolio | None:
    return Portfolio.objects.filter(slug=slug).first()


@csrf_protect
def _checked_page(request: HttpRequest, slug: str) -> HttpResponse:
    if not request.user.is_authenticated:
        return import_form.go_to_log_in(request, slug)
    portfolio = _find(slug)
    if portfolio is None:
        return problem_page.not_found(request)
    try:
        if request.method == "POST" or WAITING in request.GET:
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
    """What the button of one of the page's forms does; an address with a token shows the preview of its file again."""
    if request.method != "POST":
        return _look(request, portfolio, request.GET[WAITING], import_form.choices(request.GET))
    if "undo" in request.POST:
        return _undo(request, portfolio, request.POST["undo"])
    choices = import_form.choices(request.POST)
    if "confirm" in request.POST:
        return _confirm(request, portfolio, request.POST["confirm"], choices)
    if "look" in request.POST:
        return _look(request, portfolio, request.POST["look"], choices)
    file = import_form.uploaded_file(request)
    if file is None:
        return _refuse(request, portfolio, "Choose a file first")
    return _preview(request, portfolio, file, choices, waiting_files.keep(_shelf(request, portfolio), file))


def _shelf(request: HttpRequest, portfolio: Portfolio) -> Shelf:
    return Shelf(waiting_files.KIND, str(request.user.pk), portfolio.slug)


def _undo(request: HttpRequest, portfolio: Portfolio, import_id: str) -> HttpResponse:
    author = request.user.get_username()
    try:
        imports.undo(portfolio=portfolio, author=author, at=timezone.now(), import_id=import_id)
    except LedgerRefused as refusal:
        return _refuse(request, portfolio, f"Later entries need this import; undo those first. {refusal}")
    return _redirect(request, portfolio, undone=import_id)


def _look(request: HttpRequest, portfolio: Portfolio, token: str, choices: Choices) -> HttpResponse:
    file = waiting_files.find(_shelf(request, portfolio), token)
    if file is None:
        return _refuse(request, portfolio, FILE_GONE)
    return _preview(request, portfolio, file, choices, token)


def _confirm(request: HttpRequest, portfolio: Portfolio, token: str, choices: Choices) -> HttpResponse:
    file = waiting_files.find(_shelf(request, portfolio), token)
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
            choices=choices,
        )
    except ImportRefused as refusal:
        return _check(request, portfolio, file, refusal.findings, choices, token)
    _shelf(request, portfolio).drop(token)
    return _redirect(request, portfolio, done=imported.import_id or "nothing")


def _preview(
    request: HttpRequest, portfolio: Portfolio, file: WaitingFile, choices: Choices, token: str
) -> HttpResponse:
    with transaction.atomic():
        preview = imports.preview(
            portfolio=portfolio,
            name=file.name,
            content=file.content,
            today=timezone.now().date(),
            code=file.format,
            choices=choices,
        )
        if not preview.is_good:
            has_rows = bool(preview.added or preview.known)
            return _check(request, portfolio, file, preview.findings, choices, token, can_leave_out=has_rows)
        effect = intake.find_effect(portfolio, preview.book) if preview.book and not preview.breaks else None
    return _render(
        request,
        portfolio,
        step="preview",
        preview=preview,
        rows=import_tables.row_cells(preview.added),
        more=max(0, len(preview.added) - import_tables.PREVIEWED_ROWS),
        effect=effect,
        effect_rows=list(import_tables.effect_rows(effect, portfolio)) if effect else [],
        why_no_value=import_tables.why_no_value(effect) if effect else [],
        file=imports.printable(file.name),
        waiting=token,
        choices=choices,
        left_out=sorted(choices.leave_out),
        short=dict.fromkeys(preview.labels.get(each.account, each.account) for each in preview.shortfalls),
        same=_find_same(portfolio, preview),
    )


def _check(
    request: HttpRequest,
    portfolio: Portfolio,
    file: WaitingFile,
    findings: tuple[RowFinding, ...],
    choices: Choices,
    token: str,
    *,
    can_leave_out: bool = True,
) -> HttpResponse:
    """Everything that is wrong with a file, beside its rows."""
    return _render(
        request,
        portfolio,
        step="check",
        status=HTTPStatus.BAD_REQUEST,
        findings=import_tables.finding_rows(
            findings, file.content, can_leave_out=can_leave_out, left_out=choices.leave_out
        ),
        is_cut=import_tables.is_cut(findings),
        can_leave_out=can_leave_out and any(each.row for each in findings),
        file=imports.printable(file.name),
        waiting=token,
        choices=choices,
        left_out=sorted(choices.leave_out),
    )


def _find_same(portfolio: Portfolio, preview: Preview) -> imports.StoredImport | None:
    """The import that the same file came by before."""
    earlier_imports = imports.stored_imports(portfolio=portfolio) if not preview.added else ()
    return next((each for each in earlier_imports if each.sha256 == preview.sha256), None)


def _refuse(request: HttpRequest, portfolio: Portfolio, words: str) -> HttpResponse:
    return _render(request, portfolio, status=HTTPStatus.BAD_REQUEST, problem=words)


def _render(
    request: HttpRequest, portfolio: Portfolio, *, status: int = HTTPStatus.OK, step: str = "", **more: Any
) -> HttpResponse:
    """The page, with what `more` says of the form that was sent."""
    own_imports, new_import_id = list(reversed(imports.stored_imports(portfolio=portfolio))), request.GET.get("done")
    context = {
        "portfolio": portfolio,
        "navigation": navigation.for_portfolio(portfolio, current="imports", query=request.GET.dict()),
        "is_owner": portfolio.owner_id == request.user.pk,
        "step": step,
        "steps": import_tables.steps(step or ("done" if new_import_id else "file")),
        "stored_imports": own_imports,
        "formats": [(code, each.TITLE) for code, each in FORMATS.items()],
        "limit_mib": MAX_BYTES // 1024**2,
        "overview": OVERVIEW,
        "done": new_import_id,
        "new_import": next((each for each in own_imports if each.import_id == new_import_id), None),
        "undone": request.GET.get("undone"),
        "revision": _newest_revision(portfolio) if request.GET.keys() & {"done", "undone"} else None,
        **more,
    }
    return render(request, "imports.html", context, status=status)


@transaction.atomic
def _newest_revision(portfolio: Portfolio) -> LedgerRevision | None:
    return revisions.newest(portfolio)


def _redirect(request: HttpRequest, portfolio: Portfolio, **query: str) -> HttpResponse:
    page = reverse("portfolio-imports", args=[portfolio.slug])
    return HttpResponseRedirect(navigation.with_query(page, {**navigation.carry(request.GET.dict()), **query}))
