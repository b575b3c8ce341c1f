"""What a panel has to hold, by the type that it is drawn as. A type that is not here is not drawn, and is refused."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

FORMATS: Final = ("number", "currency", "percentage", "decimal_2", "text", "date")
"""How a figure may be written."""
_GRID: Final = (("items",),)
_TABLE: Final = (("rows", "columns"),)
_LINES: Final = (("x", "series"),)
PARTS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "metrics_grid": _GRID,
    "table": _TABLE,
    "line_chart": _LINES,
    "multi_line_chart": _LINES,
    "donut_chart": _GRID + _TABLE,
    "pie_chart": _GRID + _TABLE,
}
"""Type of a panel -> the parts that it has, or else those."""
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "items": ("label", "value", "format"),
    "columns": ("key", "label", "format"),
    "series": ("label", "values", "format"),
}
"""Part that is a list -> the keys of its elements."""


def find_lacking(panel_type: str, body: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """What a panel lacks to be drawn, each with its place in the panel, the rule, and words."""
    if panel_type not in PARTS:
        yield ("type",), "undrawn-panel", f"no page can draw a {panel_type}; those that are drawn: {', '.join(PARTS)}"
        return
    choices = PARTS[panel_type]
    parts = next((each for each in choices if set(each) <= set(body)), None)
    if parts is None:
        needed = ", or ".join(" and ".join(each) for each in choices)
        yield (), "incomplete-panel", f"a {panel_type} needs {needed}"
    for part in parts or ():
        if part in KEYS:
            yield from _find_lacking_elements(part, body[part])


def _find_lacking_elements(part: str, elements: Any) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    if not isinstance(elements, list) or not elements:
        yield (part,), "incomplete-panel", f"{part} is a list of one or more"
        return
    for place, element in enumerate(elements):
        keys = element if isinstance(element, Mapping) else {}
        lacking = [key for key in KEYS[part] if not isinstance(keys.get(key), str)]
        if lacking:
            yield (part, place), "incomplete-panel", f"needs {', '.join(lacking)} as text"
        elif keys["format"] not in FORMATS:
            yield (part, place, "format"), "unknown-format", f"{keys['format'][:40]} is none of {', '.join(FORMATS)}"
