"""How often a provider may be asked, by all workers together, and how much of that is used.

pyrate-limiter 4.5.1 keeps the bucket in Redis: a log of the requests of the last minute and day, so that no minute, wherever
it begins, holds more than is allowed. While Redis is away each process keeps to the limit by itself, and says so once.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar, cast

import redis
from pyrate_limiter import InMemoryBucket, Rate, RateItem, RedisBucket
from pyrate_limiter.abstracts.algorithm import Decision
from pyrate_limiter.buckets.redis_bucket import LuaScript
from redis.exceptions import NoScriptError, RedisError

logger = logging.getLogger(__name__)

T = TypeVar("T")

MARKS = (70, 85, 95)  # percent of a budget at which the log says how much is used
MINUTE_MS, DAY_MS = 60_000, 86_400_000
REDIS_AWAY_S = 5.0
BYTES_EXPIRE_S = 40 * 86_400  # a month's count of bytes, and some days to look at it
_MINUTES_AND_DAYS = {"minute": MINUTE_MS, "day": DAY_MS}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a provider allows in a window; None where it sets no limit."""

    per_minute: int
    per_day: int | None = None
    bytes_per_month: int | None = None

    @property
    def windows(self) -> dict[str, int]:
        """Window (minute, day, month) → how many requests, or for the month bytes, it may hold."""
        limits = {"minute": self.per_minute, "day": self.per_day, "month": self.bytes_per_month}
        return {window: limit for window, limit in limits.items() if limit is not None}


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of a budget is used: requests in the last minute or day, or bytes in the calendar month (UTC)."""

    window: str  # minute, day, month
    usage: int
    allowed: int

    @property
    def share(self) -> float:
        return self.usage / self.allowed


class Budget:
    """Counts the requests and bytes of one provider. Times are seconds since 1970 and handed in."""

    def __init__(self, provider: str, allowance: Allowance, client: redis.Redis | None = None) -> None:
        self.provider, self.allowance = provider, allowance
        self._here: _Book = _Memory(allowance)
        self._shared: _Book | None = None if client is None else _Shared(provider, allowance, client)
        self._redis_away_until = 0.0

    def take(self, now: float) -> float:
        """Book one request: 0 when it may go, else the seconds until the next try, and nothing is booked."""

        def take_from(book: _Book) -> float:
            forbidden = book.forbidden_until() - now
            return forbidden if forbidden > 0 else book.take(now)

        wait_s = self._ask(now, take_from)
        if wait_s <= 0:
            for quota in self._ask(now, lambda book: book.quotas(now)):
                if quota.window != "month":
                    self._mark(quota, quota.usage - 1)
        return wait_s

    def forbid(self, until: float, now: float) -> None:
        """Let nobody ask before `until`, as the provider wishes. An earlier `until` changes nothing."""
        self._ask(now, lambda book: book.forbid(until))

    def count_bytes(self, size: int, now: float) -> None:
        allowed = self.allowance.bytes_per_month
        if allowed is not None:
            usage = self._ask(now, lambda book: book.count_bytes(size, now))
            self._mark(Quota("month", usage, allowed), usage - size)

    def quotas(self, now: float) -> tuple[Quota, ...]:
        return self._ask(now, lambda book: book.quotas(now))

    def _mark(self, quota: Quota, before: int) -> None:
        """Log each mark as it is passed, so that an alarm rings once."""
        for mark in MARKS:
            if before * 100 < mark * quota.allowed <= quota.usage * 100:
                logger.warning(
                    "provider budget is nearly used",
                    extra={"provider": self.provider, "window": quota.window, "mark": mark, "used": quota.usage},
                )

    def _ask(self, now: float, question: "Callable[[_Book], T]") -> T:
        if self._shared is not None and now >= self._redis_away_until:
            try:
                return question(self._shared)
            except RedisError:
                self._redis_away_until = now + REDIS_AWAY_S
                logger.warning("provider budget is per process while Redis is away", extra={"provider": self.provider})
        return question(self._here)


class _Book(Protocol):
    """Where requests and bytes are counted."""

    def take(self, now: float) -> float: ...

    def forbidden_until(self) -> float: ...

    def forbid(self, until: float) -> None: ...

    def count_bytes(self, size: int, now: float) -> int: ...

    def quotas(self, now: float) -> tuple[Quota, ...]: ...


def _rates(allowance: Allowance) -> list[Rate]:
    daily = [] if allowance.per_day is None else [Rate(allowance.per_day, DAY_MS)]
    return [Rate(allowance.per_minute, MINUTE_MS), *daily]


def _month(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m")


def _quotas(allowance: Allowance, count: Callable[[int], int], received: Callable[[], int]) -> tuple[Quota, ...]:
    """The quotas, by a function that counts the requests of the last milliseconds and one that knows the bytes of the month."""
    return tuple(
        Quota(window, received() if window == "month" else count(_MINUTES_AND_DAYS[window]), allowed)
        for window, allowed in allowance.windows.items()
    )


class _Memory:
    """Counts in this process alone."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance, self._bucket = allowance, InMemoryBucket(_rates(allowance))
        self._until, self._bytes, self._turn = 0.0, dict[str, int](), threading.Lock()

    def take(self, now: float) -> float:
        item = RateItem("request", round(now * 1000))
        with self._turn:
            self._bucket.leak(item.timestamp)
            if self._bucket.put(item):
                return 0.0
            return max(1, cast("int", self._bucket.waiting(item))) / 1000

    def forbidden_until(self) -> float:
        return self._until

    def forbid(self, until: float) -> None:
        self._until = max(self._until, until)

    def count_bytes(self, size: int, now: float) -> int:
        with self._turn:
            self._bytes[_month(now)] = self._bytes.get(_month(now), 0) + size
            return self._bytes[_month(now)]

    def quotas(self, now: float) -> tuple[Quota, ...]:
        def count(window_ms: int) -> int:
            with self._turn:
                return sum(item.timestamp >= round(now * 1000) - window_ms for item in self._bucket.items)

        return _quotas(self._allowance, count, lambda: self._bytes.get(_month(now), 0))


