"""Rows of a file as it has them, to stand beside what is said of them."""

import json
from collections.abc import Collection
from typing import Final

MOST_SIGNS: Final = 400


def texts_of_rows(content: bytes, numbers: Collection[int]) -> dict[int, str]:
    """Number -> the line of a text file, or the activity of a JSON document; a number that it does not reach is absent."""
    activities = _activities(content)
    lines = activities if activities is not None else content.decode("utf-8", "replace").split("\n")
    return {
        number: lines[number - 1].strip()[:MOST_SIGNS] for number in sorted(set(numbers)) if 0 < number <= len(lines)
    }


def _activities(content: bytes) -> list[str] | None:
    """None for a file that is no document of activities."""
    if content.lstrip()[:1] != b"{":
        return None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    activities = document.get("activities") if isinstance(document, dict) else None
    if not isinstance(activities, list):
        return None
    return [json.dumps(each, ensure_ascii=True) for each in activities]
