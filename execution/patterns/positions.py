"""Where in a JSON text a value stands: JSON pointers as places of the text."""

import json
import re
from collections.abc import Mapping

from config.strict_json import pointer_to

_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r"[^\s,\]}]+")
_read = json.JSONDecoder().raw_decode


def find(text: str) -> dict[str, int]:
    """JSON pointer -> index of the text, of each value; of a member of an object that of its name.

    `text` is JSON that was read before, so that it ends and is not nested deeper than may be.
    """
    places: dict[str, int] = {}
    _walk(text, 0, "", places)
    return places


def nearest(places: Mapping[str, int], pointer: str) -> int:
    """Where a pointer leads, or the innermost thing around it that is there."""
    while pointer and pointer not in places:
        pointer = pointer.rpartition("/")[0]
    return places.get(pointer, 0)


def line_and_column(text: str, index: int) -> tuple[int, int]:
    """Both begin with 1."""
    start = text.rfind("\n", 0, index) + 1
    return text.count("\n", 0, index) + 1, index - start + 1


def _walk(text: str, at: int, pointer: str, places: dict[str, int]) -> int:
    """Note the value at `at` with all below it, and give back where it ends."""
    at = _skip(text, at)
    places.setdefault(pointer, at)
    if text[at] == '"':
        _, end = _read(text, at)
        return int(end)
    if text[at] not in "{[":
        plain = _PLAIN.match(text, at)
        return plain.end() if plain else at + 1
    is_object = text[at] == "{"
    at, element = _skip(text, at + 1), 0
    while text[at] not in "}]":
        if is_object:
            key, end = _read(text, at)
            inner = pointer + pointer_to(key)
            places[inner] = at
            at = _skip(text, end) + 1  # the colon
        else:
            inner = pointer + pointer_to(element)
        at = _skip(text, _walk(text, at, inner, places))
        element += 1
        if text[at] == ",":
            at = _skip(text, at + 1)
    return at + 1


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