class _Shared:
    """Counts in Redis, for all processes. Every method raises RedisError while it is away."""

    def __init__(self, provider: str, allowance: Allowance, client: redis.Redis) -> None:
        self._allowance, self._redis = allowance, client
        self._key, self._provider = f"tieout:provider:{provider}", provider
        self._script = "0" * 40

    def take(self, now: float) -> float:
        try:
            return self._put(RateItem("request", round(now * 1000)))
        except NoScriptError:  # the first time, and when Redis was started anew
            self._script = self._redis.script_load(LuaScript.PUT_ITEM)
            return self._put(RateItem("request", round(now * 1000)))

    def _put(self, item: RateItem) -> float:
        # a bucket of its own for each request: it keeps the last verdict, and threads share this book
        bucket = RedisBucket(_rates(self._allowance), self._redis, f"{self._key}:requests", self._script)
        decision = cast("Decision", bucket.put_decision(item))
        if not decision.allowed:
            return max(1, decision.retry_after_ms or 0) / 1000
        bucket.leak(item.timestamp)
        self._redis.pexpire(f"{self._key}:requests", 2 * DAY_MS)
        return 0.0

    def forbidden_until(self) -> float:
        return float(cast("bytes | None", self._redis.zscore("tieout:provider:forbidden", self._provider)) or 0)

    def forbid(self, until: float) -> None:
        self._redis.zadd("tieout:provider:forbidden", {self._provider: until}, gt=True)

    def count_bytes(self, size: int, now: float) -> int:
        name = f"{self._key}:bytes:{_month(now)}"
        usage = self._redis.incrby(name, size)
        self._redis.expire(name, BYTES_EXPIRE_S)
        return usage

    def quotas(self, now: float) -> tuple[Quota, ...]:
        now_ms = round(now * 1000)

        def count(window_ms: int) -> int:
            return self._redis.zcount(f"{self._key}:requests", now_ms - window_ms, now_ms)

        def received() -> int:
            return int(cast("bytes | None", self._redis.get(f"{self._key}:bytes:{_month(now)}")) or 0)

        return _quotas(self._allowance, count, received)
