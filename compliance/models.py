"""What each provider's data may be used for. Foreign ids are plain values here: this room knows no other."""

from django.db import models
from django.db.models import Q


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
