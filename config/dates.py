"""Dates as people and programs send them."""

import re
from datetime import date

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse(text: str) -> date:
    """The day that YYYY-MM-DD names; no other ISO form is taken. Raises ValueError."""
    if not ISO_DATE.fullmatch(text):
        raise ValueError(f"{text!r} is not a date written as YYYY-MM-DD")
    return date.fromisoformat(text)
