"""One circuit breaker per capability: after five failures in a row it is asked no more for a minute, then one call tries."""

import psycopg
import redis

from config.breaker import Breaker, Verdict
from config.errors import TieoutError

FAIL_MAX = 5
RESET_TIMEOUT_S = 60.0


class AgentFailed(TieoutError):
    """An agent could not answer for a reason that is not the question's and may pass."""


class DependencyFailed(AgentFailed):
    """Something that a capability depends on did not answer. Capabilities raise subclasses of it."""


class StorageAway(DependencyFailed):
    """The database or Redis did not answer. Every agent uses them, so it says nothing of the one that met it."""


def judge(raised: BaseException) -> Verdict:
    """Only what an agent itself depends on (a provider, the network, the disk) counts against it.

    A named error and a bug say nothing: both may follow from one portfolio's data, and the breaker would open for everybody.
    Neither does an outage of the database or Redis, which every agent uses and which ends the moment they are back.
    """
    if isinstance(raised, TieoutError) and not isinstance(raised, DependencyFailed):
        return Verdict.NOTHING
    return Verdict.FAILED if is_dependency_failure(raised) and not is_storage_failure(raised) else Verdict.NOTHING


def is_storage_failure(raised: BaseException) -> bool:
    """Also when the database's own error is wrapped: Django's OperationalError has psycopg's as its cause."""
    away = (StorageAway, psycopg.OperationalError, psycopg.InterfaceError, redis.ConnectionError, redis.TimeoutError)
    return _is_or_follows(raised, away)


def is_dependency_failure(raised: BaseException) -> bool:
    """Storage, disk or network."""
    return is_storage_failure(raised) or _is_or_follows(raised, (DependencyFailed, OSError))


def _is_or_follows(raised: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether it, or one of its causes, is of these kinds."""
    link: BaseException | None = raised
    while link is not None:
        if isinstance(link, kinds):
            return True
        link = link.__cause__
    return False


def for_capability(
    capability: str,
    *,
    client: redis.Redis | None = None,
    fail_max: int = FAIL_MAX,
    reset_timeout_s: float = RESET_TIMEOUT_S,
) -> Breaker:
    """The breaker that guards the calls of one capability."""
    return Breaker(capability, judge=judge, fail_max=fail_max, reset_timeout_s=reset_timeout_s, client=client)
