"""`{{root.path.to.0.x}}` in the arguments and panels of a pattern.

A path begins at a root (inputs, state, ctx) and walks mappings, sequences and declared dataclass fields, and nothing else: it
never reads an attribute that is not a field, calls nothing, and sees no name that starts with an underscore.
"""

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import numpy as np

from agents import contract
from agents.result import RequestContext
from config.errors import TieoutError
from config.strict_json import pointer_to

ROOTS = ("inputs", "state", "ctx")
CTX_NAMES = ("portfolio_id", "asof_date", "pricing_pack_id", "base_currency")
MAX_TEXT = 4_096
"""Characters of one text of a pattern."""
MAX_FILLED = 100_000
"""Characters of a text once its templates are filled in."""
MAX_SEGMENTS = 16

_SEGMENT = r"(?:[A-Za-z][A-Za-z0-9_]*|[0-9]{1,6})"
PATH = rf"(?:{'|'.join(ROOTS)})(?:\.{_SEGMENT})+"
_TEMPLATE = re.compile(rf"\{{\{{[ \t]*({PATH})[ \t]*\}}\}}")
_BRACES = re.compile(r"\{\{|\}\}")

NamePath = tuple[str, ...]
"""Root, then one name or index after the other."""


class TemplateInvalid(TieoutError):
    """A text has braces that are no template: another root, another character, nesting, a stray pair."""

    def __init__(self, template: str, reason: str) -> None:
        super().__init__(f"{shorten(template)}: {reason}")
        self.template, self.reason = shorten(template), reason


class TemplateUnresolved(TieoutError):
    """The path of a template leads nowhere in this run."""

    def __init__(self, template: str, path: str, reason: str) -> None:
        super().__init__(f"{shorten(template)}: {path} {reason}")
        self.template, self.path, self.reason = shorten(template), path, reason


@dataclass(frozen=True, slots=True)
class Scope:
    """The values that templates and conditions of a run may read."""

    inputs: Mapping[str, Any]
    state: Mapping[str, Any]
    ctx: Mapping[str, Any]

    def root(self, name: str) -> Mapping[str, Any]:
        return {"inputs": self.inputs, "state": self.state, "ctx": self.ctx}[name]


@dataclass(frozen=True, slots=True)
class Reference:
    """A path that a value names. `pointer` leads to the text in that value; `whole`: the text is this template alone."""

    path: NamePath
    pointer: str
    whole: bool

    def __str__(self) -> str:
        return ".".join(self.path)


def context_values(ctx: RequestContext) -> dict[str, Any]:
    """The values of a run's context that a pattern may read, by name."""
    return {name: getattr(ctx, name) for name in CTX_NAMES}


def resolve(value: Any, scope: Scope) -> Any:
    """The value with its templates filled in. A text that is one template becomes the very object it names.

    Raises TemplateInvalid, TemplateUnresolved.
    """
    if isinstance(value, str):
        return _resolve_text(value, scope)
    if isinstance(value, Mapping):
        return {key: resolve(inner, scope) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(inner, scope) for inner in value]
    return value


def references_in(value: Any) -> Iterator[Reference]:
    """Every path that a value names, in document order. Raises TemplateInvalid."""
    for pointer, text in texts_in(value):
        pieces = parse(text)
        for piece in pieces:
            if isinstance(piece, tuple):
                yield Reference(piece, pointer, whole=len(pieces) == 1)


def steps_named_in(value: Any) -> frozenset[str]:
    """The steps that a value names. A text that is no template, of a draft or of another release, names none."""
    step_names: set[str] = set()
    for _, text in texts_in(value):
        with contextlib.suppress(TemplateInvalid):
            step_names |= {piece[1] for piece in parse(text) if isinstance(piece, tuple) and piece[0] == "state"}
    return frozenset(step_names)


def texts_in(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Every text below a value with its pointer, in document order."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts_in(inner, pointer + pointer_to(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from texts_in(inner, pointer + pointer_to(index))


@lru_cache(maxsize=4_096)
def parse(text: str) -> tuple[str | NamePath, ...]:
    """A text as literal texts and paths, in order. Raises TemplateInvalid."""
    if len(text) > MAX_TEXT:
        raise TemplateInvalid(text, f"longer than {MAX_TEXT} characters")
    pieces: list[str | NamePath] = []
    end = 0
    for match in _TEMPLATE.finditer(text):
        pieces.append(text[end : match.start()])
        path = tuple(match.group(1).split("."))
        if len(path) > MAX_SEGMENTS:
            raise TemplateInvalid(text, f"a path of more than {MAX_SEGMENTS} names")
        pieces.append(path)
        end = match.end()
    pieces.append(text[end:])
    # a brace beside a template would be a third one: {{{inputs.x}}}
    for before, piece, after in zip(["", *pieces], pieces, [*pieces[1:], ""], strict=False):
        if isinstance(piece, str) and (
            _BRACES.search(piece)
            or (isinstance(after, tuple) and piece.endswith("{"))
            or (isinstance(before, tuple) and piece.startswith("}"))
        ):
            raise TemplateInvalid(text, f"is no template; a template is {{{{root.name}}}}, roots {', '.join(ROOTS)}")
    return tuple(piece for piece in pieces if piece != "")


def walk(path: NamePath, scope: Scope) -> Any:
    """The value at a path. Raises KeyError with the part of the path that is not there."""
    value: Any = scope.root(path[0])
    for position, segment in enumerate(path[1:], start=2):
        value = _child(value, segment)
        if value is _MISSING:
            raise KeyError(".".join(path[:position]))
    return value


@cache
def declared_fields(dataclass_type: type) -> frozenset[str]:
    return frozenset(f.name for f in contract.answer_fields(dataclass_type))


def shorten(text: str) -> str:
    """A text as it stands in a message: of a long one the beginning."""
    return text if len(text) <= 200 else text[:200] + "…"


_MISSING = object()


def _child(value: Any, segment: str) -> Any:
    if segment.startswith("_"):
        return _MISSING
    if isinstance(value, Mapping):
        return value.get(segment, _MISSING)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return getattr(value, segment) if segment in declared_fields(type(value)) else _MISSING
    if segment.isdecimal() and isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes):
        index = int(segment)
        if np.ndim(value) == 0 if isinstance(value, np.ndarray) else False:
            return _MISSING
        if index >= len(value):
            return _MISSING
        item = value[index]
        return item.item() if isinstance(item, np.generic) else item
    return _MISSING


def _resolve_text(text: str, scope: Scope) -> Any:
    pieces = parse(text)
    if len(pieces) == 1 and isinstance(pieces[0], tuple):
        return _value_at(text, pieces[0], scope)
    filled = "".join(
        piece if isinstance(piece, str) else _as_text(text, piece, _value_at(text, piece, scope)) for piece in pieces
    )
    if len(filled) > MAX_FILLED:
        raise TemplateUnresolved(text, "the text", f"is longer than {MAX_FILLED} characters once filled in")
    return filled


def _value_at(text: str, path: NamePath, scope: Scope) -> Any:
    try:
        return walk(path, scope)
    except KeyError as missing:
        raise TemplateUnresolved(text, str(missing.args[0]), "is not there") from missing


def _as_text(text: str, path: NamePath, value: Any) -> str:
    """A value inside a longer text. Raises TemplateUnresolved for null, lists and objects: no one way of writing them is right."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str | int | float | date | UUID):
        return str(value)
    kind = "null" if value is None else f"a {type(value).__name__}"
    raise TemplateUnresolved(text, ".".join(path), f"is {kind}, which can't stand inside a text")
