"""A circuit breaker: after some failures in a row it asks no more for a while, then lets one call try.

The state is a hash in Redis, so that all workers see it: `failures` in a row, and `opened_at` in seconds since 1970 where it
is not closed. The one call that tries (the probe) holds a lock of redis-py with a time limit.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import ClassVar, NamedTuple, TypeVar, cast

import redis
import redis.lock
from redis.exceptions import LockError, RedisError

from config.errors import TieoutError

logger = logging.getLogger(__name__)

T = TypeVar("T")

CLOSED, OPEN, HALF_OPEN = 0, 1, 2
RETRY_WHILE_PROBING_S = 1.0
REDIS_AWAY_S = 5.0  # how long Redis is left alone once it did not answer, so that no call waits for it twice


class BreakerOpen(TieoutError):
    """`name` is not asked, so that it or what it leans on can recover."""

    def __init__(self, name: str, retry_after_s: float) -> None:
        super().__init__(f"{name} is not asked for another {retry_after_s:.0f} s")
        self.name, self.retry_after_s = name, retry_after_s


class Verdict(Enum):
    """What an outcome says about what was asked. NOTHING: it neither counts nor ends a row of failures."""

    WORKS = "works"
    FAILED = "failed"
    NOTHING = "nothing"


class Breaker:
    """Guards the calls of one capability or to one provider. Safe between threads; shared between processes through Redis.

    judge   what an exception says about the one asked
    client  should have short timeouts and no retries of its own: redis-py's default tries for seconds
    clock   seconds since 1970; one for all processes that share the state
    """

    def __init__(
        self,
        name: str,
        *,
        judge: Callable[[BaseException], Verdict],
        fail_max: int,
        reset_timeout_s: float,
        client: redis.Redis | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name, self._judge, self._clock = name, judge, clock
        self._fail_max, self._reset_timeout_s = fail_max, reset_timeout_s
        self._own = _ProcessRecord()
        self._shared = None if client is None else _SharedRecord(client, f"tieout:breaker:{name}", reset_timeout_s)
        self._redis_away_until = 0.0

    @property
    def state(self) -> int:
        """CLOSED, OPEN, or HALF_OPEN: the next call is a probe."""
        return self._state(self._look()[1])

    def _state(self, status: "_Status") -> int:
        if status.opened_at is None:
            return CLOSED
        return OPEN if self._wait_s(status) > 0 else HALF_OPEN

    def refuse_if_open(self) -> None:
        """Raise BreakerOpen while not even a probe may go: for work before a call that would be in vain."""
        _, status = self._look()
        if (wait_s := self._wait_s(status)) > 0:
            raise BreakerOpen(self.name, wait_s)

    def call(self, function: Callable[[], T]) -> T:
        """Call it, unless open. One round trip to Redis while all is well. Raises BreakerOpen, and what it raises."""
        record, status = self._look()
        probe = None if status.opened_at is None else self._begin_probe(record, status)
        verdict = Verdict.NOTHING
        try:
            answer = function()
            verdict = Verdict.WORKS
            return answer
        except BaseException as raised:
            verdict = self._judge(raised)
            raise
        finally:
            self._settle(record, status, verdict, probing=probe is not None)
            _release(probe)

    def _look(self) -> "tuple[_Record, _Status]":
        """The shared record and what it says; this process's own while Redis is away."""
        if self._shared is not None and time.monotonic() >= self._redis_away_until:
            try:
                return self._shared, self._shared.read()
            except RedisError:
                self._redis_away_until = time.monotonic() + REDIS_AWAY_S
                logger.warning("breaker state is per process while Redis is away", extra={"breaker": self.name})
        return self._own, self._own.read()

    def _wait_s(self, status: "_Status") -> float:
        """Seconds until a probe may go, 0 when it may or when none is needed."""
        return 0.0 if status.opened_at is None else max(0.0, status.opened_at + self._reset_timeout_s - self._clock())

    def _begin_probe(self, record: "_Record", status: "_Status") -> "threading.Lock | redis.lock.Lock | None":
        """The lock of the one call that tries; None when another probe has closed the circuit meanwhile."""
        if (wait_s := self._wait_s(status)) > 0:
            raise BreakerOpen(self.name, wait_s)
        probe = record.probe_lock()
        try:
            if not probe.acquire(blocking=False):
                raise BreakerOpen(self.name, RETRY_WHILE_PROBING_S)
            status = record.read()  # what was read before may be old: another probe may have ended in between
        except RedisError:
            raise BreakerOpen(self.name, RETRY_WHILE_PROBING_S) from None
        wait_s = self._wait_s(status)
        if status.opened_at is not None and wait_s == 0:
            return probe
        _release(probe)
        if status.opened_at is None:
            return None
        raise BreakerOpen(self.name, wait_s)

    def _settle(self, record: "_Record", before: "_Status", verdict: Verdict, *, probing: bool) -> None:
        """Write down what a call has shown. A probe that showed nothing leaves the next call to probe."""
        try:
            if verdict is Verdict.FAILED and probing:
                record.open(self._clock(), again=True)
            elif verdict is Verdict.FAILED and record.count_failure() >= self._fail_max:
                record.open(self._clock(), again=False)
            elif verdict is Verdict.WORKS and probing:
                record.close()
            elif verdict is Verdict.WORKS and before.failures:
                record.forget_failures()
        except RedisError:
            logger.warning("breaker outcome is lost while Redis is away", extra={"breaker": self.name})


