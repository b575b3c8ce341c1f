"""What the templates of a panel name in a result, and where it stands there; or why there is nothing.

The one place that reads a panel's values: pages draw them, and exports put them into tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from config.strict_json import pointer_to
from execution.patterns import templating
from execution.patterns.templating import NamePath, Scope

UNEVEN: Final = "the result does not hold a value for each day here"


class NoPanelValueError(Exception):
    """A panel, or a figure of it, has no value. `reason` is a code as results have it, or a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """A value with where it stands in the result, as a JSON pointer; empty for what is no part of it."""

    value: Any
    pointer: str = ""

    def below(self, name: str | int, value: Any) -> "Place":
        """The place of a value that is at this one by a name or a number."""
        return Place(value, f"{self.pointer}{pointer_to(name)}" if self.pointer else "")


def outputs_of(panel: Mapping[str, Any]) -> frozenset[str]:
    """The outputs that a panel reads."""
    return templating.steps_named_in(panel)


def locate(text: Any, scope: Scope) -> Place:
    """What a template names. All below an output that is unavailable is so, too. Raises NoPanelValueError."""
    path = _path_of(text)
    if path is None:
        return Place(text)
    for length in range(2, len(path) + 1):
        try:
            value = templating.walk(path[:length], scope)
        except KeyError:
            raise NoPanelValueError("not_in_result") from None
        if length < len(path):
            _require_available(value)
    return Place(value, pointer_of(text))


def pointer_of(text: Any) -> str:
    """Where the value of a template stands in the result, be it there or not; empty for a text that names nothing of it."""
    path = _path_of(text)
    return pointer_to(*path[1:]) if path and path[0] == "state" else ""


def resolve(text: Any, scope: Scope) -> Any:
    """The value that a template names. Raises NoPanelValueError."""
    return locate(text, scope).value


def locate_list(text: Any, scope: Scope) -> Place:
    """The list that a template names. Raises NoPanelValueError."""
    place = locate(text, scope)
    _require_available(place.value)
    if not isinstance(place.value, list):
        raise NoPanelValueError("the result holds no list here")
    return place


def resolve_list(text: Any, scope: Scope) -> Sequence[Any]:
    """The values of a list that a template names. Raises NoPanelValueError."""
    values: Sequence[Any] = locate_list(text, scope).value
    return values


def locate_rows(text: Any, scope: Scope) -> list[Place]:
    """The elements of a list that a template names, each with its place. Raises NoPanelValueError."""
    rows = locate_list(text, scope)
    return [rows.below(number, row) for number, row in enumerate(rows.value)]


def base_currency(scope: Scope) -> str:
    """The currency of the money in a result; empty for a pattern without a portfolio."""
    return scope.ctx.get("base_currency") or ""


def _path_of(text: Any) -> NamePath | None:
    """The path of a text that is one template; None for another."""
    parsed = templating.parse(text) if isinstance(text, str) else ()
    return parsed[0] if len(parsed) == 1 and isinstance(parsed[0], tuple) else None


def _require_available(value: Any) -> None:
    if isinstance(value, Mapping) and value.get("status") == "unavailable":
        raise NoPanelValueError(str(value.get("reason") or "not_given"))
