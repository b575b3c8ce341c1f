"""Executions: the order that asks for one, the answer, and what is left of it once it is dropped."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from config.fields import DIGEST

from .patterns import PatternVersion


class ExecutionStatus(models.TextChoices):
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class Execution(models.Model):
    """One run of a pattern version for one caller. Once done it never changes; a repeat by the same caller is served from it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    portfolio_id = models.UUIDField(null=True, help_text="Row-level security reads it.")
    pattern_version = models.ForeignKey(PatternVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    pack_id = models.CharField(max_length=48)
    pack_chain_hash = models.CharField(max_length=64, blank=True, default="")
    ledger_commit_hash = models.CharField(max_length=40, blank=True, default="")
    asof_date = models.DateField()
    request = models.JSONField(help_text="Inputs with defaults filled in, portfolio, effective as-of date.")
    engine_version = models.CharField(max_length=120)
    key = models.CharField(max_length=64, help_text="SHA-256 of the five that a result is a function of.")
    provisional = models.BooleanField(default=False, help_text="Run on a pack that was not fresh; never served again.")
    status = models.CharField(max_length=8, choices=ExecutionStatus.choices, default=ExecutionStatus.RUNNING)
    result = models.TextField(blank=True, default="", help_text="RFC 8785 form.")
    result_hash = models.CharField(max_length=64, blank=True, default="")
    digest = models.CharField(
        max_length=64, blank=True, default="", help_text="Keyed digest of what is served: it is proved before it is."
    )
    trace = models.JSONField(default=dict)
    sources = models.JSONField(default=dict, help_text="Provider codes read, by output.")
    warnings = models.JSONField(default=list)
    recorded = models.JSONField(
        default=dict, help_text="What providers answered while it ran, by step: replay reads it."
    )
    problem = models.JSONField(null=True, help_text="Class, message and data of the failure.")
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.FloatField(null=True)

    class Meta:
        ordering = ("-started_at", "id")
        constraints = [
            models.UniqueConstraint(
                fields=("key", "user"), condition=Q(status="done", provisional=False), name="execution_stored_once"
            ),
            models.CheckConstraint(condition=Q(status__in=ExecutionStatus.values), name="execution_status_known"),
            models.CheckConstraint(
                condition=~Q(status="done") | Q(result_hash__regex=DIGEST, finished_at__isnull=False),
                name="execution_done_has_a_hash",
            ),
            models.CheckConstraint(
                condition=~Q(status="done") | Q(digest__regex=DIGEST), name="execution_done_has_a_digest"
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | Q(problem__isnull=False), name="execution_failed_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=("portfolio_id", "-started_at"), name="execution_by_portfolio"),
            models.Index(fields=("user", "-started_at"), name="execution_by_user"),
            models.Index(fields=("started_at",), condition=Q(status="running"), name="execution_running"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class OrderState(models.TextChoices):
    WAITING = "waiting", "waiting"
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


class ExecutionOrder(models.Model):
    """A question that a worker answers. Its answer is an execution; each sees his own orders."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    request = models.JSONField(help_text="As it was asked, with the portfolio that it is about.")
    request_id = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(max_length=9, choices=OrderState.choices, default=OrderState.WAITING)
    execution_id = models.UUIDField(null=True, help_text="Of the execution, which may be dropped before the order is.")
    problem = models.JSONField(null=True, help_text="Class, message and data of the failure.")
    ordered_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-ordered_at", "id")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=OrderState.values), name="order_state_known"),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(execution_id__isnull=False), name="order_done_has_an_execution"
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | Q(problem__isnull=False), name="order_failed_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=("user", "-ordered_at"), name="order_by_user"),
            models.Index(fields=("ordered_at",), condition=Q(state__in=("waiting", "running")), name="order_open"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class DropReason(models.TextChoices):
    AGE = "age", "older than answers are stored"
    QUOTA = "quota", "its user had more than are stored"
    BY_HAND = "by-hand", "an operator dropped it"


class DroppedExecution(models.Model):
    """What is left of an execution that is stored no more: that it was, and the hash of its result. None goes without one."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="Of the execution.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    portfolio_id = models.UUIDField(null=True, help_text="Row-level security reads it.")
    pattern_version = models.ForeignKey(PatternVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    asof_date = models.DateField()
    key = models.CharField(max_length=64)
    result_hash = models.CharField(max_length=64, blank=True, default="")
    started_at = models.DateTimeField()
    dropped_at = models.DateTimeField(db_default=Now())
    reason = models.CharField(max_length=8, choices=DropReason.choices)

    class Meta:
        ordering = ("-dropped_at", "id")
        constraints = [
            models.CheckConstraint(condition=Q(reason__in=DropReason.values), name="dropped_execution_says_why")
        ]

    def __str__(self) -> str:
        return str(self.id)


class IdempotencyKey(models.Model):
    """A retried POST is answered by the execution of the first one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=200)
    body_hash = models.CharField(max_length=64)
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=("user", "key"), name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
