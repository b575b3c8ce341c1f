"""What one user may ask, so that nobody's questions keep those of others from being answered: so many computations in a minute, and
so many at the same time. Redis counts, for all processes; while it is away nothing is counted and nobody is refused.

An answer that is stored already costs next to nothing and is not limited.
"""

import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from redis.exceptions import RedisError

from config.counts import number_of
from config.errors import TieoutError
from config.redis_client import shared_redis
from execution.models import Execution

logger = logging.getLogger(__name__)

WINDOW_S: Final = 60
SLOT_S: Final = 120
"""After so long a computation is taken for one whose process was killed, and its place is free."""
WAITING: Final = 4
"""For each place, so many of the user's questions may wait for one; each holds a thread of the server, of which there are more."""
PATIENCE_S: Final = 15
LOOK_AGAIN_S: Final = 0.05

TAKE_PLACE: Final = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""


class LimitReached(TieoutError):
    """A user has asked for as much as one may. `headers`: when to ask again, and what the limit is."""

    def __init__(self, words: str, headers: Mapping[str, str]) -> None:
        super().__init__(words)
        self.headers = dict(headers)


class QuotaReached(TieoutError):
    """As many answers as are stored for one user are stored."""

    def __init__(self, quota: int) -> None:
        super().__init__(
            f"{number_of(quota, 'answer')} may be stored for you, and no more are: ask again what was answered, or come back"
            " tomorrow, when the oldest have been dropped"
        )


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of something in each minute, by user, or by personal token."""

    name: str
    setting: str

    @property
    def quota(self) -> int:
        return int(getattr(settings, self.setting))

    def count(self, whose: Any) -> None:
        """Count one more. Raises LimitReached."""
        key, ends_in_s = self._window(whose)
        with _going_on_without_redis():
            with shared_redis().pipeline() as both:
                both.incr(key)
                both.expire(key, 2 * WINDOW_S)
                count, _ = both.execute()
            if count > self.quota:
                raise LimitReached(
                    f"more than {self.quota} {self.name.replace('-', ' ')} in a minute: go on in {ends_in_s} s",
                    self._headers(0, ends_in_s) | {"Retry-After": str(ends_in_s)},
                )

    def headers(self, whose: Any) -> dict[str, str]:
        """RateLimit-Policy and RateLimit, as draft-ietf-httpapi-ratelimit-headers-10 has them. None while Redis is away."""
        key, ends_in_s = self._window(whose)
        with _going_on_without_redis():
            count: Any = shared_redis().get(key)
            return self._headers(max(0, self.quota - int(count or 0)), ends_in_s)
        return {}

    def _headers(self, remaining: int, ends_in_s: int) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"{self.name}";r={remaining};t={ends_in_s}',
        }

    def _window(self, whose: Any) -> tuple[str, int]:
        minute, second = divmod(int(time.time()), WINDOW_S)
        return f"tieout:rate:{self.name}:{whose.pk}:{minute}", WINDOW_S - second


EXECUTIONS: Final = Rate("executions", "EXECUTIONS_PER_MINUTE")
EXPORTS: Final = Rate("exports", "EXPORTS_PER_MINUTE")
IMPORTS: Final = Rate("imports", "IMPORTS_PER_MINUTE")
TOKEN_REQUESTS: Final = Rate("token-requests", "TOKEN_REQUESTS_PER_MINUTE")
"""Of one personal token: a program that runs wild stops itself, not its user's other programs."""


@contextmanager
def executing(user: Any) -> Iterator[None]:
    """The computation of an answer for a user: one of so many at once, and counted. Raises LimitReached, QuotaReached."""
    with at_once(user):
        count_execution(user)
        yield


@contextmanager
def replaying(user: Any) -> Iterator[None]:
    """The computation of an answer that is stored already: as of another one, but it takes no room. Raises LimitReached."""
    with at_once(user):
        EXECUTIONS.count(user)
        yield


@contextmanager
def importing(user: Any) -> Iterator[None]:
    """The reading of a file for a user: one of so many at once, and counted. Raises LimitReached."""
    with at_once(user):
        IMPORTS.count(user)
        yield


@contextmanager
def exporting(user: Any) -> Iterator[None]:
    """The making of a file for a user: one of so many at once, and counted. Raises LimitReached."""
    with at_once(user):
        EXPORTS.count(user)
        yield


def count_execution(user: Any) -> None:
    """Count one more answer that is computed and stored. Raises LimitReached, QuotaReached."""
    EXECUTIONS.count(user)
    with transaction.atomic():
        if Execution.objects.filter(user=user.pk).count() >= settings.STORED_EXECUTIONS:
            raise QuotaReached(settings.STORED_EXECUTIONS)


@contextmanager
def at_once(user: Any) -> Iterator[None]:
    """One of the user's places, inside the block. Raises LimitReached where too many wait for one already, or wait too long."""
    most = settings.COMPUTATIONS_AT_ONCE
    with (
        _place(f"tieout:asking:{user.pk}", most * (1 + WAITING), patience_s=0),
        _place(f"tieout:computing:{user.pk}", most, patience_s=PATIENCE_S),
    ):
        yield


@contextmanager
def _place(key: str, most: int, *, patience_s: float) -> Iterator[None]:
    place, until = secrets.token_hex(8), time.monotonic() + patience_s
    with _going_on_without_redis():
        while not shared_redis().eval(TAKE_PLACE, 1, key, most, SLOT_S, place):
            if time.monotonic() >= until:
                raise LimitReached(
                    f"{settings.COMPUTATIONS_AT_ONCE} of your questions are computed at once, and others wait:"
                    " ask again when one is answered",
                    {"Retry-After": "1"},
                )
            time.sleep(LOOK_AGAIN_S)
    try:
        yield
    finally:
        with suppress(RedisError):
            shared_redis().zrem(key, place)


@contextmanager
def _going_on_without_redis() -> Iterator[None]:
    try:
        yield
    except RedisError:
        logger.warning("nothing is limited while Redis is away")
