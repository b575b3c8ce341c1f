"""Uploaded files that wait for their confirmation: in the cache, for 15 minutes, each for one user and one portfolio."""

import base64
import secrets
import zlib
from dataclasses import dataclass
from typing import Final

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
    """The token by which the file is found again."""
    token = secrets.token_urlsafe(24)
    stored = {
        "name": file.name,
        "content": base64.b64encode(zlib.compress(file.content)).decode(),
        "code": file.format,
    }
    cache.set(_key(user, portfolio, token), stored, WAIT_SECONDS)
    return token


def find(user: Person, portfolio: Portfolio, token: str) -> WaitingFile | None:
    stored = cache.get(_key(user, portfolio, token))
    if stored is None:
        return None
    content = zlib.decompress(base64.b64decode(stored["content"]))
    return WaitingFile(stored["name"], content, stored["code"])


def drop(user: Person, portfolio: Portfolio, token: str) -> None:
    cache.delete(_key(user, portfolio, token))


def _key(user: Person, portfolio: Portfolio, token: str) -> str:
    """User and portfolio are part of it, so that a guessed token is nobody else's file. A form may send any text as a token."""
    return f"import-waiting:{user.pk}:{portfolio.pk}:{base64.urlsafe_b64encode(token.encode()[:64]).decode()}"
