"""The one form of a result: what JSON can hold, and the bytes that are hashed (RFC 8785).

Money is a `Decimal` and becomes a plain decimal string; a ratio is a float and keeps 12 significant digits; dates are
ISO. A dataclass field declared `field(metadata={"digits": 10})` keeps 10 in all below it: outputs of a regression,
whose last digits depend on the linear algebra library.
"""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, NoReturn
from uuid import UUID

import numpy as np
import rfc8785

from agents import contract
from config.decimals import plain
from config.errors import TieoutError
from config.strict_json import MAX_DEPTH, MAX_INTEGER, pointer_to

DIGITS = 12


class NotRenderable(TieoutError):
    """A value in a result has no JSON form. `pointer` leads to it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason, self.path = reason, list[object]()

    @property
    def pointer(self) -> str:
        return pointer_to(*reversed(self.path))

    def __str__(self) -> str:
        return f"{self.reason} at {self.pointer or 'the top'}"


class NotFinite(NotRenderable):
    """A number is NaN or infinite. A missing figure is a state with a reason, never a number."""


def render(data: Any, digits: int = DIGITS) -> Any:
    """The data in types of JSON: dict with text keys, list, str, int, float, bool, None. Raises NotRenderable, NotFinite."""
    return _render(data, digits, MAX_DEPTH)


def digits_at(data: Any, path: Sequence[str]) -> int:
    """The significant digits that a ratio at a path of the data is rendered with."""
    digits = DIGITS
    for name in path:
        if dataclasses.is_dataclass(data) and not isinstance(data, type):
            digits = dict(_rendered_fields(type(data))).get(name) or digits
            data = getattr(data, name, None)
        elif isinstance(data, Mapping):
            data = data.get(name)
        elif isinstance(data, list | tuple) and name.isdecimal() and int(name) < len(data):
            data = data[int(name)]
    return digits


def canonical_bytes(rendered: Any) -> bytes:
    """The RFC 8785 form. Raises NotRenderable."""
    try:
        return rfc8785.dumps(rendered)
    except rfc8785.CanonicalizationError as bad:
        raise NotRenderable(str(bad)) from bad


def digest(rendered: Any) -> str:
    """SHA-256 of the canonical bytes, hex."""
    return hashlib.sha256(canonical_bytes(rendered)).hexdigest()


def _render(data: Any, digits: int, depth: int) -> Any:
    render_simple = _SIMPLE.get(type(data))
    if render_simple is not None:
        return render_simple(data, digits)
    if depth == 0:
        raise NotRenderable(f"nested deeper than {MAX_DEPTH}")
    if isinstance(data, Mapping):
        return _mapping(data, digits, depth - 1)
    if isinstance(data, list | tuple):
        return _sequence(data, digits, depth - 1)
    if dataclasses.is_dataclass(data) and not isinstance(data, type):
        return _dataclass(data, digits, depth - 1)
    if isinstance(data, np.ndarray):
        return _array(data, digits, depth - 1)
    if isinstance(data, np.generic):
        if not isinstance(data, np.datetime64):
            return _render(data.item(), digits, depth - 1)
        if np.isnat(data):
            raise NotFinite("not a date")
        return _render(data.astype("datetime64[D]").item(), digits, depth - 1)
    if isinstance(data, Enum):
        return _render(data.value, digits, depth - 1)
    for base, render_simple in _SIMPLE.items():
        if base is not type(None) and isinstance(data, base):
            return render_simple(data, digits)
    raise NotRenderable(f"a {type(data).__name__} has no JSON form")


def _raise_inside(error: NotRenderable, segment: object) -> NoReturn:
    error.path.append(segment)
    raise error


def _mapping(data: Mapping[Any, Any], digits: int, depth: int) -> dict[str, Any]:
    rendered: dict[str, Any] = {}
    for key, value in data.items():
        name = _key(key)
        if name in rendered:
            raise NotRenderable(f"two keys are written {name!r}")
        try:
            rendered[name] = _render(value, digits, depth)
        except NotRenderable as bad:
            _raise_inside(bad, name)
    return rendered


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        key = key.value
    if not isinstance(key, str | UUID | date):
        raise NotRenderable(f"a {type(key).__name__} is no key")
    return str(_render(key, DIGITS, 1))


def _sequence(data: "list[Any] | tuple[Any, ...]", digits: int, depth: int) -> list[Any]:
    rendered = []
    for index, value in enumerate(data):
        try:
            rendered.append(_render(value, digits, depth))
        except NotRenderable as bad:
            _raise_inside(bad, index)
    return rendered


def _dataclass(data: Any, digits: int, depth: int) -> dict[str, Any]:
    rendered = {}
    dataclass_type: type = type(data)
    for name, own_digits in _rendered_fields(dataclass_type):
        try:
            rendered[name] = _render(getattr(data, name), own_digits or digits, depth)
        except NotRenderable as bad:
            _raise_inside(bad, name)
    return rendered


@cache
def _rendered_fields(dataclass_type: type) -> tuple[tuple[str, int | None], ...]:
    """Names of the fields that are in the answer, and the digits that each declares."""
    return tuple((f.name, f.metadata.get("digits")) for f in contract.answer_fields(dataclass_type))


def _array(data: np.ndarray[Any, Any], digits: int, depth: int) -> Any:
    if data.dtype.kind == "f":
        finite = np.isfinite(data)
        if not finite.all():
            bad = NotFinite("not a finite number")
            bad.path += reversed(np.argwhere(~finite)[0].tolist())
            raise bad
        number_format = f"%.{digits}g"
        # through the decimal text, as a single float goes: scaling and np.round would differ in the last bit
        return _nested([float(number_format % value) + 0.0 for value in data.ravel().tolist()], data.shape)
    if data.dtype.kind in "biu":
        return data.tolist()
    if data.dtype.kind == "M":
        if np.isnat(data).any():
            raise NotFinite("not a date")
        return [_render(value, digits, depth) for value in data.astype("datetime64[D]").tolist()]
    return _sequence(data.tolist(), digits, depth)


def _nested(flat: list[float], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    if len(shape) == 1:
        return flat
    width = len(flat) // shape[0] if shape[0] else 0
    return [_nested(flat[row * width : (row + 1) * width], shape[1:]) for row in range(shape[0])]


def _float(value: float, digits: int) -> float:
    if not math.isfinite(value):
        raise NotFinite("not a finite number")
    return float(f"{value:.{digits}g}") + 0.0  # no negative zero


def _int(value: int, digits: int) -> int:
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise NotRenderable(f"integer beyond {MAX_INTEGER}")
    return int(value)


def _text(value: str, digits: int) -> str:
    if "\0" in value:
        raise NotRenderable("NUL in text")
    return str.__str__(value)


def _decimal(value: Decimal, digits: int) -> str:
    if not value.is_finite():
        raise NotFinite("not a finite number")
    return plain(value)


def _instant(value: datetime, digits: int) -> str:
    if value.tzinfo is None:
        raise NotRenderable("an instant without a time zone")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


_SIMPLE: dict[type, Callable[[Any, int], Any]] = {
    type(None): lambda value, digits: None,
    bool: lambda value, digits: value,
    str: _text,
    float: _float,
    int: _int,
    Decimal: _decimal,
    datetime: _instant,
    date: lambda value, digits: value.isoformat(),
    UUID: lambda value, digits: str(value),
}
