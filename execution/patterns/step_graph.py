"""The steps of a document as a drawing: which step needs which. It is drawn of what is not a pattern yet, too."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from execution.patterns import conditions, templating
from execution.patterns.conditions import ConditionInvalid

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 46, 60, 18, 12
MOST: Final = 200
"""Steps that are drawn: as many as a pattern may have."""


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    capability: str
    is_output: bool
    is_conditional: bool
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Edge:
    """From the step that is needed to the one that needs it, with its path in the words of SVG."""

    start: str
    end: str
    path: str


@dataclass(frozen=True, slots=True)
class StepGraph:
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: int
    height: int


def draw(document: Mapping[str, Any]) -> StepGraph:
    """From left to right: no step stands left of one that it needs, but where they wait for each other."""
    steps = {step["as"]: step for step in list(_steps(document))[:MOST]}
    starts_of = {
        name: [each for each in _steps_needed_by(step) if each in steps and each != name]
        for name, step in steps.items()
    }
    columns = _columns(starts_of)
    outputs = document.get("outputs")
    heights: dict[int, int] = {}
    nodes = {}
    for name, step in steps.items():
        column = columns[name]
        row = heights[column] = heights.get(column, -1) + 1
        nodes[name] = Node(
            name,
            step["capability"],
            isinstance(outputs, list) and name in outputs,
            isinstance(step.get("when"), str),
            MARGIN + column * (WIDTH + GAP_X),
            MARGIN + row * (HEIGHT + GAP_Y),
        )
    edges = tuple(
        Edge(start, name, _path(nodes[start], nodes[name])) for name, starts in starts_of.items() for start in starts
    )
    return StepGraph(
        tuple(nodes.values()),
        edges,
        2 * MARGIN + max(heights, default=0) * (WIDTH + GAP_X) + WIDTH,
        2 * MARGIN + max(heights.values(), default=0) * (HEIGHT + GAP_Y) + HEIGHT,
    )


def _steps(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    steps = document.get("steps")
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, Mapping) and isinstance(step.get("as"), str) and isinstance(step.get("capability"), str):
            yield step


def _steps_needed_by(step: Mapping[str, Any]) -> list[str]:
    """The steps that a step names, each once."""
    step_names = set(templating.steps_named_in(step.get("args")))
    if isinstance(step.get("when"), str):
        with contextlib.suppress(ConditionInvalid):  # a finding
            step_names |= {path[1] for path in conditions.compile(step["when"]).paths if path[0] == "state"}
    return sorted(step_names)


def _columns(starts_of: Mapping[str, list[str]]) -> dict[str, int]:
    """How many steps stand before each, one after the other."""
    columns: dict[str, int] = dict.fromkeys(starts_of, 0)
    for _ in starts_of:
        has_changed = False
        for name, starts in starts_of.items():
            column = max((columns[start] + 1 for start in starts), default=0)
            if column > columns[name] and column < len(starts_of):
                columns[name], has_changed = column, True
        if not has_changed:
            break
    return columns


def _path(start: Node, end: Node) -> str:
    x1, y1, x2, y2 = start.x + WIDTH, start.y + HEIGHT // 2, end.x, end.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
