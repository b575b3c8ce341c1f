"""The panel of a timeline: spans of days on lanes, each with its words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from config import dates
from execution.figures import Figure
from execution.patterns.panel_values import NoPanelValueError
from execution.patterns.templating import Scope
from execution.web.pages import chart_panel, charts, table_panels

LANE_HEIGHT = 32
TONES = 6


@dataclass(frozen=True, slots=True)
class Span:
    """`x` and `width` in percent, `y` in pixels."""

    x: float
    width: float
    y: int
    words: str
    tone: int


def draw(document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The first column names the lane, the first column of dates is where a span begins, the second where it ends (without one it
    is a point), the last text is what it says."""
    table = table_panels.draw_table(document, scope)
    kinds = [column["format"] for column in document["columns"]]
    dates = [place for place, kind in enumerate(kinds) if kind == "date"]
    if not dates:
        raise NoPanelValueError("the panel has no column of dates")
    text_column = max((place for place, kind in enumerate(kinds) if kind == "text"), default=0)
    rows = [(row, *_days(row, dates)) for row in table["rows"]]
    with_days = [(row, begin, end) for row, begin, end in rows if begin is not None and end is not None]
    if not with_days:
        return table | {"spans": []}
    first, last = min(begin for _, begin, _ in with_days), max(end for *_, end in with_days)
    lanes = list(dict.fromkeys(row[0].text for row, *_ in with_days))
    tones = {
        words: place % TONES + 1
        for place, words in enumerate(dict.fromkeys(row[text_column].text for row, *_ in with_days))
    }

    def at(day: date) -> float:
        return round(100 * (day - first).days / ((last - first).days or 1), 3)

    return table | {
        "lanes": [(name, place * LANE_HEIGHT) for place, name in enumerate(lanes)],
        "height": len(lanes) * LANE_HEIGHT,
        "spans": [
            Span(
                at(begin),
                max(round(at(end) - at(begin), 3), 0.4),
                lanes.index(row[0].text) * LANE_HEIGHT,
                row[text_column].text,
                tones[row[text_column].text],
            )
            for row, begin, end in with_days
        ],
        "ticks": [
            (at(day), chart_panel.tick_words(day, unit), chart_panel.anchor(at(day)))
            for day, unit in charts.date_ticks(first, last)
        ]
        if first < last
        else [],
    }


def _days(row: Sequence[Figure], dates: Sequence[int]) -> tuple[date | None, date | None]:
    begin, end = (_day(row[place]) for place in (dates[0], dates[min(1, len(dates) - 1)]))
    return begin, end or begin


def _day(figure: Figure) -> date | None:
    try:
        return dates.parse(figure.text)
    except ValueError:
        return None
