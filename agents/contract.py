"""What a declared type says: which paths it has, which values fit it. Read by the linter and the runtime alike."""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import numpy as np

from config import dates


@dataclasses.dataclass(frozen=True, slots=True)
class Between:
    """In an `Annotated` type: the least and the most that a number or a day may be, both included."""

    least: Any
    most: Any


PATH_DEPTH = 6  # how deep paths() looks; no declared result of ours is deeper
NULL = type(None)


class TypeMismatch(ValueError):
    """A value that is not of the declared type."""


class NoSuchPath(LookupError):
    """A path that a declared type does not have."""


def type_at(declared: Any, path: Sequence[str]) -> Any:
    """The declared type below `declared`; Any where the declaration says no more. Raises NoSuchPath."""
    for position, segment in enumerate(path):
        members = [member for member in _members(declared) if member is not NULL]
        steps = [step for step in (_step(member, segment) for member in members) if step is not None]
        if not steps:
            raise NoSuchPath(f"{spell(declared)} has no {'.'.join(path[: position + 1])}")
        declared = steps[0] if len(steps) == 1 else Union[tuple(steps)]  # noqa: UP007 - built at run time
    return declared


def paths(declared: Any) -> dict[str, Any]:
    """Each path below a declared type → its type; `*` stands for any element or key."""
    return dict(_paths(declared, "", PATH_DEPTH))


def fit(value: Any, declared: Any) -> Any:
    """The value as the declared type wants it. Raises TypeMismatch. A boolean is no number, null only where declared."""
    fitted, bounds = _fit_any(value, declared), _bounds(declared)
    if bounds is not None and fitted is not None and not bounds.least <= fitted <= bounds.most:
        raise TypeMismatch(f"{_describe(value)} where {spell(declared)} is needed")
    return fitted


def _fit_any(value: Any, declared: Any) -> Any:
    """The value as one of the alternatives wants it, whatever its bounds."""
    members = _members(declared)
    if Any in members or object in members:
        return value
    if value is None:
        if NULL in members:
            return None
        raise TypeMismatch(f"null where {spell(declared)} is needed")
    reasons = []
    for member in members:
        if member is NULL:
            continue
        try:
            return _fit_one(value, member)
        except TypeMismatch as mismatch:
            reasons.append(str(mismatch))
    raise TypeMismatch(reasons[0] if len(reasons) == 1 else f"{_describe(value)} where {spell(declared)} is needed")


def assignable(value_type: Any, declared: Any) -> bool:
    """False only where no value of the given type can be the declared one; what can't be told is True."""
    return any(_assignable_one(g, d) for g in _members(value_type) for d in _members(declared))


def spell(declared: Any) -> str:
    """A type as a person writes it."""
    if isinstance(declared, type) and not get_args(declared):
        return "null" if declared is NULL else declared.__name__
    if get_origin(declared) in (Union, types.UnionType):
        return " or ".join(spell(member) for member in get_args(declared))
    if get_origin(declared) is Annotated:
        bounds = _bounds(declared)
        return spell(get_args(declared)[0]) + (f" from {bounds.least} to {bounds.most}" if bounds else "")
    return str(declared).replace("typing.", "")


HANDED_ON: Mapping[str, bool] = {"handed_on": True}
"""Metadata of a result's field that is for the steps that follow alone: no template names it, and it is not in the answer."""


def answer_fields(declared: type) -> Iterator[dataclasses.Field[Any]]:
    """The fields of a result's dataclass that are in the answer."""
    return (f for f in dataclasses.fields(declared) if not f.name.startswith("_") and not f.metadata.get("handed_on"))


@cache
def field_types(declared: type) -> Mapping[str, Any]:
    """Declared types of the fields that a path may name, by name."""
    hints = get_type_hints(declared, include_extras=True)
    return {f.name: hints[f.name] for f in answer_fields(declared)}


