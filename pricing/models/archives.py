"""Market data folders, as they were when they were loaded."""

from django.db import models
from django.db.models.functions import Now


class MarketArchive(models.Model):
    """A market data folder as it was when it was loaded. The newest one is what the archive provider reads."""

    path = models.CharField(max_length=4096)
    digest = models.CharField(max_length=64, help_text="SHA-256 over the folder's files.")
    archive_end = models.DateField(help_text="Pack days end here.")
    loaded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-loaded_at", "-id")

    def __str__(self) -> str:
        return f"archive to {self.archive_end}"
