"""Nights: runs, their jobs and chunks, the portfolios that they could not do, and the daily check of the history."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from portfolio.models import PortfolioRow
from pricing.models import PricingPack


class RunState(models.TextChoices):
    WAITING = "waiting", "waiting"
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class NightlyRun(models.Model):
    """One night, or a span of nights. What remains to do is read from rows; a message of Celery only starts it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    policy = models.CharField(max_length=16)
    from_date = models.DateField()
    date = models.DateField(help_text="The last, for a span.")
    release = models.PositiveIntegerField()
    restates = models.CharField(max_length=400, blank=True, default="")
    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.WAITING)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-started_at", "id")
        constraints = [
            models.UniqueConstraint(fields=("policy", "date", "release"), name="nightly_run_once"),
            models.CheckConstraint(condition=Q(from_date__lte=F("date")), name="nightly_run_in_order"),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="nightly_run_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.policy} {self.date} release {self.release}"


class JobRun(models.Model):
    run = models.ForeignKey(NightlyRun, on_delete=models.PROTECT, related_name="jobs", db_index=False)
    name = models.CharField(max_length=32)
    position = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.WAITING)
    fencing = models.PositiveIntegerField(
        default=0, help_text="Rises with each attempt; an older one may not finish it."
    )
    heartbeat_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    detail = models.JSONField(default=dict)
    reason = models.TextField(blank=True, default="")
    retry_at = models.DateTimeField(
        null=True, help_text="Of a failure that may pass: when the watchdog tries again. Empty: a person says it again."
    )

    class Meta:
        ordering = ("run", "position")
        constraints = [
            models.UniqueConstraint(fields=("run", "name"), name="job_once_a_run"),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="job_state_known"),
            models.CheckConstraint(condition=~Q(state="failed", reason=""), name="job_failed_has_a_reason"),
            models.CheckConstraint(
                condition=Q(state="failed") | Q(retry_at__isnull=True), name="job_is_tried_again_after_a_failure"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.run_id}"


class JobChunk(models.Model):
    """Some of the portfolios of a job, in one attempt at it: what one process does. A job is done when all its chunks are."""

    job = models.ForeignKey(JobRun, on_delete=models.PROTECT, related_name="chunks", db_index=False)
    fencing = models.PositiveIntegerField(help_text="The attempt at the job.")
    number = models.PositiveIntegerField()
    pack_id = models.CharField(max_length=48)
    revisions = models.JSONField(help_text="Ledger revisions, and by them the portfolios.")
    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.WAITING)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    detail = models.JSONField(default=dict)
    reason = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("job", "fencing", "number")
        constraints = [
            models.UniqueConstraint(fields=("job", "fencing", "number"), name="chunk_once_an_attempt"),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="chunk_state_known"),
            models.CheckConstraint(condition=~Q(state="failed", reason=""), name="chunk_failed_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"chunk {self.number} of {self.job_id}"


class HistoryCheck(models.Model):
    """The check of a day: whether a seventh of the stored history is what ledger and packs make of it."""

    day = models.DateField(unique=True)
    part = models.PositiveSmallIntegerField(help_text="Which seventh, 0 to 6.")
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, help_text="Empty: under way, or its process died.")
    portfolios = models.PositiveIntegerField(default=0, help_text="Whose rows were derived again.")
    count = models.PositiveIntegerField(default=0, help_text="Rows that differ.")
    differences = models.JSONField(default=list, help_text="Where, without values: table, row, column.")

    class Meta:
        ordering = ("-day",)
        constraints = [models.CheckConstraint(condition=Q(part__lt=7), name="history_check_part_of_seven")]

    def __str__(self) -> str:
        return f"{self.day}: {self.count}"


class BlockedKind(models.TextChoices):
    """Why a portfolio has no answer at a pack. The first three are the problem types that its owner is answered with."""

    MISSING_PRICE = "missing-price", "a price is missing"
    MISSING_RATE = "missing-rate", "an exchange rate is missing"
    RECONCILIATION_FAILED = "reconciliation-failed", "ledger and database differ"
    NO_LEDGER = "no-ledger", "the ledger has no folder of it"
    LEDGER_UNREADABLE = "ledger-unreadable", "its folder of the ledger can't be read"
    NOT_COMPARED = "not-compared", "the comparison of its books broke"
    FIGURES_FAILED = "figures-failed", "its figures can't be computed"


class BlockedPortfolio(PortfolioRow):
    """A portfolio that a job of the night could not do at a pack, and why. The other portfolios are done.

    A row is of the last attempt at the job: when the job succeeds for the portfolio, the row is gone.
    """

    pack = models.ForeignKey(PricingPack, on_delete=models.PROTECT, related_name="+", db_index=False)
    job = models.CharField(max_length=32)
    kind = models.CharField(max_length=24, choices=BlockedKind.choices)
    reason = models.TextField(help_text="As its owner reads it.")
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-made_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=("pack", "portfolio", "job"), name="blocked_once_a_job"),
            models.CheckConstraint(condition=Q(kind__in=BlockedKind.values), name="blocked_kind_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="blocked_has_a_reason"),
        ]
        indexes = [models.Index(fields=("portfolio", "-made_at"), name="blocked_by_portfolio")]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.kind} at {self.pack_id}"