@cache
def _bounds(declared: Any) -> Between | None:
    """The bounds of a number or a day, also where null or another type may stand for it."""
    inner = get_args(declared)
    if get_origin(declared) is Annotated:
        return next((each for each in inner[1:] if isinstance(each, Between)), None) or _bounds(inner[0])
    if get_origin(declared) in (Union, types.UnionType):
        return next(filter(None, map(_bounds, inner)), None)
    return None


@cache
def _members(declared: Any) -> tuple[Any, ...]:
    """The alternatives of a type, with names and annotations taken off."""
    while True:
        if get_origin(declared) is Annotated:
            declared = get_args(declared)[0]
        elif isinstance(declared, NewType):
            declared = declared.__supertype__
        elif isinstance(declared, TypeVar):
            return (Any,)
        elif declared is None:
            return (NULL,)
        else:
            break
    if get_origin(declared) in (Union, types.UnionType):
        return tuple(inner for member in get_args(declared) for inner in _members(member))
    return (declared,)


def _fields(member: Any) -> Mapping[str, Any] | None:
    bare = get_origin(member) or member
    declared_keys = getattr(bare, "declared_keys", None)
    if declared_keys is not None:  # a mapping that knows its keys
        keys: Mapping[str, Any] = declared_keys()
        return keys
    if isinstance(bare, type) and dataclasses.is_dataclass(bare):
        return field_types(bare)
    if typing.is_typeddict(bare):
        return get_type_hints(bare, include_extras=True)
    return None


def _step(member: Any, segment: str) -> Any | None:
    """The type one path segment below, None when there is none."""
    if member in (Any, object):
        return Any
    fields = _fields(member)
    if fields is not None:
        return fields.get(segment)
    bare, inner = get_origin(member) or member, get_args(member)
    if not isinstance(bare, type):
        return None
    if issubclass(bare, Mapping):
        return inner[1] if len(inner) == 2 else Any
    if not segment.isdecimal():
        return None
    if issubclass(bare, np.ndarray):
        return Any
    if issubclass(bare, tuple) and inner and inner[-1] is not Ellipsis:
        return inner[int(segment)] if int(segment) < len(inner) else None
    if issubclass(bare, Sequence) and not issubclass(bare, str | bytes):
        return inner[0] if inner else Any
    return None


