"""Uploaded files that wait for their confirmation: in the cache, for 15 minutes, each for one user and one portfolio."""

import base64
import secrets
import zlib
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache

from portfolio.models import Portfolio

WAIT_SECONDS: Final = 15 * 60

Person = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True, slots=True)
class WaitingFile:
    name: str
    content: bytes
    format: str | None
    """The format's code, where somebody chose it; None: the content decides."""


def keep(user: Person, portfolio: Portfolio, file: WaitingFile) -> str:
    """The token by which the file is found again. Beyond WAITING_IMPORTS of the user the oldest goes."""
    token = secrets.token_urlsafe(24)
    stored = {
        "name": file.name,
        "content": base64.b64encode(zlib.compress(file.content)).decode(),
        "code": file.format,
    }
    waiting = [each for each in cache.get(_list_key(user), []) if cache.has_key(each)]
    surplus = len(waiting) + 1 - settings.WAITING_IMPORTS
    for oldest in waiting[: max(0, surplus)]:
        cache.delete(oldest)
    key = _key(user, portfolio, token)
    cache.set(key, stored, WAIT_SECONDS)
    cache.set(_list_key(user), [*waiting[max(0, surplus) :], key], WAIT_SECONDS)
    return token


def find(user: Person, portfolio: Portfolio, token: str) -> WaitingFile | None:
    stored = cache.get(_key(user, portfolio, token))
    if stored is None:
        return None
    content = zlib.decompress(base64.b64decode(stored["content"]))
    return WaitingFile(stored["name"], content, stored["code"])


def drop(user: Person, portfolio: Portfolio, token: str) -> None:
    cache.delete(_key(user, portfolio, token))


def _list_key(user: Person) -> str:
    return f"imports-waiting:{user.pk}"


def _key(user: Person, portfolio: Portfolio, token: str) -> str:
    """User and portfolio are part of it, so that a guessed token is nobody else's file. A form may send any text as a token."""
    return f"import-waiting:{user.pk}:{portfolio.pk}:{base64.urlsafe_b64encode(token.encode()[:64]).decode()}"
