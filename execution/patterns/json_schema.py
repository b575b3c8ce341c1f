"""What goes into a pattern and what comes out of it, as JSON Schema (2020-12).

An output's schema is made of what its capability declares, by the rules of `execution.canonical`, which writes it.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, Literal, NewType, TypeVar, Union, get_args, get_origin
from uuid import UUID

import numpy as np

from agents import contract, registry
from config.strict_json import pointer_to
from execution.patterns.document import ParsedPattern, PatternInvalid, Violation
from execution.patterns.input_values import MAX_STRING, InputSpec

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
DECIMAL: Final = {"type": "string", "format": "decimal", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
UNAVAILABLE: Final = {
    "type": "object",
    "description": "Stands for an output whose step has no answer, or that a provider does not let us show.",
    "properties": {"value": {"type": "null"}, "status": {"const": "unavailable"}, "reason": {"type": "string"}},
    "required": ["value", "status", "reason"],
    "additionalProperties": False,
}
_SIMPLE: Final[Mapping[Any, Schema]] = {
    type(None): {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    Decimal: DECIMAL,
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    UUID: {"type": "string", "format": "uuid"},
}


def of_inputs(pattern: ParsedPattern) -> Schema:
    """What `inputs` of a request may be."""
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": {name: _of_input(spec) for name, spec in pattern.inputs.items()},
        "required": [name for name, spec in pattern.inputs.items() if spec.required],
        "additionalProperties": False,
    }


def of_output(pattern: ParsedPattern, output: str) -> Schema:
    """What an output of the pattern's result may be. Raises UnknownCapability."""
    definitions = Definitions()
    schema = definitions.of_output(pattern, output)
    return {"$schema": DIALECT, "anyOf": [schema, UNAVAILABLE], "$defs": definitions.by_name}


def object_of(properties: Mapping[str, Schema]) -> Schema:
    """An object that has all of these properties and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


class Definitions:
    """Schemas of declared types; a dataclass stands among the definitions under its name, and is referred to."""

    def __init__(self, place: str = "#/$defs/") -> None:
        self.by_name: dict[str, Schema] = {}
        self._place = place
        self._names: dict[type, str] = {}

    def of_output(self, pattern: ParsedPattern, output: str) -> Schema:
        """What the step behind an output gives. Raises UnknownCapability; PatternInvalid where there is no such step."""
        step = next((each for each in pattern.steps if each.name == output), None)
        if step is None:
            place = pointer_to("outputs", pattern.outputs.index(output))
            raise PatternInvalid([Violation(place, f"no step is named {output}")])
        return self.schema_of(registry.get(step.capability).data_type)

    def schema_of(self, declared: Any) -> Schema:
        """What a value of a declared type is written as."""
        declared = _bare(declared)
        if get_origin(declared) in (Union, types.UnionType):
            return {"anyOf": [self.schema_of(member) for member in get_args(declared)]}
        if get_origin(declared) is Literal:
            return {"enum": list(get_args(declared))}
        kind, inner = get_origin(declared) or declared, get_args(declared)
        if kind in _SIMPLE:
            return dict(_SIMPLE[kind])
        if not isinstance(kind, type) or kind is object:
            return {}
        return self._of_class(kind, inner)

    def _of_class(self, kind: type, inner: tuple[Any, ...]) -> Schema:
        declared_keys = getattr(kind, "declared_keys", None)
        if declared_keys is not None:
            return self._object(declared_keys())
        if typing.is_typeddict(kind):
            return self._object(typing.get_type_hints(kind, include_extras=True))
        if dataclasses.is_dataclass(kind):
            return self._reference(kind)
        if issubclass(kind, Enum):
            return {"enum": [member.value for member in kind]}
        if issubclass(kind, np.ndarray):
            return {"type": "array", "items": {}}
        if issubclass(kind, np.generic):
            return {"type": "number"} if issubclass(kind, np.floating) else {}
        if issubclass(kind, Mapping):
            return {"type": "object", "additionalProperties": self.schema_of(inner[1]) if len(inner) == 2 else {}}
        if issubclass(kind, tuple) and inner and inner[-1] is not Ellipsis:
            places = [self.schema_of(each) for each in inner]
            return {"type": "array", "prefixItems": places, "minItems": len(places), "maxItems": len(places)}
        if issubclass(kind, Sequence):
            return {"type": "array", "items": self.schema_of(inner[0]) if inner else {}}
        return {}

    def _reference(self, kind: type) -> Schema:
        if kind not in self._names:
            is_name_taken = kind.__name__ in self.by_name
            name = f"{kind.__name__}_{kind.__module__.rpartition('.')[2]}" if is_name_taken else kind.__name__
            self._names[kind] = name
            self.by_name[name] = {}  # one that contains itself is referred to by then
            self.by_name[name] = self._object(contract.field_types(kind))
        return {"$ref": self._place + self._names[kind]}

    def _object(self, fields: Mapping[str, Any]) -> Schema:
        return object_of({name: self.schema_of(declared) for name, declared in fields.items()})


def _bare(declared: Any) -> Any:
    """A type without the names and annotations around it."""
    while True:
        if get_origin(declared) is Annotated:
            declared = get_args(declared)[0]
        elif isinstance(declared, NewType):
            declared = declared.__supertype__
        elif isinstance(declared, TypeVar) or declared is Any:
            return object
        else:
            return type(None) if declared is None else declared


_OF_INPUT: Final[Mapping[str, Schema]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
    **{name: {"type": name} for name in ("string", "integer", "number", "boolean", "array", "object")},
}
_LENGTH: Final = {"string": "maxLength", "array": "maxItems", "object": "maxProperties"}


def _of_input(spec: InputSpec) -> Schema:
    schema = dict(_OF_INPUT[spec.type])
    bounds = {"minimum": spec.minimum, "maximum": spec.maximum, "enum": list(spec.enum) if spec.enum else None}
    if spec.type in _LENGTH:
        bounds[_LENGTH[spec.type]] = spec.max_length if spec.max_length is not None else MAX_STRING
    schema |= {name: bound for name, bound in bounds.items() if bound is not None}
    if spec.nullable:
        schema = {"anyOf": [schema, {"type": "null"}]}
    about = {"description": spec.description, "default": spec.default}
    return schema | {name: value for name, value in about.items() if value not in (None, "")}
