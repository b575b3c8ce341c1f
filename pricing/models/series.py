"""Macro series, and which of them stand for the risk-free rate and for the factors."""

from django.db import models

from config.fields import NameField, visible


class SeriesLag(models.TextChoices):
    """How long after its observation date a figure is taken to be public, where the source does not say."""

    DAYS_FROM_MONTH_START = "days_from_month_start", "days from the first of its month"
    BUSINESS_DAYS = "business_days", "business days"


class Series(models.Model):
    """A macro series: a yield, an index, a rate of unemployment."""

    id = models.CharField(primary_key=True, max_length=32)
    title = NameField(max_length=200)
    unit = models.CharField(max_length=64)
    frequency = models.CharField(max_length=1, help_text="D, W, M, Q or A.")
    source = models.CharField(max_length=64)
    lag_rule = models.CharField(max_length=24, choices=SeriesLag.choices)
    lag_days = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name_plural = "series"
        ordering = ("id",)
        constraints = [
            visible("series", "title"),
        ]

    def __str__(self) -> str:
        return self.id


class RiskFreeRate(models.Model):
    """Which yield series stands for the risk-free rate of a base currency."""

    base_currency = models.CharField(primary_key=True, max_length=3)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+")
    series_currency = models.CharField(
        max_length=3, help_text="Another currency than the base makes the figures degraded(risk_free_currency)."
    )

    def __str__(self) -> str:
        return f"{self.base_currency}: {self.series_id}"


class Factor(models.TextChoices):
    REAL_RATE = "real_rate", "real rate"
    INFLATION = "inflation", "inflation"
    CREDIT = "credit", "credit"
    USD = "usd", "US dollar"
    EQUITY = "equity", "equity risk premium"


class FactorSeries(models.Model):
    """One choice in a factor's ordered list: the first whose data the pack holds stands for the factor."""

    factor = models.CharField(max_length=12, choices=Factor.choices)
    rank = models.PositiveSmallIntegerField(help_text="1 is the first choice; every later one is a proxy.")
    series_id = models.CharField(max_length=32, help_text="A macro series, or fx_basket for the pack's own rates.")
    minus_trailing = models.CharField(
        max_length=32, blank=True, help_text="A price index whose twelve-month change is taken off (a real rate)."
    )
    change = models.CharField(max_length=10, choices=[("difference", "first difference"), ("return", "return")])
    degraded = models.CharField(
        max_length=64, blank=True, help_text="What the figure is degraded by; empty if it is not."
    )

    class Meta:
        verbose_name_plural = "factor series"
        ordering = ("factor", "rank")
        constraints = [models.UniqueConstraint(fields=("factor", "rank"), name="factor_rank_once")]

    def __str__(self) -> str:
        return f"{self.factor} {self.rank}: {self.series_id}"
