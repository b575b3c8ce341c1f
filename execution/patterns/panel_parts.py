"""What a panel has to hold, by the type that it is drawn as, and the plain panels that one is made of. A type that is not here is
not drawn, and is refused."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from config.counts import number_of
from execution.patterns import templating
from execution.patterns.templating import TemplateInvalid

FORMATS: Final = ("number", "currency", "percentage", "decimal_2", "text", "name", "date", "sparkline")
"""How a figure may be written. A name is a code in words. A sparkline is a list of numbers, in a column."""
_ITEMS: Final = (("items",),)
_TABLE: Final = (("rows", "columns"),)
_LINES: Final = (("x", "series"),)
_COMPARED: Final = (("headings", "lines"),)
_FACTS: Final = tuple(
    {"key": key, "label": label, "format": "text"}
    for key, label in (
        ("label", "Figure"),
        ("window", "Of"),
        ("value", "Value"),
        ("status", "Status"),
        ("reason", "Reason"),
    )
)
"""Columns of what a text refers to."""
PARTS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "action_cards": _TABLE,
    "bar_chart": _ITEMS + _TABLE,
    "card_grid": (("cards",),),
    "chart_with_metrics": (("x", "series", "items"),),
    "comparison_grid": _COMPARED,
    "comparison_table": _COMPARED,
    "donut_chart": _ITEMS + _TABLE,
    "dual_list": (("left", "right"),),
    "gauge_with_waterfall": (("items", "minimum", "maximum", "rows", "columns"),),
    "heatmap": _TABLE,
    "line_chart": _LINES,
    "metrics_grid": _ITEMS,
    "multi_line_chart": _LINES,
    "narrative": (("text",),),
    "news_list": _TABLE,
    "pie_chart": _ITEMS + _TABLE,
    "regime_widget": (("items", "rows", "columns"), ("items",)),
    "scorecard": _ITEMS,
    "status": _ITEMS,
    "tabbed_content": (("panels",),),
    "table": _TABLE,
    "timeline_chart": _TABLE,
    "tree_map": (("items", "rows", "columns"), *_ITEMS, *_TABLE),
    "waterfall": _ITEMS + _TABLE,
}
"""Type of a panel -> the parts that it has, or else those."""
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "items": ("label", "value", "format"),
    "columns": ("key", "label", "format"),
    "series": ("label", "values", "format"),
    "lines": ("label", "format"),
    "cards": ("title",),
    "panels": ("type", "title"),
}
"""Part that is a list of mappings -> the texts that each has."""
_FIXED: Final = frozenset({"id", "type", "title", "ttl"})
_SIDES: Final = ("left", "right")
_TEXTS: Final = ("text", "link")
_WITH_SPARKLINES: Final = ("table", "timeline_chart")


Finding = tuple[tuple[str | int, ...], str, str]
"""Place in the panel, rule, words."""


def find_lacking(panel_type: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """What a panel lacks to be drawn."""
    if panel_type not in PARTS:
        yield (
            ("type",),
            "undrawn-panel",
            f"no page can draw a {panel_type[:40]}; those that are drawn: {', '.join(PARTS)}",
        )
        return
    choices = PARTS[panel_type]
    parts = next((each for each in choices if set(each) <= set(body)), None)
    if parts is None:
        part_names = ", or ".join(" and ".join(each) for each in choices)
        yield (), "incomplete-panel", f"a {panel_type} needs {part_names}"
    elif ("rows" in body) != ("columns" in body):
        yield (), "incomplete-panel", "rows and columns stand together"
    for part in body:
        if part in KEYS:
            yield from _find_lacking_elements(part, body[part], panel_type)
        elif part in _SIDES:
            yield from _within((part,), "table", body[part])
        elif part in _TEXTS and not isinstance(body[part], str):
            yield (part,), "incomplete-panel", f"{part} is a text"
    if "lines" in body:
        yield from _find_uneven(body)
    for part, kind in (("cards", "metrics_grid"), ("panels", "")):
        for place, each in enumerate(_list_of_mappings(body, part)):
            yield from _within((part, place), kind or str(each.get("type")), each)


def why_undrawn(panel: Mapping[str, Any]) -> str | None:
    """Why neither a page nor a file shows a panel, which may be of another release; None where they do."""
    if lacking := next(find_lacking(panel["type"], panel), None):
        return lacking[2]
    try:
        for part in panel.keys() - _FIXED:
            list(templating.references_in(panel[part]))
    except TemplateInvalid as bad:
        return str(bad)
    return None


def find_tables(body: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Each part of a panel that has rows and columns, the panel itself among them, with its place in it."""
    if "rows" in body and "columns" in body:
        yield (), body
    for place, each in enumerate(_list_of_mappings(body, "panels")):
        yield from ((("panels", place, *where), table) for where, table in find_tables(each))
    for side in _SIDES:
        if isinstance(body.get(side), Mapping):
            yield from (((side, *where), table) for where, table in find_tables(body[side]))


