"""What the forms of the imports hold: the file and the choices, so that nothing is lost where the session has ended.

A form that comes without a session is answered by the log-in. Its file waits for who was given the form, and its choices are
in the address that the log-in leads back to: the step goes on where it was.
"""

from collections.abc import Iterator
from typing import Final

from django.contrib.auth.views import redirect_to_login
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from execution.web.pages import form_owner, waiting_files
from execution.web.pages.shelf import Shelf
from execution.web.pages.waiting_files import WaitingFile
from portfolio.books.imports import Choices
from portfolio.ledger.importing.rows import MAX_BYTES, MAX_ROWS

WAITING: Final = "waiting"
"""Parameter of the address of a preview: the token of its file."""


def choices(fields: QueryDict) -> Choices:
    """What a form, or an address, says beside the file."""
    return Choices(
        infer_deposits="infer_deposits" in fields,
        margin=tuple(fields.getlist("margin")),
        confirm_transfers="confirm_transfers" in fields,
        leave_out=frozenset(_row_numbers(fields)),
    )


def uploaded_file(request: HttpRequest) -> WaitingFile | None:
    uploaded = request.FILES.get("file")
    if not isinstance(uploaded, UploadedFile):
        return None
    return WaitingFile(uploaded.name or "", uploaded.read(MAX_BYTES + 1), request.POST.get("format") or None)


def go_to_log_in(request: HttpRequest, slug: str) -> HttpResponse:
    """The log-in, and from there on with what was sent."""
    page = reverse("portfolio-imports", args=[slug])
    query = list(_rest(request.POST)) if request.method == "POST" else list(_pairs(request.GET))
    if request.method == "POST" and (token := _find_token(request, slug)):
        query.insert(0, (WAITING, token))
    back = f"{page}?{urlencode(query)}" if query else page
    return redirect_to_login(back)


def _find_token(request: HttpRequest, slug: str) -> str:
    """Of the file that waits already, or that came with this form and waits from now on; "" where there is none."""
    token = request.POST.get("confirm") or request.POST.get("look")
    if token:
        return token[:64]
    user_id, file = form_owner.read(request.POST), uploaded_file(request)
    return waiting_files.keep(Shelf(waiting_files.KIND, user_id, slug), file) if user_id and file else ""


def _rest(fields: QueryDict) -> Iterator[tuple[str, str]]:
    """The choices of a form, as parameters."""
    for name in ("infer_deposits", "confirm_transfers"):
        if name in fields:
            yield name, "on"
    for name in ("margin", "leave_out"):
        for value in fields.getlist(name)[:50]:
            yield name, value[:200]


def _pairs(fields: QueryDict) -> Iterator[tuple[str, str]]:
    for name, values in fields.lists():
        for value in values:
            yield name, str(value)


def _row_numbers(fields: QueryDict) -> Iterator[int]:
    for text in fields.getlist("leave_out"):
        if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ROWS)) + 1:
            yield int(text)
