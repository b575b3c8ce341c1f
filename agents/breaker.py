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


def verdict(raised: BaseException) -> Verdict:
    """Named errors (bad input, a missing price) say nothing; a dependency, or a stranger's bug, counts as a failure."""
    if isinstance(raised, TieoutError) and not isinstance(raised, AgentFailed):
        return Verdict.NOTHING
    return Verdict.FAILED if isinstance(raised, Exception) else Verdict.NOTHING


def is_dependency_failure(raised: BaseException) -> bool:
    """Also when the database's own error is wrapped: Django's OperationalError has psycopg's as its cause."""
    away = (DependencyFailed, OSError, psycopg.OperationalError, redis.ConnectionError, redis.TimeoutError)
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
