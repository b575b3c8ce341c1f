"""One circuit breaker per agent: after five failures in a row it asks no more for a minute, then lets one call try."""

import psycopg
import redis

from config.breaker import Breaker, Verdict
from config.errors import TieoutError

FAIL_MAX = 5
RESET_TIMEOUT_S = 60.0


class AgentFailed(TieoutError):
    """Counts against the agent, as other named errors do not."""


class DependencyFailed(AgentFailed):
    """Something a capability leans on did not answer. Capabilities raise subclasses of it."""


class StorageAway(DependencyFailed):
    """The database or Redis did not answer. Every agent leans on them, so it says nothing of the one that met it."""


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


def of(
    agent: str,
    *,
    client: redis.Redis | None = None,
    fail_max: int = FAIL_MAX,
    reset_timeout_s: float = RESET_TIMEOUT_S,
) -> Breaker:
    """The breaker that guards the calls to one agent."""
    return Breaker(agent, judge=verdict, fail_max=fail_max, reset_timeout_s=reset_timeout_s, client=client)
