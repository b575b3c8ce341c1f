"""What waits for one user until it is sent again: in the cache, for an hour, found by a token that nobody can guess."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.cache import cache

WAIT_SECONDS: Final = 60 * 60
"""Long enough to correct what a preview says, or to find one's password where the session has ended meanwhile."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the things of one kind wait for one user. `portfolio`: its slug, where they are of one."""

    kind: str
    user_id: str
    portfolio: str = ""

    def keep(self, thing: Mapping[str, Any], *, most: int) -> str:
        """The token by which the thing is found again. Beyond `most` of the kind and the user the oldest goes."""
        token = secrets.token_urlsafe(24)
        waiting = [each for each in cache.get(self._list_key, []) if cache.has_key(each)]
        surplus = max(0, len(waiting) + 1 - most)
        for oldest in waiting[:surplus]:
            cache.delete(oldest)
        key = self._key(token)
        cache.set(key, dict(thing), WAIT_SECONDS)
        cache.set(self._list_key, [*waiting[surplus:], key], WAIT_SECONDS)
        return token

    def find(self, token: str) -> Any | None:
        return cache.get(self._key(token))

    def drop(self, token: str) -> None:
        cache.delete(self._key(token))

    @property
    def _list_key(self) -> str:
        return f"{self.kind}-waiting:{self.user_id}"

    def _key(self, token: str) -> str:
        """User and portfolio are part of it, so that a guessed token is nobody else's. A form may send any text as a token."""
        plain = base64.urlsafe_b64encode(token.encode()[:64]).decode()
        return f"{self.kind}-waiting:{self.user_id}:{self.portfolio}:{plain}"
