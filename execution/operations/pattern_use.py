"""How much a pattern is used: counts alone, of everybody, which the database gives to staff."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone


@dataclass(frozen=True, slots=True)
class PatternUse:
    """Executions that were computed, and the users who asked for them. What is served from the store again is not counted."""

    users: int
    executions: int


def count(pattern_id: str, *, days: int) -> PatternUse:
    """Of the last days. Zeros for who is no staff."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM pattern_use(%s, %s)", [pattern_id, timezone.now() - timedelta(days=days)])
        users, executions = cursor.fetchone()
    return PatternUse(users, executions)
