"""Uploaded files that wait for their confirmation: in the cache, for an hour, each for one user and one portfolio."""

import base64
import secrets
import zlib
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.cache import cache

WAIT_SECONDS: Final = 60 * 60
"""Long enough to correct what a preview says, or to find one's password where the session has ended meanwhile."""


@dataclass(frozen=True, slots=True)
class WaitingFile:
    name: str
    content: bytes
    format: str | None
    """The format's code, where somebody chose it; None: the content decides."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the files of one user for one portfolio wait."""

    user_id: str
    portfolio_id: str


def keep(shelf: Shelf, file: WaitingFile) -> str:
    """The token by which the file is found again. Beyond WAITING_IMPORTS of the user the oldest goes."""
    token = secrets.token_urlsafe(24)
    stored = {
        "name": file.name,
        "content": base64.b64encode(zlib.compress(file.content)).decode(),
        "code": file.format,
    }
    waiting = [each for each in cache.get(_list_key(shelf), []) if cache.has_key(each)]
    surplus = len(waiting) + 1 - settings.WAITING_IMPORTS
    for oldest in waiting[: max(0, surplus)]:
        cache.delete(oldest)
    key = _key(shelf, token)
    cache.set(key, stored, WAIT_SECONDS)
    cache.set(_list_key(shelf), [*waiting[max(0, surplus) :], key], WAIT_SECONDS)
    return token


def find(shelf: Shelf, token: str) -> WaitingFile | None:
    stored = cache.get(_key(shelf, token))
    if stored is None:
        return None
    content = zlib.decompress(base64.b64decode(stored["content"]))
    return WaitingFile(stored["name"], content, stored["code"])


def drop(shelf: Shelf, token: str) -> None:
    cache.delete(_key(shelf, token))


def _list_key(shelf: Shelf) -> str:
    return f"imports-waiting:{shelf.user_id}"


def _key(shelf: Shelf, token: str) -> str:
    """User and portfolio are part of it, so that a guessed token is nobody else's file. A form may send any text as a token."""
    return (
        f"import-waiting:{shelf.user_id}:{shelf.portfolio_id}:{base64.urlsafe_b64encode(token.encode()[:64]).decode()}"
    )
