"""Dates and instants, as people and programs send them and as we write them."""

import re
from datetime import UTC, date, datetime

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse(text: str) -> date:
    """The day that YYYY-MM-DD names; no other ISO form is taken. Raises ValueError."""
    if not ISO_DATE.fullmatch(text):
        raise ValueError(f"{text!r} is not a date written as YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date of the calendar") from None


def utc_text(at: datetime) -> str:
    """An instant in UTC, to the second: 2013-03-01T17:00:00Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
