"""Finished executions, each under the key of the five that its result is a function of: a row, with Redis in front of it.

What is served is proved first: a row by its keyed digest, what comes from Redis by that of the cache (config/cache.py). An altered
entry of the cache is dropped and the row is read; an altered row is served to nobody, and nothing takes its place by itself.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import cache
from redis.exceptions import RedisError

from config import keyed_digest
from config.errors import TieoutError
from execution import canonical
from execution.models import Execution, ExecutionStatus
from pricing.models import PricingPack

logger = logging.getLogger(__name__)

STORE_SECONDS = 24 * 3600
KIND = "execution"


class ExecutionAltered(TieoutError):
    """The row of an execution is not what was stored."""

    def __init__(self, execution_id: UUID) -> None:
        super().__init__(
            f"execution {execution_id} was changed after it was stored, and is not served: tell whoever operates the service"
        )
        self.execution_id = execution_id


@dataclass(frozen=True, slots=True)
class FinishedExecution:
    """A finished execution as it is served: from its row, with the policy and the hash of its pack. Dates are ISO."""

    id: str
    pattern_id: str
    pattern_version: str
    pack_id: str
    policy: str
    pack_content_hash: str
    pack_chain_hash: str
    ledger_commit_hash: str
    asof_date: str
    engine_version: str
    result: str
    result_hash: str
    trace: Mapping[str, Any]
    sources: Mapping[str, Sequence[str]]
    warnings: Sequence[str]
    provisional: bool
    computed_at: str | None
    duration_ms: float | None


FIELDS = {each.name for each in fields(FinishedExecution)}
"""What another release has put into the cache may have others: then the row is read."""


def from_row(execution: Execution) -> FinishedExecution:
    """Raises ExecutionAltered, told to the operator, where the row is not what was stored."""
    finished = _read_row(execution)
    if _is_intact(execution, finished):
        return finished
    keyed_digest.tell_altered("execution", execution_id=finished.id)
    raise ExecutionAltered(execution.pk)


def seal(execution: Execution) -> FinishedExecution:
    """Put the digest into the row, which is still to be saved."""
    finished = _read_row(execution)
    execution.digest = keyed_digest.of(KIND, _content(execution, finished))
    return finished


def is_intact(execution: Execution) -> bool:
    """Whether the row of a finished execution is what was stored."""
    return _is_intact(execution, _read_row(execution))


def _is_intact(execution: Execution, finished: FinishedExecution) -> bool:
    if hashlib.sha256(finished.result.encode()).hexdigest() != finished.result_hash:
        return False
    try:
        return keyed_digest.is_right(execution.digest, KIND, _content(execution, finished))
    except canonical.NotRenderable:  # so it is nothing that was stored
        return False


def _content(execution: Execution, finished: FinishedExecution) -> bytes:
    """All that is served, and the question that it answers; the result is in it by its hash."""
    served = {name: value for name, value in asdict(finished).items() if name != "result"}
    question: dict[str, Any] = {
        "key": execution.key,
        "user": execution.user_id,
        "portfolio": str(execution.portfolio_id),
    }
    if recorded := getattr(execution, "recorded", None):  # rows of migrations before it have none
        question["recorded"] = recorded
    return canonical.canonical_bytes({"served": served, "question": question})


def _read_row(execution: Execution) -> FinishedExecution:
    packs = PricingPack.objects.filter(pk=execution.pack_id).values_list("policy_id", "content__content_hash")
    policy, content_hash = packs.first() or ("", "")  # a row that names no pack is not intact
    return FinishedExecution(
        id=str(execution.pk),
        pattern_id=execution.pattern_version.pattern_id,
        pattern_version=execution.pattern_version.version,
        pack_id=execution.pack_id,
        policy=policy,
        pack_content_hash=content_hash,
        pack_chain_hash=execution.pack_chain_hash,
        ledger_commit_hash=execution.ledger_commit_hash,
        asof_date=execution.asof_date.isoformat(),
        engine_version=execution.engine_version,
        result=execution.result,
        result_hash=execution.result_hash,
        trace=execution.trace,
        sources=execution.sources,
        warnings=execution.warnings,
        provisional=execution.provisional,
        computed_at=_iso(execution.finished_at),
        duration_ms=execution.duration_ms,
    )


def find(key: str, user: AbstractBaseUser) -> FinishedExecution | None:
    """The execution of this key that the user has made before; None where there is none. What the cache lacks it has then.

    raises   ExecutionAltered: the question is not answered anew before somebody has looked
    """
    fields = _read_cache(key, user)
    if fields is not None and fields.keys() == FIELDS:
        return FinishedExecution(**fields)
    execution = (
        Execution.objects.select_related("pattern_version")
        .filter(key=key, user=user.pk, status=ExecutionStatus.DONE, provisional=False)
        .first()
    )
    if execution is None:
        return None
    finished = from_row(execution)
    put_in_cache(finished, key, user)
    return finished


def put_in_cache(finished: FinishedExecution, key: str, user: AbstractBaseUser) -> None:
    try:
        cache.set(_cache_name(key, user), asdict(finished), STORE_SECONDS)
    except RedisError:
        logger.warning("store is without its cache")


def _read_cache(key: str, user: AbstractBaseUser) -> dict[str, Any] | None:
    try:
        fields: dict[str, Any] | None = cache.get(_cache_name(key, user))
    except RedisError:
        logger.warning("store is without its cache")
        return None
    return fields


def _cache_name(key: str, user: AbstractBaseUser) -> str:
    return f"execution:{key}:{user.pk}"


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
