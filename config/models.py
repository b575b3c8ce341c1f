"""Rows about users that Django's own have no column for."""

from django.conf import settings
from django.db import models


class LogOuts(models.Model):
    """How often a user has logged out. A token that renews others carries the count at which it was given."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "log-outs"

    def __str__(self) -> str:
        return f"{self.user_id}: {self.count}"
