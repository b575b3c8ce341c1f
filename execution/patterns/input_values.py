"""Inputs that a pattern declares, and a caller's value in the one form in which it is run and hashed."""

import copy
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from config import dates
from config.strict_json import MAX_INTEGER
from execution import canonical

Nested = TypeVar("Nested", list[Any], dict[str, Any])

MAX_STRING = 10_000
"""Characters of a text, items of a list or keys of an object that a caller gives, unless the input has a max_length."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """An input as a pattern declares it. Bounds are inclusive; None is no bound."""

    type: str
    required: bool
    default: Any
    description: str
    minimum: float | None
    maximum: float | None
    max_length: int | None
    enum: tuple[str, ...] | None

    @property
    def nullable(self) -> bool:
        """Whether the input is null where it is not given: it is optional and has no default."""
        return not self.required and self.default is None


def read_input(spec: InputSpec, value: Any) -> Any:
    """The value in its canonical form. Raises ValueError with the reason."""
    if value is None:
        if spec.nullable:
            return None
        raise ValueError(f"null where {spec.type} is needed")
    value = _READERS[spec.type](value)
    if spec.minimum is not None and value < spec.minimum:
        raise ValueError(f"less than {spec.minimum:g}")
    if spec.maximum is not None and value > spec.maximum:
        raise ValueError(f"more than {spec.maximum:g}")
    limit = spec.max_length if spec.max_length is not None else MAX_STRING
    if isinstance(value, str | list | dict) and len(value) > limit:
        raise ValueError(f"longer than {limit}")
    if spec.enum is not None and value not in spec.enum:
        raise ValueError(f"not one of {', '.join(spec.enum)}")
    return value


def _uuid(value: Any) -> str:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str) and _UUID.fullmatch(value):
        return str(UUID(value))
    raise ValueError("not a UUID")


def _date(value: Any) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        try:
            return dates.parse(value).isoformat()
        except ValueError:
            pass
    raise ValueError("not a date YYYY-MM-DD")


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")
    if "\0" in value:
        raise ValueError("NUL in text")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not an integer")
    if abs(value) > MAX_INTEGER:
        raise ValueError(f"integer beyond {MAX_INTEGER}")
    return value


def _number(value: Any) -> float:
    """Whole numbers become floats: 1 and 1.0 are the same request."""
    if isinstance(value, int):
        value = float(_integer(value))
    if not isinstance(value, float) or not math.isfinite(value):
        raise ValueError("not a number")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not a boolean")
    return value


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError("not an array")
    return _private_copy(list(value))


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("not an object")
    return _private_copy(dict(value))


def _private_copy(value: Nested) -> Nested:
    """A copy that the caller can't change. Raises ValueError for what has no canonical form."""
    try:
        canonical.canonical_bytes(canonical.render(value))
    except canonical.NotRenderable as bad:
        raise ValueError(str(bad)) from bad
    return copy.deepcopy(value)


_READERS = {
    "uuid": _uuid,
    "date": _date,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
}
