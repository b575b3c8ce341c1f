"""A retried POST /v1/execute is answered by the execution of its first try."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from config import locks, scope
from execution import executor
from execution.executor import ExecutionNotFound, RequestInvalid
from execution.models import Execution, ExecutionStatus, IdempotencyKey
from execution.web import limits
from execution.web.problems import AnsweredBefore, IdempotencyConflict, answer_on_record

MAX_KEY_LENGTH = 200


def execute_once(request: executor.Request, *, user: User, key: str, body: bytes) -> executor.Served:
    """Execute a request, or serve the execution of the first request with this key.

    body     as it was sent: the same key with another one is refused
    raises   RequestInvalid for a key that can't be one, IdempotencyConflict; what executor.execute raises; AnsweredBefore where
             the first try failed by a fault of ours; limits.LimitReached: who retries waits in one of the user's places
    """
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise RequestInvalid(
            [{"pointer": "", "reason": f"Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable characters"}]
        )
    digest = hashlib.sha256(body).hexdigest()
    with scope.acting_as(user), limits.at_once(user), locks.session_lock(f"execution.idempotency:{user.pk}:{key}"):
        with transaction.atomic():
            first, _ = IdempotencyKey.objects.get_or_create(user=user, key=key, defaults={"body_hash": digest})
        if first.body_hash != digest:
            raise IdempotencyConflict(first.created_at.isoformat())
        return _answer_of(first, request, user) or _execute_as(first, request, user)


def _answer_of(first_try: IdempotencyKey, request: executor.Request, user: User) -> executor.Served | None:
    """The answer to the first try; None where it has none to give again: it was refused, killed, or failed by what may work now."""
    if first_try.execution_id is None:
        return None
    with transaction.atomic():
        first = Execution.objects.filter(pk=first_try.execution_id).only("status", "problem", "trace").first()
    if first is None:
        raise ExecutionNotFound  # it was answered, and its portfolio is not the caller's any more
    answer = answer_on_record(first)
    if answer is not None:
        raise AnsweredBefore(answer)
    if first.status != ExecutionStatus.DONE:
        return None
    return executor.fetch(first.pk, user=user, requested=request.asof_date)


def _execute_as(first_try: IdempotencyKey, request: executor.Request, user: User) -> executor.Served:
    @contextmanager
    def count() -> Iterator[None]:
        limits.count_execution(user)
        yield

    def bind(execution_id: UUID) -> None:
        with transaction.atomic():
            IdempotencyKey.objects.filter(pk=first_try.pk).update(execution=Execution(pk=execution_id))

    served = executor.execute(request, user=user, claimed=bind, admit=count)
    bind(served.execution_id)
    return served
