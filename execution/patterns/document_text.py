"""A pattern document as the text that people read, edit and compare."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from execution.patterns.document import schema

WIDTH: Final = 110
"""Characters of a line; what fits into one is written in one."""
_BY_PLACE: Final = {"inputs": "input", "steps": "step", "panels": "panel"}


def write(document: Mapping[str, Any]) -> str:
    """JSON, each object's keys in the order of the schema: the database keeps none."""
    return _write(_in_order(document), 0) + "\n"


def diff(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """The lines that differ, in the unified form, with what stands around them; all lines where there was nothing before."""
    return diff_texts(write(before) if before is not None else "", write(after))


def diff_texts(before: str, after: str) -> list[str]:
    """The lines of two texts that differ, as `diff` has them."""
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]


def order_of(version: str) -> tuple[int, ...]:
    """By which versions are sorted."""
    return tuple(int(number) for number in version.split("."))


def next_version(version: str) -> str:
    """The version after this one, with the last number raised."""
    first, second, third = version.split(".")
    return f"{first}.{second}.{int(third) + 1}"


def _in_order(document: Mapping[str, Any]) -> dict[str, Any]:
    document_in_order: dict[str, Any] = _sorted(document, "")
    for part, kind in _BY_PLACE.items():
        value = document_in_order.get(part)
        if isinstance(value, Mapping):
            document_in_order[part] = {name: _sorted(each, kind) for name, each in value.items()}
        elif isinstance(value, list):
            document_in_order[part] = [_sorted(each, kind) for each in value]
    return document_in_order


def _sorted(value: Any, kind: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    order = _keys()[kind]
    return dict(sorted(value.items(), key=lambda each: order.get(each[0], len(order))))


@cache
def _keys() -> Mapping[str, Mapping[str, int]]:
    """Kind of object, empty for the document -> its keys, each with its place in the schema."""
    kinds = {"": schema()} | {kind: schema()["$defs"][kind] for kind in _BY_PLACE.values()}
    return {kind: {key: place for place, key in enumerate(each["properties"])} for kind, each in kinds.items()}


def _write(value: Any, indent: int) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, Mapping | list) or not value or (indent and len(line) + indent <= WIDTH):
        return line
    brackets = "{}" if isinstance(value, Mapping) else "[]"
    inner = ",\n".join(" " * (indent + 2) + each for each in _elements(value, indent + 2))
    return f"{brackets[0]}\n{inner}\n{' ' * indent}{brackets[1]}"


def _elements(value: Mapping[str, Any] | Sequence[Any], indent: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (f"{json.dumps(key, ensure_ascii=False)}: {_write(each, indent)}" for key, each in value.items())
    else:
        yield from (_write(each, indent) for each in value)
