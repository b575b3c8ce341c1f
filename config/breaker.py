"""A circuit breaker: after some failures in a row it asks no more for a while, then lets one call try.

pybreaker 1.4.1 keeps the state, in Redis when there is one, so that all workers see it. Its own `call` is not used:
it holds a lock while the call is out, so threads would wait in line; its half-open state lets every process through
at once; and an error that does not count closes it. Here one probe is a lease that one caller holds.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property
from time import monotonic
from typing import Protocol, TypeVar, cast

import pybreaker
import redis
from redis.exceptions import LockError, RedisError

from config.errors import TieoutError

logger = logging.getLogger(__name__)

T = TypeVar("T")
Clock = Callable[[], datetime]

RETRY_WHILE_PROBING_S = 1.0
REDIS_AWAY_S = 5.0  # how long Redis is left alone once it did not answer, so that no call waits for it twice
STATES = {pybreaker.STATE_CLOSED: 0, pybreaker.STATE_OPEN: 1, pybreaker.STATE_HALF_OPEN: 2}


class BreakerOpen(TieoutError):
    """`name` is not asked, so that it or what it leans on can recover."""

    def __init__(self, name: str, retry_after_s: float) -> None:
        super().__init__(f"{name} is not asked for another {retry_after_s:.0f} s")
        self.name, self.retry_after_s = name, retry_after_s


class Verdict(Enum):
    """What an outcome says about what was asked."""

    WORKS = "works"
    FAILED = "failed"
    NOTHING = "nothing"


def utc_now() -> datetime:
    return datetime.now(UTC)


class Breaker:
    """Guards the calls to one agent or provider. Safe between threads; shared between processes through Redis.

    judge   what an exception says about the one asked
    client  should have short timeouts and no retries of its own: redis-py's default tries for seconds
    clock   the time in UTC; one for all processes that share the state
    """

    def __init__(
        self,
        name: str,
        *,
        judge: Callable[[BaseException], Verdict],
        fail_max: int,
        reset_timeout_s: float,
        client: redis.Redis | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.name, self._judge = name, judge
        turn = threading.Lock()
        self._here = _Circuit(_MemoryStorage(clock), lambda: turn, fail_max, reset_timeout_s, clock)
        self._shared: _Circuit | None = None
        self._redis_away_until = 0.0
        if client is not None:
            storage = _RedisStorage(client, f"tieout:breaker:{name}", clock)
            lease = f"tieout:breaker:{name}:probe"
            # a probe whose process was killed gives its place to another after one more timeout
            self._shared = _Circuit(
                storage, lambda: client.lock(lease, timeout=reset_timeout_s), fail_max, reset_timeout_s, clock
            )

    @property
    def state(self) -> int:
        """0 closed, 1 open, 2 half-open."""
        return STATES[self._look()[1]]

    def refuse_if_open(self) -> None:
        """Raises BreakerOpen while not even a probe may go. For what has to be done before a call, in vain if it is."""
        circuit, state, _ = self._look()
        wait_s = 0.0 if state == pybreaker.STATE_CLOSED else circuit.wait_s()
        if wait_s > 0:
            raise BreakerOpen(self.name, wait_s)

    def call(self, asked: Callable[[], T]) -> T:
        """Ask, unless open. One round trip to Redis while all is well. Raises BreakerOpen, and what `asked` raises."""
        circuit, state, failures = self._look()
        lease = None if state == pybreaker.STATE_CLOSED else self._probe(circuit)
        outcome = Verdict.NOTHING
        try:
            answer = asked()
            outcome = Verdict.WORKS
            return answer
        except BaseException as raised:
            outcome = self._judge(raised)
            raise
        finally:
            circuit.settle(outcome, probing=lease is not None, failures=failures)
            _release(lease)

    def _look(self) -> "tuple[_Circuit, str, int]":
        """The circuit to use with its state and failures in a row; this process's own while Redis is away."""
        if self._shared is not None and monotonic() >= self._redis_away_until:
            try:
                return self._shared, *self._shared.storage.peek()
            except RedisError:
                self._redis_away_until = monotonic() + REDIS_AWAY_S
                logger.warning("breaker state is per process while Redis is away", extra={"breaker": self.name})
        return self._here, *self._here.storage.peek()

    def _probe(self, circuit: "_Circuit") -> "_Lease | None":
        """The right to be the one call that tries; None when another probe has closed the circuit meanwhile."""
        wait_s = circuit.wait_s()
        if wait_s > 0:
            raise BreakerOpen(self.name, wait_s)
        lease = circuit.lease()
        try:
            taken = lease.acquire(blocking=False)
        except RedisError:
            taken = False
        if not taken:
            raise BreakerOpen(self.name, RETRY_WHILE_PROBING_S)
        # what was read before the lease was ours may be old: another probe may have ended in between
        wait_s = circuit.wait_s()
        if wait_s > 0:
            _release(lease)
            raise BreakerOpen(self.name, wait_s)
        if circuit.storage.state == pybreaker.STATE_CLOSED:
            _release(lease)
            return None
        circuit.breaker.half_open()
        return lease


