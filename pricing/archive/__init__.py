"""Market data folders: what one holds, and how it is taken in (`loading`) and continued (`folder`)."""

from pricing.archive.reading import digest, read
from pricing.archive.tables import ArchiveRefused

__all__ = ["ArchiveRefused", "digest", "read"]
