"""`when` of a step: a condition in a small part of CEL.

CEL reaches no attributes of Python, but this implementation has no cost limit: five nested `map`s over ten items took three
seconds. So the length of a text is bounded, only known tokens and calls are let through, and comprehensions are not among them.
"""

import dataclasses
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import ModuleType
from typing import Any
from uuid import UUID

import numpy as np

from config.errors import TieoutError
from execution.patterns.templating import PATH, ROOTS, NamePath, Scope, declared_fields, shorten


def _without_command_line() -> None:
    """Keep `import cel` from importing its command line, with rich, typer and prompt_toolkit: nearly 400 modules and 95 % of
    the time that the import takes (measured: 2.3 s and 0.12 s), in every process that starts."""
    sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))


_without_command_line()

import cel  # noqa: E402

MAX_LENGTH = 500
MAX_TOKENS = 150
MAX_NESTING = 16
FUNCTIONS = frozenset({"has", "size", "int", "double", "string"})
METHODS = frozenset({"size", "contains", "startsWith", "endsWith"})
_WORDS = frozenset({"true", "false", "null", "in"})

_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\r\n]+)
    | (?P<template>\{{\{{[ \t]*(?P<path>{PATH})[ \t]*\}}\}})
    | (?P<text>"[^"\\\r\n]*"|'[^'\\\r\n]*')
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?u?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>&&|\|\||[=!<>]=|[-+*/%!<>?:.,()\[\]{{}}])
    """,
    re.VERBOSE,
)


class ConditionInvalid(TieoutError):
    """A text is no condition, or uses what conditions may not use."""

    def __init__(self, condition: str, reason: str) -> None:
        super().__init__(f"condition {shorten(condition)}: {reason}")
        self.condition, self.reason = shorten(condition), reason


class ConditionFailed(TieoutError):
    """A condition has no answer in this run. Its step fails; it is not skipped."""

    def __init__(self, condition: str, reason: str) -> None:
        super().__init__(f"condition {shorten(condition)}: {reason}")
        self.condition, self.reason = shorten(condition), reason


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. `paths`: all that it names. `optional_paths`: those inside has(...), which may be absent."""

    text: str
    program: cel.Program
    paths: tuple[NamePath, ...]
    optional_paths: frozenset[NamePath]

    @property
    def optional_steps(self) -> frozenset[str]:
        """Steps inside has(...), which need not have run."""
        return frozenset(path[1] for path in self.optional_paths if path[0] == "state" and len(path) == 2)

    def holds(self, scope: Scope) -> bool:
        """Whether the condition is true in a run.

        raises   ConditionFailed: a path that is not there, a wrong type, an answer that is no boolean
        """
        values: dict[str, dict[str, Any]] = {root: {} for root in ROOTS}
        for root, name, *_ in self.paths:
            root_values = scope.root(root)
            if name in root_values:
                values[root][name] = _cel_value(root_values[name])
        try:
            answer = self.program.execute(values)
        except KeyError as missing:
            raise ConditionFailed(self.text, f"{missing.args[0]} is not there") from missing
        except (TypeError, ValueError, ArithmeticError, LookupError, RuntimeError) as bad:
            raise ConditionFailed(self.text, _first_line(bad)) from bad
        if not isinstance(answer, bool):
            raise ConditionFailed(self.text, f"gives a {type(answer).__name__}, not true or false")
        return answer


@lru_cache(maxsize=1_024)
def compile(text: str) -> Condition:
    """The condition of a text; `{{inputs.flag}} == true` is read as `inputs.flag == true`. Raises ConditionInvalid."""
    if len(text) > MAX_LENGTH:
        raise ConditionInvalid(text, f"longer than {MAX_LENGTH} characters")
    tokens = _tokens(text)
    paths, optional_paths = _referenced_paths(text, tokens)
    source = " ".join(token for _, token in tokens)
    try:
        program = cel.compile(source)
    except ValueError as bad:
        raise ConditionInvalid(text, _first_line(bad)) from bad
    foreign = set(program.variables()) - set(ROOTS)
    if foreign:  # the tokens were checked above; this is what the parser itself has found
        raise ConditionInvalid(text, f"knows no {', '.join(sorted(foreign))}")
    return Condition(text, program, paths, optional_paths)


