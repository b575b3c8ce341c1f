"""Whether worker and beat are alive and well: each leaves the time in Redis now and then, with the pieces that it finds broken,
and who wants to know looks how old it is."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from config.redis_client import shared_redis

WORKER, BEAT = "worker", "beat"
EVERY_S = 10
SILENT_AFTER_S = 90
"""The watchdog's bell, by which beat shows itself, rings every 30 seconds."""

_left_at: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Sign:
    """The last sign of life: its age in seconds, and the pieces that were broken where it came from."""

    age_s: float
    broken: tuple[str, ...]


def leave(name: str, find_broken: Callable[[], Sequence[str]] = tuple) -> None:
    """Write down that `name` is alive, and what `find_broken` names. May be called often: it asks and writes at most every ten
    seconds. Raises RedisError."""
    if time.monotonic() - _left_at.get(name, -EVERY_S) >= EVERY_S:
        _left_at[name] = time.monotonic()
        sign = json.dumps({"at": time.time(), "broken": list(find_broken())})
        shared_redis().set(_key(name), sign, ex=24 * 3600)


def last_sign(name: str) -> Sign | None:
    """The last sign of life; None where there was none within a day. Raises redis.exceptions.RedisError."""
    left = cast("bytes | None", shared_redis().get(_key(name)))
    if left is None:
        return None
    sign = json.loads(left)
    return Sign(max(0.0, time.time() - sign["at"]), tuple(sign["broken"]))


def _key(name: str) -> str:
    return f"tieout:sign-of-life:{name}"
