"""What each source's data may be used for: the draft that staff edit, and the versions that decide. Foreign ids are plain values:
this room knows no other."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from compliance.terms import LicenceTerms, Outcome, Placement, RightsTable, SourceTerms, Use
from config.fields import NameField, visible

OUTCOMES = [(outcome.value, outcome.value) for outcome in Outcome]
USES = [(use.value, use.value) for use in Use]
PLACEMENTS = [(placement.value, placement.value) for placement in Placement]


def _outcome(help_text: str = "") -> Any:
    return models.CharField(max_length=16, choices=OUTCOMES, default=Outcome.DENY.value, help_text=help_text)


class DataSource(models.Model):
    """The draft of one source's terms: a provider, or one series of it that somebody else owns (`code/series`).

    Decisions read the published versions, never these rows.
    """

    code = models.CharField(
        primary_key=True,
        max_length=128,
        help_text="As rows of market data carry it; code/series for a series of its own.",
    )
    name = NameField(max_length=200)
    terms = models.TextField(blank=True, help_text="What the provider says, and where.")
    attribution = models.CharField(max_length=400, blank=True)
    placement = models.CharField(max_length=8, choices=PLACEMENTS, default=Placement.FOOTER.value)
    link = models.URLField(max_length=400, blank=True)
    watermark = models.CharField(max_length=200, blank=True)
    display = _outcome()
    csv = _outcome()
    json = _outcome()
    xlsx = _outcome()
    pdf = _outcome()
    redistribute = _outcome("Given on as data: rows of a pack in a bundle.")
    agent = _outcome("Given to a language model.")

    class Meta:
        ordering = ("code",)
        constraints = [
            visible("data_source", "name"),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{use.value}__in": [outcome.value for outcome in Outcome]}),
                    name=f"data_source_{use.value}_known",
                )
                for use in Use
            ),
            models.CheckConstraint(
                condition=Q(placement__in=[placement.value for placement in Placement]),
                name="data_source_placement_known",
            ),
            models.CheckConstraint(
                condition=~Q(attribution="")
                | ~Q(
                    *[Q(**{f"{use.value}__in": [Outcome.ATTRIBUTE.value, Outcome.WATERMARK.value]}) for use in Use],
                    _connector=Q.OR,
                ),
                name="data_source_has_attribution",
            ),
            models.CheckConstraint(
                condition=~Q(watermark="")
                | ~Q(*[Q(**{use.value: Outcome.WATERMARK.value}) for use in Use], _connector=Q.OR),
                name="data_source_has_watermark",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def as_terms(self) -> SourceTerms:
        return SourceTerms(
            name=self.name,
            uses={use: Outcome(getattr(self, use.value)) for use in Use},
            attribution=self.attribution,
            placement=Placement(self.placement),
            link=self.link,
            watermark=self.watermark,
            terms=self.terms,
        )

    @classmethod
    def from_terms(cls, code: str, terms: SourceTerms) -> "DataSource":
        """A row that is not saved."""
        return cls(
            code=code,
            name=terms.name,
            attribution=terms.attribution,
            placement=terms.placement.value,
            link=terms.link,
            watermark=terms.watermark,
            terms=terms.terms,
            **{use.value: outcome.value for use, outcome in terms.uses.items()},
        )


class Licence(models.Model):
    """The draft of a licence that this installation holds."""

    source = models.ForeignKey(DataSource, models.PROTECT, related_name="licences")
    tier = NameField(max_length=100, help_text="The plan's name.")
    uses = ArrayField(
        models.CharField(max_length=16, choices=USES), help_text="Uses that it allows, with commas between."
    )
    environment = models.CharField(
        max_length=40, blank=True, help_text="The only environment that it is good for; empty: every."
    )
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True, help_text="The last day; empty: without end.")
    document = models.CharField(max_length=200, help_text="Where the contract is filed.")

    class Meta:
        ordering = ("source", "valid_from", "id")
        constraints = [
            visible("licence", "tier"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="licence_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(uses__contained_by=[use.value for use in Use]) & ~Q(uses=[]), name="licence_uses_known"
            ),
            models.CheckConstraint(condition=~Q(document=""), name="licence_has_document"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.tier}"

    def clean(self) -> None:
        """Refuse a licence that overlaps another of its source, use and environment: which one let data out must be plain."""
        others = Licence.objects.filter(source=self.source_id, uses__overlap=self.uses or []).exclude(pk=self.pk)
        if self.environment:
            others = others.filter(environment__in=["", self.environment])
        if self.valid_from is not None:
            others = others.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=self.valid_from))
        if self.valid_to is not None:
            others = others.filter(valid_from__lte=self.valid_to)
        if other := others.first():
            raise ValidationError(
                f"it overlaps {other} ({other.valid_from} to {other.valid_to or 'no end'}) in a use: end that one first"
            )

    def as_terms(self) -> LicenceTerms:
        return LicenceTerms(
            id=self.pk,
            source=self.source_id,
            tier=self.tier,
            uses=frozenset(map(Use, self.uses)),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            document=self.document,
            environment=self.environment,
        )

    @classmethod
    def from_terms(cls, terms: LicenceTerms) -> "Licence":
        """A row that is not saved."""
        return cls(
            id=terms.id,
            source_id=terms.source,
            tier=terms.tier,
            uses=sorted(terms.uses),
            environment=terms.environment,
            valid_from=terms.valid_from,
            valid_to=terms.valid_to,
            document=terms.document,
        )


class RightsVersion(models.Model):
    """The whole table of terms and licences as it was proposed, and since when it decides. Nothing of it changes but that once."""

    table = models.JSONField(
        null=True, help_text="Terms by source, and licences; empty: of a release that did not keep it."
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of the table.")
    based_on = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", help_text="What decided before it."
    )
    takes_back_to = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", help_text="The earlier version whose table it repeats."
    )
    reason = models.TextField()
    proposed_by = models.BigIntegerField(null=True, help_text="Id of a user; empty: a command.")
    made_at = models.DateTimeField(db_default=Now())
    published_by = models.BigIntegerField(null=True, help_text="Id of a user; empty: a command.")
    published_at = models.DateTimeField(null=True, help_text="Since when it decides; empty: proposed only.")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="rights_version_has_reason"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def as_table(self) -> RightsTable:
        """Raises ValueError for a version of a release that did not keep it."""
        if self.table is None:
            raise ValueError(f"rights version {self.pk} did not keep its table")
        return RightsTable.from_dict(self.table)


class RightsDecision(models.Model):
    """What the rights said when data were taken, given on or refused. From the version it can be derived again."""

    at = models.DateTimeField(db_default=Now())
    user_id = models.BigIntegerField(help_text="Who asked.")
    use = models.CharField(max_length=16, choices=USES)
    outcome = models.CharField(max_length=16, choices=OUTCOMES, help_text="The strictest of its sources.")
    sources = models.JSONField(help_text="What each source said, why, and by which licence.")
    refusing = ArrayField(
        models.CharField(max_length=128), help_text="Sources that refused; empty: it was let through."
    )
    rights_version = models.PositiveBigIntegerField(help_text="That decided; 0: before any was published.")
    day = models.DateField(help_text="On which a licence had to be valid.")
    environment = models.CharField(max_length=40, blank=True, help_text="For which a licence had to be good.")
    execution_id = models.UUIDField(null=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(condition=Q(use__in=[use.value for use in Use]), name="rights_decision_use_known"),
            models.CheckConstraint(
                condition=Q(outcome__in=[outcome.value for outcome in Outcome]), name="rights_decision_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=[outcome.value for outcome in Outcome if outcome.lets_through], refusing=[])
                | Q(outcome__in=[outcome.value for outcome in Outcome if not outcome.lets_through]) & ~Q(refusing=[]),
                name="rights_decision_refused_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(use=Use.DISPLAY.value, refusing=[]), name="rights_display_allowed_is_only_counted"
            ),
            models.UniqueConstraint(
                fields=("execution_id", "user_id", "rights_version"),
                condition=Q(use=Use.DISPLAY.value),
                nulls_distinct=False,
                name="rights_display_refused_once",
            ),
        ]
        indexes = [models.Index(fields=("-at",), name="rights_decision_by_time")]

    def __str__(self) -> str:
        return f"{self.use}: {self.outcome}"


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
            models.Index(
                fields=("-id",), condition=Q(action="change of the log refused"), name="audit_of_refused_changes"
            ),
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
