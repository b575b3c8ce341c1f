"""The geometry of what panels draw beside line charts: rings, bars, steps, tiles, sparks. Pure; in percent unless it says
otherwise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

RING, HOLE = 100.0, 62.0
"""Radii of a ring around 0, 0."""
SPARK_WIDTH, SPARK_HEIGHT = 1000, 100


@dataclass(frozen=True, slots=True)
class Bar:
    """From `x` to the right. `zero` is where the scale begins: at nothing, for most."""

    x: float
    width: float
    zero: float


@dataclass(frozen=True, slots=True)
class Tile:
    x: float
    y: float
    width: float
    height: float


def ring(shares: Sequence[float]) -> list[str]:
    """An SVG path for each share of the whole, clockwise from above; empty where a share is below zero or all are zero."""
    total = math.fsum(shares)
    if total <= 0 or min(shares) < 0:
        return []
    ends = [each / total for each in accumulate(shares)]
    return [_segment(start, end) for start, end in zip([0.0, *ends], ends, strict=False)]


def _segment(start: float, end: float) -> str:
    if end - start >= 1:  # an arc that ends where it begins is none
        return _segment(0.0, 0.5) + _segment(0.5, 0.9999999)
    large = int(end - start > 0.5)
    (a, b), (c, d) = _on_circle(RING, start), _on_circle(RING, end)
    (e, f), (g, h) = _on_circle(HOLE, end), _on_circle(HOLE, start)
    return f"M{a} {b}A{RING:g} {RING:g} 0 {large} 1 {c} {d}L{e} {f}A{HOLE:g} {HOLE:g} 0 {large} 0 {g} {h}Z"


def _on_circle(radius: float, turn: float) -> tuple[float, float]:
    angle = 2 * math.pi * turn
    return round(radius * math.sin(angle), 3), round(-radius * math.cos(angle), 3)


def bars(values: Sequence[float | None]) -> list[Bar | None]:
    """A bar from zero for each value; None stays None."""
    return steps([None if value is None else (0.0, value) for value in values])


def steps(spans: Sequence[tuple[float, float] | None], base: float = 0.0) -> list[Bar | None]:
    """A bar for each span between two levels, all on one scale that has `base` on it."""
    levels = [level for span in spans if span is not None for level in span] + [base]
    low, high = min(levels), max(levels)
    room = (high - low) or 1.0

    def at(level: float) -> float:
        return round(100 * (level - low) / room, 3)

    return [
        None if span is None else Bar(at(min(span)), round(at(max(span)) - at(min(span)), 3), at(base))
        for span in spans
    ]


def waterfall(amounts: Sequence[float | None], totals: Sequence[bool]) -> tuple[list[Bar | None], float]:
    """Steps that each begin where the one before ended, and the level at which the scale begins.

    A total stands on that level, and the next begins at its top. The scale begins at zero, unless all levels lie so far above it
    that no step could be seen.
    """
    spans: list[tuple[float | None, float] | None] = []
    level = 0.0
    for amount, is_total in zip(amounts, totals, strict=True):
        if amount is None:
            spans.append(None)
            continue
        start = None if is_total else level
        level = amount if is_total else level + amount
        spans.append((start, level))
    ends = [end for span in spans if span is not None for end in span if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=0.0)
    base = low - (high - low) / 4 if low > high / 2 > 0 else 0.0
    return steps(
        [None if span is None else (base if span[0] is None else span[0], span[1]) for span in spans], base
    ), base


def tiles(weights: Sequence[float], *, width_to_height: float = 2.0) -> list[Tile]:
    """Rectangles whose areas are as the weights, which fall and are above zero, near to squares (Bruls, Huizing, van Wijk 2000)."""
    total = math.fsum(weights)
    room = Tile(0.0, 0.0, 100.0 * width_to_height, 100.0)
    areas = [weight / total * room.width * room.height for weight in weights]
    placed: list[Tile] = []
    while len(placed) < len(areas):
        waiting = areas[len(placed) :]
        side = min(room.width, room.height)
        count = 1
        while count < len(waiting) and _worst(waiting[: count + 1], side) <= _worst(waiting[:count], side):
            count += 1
        row, room = _lay(waiting[:count], room)
        placed += row
    across = width_to_height
    return [
        Tile(round(each.x / across, 3), round(each.y, 3), round(each.width / across, 3), round(each.height, 3))
        for each in placed
    ]


def _worst(areas: Sequence[float], side: float) -> float:
    """The longest of a row's rectangles, as long side over short."""
    thick = math.fsum(areas) / side
    return max(max(thick * thick / area, area / (thick * thick)) for area in areas)


def _lay(areas: Sequence[float], room: Tile) -> tuple[list[Tile], Tile]:
    """A row of rectangles along the shorter side, and the room that is left."""
    is_wide = room.width >= room.height
    side = room.height if is_wide else room.width
    thick = math.fsum(areas) / side
    row, at = [], 0.0
    for area in areas:
        length = area / thick
        row.append(Tile(room.x, room.y + at, thick, length) if is_wide else Tile(room.x + at, room.y, length, thick))
        at += length
    if is_wide:
        return row, Tile(room.x + thick, room.y, room.width - thick, room.height)
    return row, Tile(room.x, room.y + thick, room.width, room.height - thick)


def spark(values: Sequence[float | None]) -> str:
    """An SVG path in SPARK_WIDTH x SPARK_HEIGHT units; a gap breaks the line. Empty where no two neighbours have a value."""
    numbers = [value for value in values if value is not None]
    if len(numbers) < 2:
        return ""
    low, room = min(numbers), (max(numbers) - min(numbers)) or 1.0
    path, is_down = [], False
    for place, value in enumerate(values):
        if value is None:
            is_down = False
            continue
        x = round(SPARK_WIDTH * place / (len(values) - 1))
        y = round(SPARK_HEIGHT - SPARK_HEIGHT * (value - low) / room)
        path.append(f"{'L' if is_down else 'M'}{x} {y}")
        is_down = True
    return "".join(path)
