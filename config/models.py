"""Rows about users that Django's own have no column for."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from config.fields import DIGEST, NameField, visible


class LogOuts(models.Model):
    """How often a user has logged out. A token that renews others carries the count at which it was given."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "log-outs"

    def __str__(self) -> str:
        return f"{self.user_id}: {self.count}"


class TokenScope(models.TextChoices):
    """What a personal token may be used for. It never allows what its user may not do."""

    READ = "read", "read"
    EXECUTE = "execute", "execute"
    IMPORT = "import", "import"
    EXPORT = "export", "export"
    AGENT = "agent", "agent"


class PersonalToken(models.Model):
    """A credential for programs of a user. Of the token itself only a digest is stored; it ends, and can be revoked, for ever."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = NameField(max_length=100)
    prefix = models.CharField(max_length=40, help_text="Its beginning, by which its user knows it again.")
    digest = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the token: 32 random bytes need no more."
    )
    scopes = ArrayField(models.CharField(max_length=7, choices=TokenScope.choices))
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            visible("personal_token", "name"),
            models.CheckConstraint(condition=Q(digest__regex=DIGEST), name="personal_token_has_a_digest"),
            models.CheckConstraint(
                condition=Q(scopes__contained_by=TokenScope.values, scopes__len__gt=0),
                name="personal_token_scopes_known",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="personal_token_ends_later"),
            models.CheckConstraint(condition=~Q(name=""), name="personal_token_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"
