"""Whether worker and beat are alive: each leaves the time in Redis now and then, and who wants to know looks how old it is."""

import time
from typing import cast

from config.redis_client import shared_redis

WORKER, BEAT = "worker", "beat"
EVERY_S = 10
SILENT_AFTER_S = 90
"""The watchdog's bell, by which beat shows itself, rings every 30 seconds."""

_left_at: dict[str, float] = {}


def leave(name: str) -> None:
    """Write down that `name` is alive. May be called often: it writes at most every ten seconds. Raises RedisError."""
    if time.monotonic() - _left_at.get(name, -EVERY_S) >= EVERY_S:
        _left_at[name] = time.monotonic()
        shared_redis().set(_key(name), str(time.time()), ex=24 * 3600)


def silent_for(name: str) -> float | None:
    """Seconds since its last sign; None where there was none within a day. Raises redis.exceptions.RedisError."""
    left = cast("bytes | None", shared_redis().get(_key(name)))
    return None if left is None else max(0.0, time.time() - float(left))


def _key(name: str) -> str:
    return f"tieout:pulse:{name}"
