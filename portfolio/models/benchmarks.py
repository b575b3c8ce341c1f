"""Benchmarks of portfolios, and the series that make a hedge's premium. Staff define them."""

from django.db import models
from django.db.models import Q

from config.fields import NameField, PositiveNumeric, visible
from pricing.models import Security, Series


class Rebalance(models.TextChoices):
    MONTHLY = "monthly", "at the first close of a month"
    DAILY = "daily", "daily"
    QUARTERLY = "quarterly", "at the first close of a quarter"
    NEVER = "never", "never"


class Benchmark(models.Model):
    """What portfolios are measured against: one security, or a composite of several at fixed weights.

    It has no currency: each portfolio takes it in its own base currency, at the rates of its own packs.
    """

    name = NameField(max_length=200, unique=True)
    rebalance = models.CharField(
        max_length=10,
        choices=Rebalance.choices,
        default=Rebalance.MONTHLY,
        help_text="When the components are brought back to their weights; of a single one it changes nothing.",
    )

    class Meta:
        ordering = ("name",)
        constraints = [
            visible("benchmark", "name"),
            models.CheckConstraint(condition=~Q(name=""), name="benchmark_has_a_name"),
            models.CheckConstraint(condition=Q(rebalance__in=Rebalance.values), name="benchmark_rebalance_known"),
        ]

    def __str__(self) -> str:
        return self.name


class BenchmarkComponent(models.Model):
    """One security of a benchmark. The weights of a benchmark sum to 1 when its transaction ends; the database sees to it."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="components", db_index=False)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+")
    weight = PositiveNumeric(help_text="Share of the whole: 0.6 is sixty percent.")

    class Meta:
        ordering = ("benchmark", "security")
        constraints = [
            models.UniqueConstraint(fields=("benchmark", "security"), name="benchmark_component_once"),
            models.CheckConstraint(condition=Q(weight__lte=1), name="benchmark_weight_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.weight} of security {self.security_id}"


class OneMonthRate(models.Model):
    """Which series is the one-month rate of a currency: two of them make the forward premium of a hedge."""

    currency = models.CharField(primary_key=True, max_length=3)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("currency",)

    def __str__(self) -> str:
        return f"{self.currency}: {self.series_id}"
