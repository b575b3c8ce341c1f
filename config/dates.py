"""Dates and instants, as people and programs send them and as we write them."""

import re
from datetime import UTC, date, datetime

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT = re.compile(ISO_DATE.pattern + r"T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})")


def parse(text: str) -> date:
    """The day that YYYY-MM-DD names; no other ISO form is taken. Raises ValueError."""
    if not ISO_DATE.fullmatch(text):
        raise ValueError(f"{text!r} is not a date written as YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date of the calendar") from None


def parse_instant(text: str) -> datetime:
    """The moment that an RFC 3339 text names, in UTC; one without a zone is none. Raises ValueError, OverflowError."""
    if not INSTANT.fullmatch(text):
        raise ValueError(f"{text!r} is not an instant with its zone")
    return datetime.fromisoformat(text).astimezone(UTC)


def utc_text(at: datetime) -> str:
    """An instant in UTC, to the second: 2013-03-01T17:00:00Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
