"""The ETag of a page: it changes with whatever the page shows."""

import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import get_token

from execution.web import reader_choices

TEMPLATES = Path(settings.BASE_DIR) / "templates"
SOURCES = (Path(__file__).parent, Path(settings.BASE_DIR) / "execution" / "figures")


def of_result(result_tag: str, request: HttpRequest, frame: object = None) -> str:
    """Of a page that shows a result: its tag, the user, the secret of the log-out form, what stands around it, how it is to look,
    and the code that draws pages."""
    get_token(request)
    around = f"{frame!r} {reader_choices.read(request)}"
    parts = "\n".join((result_tag, str(request.user.pk), request.META["CSRF_COOKIE"], around, _drawing_hash()))
    return f'"{hashlib.sha256(parts.encode()).hexdigest()[:32]}"'


@cache
def _drawing_hash() -> str:
    """Hash of everything that turns a result into a page, so that a new release is not answered by an old page."""
    files = [path for folder in SOURCES for path in folder.glob("*.py")]
    files += [path for path in TEMPLATES.rglob("*") if path.is_file()]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sorted(files))).hexdigest()
