"""Exports of executions, and the public keys that bundles are signed by."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from config.fields import DIGEST

from .executions import Execution


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
                condition=~Q(state="done") | Q(sha256__regex=DIGEST, size__isnull=False),
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