def read_states(breakers: Sequence[Breaker]) -> list[int]:
    """The states of breakers that share a Redis, in one round trip. Raises RedisError."""
    records = [each._shared for each in breakers if each._shared is not None]
    if not records:
        return [each.state for each in breakers]
    assert len(records) == len(breakers)
    with records[0].client.pipeline(transaction=False) as batch:
        for record in records:
            batch.hmget(record.key, _SharedRecord.FIELDS)
        answers = batch.execute()
    return [each._state(_Status.from_redis(answer)) for each, answer in zip(breakers, answers, strict=True)]


class _Status(NamedTuple):
    """Failures in a row, and since when nobody is asked: None while closed."""

    failures: int
    opened_at: float | None

    @classmethod
    def from_redis(cls, fields: Sequence[bytes | None]) -> "_Status":
        failures, opened_at = fields
        return cls(int(failures or 0), None if opened_at is None else float(opened_at))


class _ProcessRecord:
    """What this process alone has seen."""

    def __init__(self) -> None:
        self._status, self._turn, self._probe = _Status(0, None), threading.Lock(), threading.Lock()

    def read(self) -> _Status:
        return self._status

    def count_failure(self) -> int:
        with self._turn:
            self._status = self._status._replace(failures=self._status.failures + 1)
            return self._status.failures

    def forget_failures(self) -> None:
        with self._turn:
            self._status = self._status._replace(failures=0)

    def open(self, now: float, *, again: bool) -> None:
        """From now on; where it is open already, only if `again`: a late failure does not make the wait longer."""
        with self._turn:
            if again or self._status.opened_at is None:
                self._status = self._status._replace(opened_at=now)

    def close(self) -> None:
        with self._turn:
            self._status = _Status(0, None)

    def probe_lock(self) -> threading.Lock:
        return self._probe


class _SharedRecord:
    """The same in Redis for all processes, each change one command. Every method raises RedisError while it is away."""

    FIELDS: ClassVar = ["failures", "opened_at"]

    def __init__(self, client: redis.Redis, key: str, reset_timeout_s: float) -> None:
        self.client, self.key, self._reset_timeout_s = client, key, reset_timeout_s

    def read(self) -> _Status:
        return _Status.from_redis(cast("list[bytes | None]", self.client.hmget(self.key, self.FIELDS)))

    def count_failure(self) -> int:
        return self.client.hincrby(self.key, "failures", 1)

    def forget_failures(self) -> None:
        self.client.hdel(self.key, "failures")

    def open(self, now: float, *, again: bool) -> None:
        (self.client.hset if again else self.client.hsetnx)(self.key, "opened_at", f"{now:.6f}")

    def close(self) -> None:
        self.client.delete(self.key)

    def probe_lock(self) -> redis.lock.Lock:
        """A probe whose process was killed gives its place to another after one more timeout."""
        return cast("redis.lock.Lock", self.client.lock(f"{self.key}:probe", timeout=self._reset_timeout_s))


_Record = _ProcessRecord | _SharedRecord


def _release(probe: "threading.Lock | redis.lock.Lock | None") -> None:
    if probe is not None:
        try:
            probe.release()
        except (LockError, RedisError):
            logger.warning("breaker probe outlived its lock")