def charts(panel: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The panels of lines that a panel is or has behind its tabs, by the ids that a page gives them."""
    if set(_LINES[0]) <= set(panel):
        yield panel
    for number, each in enumerate(_list_of_mappings(panel, "panels"), 1):
        yield from charts({**each, "id": f"{panel['id']}_{number}"})


def plain_panels(panel: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The panels of figures, rows or lines that a panel is made of, each with an id of its own: what is tabulated of it."""
    panels = list(_plain(panel))
    for number, each in enumerate(panels, 1):
        yield {**each, "id": panel["id"] if len(panels) == 1 else f"{panel['id']}_{number}"}


def _plain(panel: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    title = panel["title"]
    for inner in (*_list_of_mappings(panel, "cards"), *_list_of_mappings(panel, "panels"), *_sides(panel)):
        yield from _plain({**inner, "title": f"{title}: {inner['title']}"})
    if "lines" in panel:
        yield {"title": title, "items": list(_compared_items(panel))}
    if "text" in panel and "items" not in panel:
        yield {"title": title, "rows": panel["text"].replace("}}", ".facts}}"), "columns": list(_FACTS)}
    for parts in (("items",), ("rows", "columns"), ("x", "series")):
        if set(parts) <= set(panel):
            yield {"title": title, **{part: panel[part] for part in parts}}


def _sides(panel: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (panel[side] for side in _SIDES if side in panel)


def _compared_items(panel: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for line in panel["lines"]:
        for heading, value in zip(panel["headings"], line["values"], strict=True):
            yield {"label": f"{line['label']}, {heading}", "value": value, "format": line["format"]}


def _within(place: tuple[str | int, ...], panel_type: str, body: Any) -> Iterator[Finding]:
    if not isinstance(body, Mapping):
        yield place, "incomplete-panel", "is a mapping"
        return
    if not isinstance(body.get("title"), str):
        yield place, "incomplete-panel", "needs title as text"
    for where, rule, words in find_lacking(panel_type, body):
        yield (*place, *where), rule, words


def _find_lacking_elements(part: str, elements: Any, panel_type: str) -> Iterator[Finding]:
    if not isinstance(elements, list) or not elements:
        yield (part,), "incomplete-panel", f"{part} is a list of one or more"
        return
    for place, element in enumerate(elements):
        keys = element if isinstance(element, Mapping) else {}
        lacking = [key for key in KEYS[part] if not isinstance(keys.get(key), str)]
        if lacking:
            yield (part, place), "incomplete-panel", f"needs {', '.join(lacking)} as text"
        elif "format" in keys and keys["format"] not in FORMATS:
            yield (part, place, "format"), "unknown-format", f"{keys['format'][:40]} is none of {', '.join(FORMATS)}"
        elif keys.get("format") == "sparkline" and (
            part != "columns" or not place or panel_type not in _WITH_SPARKLINES
        ):
            yield (
                (part, place, "format"),
                "unknown-format",
                "a sparkline stands in a column of a table, after the first",
            )


def _find_uneven(body: Mapping[str, Any]) -> Iterator[Finding]:
    headings = body.get("headings")
    if not isinstance(headings, list) or not headings or not all(isinstance(each, str) for each in headings):
        yield ("headings",), "incomplete-panel", "headings is a list of one or more texts"
        return
    for place, line in enumerate(_list_of_mappings(body, "lines")):
        values = line.get("values")
        if not isinstance(values, list) or len(values) != len(headings):
            yield (
                ("lines", place, "values"),
                "incomplete-panel",
                f"needs {number_of(len(headings), 'value')}, one for each heading",
            )
        elif not all(isinstance(each, str) for each in values):
            yield ("lines", place, "values"), "incomplete-panel", "its values are texts"


def _list_of_mappings(body: Mapping[str, Any], part: str) -> Sequence[Mapping[str, Any]]:
    elements = body.get(part)
    return [each for each in elements if isinstance(each, Mapping)] if isinstance(elements, list) else []
