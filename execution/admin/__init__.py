"""The admin of this room, and what it adds to the pages of rooms that know no portfolios."""

from execution.admin import drafts, evidence, patterns, rights, shown_values

__all__ = ["drafts", "evidence", "patterns", "rights", "shown_values"]
