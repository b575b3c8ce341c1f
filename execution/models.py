"""Rows of patterns, executions and nights. Executions and blocked portfolios are under forced row-level security."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from portfolio.models import PortfolioRow
from pricing.models import PricingPack

DIGEST = r"^[0-9a-f]{64}$"


class Pattern(models.Model):
    id = models.SlugField(primary_key=True, max_length=64)
    title = models.CharField(max_length=200)
    current = models.ForeignKey(
        "PatternVersion", on_delete=models.PROTECT, null=True, related_name="+", help_text="The version that is served."
    )
    retired_at = models.DateTimeField(null=True, help_text="Since when it is not answered any more; empty: it is.")
    retired_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    retired_because = models.CharField(max_length=400, blank=True, default="")

    class Meta:
        ordering = ("id",)
        permissions = [("publish_pattern", "Can publish, retire and bring back")]
        constraints = [
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True, retired_by__isnull=True, retired_because="")
                | Q(retired_at__isnull=False) & ~Q(retired_because=""),
                name="pattern_retired_says_why",
            )
        ]

    def __str__(self) -> str:
        return self.id


class PatternVersion(models.Model):
    """A published document. It never changes: a correction is another version. One without an author is the library's."""

    pattern = models.ForeignKey(Pattern, on_delete=models.PROTECT, related_name="versions", db_index=False)
    version = models.CharField(max_length=32)
    document = models.JSONField()
    document_hash = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, help_text="Keyed digest of the version: it is proved before it is used.")
    based_on = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The version that was served before it.",
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    message = models.CharField(max_length=400, blank=True, default="", help_text="What changed, and why.")
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The author, or a second person.",
    )
    published_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("pattern", "-published_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=("pattern", "version"), name="pattern_version_once"),
            models.CheckConstraint(condition=Q(digest__regex=DIGEST), name="pattern_version_has_a_digest"),
            models.CheckConstraint(
                condition=Q(author__isnull=True, published_by__isnull=True)
                | Q(author__isnull=False, published_by__isnull=False) & ~Q(message=""),
                name="pattern_version_of_a_person_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pattern_id} {self.version}"


class PatternDraft(models.Model):
    """What staff write on the way to the next version of a pattern; it has one draft, which is gone once it is published."""

    id = models.SlugField(primary_key=True, max_length=64, help_text="Of the pattern that it becomes a version of.")
    text = models.TextField(help_text="As it was written: it need not be a pattern yet.")
    revision = models.PositiveIntegerField(
        default=1, help_text="Rises with each save; an editor of an older one is told."
    )
    based_on = models.ForeignKey(
        PatternVersion, on_delete=models.PROTECT, null=True, related_name="+", help_text="Empty: a new pattern."
    )
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()
    message = models.CharField(max_length=400, blank=True, default="", help_text="What changed, and why.")
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who asks a second person to publish this revision.",
    )

    class Meta:
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(proposed_by__isnull=True) | ~Q(message=""), name="pattern_draft_proposed_says_why"
            )
        ]

    def __str__(self) -> str:
        return f"draft of {self.id}"


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


class ExportState(models.TextChoices):
    WAITING = "waiting", "waiting"
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    REFUSED = "refused", "refused"
    CANCELLED = "cancelled", "cancelled"
    REMOVED = "removed", "removed"


class ExecutionExport(models.Model):
    """An execution that somebody took out as a file, or was refused. What was decided stays; the file is kept for a time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="exports")
    format = models.CharField(max_length=8)
    panel = models.CharField(max_length=64, blank=True, default="", help_text="The only one; empty: all of the result.")
    is_reduced = models.BooleanField(default=False, help_text="Without what providers refuse.")
    request_id = models.CharField(max_length=64, blank=True, default="")
    rights_version = models.PositiveBigIntegerField(help_text="That decided; 0: before any was published.")
    decision = models.JSONField(help_text="Use, what each source said, and what was left out.")
    state = models.CharField(max_length=9, choices=ExportState.choices, default=ExportState.WAITING)
    progress = models.PositiveSmallIntegerField(default=0, help_text="Percent.")
    sha256 = models.CharField(max_length=64, blank=True, default="", help_text="Of the file.")
    size = models.PositiveBigIntegerField(null=True, help_text="Bytes of the file.")
    reason = models.TextField(blank=True, default="", help_text="Why it failed.")
    made_at = models.DateTimeField(help_text="When the rights decided; the moment that the file names.")
    expires_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-made_at", "id")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ExportState.values), name="export_state_known"),
            models.CheckConstraint(condition=Q(progress__lte=100), name="export_progress_in_percent"),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(sha256__regex=r"^[0-9a-f]{64}$", size__isnull=False),
                name="export_done_has_a_hash",
            ),
            models.CheckConstraint(condition=~Q(state="failed", reason=""), name="export_failed_says_why"),
        ]
        indexes = [
            models.Index(fields=("user", "-made_at"), name="export_by_user"),
            models.Index(fields=("expires_at",), condition=Q(state="done"), name="export_by_expiry"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class SigningKey(models.Model):
    """A public key that bundles are signed by since `valid_from`. The next one ends it."""

    keyid = models.CharField(primary_key=True, max_length=16)
    public_key = models.CharField(max_length=44, help_text="32 bytes of Ed25519, base64.")
    valid_from = models.DateTimeField()

    class Meta:
        ordering = ("valid_from", "keyid")
        constraints = [
            models.CheckConstraint(condition=Q(keyid__regex=r"^[0-9a-f]{16}$"), name="signing_key_has_its_number")
        ]

    def __str__(self) -> str:
        return self.keyid


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
