"""Uploaded files that wait for their confirmation, each for one user and one portfolio."""

import base64
import zlib
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from execution.web.pages.shelf import Shelf

KIND: Final = "import"


@dataclass(frozen=True, slots=True)
class WaitingFile:
    name: str
    content: bytes
    format: str | None
    """The format's code, where somebody chose it; None: the content decides."""


def keep(shelf: Shelf, file: WaitingFile) -> str:
    """The token by which the file is found again. Beyond WAITING_IMPORTS of the user the oldest goes."""
    document = {
        "name": file.name,
        "content": base64.b64encode(zlib.compress(file.content)).decode(),
        "code": file.format,
    }
    return shelf.keep(document, most=settings.WAITING_IMPORTS)


def find(shelf: Shelf, token: str) -> WaitingFile | None:
    document = shelf.find(token)
    if document is None:
        return None
    content = zlib.decompress(base64.b64decode(document["content"]))
    return WaitingFile(document["name"], content, document["code"])
