"""Panels of figures that are compared by size: bars, the steps of a sum, the parts of a whole, a gauge, a heat map."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from execution import figures
from execution.figures import FORMATS, Figure, formats
from execution.patterns.panel_values import NoPanelValueError, base_currency, locate_rows, resolve
from execution.patterns.templating import Scope
from execution.web.pages import shapes, table_panels
from execution.web.pages.shapes import Bar, Tile

PADDING, LABEL_SIGN, SMALL_SIGN = 16, 9, 8
"""In a tile of a tree map, in px: its room at both sides, and a sign of its label and of its figures at their widest."""
PHONE, DESKTOP = 2.6, 5.0
"""How many px a percent of a tree map is wide, at the least, on a phone of 320 px and on a window from 600 px."""
LOWEST = 14
"""In percent of a tree map: two lines of words need more."""
LEVELS = 4
"""Shades of a heat map on each side of zero."""


@dataclass(frozen=True, slots=True)
class Part:
    """A label with its measure, and other figures of the same row."""

    label: str
    figure: Figure
    others: tuple[Figure, ...] = ()
    is_total: bool = False

    @property
    def size(self) -> float | None:
        return None if self.figure.exact is None else float(self.figure.exact)


@dataclass(frozen=True, slots=True)
class Parts:
    """`headings` are those of the figures; empty for items, whose labels say all."""

    headings: tuple[table_panels.Column, ...]
    rows: tuple[Part, ...]


def draw_bars(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Bars from a common zero."""
    parts = _parts(document, scope)
    return _with_bars(parts, shapes.bars([each.size for each in parts.rows]))