def _paths(declared: Any, prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for member in _members(declared):
        fields = _fields(member)
        inner = get_args(member)
        bare = get_origin(member) or member
        if fields is not None:
            below = list(fields.items())
        elif isinstance(bare, type) and issubclass(bare, Mapping) and len(inner) == 2:
            below = [("*", inner[1])]
        elif isinstance(bare, type) and issubclass(bare, Sequence) and bare not in (str, bytes) and inner:
            fixed = issubclass(bare, tuple) and inner[-1] is not Ellipsis
            below = [(str(i), t) for i, t in enumerate(inner)] if fixed else [("*", inner[0])]
        else:
            below = []
        for name, type_ in below:
            path = f"{prefix}.{name}" if prefix else name
            yield path, type_
            if depth > 1:
                yield from _paths(type_, path, depth - 1)


@cache
def _parts(member: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """The bare type, what it is declared of, and whether it says nothing about one value."""
    bare, inner = get_origin(member) or member, get_args(member)
    if typing.is_typeddict(bare):
        bare, inner = dict, ()
    return bare, inner, bare is not Literal and _opaque(bare)


def _fit_one(value: Any, member: Any) -> Any:
    bare, inner, is_opaque = _parts(member)
    if is_opaque:
        return value
    if bare is Literal:
        if any(value == choice and type(value) is type(choice) for choice in inner):
            return value
        raise TypeMismatch(f"{_describe(value)} where one of {', '.join(map(repr, inner))} is needed")
    convert = _CONVERSIONS.get(bare)
    if convert is not None:
        return convert(value)
    if bare in (tuple, list) and isinstance(value, list | tuple):
        value = value if isinstance(value, bare) else bare(value)
    if not isinstance(value, bare) or (issubclass(bare, Sequence) and bare is not str and isinstance(value, str)):
        raise TypeMismatch(f"{_describe(value)} where {spell(member)} is needed")
    if inner and isinstance(value, list | tuple) and inner[0] in _CONVERSIONS and inner[1:] in ((), (Ellipsis,)):
        fitted = [_CONVERSIONS[inner[0]](element) for element in value]
        # the very object of an earlier step where nothing had to be converted
        return value if all(a is b for a, b in zip(fitted, value, strict=True)) else type(value)(fitted)
    return value


def _assignable_one(value_type: Any, declared: Any) -> bool:
    if Any in (value_type, declared) or object in (value_type, declared):
        return True
    if get_origin(value_type) is Literal:
        return any(_fits(choice, declared) for choice in get_args(value_type))
    if get_origin(declared) is Literal:
        return any(_assignable_one(value_type, type(choice)) for choice in get_args(declared))
    bare_given, bare_declared = get_origin(value_type) or value_type, get_origin(declared) or declared
    bare_given = dict if typing.is_typeddict(bare_given) else bare_given
    bare_declared = dict if typing.is_typeddict(bare_declared) else bare_declared
    if _opaque(bare_given) or _opaque(bare_declared):
        return True
    if bare_declared in _WIDENED and bare_given in _WIDENED[bare_declared]:
        return True
    if bare_given is bool or bare_declared is bool:
        return bare_given is bare_declared
    if (bare_given, bare_declared) in ((list, tuple), (tuple, list)):
        return True
    if issubclass(bare_given, str) and not issubclass(bare_declared, str):
        return False
    if not issubclass(bare_given, bare_declared) and not issubclass(bare_declared, bare_given):
        return False
    inner_given, inner_declared = get_args(value_type), get_args(declared)
    if len(inner_given) == len(inner_declared) and bare_given is bare_declared and bare_given is not np.ndarray:
        pairs = [(g, d) for g, d in zip(inner_given, inner_declared, strict=True) if Ellipsis not in (g, d)]
        return all(assignable(g, d) for g, d in pairs)
    return True


def _opaque(bare: Any) -> bool:
    """A type that says nothing about one value: a protocol, a callable."""
    return not isinstance(bare, type) or bool(getattr(bare, "_is_protocol", False))


def _fits(value: Any, declared: Any) -> bool:
    try:
        fit(value, declared)
    except TypeMismatch:
        return False
    return True


def _describe(value: Any) -> str:
    """A value in a message: what it is, and itself when that is short and plain."""
    if isinstance(value, bool | int | float | str) and len(repr(value)) <= 40:
        return repr(value)
    return f"a {type(value).__name__}"


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeMismatch(f"{_describe(value)} where a boolean is needed")


def _to_int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeMismatch(f"{_describe(value)} where an integer is needed")


def _to_float(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value if isinstance(value, float) else float(value)
    raise TypeMismatch(f"{_describe(value)} where a finite number is needed")


def _to_decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and value.isascii():
        try:
            parsed = Decimal(value)
        except InvalidOperation:
            pass
        else:
            if parsed.is_finite():
                return parsed
    raise TypeMismatch(f"{_describe(value)} where a decimal is needed")


def _to_date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return dates.parse(value)
        except ValueError:
            pass
    raise TypeMismatch(f"{_describe(value)} where a date is needed")


def _to_uuid(value: Any) -> UUID:
    if isinstance(value, UUID):
        return value
    if isinstance(value, str):
        try:
            return UUID(value)
        except ValueError:
            pass
    raise TypeMismatch(f"{_describe(value)} where a UUID is needed")


_CONVERSIONS: Mapping[Any, Callable[[Any], Any]] = {
    bool: _to_bool,
    int: _to_int,
    float: _to_float,
    Decimal: _to_decimal,
    date: _to_date,
    UUID: _to_uuid,
}
_WIDENED: Mapping[Any, frozenset[Any]] = {
    float: frozenset({int}),
    Decimal: frozenset({int, str}),
    date: frozenset({str}),
    UUID: frozenset({str}),
}
