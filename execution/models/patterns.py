"""Patterns of analysis: their published versions, and the drafts on the way to the next one."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from config.fields import DIGEST, NameField, visible


class Pattern(models.Model):
    id = models.SlugField(primary_key=True, max_length=64)
    title = NameField(max_length=200)
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
            visible("pattern", "title"),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True, retired_by__isnull=True, retired_because="")
                | Q(retired_at__isnull=False) & ~Q(retired_because=""),
                name="pattern_retired_says_why",
            ),
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
