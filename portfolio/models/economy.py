"""What a night stores of the economy, by pack. It belongs to no portfolio."""

from django.db import models
from django.db.models import Q

from pricing.models import PricingPack


class EconomicPhase(models.Model):
    """The regime, or the phase of a cycle, as one pack knows it. Computed again it is the same."""

    pack = models.ForeignKey(PricingPack, on_delete=models.PROTECT, related_name="+", db_index=False)
    subject = models.CharField(max_length=24, help_text="`regime`, or the type of a cycle.")
    method = models.CharField(max_length=24, help_text="Version of the definition that it was judged by.")
    name = models.CharField(max_length=40)
    score = models.FloatField(null=True, help_text="0 to 1; no probability.")
    margin = models.FloatField(null=True, help_text="The score less that of the next one.")
    scores = models.JSONField(default=dict, help_text="How well each regime or phase fits.")
    reason = models.CharField(max_length=200, blank=True, default="", help_text="Why it is unknown.")
    sources = models.JSONField(default=list, help_text="Providers of the series that it was judged by.")

    class Meta:
        ordering = ("pack", "subject")
        constraints = [
            models.UniqueConstraint(fields=("pack", "subject", "method"), name="economic_phase_once"),
            models.CheckConstraint(
                condition=Q(name="unknown", score__isnull=True, margin__isnull=True) & ~Q(reason="")
                | ~Q(name="unknown") & Q(score__isnull=False, margin__isnull=False, reason=""),
                name="economic_phase_unknown_says_why",
            ),
            # NaN sorts above every number, so that an upper bound refuses it.
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__gte=0, score__lte=1, margin__gte=0, margin__lte=1),
                name="economic_phase_fits_from_0_to_1",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} of {self.pack_id}: {self.name}"
