"""What a place of a result is called by the panel that prints it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from execution.explanation import PathNotFound, question
from execution.patterns import panel_parts
from execution.patterns.panel_values import pointer_of
from execution.web.pages import table_panels


@dataclass(frozen=True, slots=True)
class PrintedFigure:
    """The title of a panel, the words of a figure in it, and its format."""

    panel: str
    label: str
    format: str
    is_change: bool = False
    """A gain or a loss, which the panel writes with its sign."""


def find(document: Mapping[str, Any], pointer: str, result: Any) -> PrintedFigure | None:
    """The first figure of a pattern's panels that stands at a place of a result; None where no panel prints it."""
    panels = (panel for panel in document["panels"] if panel_parts.why_undrawn(panel) is None)
    return next((each for panel in panels for each in _in_panel(panel, pointer, result)), None)


def _in_panel(panel: Mapping[str, Any], pointer: str, result: Any) -> Iterator[PrintedFigure]:
    for plain in panel_parts.plain_panels(panel):
        for item in plain.get("items", ()):
            if pointer_of(item["value"]) == pointer:
                yield PrintedFigure(plain["title"], item["label"], item["format"], _is_change(pointer, item))
        for column in plain.get("columns", ()):
            number = _row_number(pointer_of(plain["rows"]), pointer, column["key"])
            if number:
                row = _value_at(result, f"{pointer_of(plain['rows'])}/{number}/{_steps(plain['columns'][0]['key'])}")
                yield PrintedFigure(
                    plain["title"], f"{row}, {column['label']}", column["format"], _is_change(pointer, column)
                )
        for series in plain.get("series", ()):
            number = _row_number(pointer_of(series["values"]), pointer, "")
            if number:
                day = _value_at(result, f"{pointer_of(plain['x'])}/{number}")
                yield PrintedFigure(plain["title"], f"{series['label']}, {day}", series["format"])


def _is_change(pointer: str, declared: Mapping[str, Any]) -> bool:
    return table_panels.is_change(pointer.replace("/", "."), declared["format"])


def _row_number(rows: str, pointer: str, key: str) -> str:
    """The number of the row of a list of which a place is the cell of a key; empty where it is none."""
    number, _, cell = pointer.removeprefix(f"{rows}/").partition("/")
    return number if rows and pointer.startswith(f"{rows}/") and cell == _steps(key) else ""


def _steps(key: str) -> str:
    return key.replace(".", "/")


def _value_at(result: Any, pointer: str) -> Any:
    """What a result has at a place; empty where it has nothing there."""
    try:
        return question.stored_at(result, question.split(pointer))
    except PathNotFound:
        return ""