class _Lease(Protocol):
    def acquire(self, *, blocking: bool) -> bool: ...

    def release(self) -> None: ...


class _Storage(Protocol):
    """What is used of pybreaker's storages, and a look at state and failures together."""

    @property
    def state(self) -> str: ...

    @property
    def counter(self) -> int: ...

    @property
    def opened_at(self) -> datetime | None: ...

    def increment_counter(self) -> None: ...

    def reset_counter(self) -> None: ...

    def peek(self) -> tuple[str, int]: ...


class _MemoryStorage(pybreaker.CircuitMemoryStorage):
    """As pybreaker's, by the given clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(pybreaker.STATE_CLOSED)
        self._clock = clock
        self._opened: datetime | None = None

    @property
    def opened_at(self) -> datetime | None:
        return self._opened

    @opened_at.setter
    def opened_at(self, now: datetime) -> None:
        """pybreaker tells the time by its own clock."""
        self._opened = self._clock()

    def peek(self) -> tuple[str, int]:
        return self.state, self.counter


class _RedisStorage(pybreaker.CircuitRedisStorage):
    """As pybreaker's, but: one round trip to look, no write until something fails, instants not cut to seconds,
    by the given clock."""

    def __init__(self, client: redis.Redis, namespace: str, clock: Clock) -> None:
        super().__init__(pybreaker.STATE_CLOSED, client, namespace=namespace)
        self._clock = clock

    def _initialize_redis_state(self, state: str) -> None:
        """An absent key reads as closed and no failures; so Redis may be away when a worker starts."""

    def peek(self) -> tuple[str, int]:
        """State and failures in a row. Raises RedisError, where the properties fall back to closed."""
        names = [self._namespace("state"), self._namespace("fail_counter")]
        state, failures = cast("list[bytes | None]", self._redis.mget(names))
        return (state or pybreaker.STATE_CLOSED.encode()).decode(), int(failures or 0)

    @property
    def opened_at(self) -> datetime | None:
        try:
            told = cast("bytes | None", self._redis.get(self._namespace("opened_at")))
        except RedisError:
            return None
        return None if told is None else datetime.fromtimestamp(float(told), UTC)

    @opened_at.setter
    def opened_at(self, now: datetime) -> None:
        try:
            self._redis.set(self._namespace("opened_at"), f"{self._clock().timestamp():.6f}")
        except RedisError:
            logger.warning("breaker could not be opened for other processes while Redis is away")


class _Circuit:
    """pybreaker's state and its changes, in one place of keeping."""

    def __init__(
        self,
        storage: "_MemoryStorage | _RedisStorage",
        lease: Callable[[], _Lease],
        fail_max: int,
        timeout_s: float,
        clock: Clock,
    ) -> None:
        self.storage: _Storage = storage
        self._clock = clock
        self.lease = lease
        self._kept, self._fail_max, self._timeout_s = storage, fail_max, timeout_s
        self._settling = threading.Lock()

    @cached_property
    def breaker(self) -> pybreaker.CircuitBreaker:
        """Changes the state. Made when first needed: making one asks Redis."""
        return pybreaker.CircuitBreaker(self._fail_max, self._timeout_s, state_storage=self._kept)

    def wait_s(self) -> float:
        """Seconds until a probe may go, 0 when it may."""
        opened_at = self.storage.opened_at
        if opened_at is None or self.storage.state == pybreaker.STATE_CLOSED:
            return 0.0
        until = opened_at + timedelta(seconds=self._timeout_s)
        return max(0.0, (until - self._clock()).total_seconds())

    def settle(self, outcome: Verdict, *, probing: bool, failures: int) -> None:
        """Write down what a call has shown. A probe that showed nothing leaves the next call to probe."""
        if outcome is Verdict.FAILED:
            with self._settling:
                self.storage.increment_counter()
                tripped = self.storage.state == pybreaker.STATE_CLOSED and self.storage.counter >= self._fail_max
                if probing or tripped:
                    self.breaker.open()
        elif outcome is Verdict.WORKS and probing:
            self.breaker.close()
        elif outcome is Verdict.WORKS and failures:
            self.storage.reset_counter()


def _release(lease: _Lease | None) -> None:
    if lease is not None:
        try:
            lease.release()
        except (LockError, RedisError):
            logger.warning("breaker probe outlived its lease")
