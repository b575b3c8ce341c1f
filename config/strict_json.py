"""JSON with one meaning or none, for what comes in by the API and for what data providers answer.

Refused in both: what is not JSON (NaN, infinities), bytes that are not UTF-8, duplicate keys, deep nesting. `loads` reads
numbers as integers and doubles and also refuses what RFC 8785 has no form for: `1e400`, integers that a double can't hold,
NUL and lone surrogates in text. `loads_exact` reads numbers as decimals, and marks one that no price can be.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from config.errors import TieoutError

MAX_DEPTH = 100
MAX_INTEGER = 2**53 - 1
MAX_DIGITS = 24  # of a decimal, before the point and after it
SHOWN_DIGITS = 60

# Strings are skipped as a whole, an unterminated one up to the end; possessive, so that no text makes it try twice.
_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*+\\?(?:"|\Z)|[\[{\]}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_DECIMAL = re.compile(rf"-?\d{{1,{MAX_DIGITS}}}(?:\.\d{{1,{MAX_DIGITS}}})?(?:[eE][+-]?\d{{1,2}})?", re.ASCII)

Number = Callable[[str], Any]


class JsonRefused(TieoutError):
    """Says why, and where: by line and column of the text, or by JSON pointer of the value."""

    def __init__(
        self, reason: str, *, line: int | None = None, column: int | None = None, pointer: str | None = None
    ) -> None:
        where = f"at {pointer or 'the top'}" if line is None else f"in line {line}, column {column}"
        super().__init__(f"{reason} {where}")
        self.reason, self.line, self.column, self.pointer = reason, line, column, pointer


class TooLarge(TieoutError):
    """A text of more bytes than may be read."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """Stands where `loads_exact` met a number that no price, rate or amount can be, such as 1e400."""

    digits: str


def loads(body: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text, numbers as int and float. Raises TooLarge, JsonRefused."""
    if len(body) > max_bytes:
        raise TooLarge(max_bytes)
    value = _parse(_decode(body), integer=_int, fraction=_float, max_depth=max_depth)
    for path, inner in _walk(value):
        _check(inner, path)
        if isinstance(inner, str):
            _check_text(inner, path)
    return value


def loads_exact(body: bytes) -> Any:
    """The value of a JSON text, numbers as Decimal or OutOfRange; text as it was sent. Raises JsonRefused."""
    value = _parse(_decode(body), integer=_decimal, fraction=_decimal, max_depth=MAX_DEPTH)
    for path, inner in _walk(value):
        _check(inner, path)
    return value


def pointer_to(*segments: object) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(segment).replace("~", "~0").replace("/", "~1") for segment in segments)


class _Refused:
    """Stands where a bad value was until its pointer is known."""

    def __init__(self, reason: str, *key: str) -> None:
        self.reason, self.key = reason, key


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as bad:
        line, column = _place(body[: bad.start].decode("utf-8"), bad.start)
        raise JsonRefused("not UTF-8", line=line, column=column) from bad


def _parse(text: str, *, integer: Number, fraction: Number, max_depth: int) -> Any:
    """The value, with a _Refused in each place where it has no one meaning."""
    _check_depth(text, max_depth)
    decoder = json.JSONDecoder(
        object_pairs_hook=_object, parse_float=fraction, parse_int=integer, parse_constant=_constant, strict=True
    )
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as bad:
        raise JsonRefused(bad.msg, line=bad.lineno, column=bad.colno) from bad


def _object(pairs: list[tuple[str, Any]]) -> Any:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    earlier_keys: set[str] = set()
    twice = next(key for key, _ in pairs if key in earlier_keys or earlier_keys.add(key))  # type: ignore[func-returns-value]
    return _Refused("key named twice", twice)


def _float(digits: str) -> Any:
    value = float(digits)
    return value if math.isfinite(value) else _Refused("number too large")


def _int(digits: str) -> Any:
    if len(digits) > 17 or abs(value := int(digits)) > MAX_INTEGER:
        return _Refused(f"integer beyond {MAX_INTEGER}")
    return value


def _decimal(digits: str) -> Decimal | OutOfRange:
    if _DECIMAL.fullmatch(digits):
        value = Decimal(digits)
        if max(abs(value.adjusted()), abs(int(value.as_tuple().exponent))) <= MAX_DIGITS:
            return value
    return OutOfRange(digits[:SHOWN_DIGITS])


def _constant(name: str) -> Any:
    return _Refused(f"{name} is no JSON")


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


def _check(value: Any, path: tuple[object, ...]) -> None:
    if isinstance(value, _Refused):
        _refuse(value.reason, (*path, *value.key))


def _check_text(text: str, path: tuple[object, ...]) -> None:
    if "\0" in text:
        _refuse("NUL in text", path)
    if _SURROGATE.search(text):
        _refuse("lone surrogate in text", path)


def _refuse(reason: str, path: tuple[object, ...]) -> NoReturn:
    # a refused key may itself hold what can't be written out
    raise JsonRefused(reason, pointer=pointer_to(*path).encode("utf-8", "replace").decode().replace("\0", "\\0"))


def _walk(value: Any) -> Iterator[tuple[tuple[object, ...], Any]]:
    """Every value and every key, with the path to it, in document order."""
    waiting: list[tuple[tuple[object, ...], Any]] = [((), value)]
    while waiting:
        path, inner = waiting.pop()
        yield path, inner
        if isinstance(inner, dict):
            for key in inner:
                yield (*path, key), key
            waiting += [((*path, key), below) for key, below in reversed(inner.items())]
        elif isinstance(inner, list):
            waiting += [((*path, index), below) for index, below in reversed(list(enumerate(inner)))]
