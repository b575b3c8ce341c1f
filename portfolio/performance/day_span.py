"""The days that a question is about: a range that ends at the as-of date, or one's own first day."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Range = Literal["1m", "3m", "ytd", "1y", "3y", "5y", "max"]
LABELS: Mapping[str, str] = {
    "1m": "one month",
    "3m": "three months",
    "ytd": "this year",
    "1y": "one year",
    "3y": "three years",
    "5y": "five years",
    "max": "since inception",
}
MONTHS: Mapping[str, int] = {"1m": 1, "3m": 3, "1y": 12, "3y": 36, "5y": 60}


@dataclass(frozen=True, slots=True)
class DaySpan:
    label: str
    from_date: date | None
    """The first day that counts; None: since inception."""
    to_date: date


def choose(name: Range, asof: date, from_date: date | None = None) -> DaySpan:
    """The days of a range up to a date; `from_date` goes before the name."""
    if from_date is not None:
        return DaySpan(f"since {from_date.isoformat()}", from_date, asof)
    if name == "max":
        return DaySpan(LABELS[name], None, asof)
    opening = asof.replace(month=1, day=1) - timedelta(days=1) if name == "ytd" else _months_before(asof, MONTHS[name])
    return DaySpan(LABELS[name], opening + timedelta(days=1), asof)


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