def draw_waterfall(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Steps that add up. An item with `total` stands on zero: the opening of a sum, or its end."""
    parts = _parts(document, scope)
    bars, base = shapes.waterfall([each.size for each in parts.rows], [each.is_total for each in parts.rows])
    begins = figures.from_value(str(round(base)), "number").text if base else ""
    return _with_bars(parts, bars) | {"begins": begins}


def draw_shares(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """A ring, and bars as long as their part of the greatest; no ring where a part is below zero or has no figure."""
    parts = _parts(document, scope)
    sizes = [each.size for each in parts.rows]
    is_whole = sizes and None not in sizes
    paths = shapes.ring([size for size in sizes if size is not None]) if is_whole else []
    longest = [None if size is None else abs(size) for size in sizes]
    return _with_bars(parts, shapes.bars(longest)) | {"ring": paths}


def draw_tree_map(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Tiles as large as the first number of a row, in the shade of the second where there is one. What is not above zero has no
    tile. Items beside rows are figures of the whole, which stand below with the reasons of what they lack."""
    beside = table_panels.items(document, scope) if "items" in document and "rows" in document else []
    parts = _parts(document, scope)
    with_tile = sorted((each for each in parts.rows if (each.size or 0) > 0), key=lambda each: -(each.size or 0))
    places = shapes.tiles([each.size or 0 for each in with_tile]) if with_tile else []
    shades = _shades([_second(each) for each in with_tile])
    return {
        "headings": parts.headings,
        "rows": parts.rows,
        "tiles": [_tile(*each) for each in zip(with_tile, places, shades, strict=True)],
        "items": beside,
        "notes": table_panels.notes(beside),
    }


def draw_gauge(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The first item between two bounds, the other items beside it, and the steps that make it."""
    items = table_panels.items(document, scope)
    bounds = {name: _bound(document.get(name), scope) for name in ("minimum", "maximum", "threshold")}
    low, high = bounds["minimum"], bounds["maximum"]
    if low is None or high is None or high <= low:
        raise NoPanelValueError("the gauge has no scale")

    def at(value: Decimal | None) -> float | None:
        return None if value is None else round(100 * min(max(float((value - low) / (high - low)), 0.0), 1.0), 3)

    kind = document["items"][0]["format"]
    texts = {name: figures.from_value(str(bound), kind).text for name, bound in bounds.items() if bound is not None}
    steps = {key: document[key] for key in ("rows", "columns")}
    return {
        "items": items,
        "notes": table_panels.notes(items),
        "at": at(items[0][1].exact),
        "threshold_at": at(bounds["threshold"]),
        "scale": texts,
        "waterfall": draw_waterfall(steps, scope),
    }


def draw_heatmap(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """A table whose numbers have shades, each by its part of the greatest. What is written as zero has none."""
    table = table_panels.draw_table(document, scope)
    cells = [cell for row in table["rows"] for cell in row[1:]]
    shades = iter(_shades([None if formats.is_zero(cell.text) else cell.exact for cell in cells]))
    table["shaded"] = [(row[0], [(cell, next(shades)) for cell in row[1:]]) for row in table["rows"]]
    return table


def _parts(document: Mapping[str, Any], scope: Scope) -> Parts:
    """Of `rows`, of which the first column names a part and the first column of numbers measures it, or else of `items`."""
    if "rows" not in document:
        totals = [bool(item.get("total")) for item in document["items"]]
        labelled = zip(table_panels.items(document, scope), totals, strict=True)
        return Parts((), tuple(Part(label, figure, is_total=is_total) for (label, figure), is_total in labelled))
    columns, currency = document["columns"], base_currency(scope)
    measure = next((place for place, column in enumerate(columns) if column["format"] in FORMATS), None)
    if measure is None:
        raise NoPanelValueError("the panel has no column of numbers")
    order = [measure, *(place for place in range(1, len(columns)) if place != measure)]
    rows = []
    for row in locate_rows(document["rows"], scope):
        cells = table_panels.row_cells(row, columns, currency)
        rows.append(Part(cells[0].text, cells[measure], tuple(cells[place] for place in order[1:])))
    headings = table_panels.headings([columns[place] for place in order], currency)
    return Parts(tuple(headings), tuple(rows))


def _with_bars(parts: Parts, bars: Sequence[Bar | None]) -> dict[str, Any]:
    return {"headings": parts.headings, "rows": list(zip(parts.rows, bars, strict=True))}


def _second(part: Part) -> Decimal | None:
    return next((each.exact for each in part.others if each.exact is not None), None)


def _tile(part: Part, place: Tile, shade: str) -> dict[str, Any]:
    second = next((each for each in part.others if each.exact is not None), None)
    size = part.figure.text
    both = f"{size} · {second.text}" if second else size
    label = _shortened(part.label, int((place.width * DESKTOP - PADDING) / LABEL_SIGN))
    most = PADDING + max(LABEL_SIGN * len(label), SMALL_SIGN * len(size))
    return {
        "part": part,
        "place": place,
        "shade": shade,
        "second": second,
        "label": label if place.height > LOWEST and place.width * DESKTOP > PADDING + SMALL_SIGN * len(size) else "",
        "is_for_phones": place.width * PHONE > most,
        "is_wide": place.width * DESKTOP > PADDING + SMALL_SIGN * len(both),
        "is_wide_on_phones": place.width * PHONE > PADDING + SMALL_SIGN * len(both),
    }


def _shortened(label: str, room: int) -> str:
    """A label in a room of so many signs; empty where not even its beginning says anything."""
    if len(label) <= room:
        return label
    return f"{label[: room - 1]}…" if room > 3 else ""


def _shades(values: Sequence[Decimal | None]) -> list[str]:
    """p1 to p4 above zero, n1 to n4 below it; empty for zero and for what has no number."""
    greatest = max((abs(value) for value in values if value is not None), default=Decimal(0))
    return [_shade(value, greatest) for value in values]


def _shade(value: Decimal | None, greatest: Decimal) -> str:
    if not value:
        return ""
    return f"{'p' if value > 0 else 'n'}{math.ceil(LEVELS * abs(value) / greatest)}"


def _bound(text: Any, scope: Scope) -> Decimal | None:
    """A number of the document, or the one that its template names."""
    return None if text is None else figures.from_value(resolve(text, scope), "number").exact