def _tokens(text: str) -> list[tuple[str, str]]:
    """(kind, text) of each token, templates unwrapped."""
    tokens: list[tuple[str, str]] = []
    position = depth = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or text.startswith("//", position):
            raise ConditionInvalid(text, f"character {position + 1} can't be read")
        position = match.end()
        kind = str(match.lastgroup)
        if kind == "space":
            continue
        if kind == "template":
            root, *segments = match["path"].split(".")
            tokens.append(("name", root))
            for segment in segments:
                sign = [("sign", "["), ("number", segment), ("sign", "]")]
                tokens += sign if segment.isdecimal() else [("sign", "."), ("name", segment)]
        else:
            before = tokens[-1] if tokens else ("", "")
            if kind == "text" and (before[0] == "text" or (before[0] == "name" and before[1] not in _WORDS)):
                raise ConditionInvalid(text, "a text stands where none can")  # ''' and r'' would be read otherwise
            if kind == "text" and ("{{" in match[0] or "}}" in match[0]):
                raise ConditionInvalid(text, "a template can't stand inside a text")
            tokens.append((kind, match[0]))
        if len(tokens) > MAX_TOKENS:
            raise ConditionInvalid(text, f"more than {MAX_TOKENS} words and signs")
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > MAX_NESTING:
            raise ConditionInvalid(text, f"nested deeper than {MAX_NESTING}")
    return tokens


def _referenced_paths(text: str, tokens: list[tuple[str, str]]) -> tuple[tuple[NamePath, ...], frozenset[NamePath]]:
    """All paths of the tokens, and those inside has(...). Raises ConditionInvalid for every other name and call."""
    paths: list[NamePath] = []
    optional_paths: set[NamePath] = set()
    signs = [token if kind == "sign" else "" for kind, token in tokens] + [""]
    for position, (kind, name) in enumerate(tokens):
        if kind != "name":
            continue
        called, member = signs[position + 1] == "(", position > 0 and signs[position - 1] == "."
        if name.startswith("_"):
            raise ConditionInvalid(text, f"no name starts with an underscore: {name}")
        if called and name not in (METHODS if member else FUNCTIONS):
            raise ConditionInvalid(text, f"{name}() can't be called here")
        if member or called or name in _WORDS:
            continue
        if name not in ROOTS:
            raise ConditionInvalid(text, f"knows no {name}; roots are {', '.join(ROOTS)}")
        path, end = _path(tokens, signs, position)
        if len(path) == 1:
            raise ConditionInvalid(text, f"{name} alone says nothing; name what is in it")
        if any(segment.startswith("_") for segment in path):
            raise ConditionInvalid(text, "no name starts with an underscore")
        paths.append(path)
        if signs[end] == ")" and tokens[position - 2 : position] == [("name", "has"), ("sign", "(")]:
            optional_paths.add(path)
    return tuple(dict.fromkeys(paths)), frozenset(optional_paths)


def _path(tokens: list[tuple[str, str]], signs: list[str], position: int) -> tuple[NamePath, int]:
    """The path that starts at a root, as far as it is written out, and the position after it."""
    path = [tokens[position][1]]
    position += 1
    while True:
        following = tokens[position + 1] if position + 1 < len(tokens) else ("", "")
        if signs[position] == "." and following[0] == "name" and signs[position + 2] != "(":
            path.append(following[1])
            position += 2
        elif signs[position] == "[" and following[0] in ("number", "text") and signs[position + 2] == "]":
            path.append(following[1].strip("'\""))
            position += 3
        else:
            return tuple(path), position


def _cel_value(value: Any) -> Any:
    """The value in types that CEL reads. A decimal becomes a float: it is compared, never shown."""
    if isinstance(value, Mapping):
        return {str(key): _cel_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cel_value(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _cel_value(getattr(value, name)) for name in declared_fields(type(value))}
    if isinstance(value, Enum):
        return _cel_value(value.value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value


def _first_line(bad: Exception) -> str:
    return str(bad).partition("\n")[0][:200]
