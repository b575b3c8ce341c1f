"""JSON as the street door takes it: one meaning or none.

Refused beyond the grammar: NaN and infinities (`1e400` is one), duplicate keys, NUL and lone surrogates in text,
integers that a double can't hold (RFC 8785 has no form for them), deep nesting, bytes that are not UTF-8.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from config.errors import TieoutError

MAX_DEPTH = 100
MAX_INTEGER = 2**53 - 1

# Strings are skipped as a whole, an unterminated one up to the end; possessive, so that no text makes it try twice.
_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*+\\?(?:"|\Z)|[\[{\]}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonRefused(TieoutError):
    """Says why, and where: by line and column of the text, or by JSON pointer of the value."""

    def __init__(
        self, reason: str, *, line: int | None = None, column: int | None = None, pointer: str | None = None
    ) -> None:
        where = f"at {pointer or 'the top'}" if line is None else f"in line {line}, column {column}"
        super().__init__(f"{reason} {where}")
        self.reason, self.line, self.column, self.pointer = reason, line, column, pointer


class TooLarge(TieoutError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


def loads(body: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text. Raises TooLarge, JsonRefused."""
    if len(body) > max_bytes:
        raise TooLarge(max_bytes)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as bad:
        line, column = _place(body[: bad.start].decode("utf-8"), bad.start)
        raise JsonRefused("not UTF-8", line=line, column=column) from bad
    _check_depth(text, max_depth)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as bad:
        raise JsonRefused(bad.msg, line=bad.lineno, column=bad.colno) from bad
    _check_values(value)
    return value


def pointer_to(*segments: object) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(segment).replace("~", "~0").replace("/", "~1") for segment in segments)


class _Refused:
    """Stands where a bad value was until its pointer is known."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class _TwiceNamed(_Refused):
    def __init__(self, key: str) -> None:
        super().__init__("key named twice")
        self.key = key


def _object(pairs: list[tuple[str, Any]]) -> Any:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return _TwiceNamed(twice)


def _float(digits: str) -> Any:
    value = float(digits)
    return value if math.isfinite(value) else _Refused("number too large")


def _int(digits: str) -> Any:
    if len(digits) > 17 or abs(value := int(digits)) > MAX_INTEGER:
        return _Refused(f"integer beyond {MAX_INTEGER}")
    return value


def _constant(name: str) -> Any:
    return _Refused(f"{name} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant, strict=True
)


def _place(before: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _check_depth(text: str, max_depth: int) -> None:
    """Before parsing: the parser recurses."""
    depth = 0
    for token in _BRACKET_OR_STRING.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > max_depth:
                line, column = _place(text[: token.start()], token.start())
                raise JsonRefused(f"nested deeper than {max_depth}", line=line, column=column)
        elif first in "]}":
            depth -= 1


def _check_values(value: Any) -> None:
    for path, found in _walk(value):
        if isinstance(found, _TwiceNamed):
            _refuse(found.reason, (*path, found.key))
        if isinstance(found, _Refused):
            _refuse(found.reason, path)
        if isinstance(found, str):
            if "\0" in found:
                _refuse("NUL in text", path)
            if _SURROGATE.search(found):
                _refuse("lone surrogate in text", path)


def _refuse(reason: str, path: tuple[object, ...]) -> NoReturn:
    # a refused key may itself hold what can't be written out
    raise JsonRefused(reason, pointer=pointer_to(*path).encode("utf-8", "replace").decode().replace("\0", "\\0"))


def _walk(value: Any) -> Iterator[tuple[tuple[object, ...], Any]]:
    """Every value and every key, with the path to it, in document order."""
    waiting: list[tuple[tuple[object, ...], Any]] = [((), value)]
    while waiting:
        path, found = waiting.pop()
        yield path, found
        if isinstance(found, dict):
            for key in found:
                yield (*path, key), key
            waiting += [((*path, key), inner) for key, inner in reversed(found.items())]
        elif isinstance(found, list):
            waiting += [((*path, index), inner) for index, inner in reversed(list(enumerate(found)))]
