"""Executions whose process has died: they are ended as failed, so that none stays `running` for ever."""

import logging
from time import perf_counter

from django.db import transaction
from django.utils import timezone

from config import locks
from config.errors import TieoutError
from execution.executor import failure_record, orchestrator, step_trace
from execution.models import Execution, ExecutionStatus

logger = logging.getLogger(__name__)


class ExecutionAbandoned(TieoutError):
    """Nobody computes an execution any more: its process has died, or has lost its session with the database."""

    def __init__(self) -> None:
        super().__init__("its process has died, or has lost the database; ask again")


def lock_name(key: str) -> str:
    """The lock of the session that computes what is asked under a key. While it is held, the execution lives."""
    return f"execution.executor:{key}"


def finish_failed(execution: Execution, failure: Exception, *, started: float | None = None) -> bool:
    """Put a failure on record. False where the execution has ended already, which never changes again.

    started   of this process's clock, where it is the one that computed it
    """
    trace = failure.trace if isinstance(failure, orchestrator.StepFailed) else ()
    with transaction.atomic():
        ended = Execution.objects.filter(pk=execution.pk, status=ExecutionStatus.RUNNING).update(
            status=ExecutionStatus.FAILED,
            trace=step_trace.trace_as_dict(trace),
            problem=failure_record.describe(failure),
            finished_at=timezone.now(),
            duration_ms=None if started is None else milliseconds_since(started),
        )
    return bool(ended)


def milliseconds_since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 3)


def end_abandoned() -> int:
    """End the executions that nobody computes any more, and return how many. As role job, which sees all of them."""
    ended = 0
    for execution in Execution.objects.filter(status=ExecutionStatus.RUNNING).only("id", "key").order_by("started_at"):
        with locks.try_session_lock(lock_name(execution.key)) as acquired:
            ended += acquired and finish_failed(execution, ExecutionAbandoned())
    if ended:
        logger.warning("executions whose process has died are ended", extra={"count": ended})
    return ended
