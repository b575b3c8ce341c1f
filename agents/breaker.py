"""One circuit breaker per agent: after five failures in a row it asks no more for a minute, then lets one call try.

pybreaker 1.4.1 keeps the state, in Redis when there is one, so that all workers see it. Its own `call` is not used:
it holds a lock while the agent works, so threads would wait in line; its half-open state lets every process through
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

import psycopg
import pybreaker
import redis
from redis.exceptions import LockError, RedisError

from config.errors import TieoutError

logger = logging.getLogger(__name__)

T = TypeVar("T")

FAIL_MAX = 5
RESET_TIMEOUT_S = 60.0
RETRY_WHILE_PROBING_S = 1.0
REDIS_AWAY_S = 5.0  # how long Redis is left alone once it did not answer, so that no call waits for it twice
STATES = {pybreaker.STATE_CLOSED: 0, pybreaker.STATE_OPEN: 1, pybreaker.STATE_HALF_OPEN: 2}


class AgentFailed(TieoutError):
    """Counts against the agent, as other named errors do not."""


class DependencyFailed(AgentFailed):
    """Something a capability leans on did not answer. Capabilities raise subclasses of it."""


class StorageAway(DependencyFailed):
    """The database or Redis did not answer. Every agent leans on them, so it says nothing of the one that met it."""


class BreakerOpen(TieoutError):
    """The agent is not asked, so that what it leans on can recover."""

    def __init__(self, agent: str, retry_after_s: float) -> None:
        super().__init__(f"{agent} is not asked for another {retry_after_s:.0f} s")
        self.agent, self.retry_after_s = agent, retry_after_s


class Verdict(Enum):
    """What an outcome says about the things an agent leans on."""

    WORKS = "works"
    FAILED = "failed"
    NOTHING = "nothing"


def verdict(raised: BaseException) -> Verdict:
    """Named errors (bad input, a missing price) say nothing, nor does an outage of database or Redis, which ends the moment
    they are back; a dependency of the agent's own, or a stranger's bug, counts as a failure."""
    if isinstance(raised, TieoutError) and not isinstance(raised, AgentFailed):
        return Verdict.NOTHING
    if is_storage_failure(raised):
        return Verdict.NOTHING
    return Verdict.FAILED if isinstance(raised, Exception) else Verdict.NOTHING


def is_storage_failure(raised: BaseException) -> bool:
    """Also when the database's own error is wrapped: Django's OperationalError has psycopg's as its cause."""
    return _rests_on(
        raised,
        (StorageAway, psycopg.OperationalError, psycopg.InterfaceError, redis.ConnectionError, redis.TimeoutError),
    )


def is_dependency_failure(raised: BaseException) -> bool:
    """Storage, disk or network."""
    return is_storage_failure(raised) or _rests_on(raised, (DependencyFailed, OSError))


def _rests_on(raised: BaseException, away: tuple[type[BaseException], ...]) -> bool:
    seen: BaseException | None = raised
    while seen is not None:
        if isinstance(seen, away):
            return True
        seen = seen.__cause__
    return False


class Breaker:
    """Guards the calls to one agent. Safe to share between threads; shared between processes through Redis.

    `client` should have short timeouts and no retries of its own: redis-py's default tries for seconds.
    """

    def __init__(
        self,
        agent: str,
        *,
        client: redis.Redis | None = None,
        fail_max: int = FAIL_MAX,
        reset_timeout_s: float = RESET_TIMEOUT_S,
    ) -> None:
        self.agent = agent
        turn = threading.Lock()
        self._here = _Circuit(_MemoryStorage(pybreaker.STATE_CLOSED), lambda: turn, fail_max, reset_timeout_s)
        self._shared: _Circuit | None = None
        self._redis_away_until = 0.0
        if client is not None:
            storage = _RedisStorage(pybreaker.STATE_CLOSED, client, namespace=f"tieout:breaker:{agent}")
            lease = f"tieout:breaker:{agent}:probe"
            # a probe whose process was killed gives its place to another after one more timeout
            self._shared = _Circuit(
                storage, lambda: client.lock(lease, timeout=reset_timeout_s), fail_max, reset_timeout_s
            )

    @property
    def state(self) -> int:
        """0 closed, 1 open, 2 half-open."""
        return STATES[self._look()[1]]

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
            outcome = verdict(raised)
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
                logger.warning("breaker state is per process while Redis is away", extra={"agent": self.agent})
        return self._here, *self._here.storage.peek()

    def _probe(self, circuit: "_Circuit") -> "_Lease | None":
        """The right to be the one call that tries; None when another probe has closed the circuit meanwhile."""
        wait_s = circuit.wait_s()
        if wait_s > 0:
            raise BreakerOpen(self.agent, wait_s)
        lease = circuit.lease()
        try:
            taken = lease.acquire(blocking=False)
        except RedisError:
            taken = False
        if not taken:
            raise BreakerOpen(self.agent, RETRY_WHILE_PROBING_S)
        # what was read before the lease was ours may be old: another probe may have ended in between
        wait_s = circuit.wait_s()
        if wait_s > 0:
            _release(lease)
            raise BreakerOpen(self.agent, wait_s)
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
    def peek(self) -> tuple[str, int]:
        return self.state, self.counter


class _RedisStorage(pybreaker.CircuitRedisStorage):
    """As pybreaker's, but: one round trip to look, no write until something fails, instants not cut to seconds."""

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
            self._redis.set(self._namespace("opened_at"), f"{now.timestamp():.6f}")
        except RedisError:
            logger.warning("breaker could not be opened for other processes while Redis is away")


class _Circuit:
    """pybreaker's state and its changes, in one place of keeping."""

    def __init__(
        self, storage: "_MemoryStorage | _RedisStorage", lease: Callable[[], _Lease], fail_max: int, timeout_s: float
    ) -> None:
        self.storage: _Storage = storage
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
        return max(0.0, (until - datetime.now(UTC)).total_seconds())

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
