"""What each provider's data may be used for. Foreign ids are plain values here: this room knows no other."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Permission(models.TextChoices):
    YES = "yes", "yes"
    NO = "no", "no"
    ASK = "ask", "ask first"


class DataSource(models.Model):
    """A provider of data, its terms, and the words that must stand beside its figures."""

    code = models.CharField(primary_key=True, max_length=64)
    name = models.CharField(max_length=200)
    attribution = models.CharField(max_length=400)
    terms = models.TextField()
    display = models.CharField(max_length=3, choices=Permission.choices)
    export_csv = models.CharField(max_length=3, choices=Permission.choices)
    export_pdf = models.CharField(max_length=3, choices=Permission.choices)
    redistribute = models.CharField(max_length=3, choices=Permission.choices)

    class Meta:
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    display__in=Permission.values,
                    export_csv__in=Permission.values,
                    export_pdf__in=Permission.values,
                    redistribute__in=Permission.values,
                ),
                name="data_source_permissions_known",
            ),
            models.CheckConstraint(condition=~Q(attribution=""), name="data_source_has_attribution"),
        ]

    def __str__(self) -> str:
        return self.code


class RightsVersion(models.Model):
    """Rises with every change of a right, so that a served result can say which table decided it."""

    digest = models.CharField(max_length=64, help_text="SHA-256 over all rows.")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return str(self.pk)


class AuditEntry(models.Model):
    """A row that was added, changed or removed, or something that happened. Triggers write it, and nobody changes it."""

    at = models.DateTimeField()
    transaction = models.BigIntegerField(help_text="Number of the transaction; seals cover ranges of them.")
    server = models.BigIntegerField(help_text="Which PostgreSQL numbered it.")
    user_id = models.BigIntegerField(null=True, help_text="Who was logged in.")
    account = models.TextField(help_text="Of the machine: who ran the command or the worker.")
    role = models.TextField(help_text="Of the database.")
    door = models.TextField(help_text="page, api, admin, command, task; empty: the database itself.")
    via = models.TextField(help_text="The address, the command or the task.")
    request_id = models.TextField(help_text="Of the request, or of the task.")
    reason = models.TextField()
    action = models.TextField(help_text="insert, update, delete, truncate, found; or an event.")
    table_name = models.TextField(help_text="Empty for an event.")
    row_key = models.TextField(help_text="Of the row; of an event, the user that it is about.")
    of_portfolio = models.UUIDField(null=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=("server", "transaction"), name="audit_by_transaction"),
            models.Index(fields=("table_name", "row_key", "id"), name="audit_by_row"),
            models.Index(
                fields=("of_portfolio", "-id"), condition=Q(of_portfolio__isnull=False), name="audit_by_portfolio"
            ),
            models.Index(fields=("-at",), name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"audit entry {self.pk}"


class AuditSeal(models.Model):
    """Signs the entries of a range of ended transactions, and the seal before it."""

    number = models.BigIntegerField(primary_key=True)
    server = models.BigIntegerField()
    from_transaction = models.BigIntegerField()
    to_transaction = models.BigIntegerField(help_text="The first that it does not cover.")
    entries = models.TextField(help_text="Id and SHA-256 of each entry, as JSON.")
    previous = models.CharField(max_length=64, blank=True, help_text="Signature of the seal before.")
    signature = models.CharField(max_length=64, help_text="HMAC-SHA-256 with AUDIT_KEY.")
    sealed_at = models.DateTimeField()

    class Meta:
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"audit seal {self.number}"


class AuditCheck(models.Model):
    """What the check of a day found: of the chain, and of the rows that only the audit log can prove."""

    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField()
    entries = models.PositiveBigIntegerField(help_text="Sealed ones that were verified.")
    rows = models.PositiveBigIntegerField(help_text="Compared with their newest entries.")
    count = models.PositiveIntegerField(help_text="What differs.")
    differences = models.JSONField(help_text="Where, without values.")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.finished_at:%Y-%m-%d}: {self.count}"
