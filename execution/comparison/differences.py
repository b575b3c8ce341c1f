"""The paths at which two results differ, with both values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from config.strict_json import pointer_to


class _Absent:
    """Stands for a value where there is none; null is one."""


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """A path and both its values; None where one result has no such path."""

    path: str
    before: Any
    after: Any


def find(before: Any, after: Any) -> list[Difference]:
    """Every value that differs, in the order of the paths."""
    return list(_find(before, after, ()))


def _find(before: Any, after: Any, path: tuple[object, ...]) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from _find(before.get(name, ABSENT), after.get(name, ABSENT), (*path, name))
    elif isinstance(before, list) and isinstance(after, list):
        for place in range(max(len(before), len(after))):
            yield from _find(_at(before, place), _at(after, place), (*path, place))
    elif before != after or isinstance(before, bool) is not isinstance(after, bool):
        yield Difference(pointer_to(*path), *(None if each is ABSENT else each for each in (before, after)))


def _at(values: list[Any], place: int) -> Any:
    return values[place] if place < len(values) else ABSENT
