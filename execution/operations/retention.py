"""How long answers are stored: what is older than a time, or more than a user's share, is dropped, and told by what is left of it.

An answer can be computed again from the five that it is a function of, to the same bytes, so that nothing is lost but the record.
What something rests on stays.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from execution.models import (
    DroppedExecution,
    DropReason,
    Execution,
    ExecutionExport,
    ExecutionStatus,
    IdempotencyKey,
)

BATCH = 200
FREE_SHARE = 2
"""Of the quota, so many halves: one is free again after each day's run."""


@dataclass
class Dropped:
    """How many were dropped."""

    keys: int = 0
    by_age: int = 0
    by_quota: int = 0


def evidence() -> QuerySet[Execution]:
    """Executions that something rests on, which stay: an export, or the retry of a request with a key."""
    retried = IdempotencyKey.objects.filter(execution__isnull=False).values("execution")
    return Execution.objects.filter(Q(pk__in=retried) | Q(pk__in=ExecutionExport.objects.values("execution")))


def drop_due(now: datetime) -> Dropped:
    """Drop the keys and executions whose time is over, then the oldest of whoever has more than half of the quota. As role job."""
    dropped = Dropped()
    old_keys = IdempotencyKey.objects.filter(created_at__lt=now - timedelta(days=settings.IDEMPOTENCY_KEY_DAYS))
    dropped.keys, _ = old_keys.delete()
    droppable = Execution.objects.exclude(status=ExecutionStatus.RUNNING).exclude(pk__in=evidence().values("pk"))
    old = droppable.filter(started_at__lt=now - timedelta(days=settings.EXECUTION_DAYS))
    dropped.by_age = drop(old.values_list("pk", flat=True), DropReason.AGE)
    keep = settings.STORED_EXECUTIONS // FREE_SHARE
    crowded = Execution.objects.order_by().values("user").annotate(count=Count("pk")).filter(count__gt=keep)
    for user, count in crowded.values_list("user", "count"):
        oldest = droppable.filter(user=user).order_by("started_at", "pk").values_list("pk", flat=True)
        dropped.by_quota += drop(oldest[: count - keep], DropReason.QUOTA)
    return dropped


def drop(executions: Iterable[UUID], reason: DropReason) -> int:
    """Drop executions, each with what tells of it, and return how many. Raises ProtectedError for one that something rests on."""
    ids, count = list(executions), 0
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        with transaction.atomic():
            rows = Execution.objects.filter(pk__in=batch)
            DroppedExecution.objects.bulk_create(
                DroppedExecution(reason=reason, **values) for values in rows.values(*TOLD)
            )
            count += rows.delete()[0]
    return count


TOLD = ("id", "user_id", "portfolio_id", "pattern_version_id", "asof_date", "key", "result_hash", "started_at")
"""Columns of an execution that its successor has."""
