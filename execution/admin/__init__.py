"""The admin of this room, and what it adds to the pages of rooms that know no portfolios."""

from execution.admin import audit, drafts, evidence, patterns, rights, shown_values

__all__ = ["audit", "drafts", "evidence", "patterns", "rights", "shown_values"]
