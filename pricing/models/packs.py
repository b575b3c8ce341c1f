"""Packs: the policy that one is built under, its header, and the rows that it seals."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from config.fields import DIGEST, FiniteNumeric, PositiveNumeric

from .securities import PriceBasis, Security
from .series import Series


class PricingPolicy(models.Model):
    """`<fixing>_<pivot>`: which fixing the rates are, and the currency that they are quoted from."""

    code = models.CharField(primary_key=True, max_length=16)
    fixing = models.CharField(max_length=12)
    pivot = models.CharField(max_length=3)
    fix_time = models.TimeField(help_text="Local time of the fixing.")
    fix_timezone = models.CharField(max_length=40)
    max_stale_sessions = models.PositiveSmallIntegerField(default=5)
    max_stale_fixings = models.PositiveSmallIntegerField(default=5)
    max_missing_share = FiniteNumeric(
        default=Decimal("0.05"),
        db_default=Decimal("0.05"),
        help_text="Share of the securities with a live source that may lack a close before a pack is refused.",
    )
    max_missing_count = models.PositiveSmallIntegerField(
        default=10, db_default=10, help_text="So many may always lack one."
    )

    class Meta:
        verbose_name_plural = "pricing policies"
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(
                condition=Q(max_missing_share__gte=0, max_missing_share__lte=1), name="policy_max_missing_is_a_share"
            )
        ]

    def __str__(self) -> str:
        return self.code


class PackContent(models.Model):
    """The rows of one or more packs, stored once per hash."""

    content_hash = models.CharField(max_length=64, unique=True)
    rows = models.PositiveIntegerField()
    line_checks = models.BinaryField(
        default=b"", help_text="CRC-32 of each canonical line, in their order: which row differs, where the hash does."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(content_hash__regex=DIGEST), name="content_hash_is_sha256")]

    def __str__(self) -> str:
        return self.content_hash[:12]


IN_BULK: Any = {"db_index": False, "db_constraint": False}
"""For what the rows of a pack refer to: a trigger checks the distinct keys of a statement, where a foreign key would check each
row (docs/decisions/rows-without-foreign-keys.md)."""


class PackRow(models.Model):
    """What every row of a pack carries: whose figure it is, and what is odd about it."""

    source = models.CharField(max_length=64)
    flags = models.CharField(max_length=64, blank=True, default="", help_text="Such as stale:2.")

    class Meta:
        abstract = True


class PackPrice(PackRow):
    content = models.ForeignKey(PackContent, on_delete=models.PROTECT, related_name="prices", **IN_BULK)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    close = PositiveNumeric(help_text="In the trading currency.")
    currency = models.CharField(max_length=3)
    observed_date = models.DateField()
    price_basis = models.CharField(max_length=24, choices=PriceBasis.choices)
    factor = PositiveNumeric(
        default=Decimal(1), db_default=Decimal(1), help_text="Close times factor is the value of one unit held."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=("content", "security"), name="pack_price_once")]

    def __str__(self) -> str:
        return f"{self.security_id} {self.close} {self.currency}"


class PackRate(PackRow):
    content = models.ForeignKey(PackContent, on_delete=models.PROTECT, related_name="rates", **IN_BULK)
    base = models.CharField(max_length=3)
    quote = models.CharField(max_length=3)
    rate = PositiveNumeric(help_text="Units of the quote currency for exactly one of the base.")
    observed_date = models.DateField()
    fix_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("content", "base", "quote"), name="pack_rate_once"),
            models.CheckConstraint(condition=~Q(base=F("quote")), name="pack_rate_two_currencies"),
        ]

    def __str__(self) -> str:
        return f"{self.base}/{self.quote} {self.rate}"


class PackObservation(PackRow):
    """A delta: an observation first known, or changed, since the pack before."""

    content = models.ForeignKey(PackContent, on_delete=models.PROTECT, related_name="observations", **IN_BULK)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    observation_date = models.DateField()
    value = FiniteNumeric()
    known_at = models.DateField()
    vintage = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("content", "series", "observation_date"), name="pack_observation_once"),
            models.CheckConstraint(
                condition=Q(known_at__gte=F("observation_date")), name="pack_observation_known_after_it_happened"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series_id} {self.observation_date}"


class PackAction(PackRow):
    """A delta: a corporate action first known, or changed, since the pack before."""

    content = models.ForeignKey(PackContent, on_delete=models.PROTECT, related_name="actions", **IN_BULK)
    security = models.ForeignKey(Security, on_delete=models.PROTECT, related_name="+", **IN_BULK)
    ex_date = models.DateField()
    action = models.CharField(
        max_length=16, choices=[("split", "split"), ("dividend", "dividend"), ("delisting", "delisting")]
    )
    ratio = PositiveNumeric(null=True, help_text="New shares per old.")
    amount = PositiveNumeric(null=True, help_text="Per share.")
    currency = models.CharField(max_length=3, blank=True, default="")
    pay_date = models.DateField(null=True)
    announced = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("content", "security", "ex_date", "action"), name="pack_action_once"),
            models.CheckConstraint(
                condition=Q(action="split", ratio__isnull=False, amount__isnull=True)
                | Q(action="dividend", amount__isnull=False, ratio__isnull=True)
                | Q(action="delisting", amount__isnull=True, ratio__isnull=True),
                name="pack_action_has_what_its_kind_needs",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security_id} {self.action} {self.ex_date}"


class PackStatus(models.TextChoices):
    BUILDING = "building", "building"
    WARMING = "warming", "warming"
    FRESH = "fresh", "fresh"
    ERROR = "error", "error"


class PricingPack(models.Model):
    """The header of all that was observed for one date under one policy. `superseded` is derived, never stored."""

    id = models.CharField(primary_key=True, max_length=48, help_text="PP_<date>_<policy>_r<n>")
    policy = models.ForeignKey(PricingPolicy, on_delete=models.PROTECT, related_name="packs", db_index=False)
    asof_date = models.DateField()
    release = models.PositiveIntegerField()
    sequence = models.PositiveIntegerField(null=True, help_text="Order of sealing within the policy.")
    status = models.CharField(max_length=8, choices=PackStatus.choices, default=PackStatus.BUILDING)
    content = models.ForeignKey(PackContent, on_delete=models.PROTECT, null=True, related_name="packs")
    chain_hash = models.CharField(max_length=64, blank=True, default="")
    run = models.UUIDField(help_text="The nightly run that built it.")
    restates = models.CharField(max_length=400, blank=True, default="", help_text="Why this release was made.")
    created_at = models.DateTimeField(db_default=Now())
    sealed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())
    failed_job = models.CharField(max_length=32, blank=True, default="")
    reason = models.TextField(blank=True, default="", help_text="Why it is in error.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("policy", "asof_date", "release"), name="pack_release_once"),
            models.UniqueConstraint(fields=("policy", "sequence"), name="pack_sequence_once"),
            models.CheckConstraint(condition=Q(status__in=PackStatus.values), name="pack_status_known"),
            models.CheckConstraint(
                condition=Q(
                    sequence__isnull=True,
                    content__isnull=True,
                    sealed_at__isnull=True,
                    chain_hash="",
                    status__in=("building", "error"),
                )
                | (
                    Q(
                        sequence__isnull=False,
                        content__isnull=False,
                        sealed_at__isnull=False,
                        chain_hash__regex=DIGEST,
                    )
                    & ~Q(status="building")
                ),
                name="pack_sealed_whole_or_not_at_all",
            ),
            models.CheckConstraint(
                condition=(Q(status="error") & ~Q(reason="")) | (~Q(status="error") & Q(reason="", failed_job="")),
                name="pack_error_has_a_reason",
            ),
        ]
        indexes = [models.Index(fields=("policy", "-asof_date", "-sequence"), name="pack_by_date")]
        ordering = ("policy", "-asof_date", "-release")

    def __str__(self) -> str:
        return self.id
