"""Rows that a rule of the quality of data suspects, and what staff have decided of them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Decision(models.TextChoices):
    PENDING = "pending", "pending"
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"


class QuarantinedRow(models.Model):
    """A row that a rule of pricing.quality.rules suspects, and what staff have decided. The row itself never changes."""

    kind = models.CharField(
        max_length=12, choices=[(kind, kind) for kind in ("price", "rate", "observation", "action")]
    )
    key = models.CharField(max_length=64, help_text="A symbol, EUR/USD, a series, or OAK/split.")
    date = models.DateField(help_text="Observed on, or ex-date.")
    value = models.CharField(max_length=64, help_text="As published.")
    rule = models.CharField(max_length=16)
    reason = models.CharField(max_length=400)
    source = models.CharField(max_length=64)
    first_seen = models.UUIDField(help_text="The run that met it first.")
    seen_at = models.DateTimeField(db_default=Now())
    decision = models.CharField(max_length=8, choices=Decision.choices, default=Decision.PENDING)
    decided_by = models.BigIntegerField(null=True, blank=True, help_text="The id of a user.")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=400, blank=True, default="")

    class Meta:
        ordering = ("-date", "kind", "key", "rule")
        constraints = [
            models.UniqueConstraint(fields=("kind", "key", "date", "value", "rule"), name="quarantined_row_once"),
            models.CheckConstraint(condition=Q(decision__in=Decision.values), name="quarantine_decision_known"),
            models.CheckConstraint(
                condition=Q(decision="pending", decided_by__isnull=True, decided_at__isnull=True, decision_reason="")
                | (
                    Q(decision__in=("accepted", "rejected"), decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(decision_reason="")
                ),
                name="quarantine_decided_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} {self.value} of {self.date} ({self.rule})"
