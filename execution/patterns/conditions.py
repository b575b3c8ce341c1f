"""`when` of a step: CEL with a short leash.

CEL has no attributes of Python to reach, but this implementation has no cost limit either: five nested `map`s over ten
items took three seconds. So the text is short, its tokens are known ones, its calls are on a list, and comprehensions
are not on it.
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
from execution.patterns.templating import PATH, ROOTS, Path, Scope, declared_fields, shown

# Through it the package would import a terminal's tool box, in every process that starts: a sixth of its time.
sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))

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
    """A text that is no condition of ours."""

    def __init__(self, condition: str, reason: str) -> None:
        super().__init__(f"condition {shown(condition)}: {reason}")
        self.condition, self.reason = shown(condition), reason


class ConditionFailed(TieoutError):
    """A condition that has no answer in this run. It fails its step; it never skips it."""

    def __init__(self, condition: str, reason: str) -> None:
        super().__init__(f"condition {shown(condition)}: {reason}")
        self.condition, self.reason = shown(condition), reason


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. `paths` are all it names; `asked` those inside has(...), which may be absent."""

    text: str
    program: cel.Program
    paths: tuple[Path, ...]
    asked: frozenset[Path]

    @property
    def guarded(self) -> frozenset[str]:
        """Steps whose absence it asks about, so that they need not have run."""
        return frozenset(path[1] for path in self.asked if path[0] == "state" and len(path) == 2)

    def holds(self, scope: Scope) -> bool:
        """Raises ConditionFailed: a path that is not there, a wrong type, an answer that is no boolean."""
        named: dict[str, dict[str, Any]] = {root: {} for root in ROOTS}
        for root, name, *_ in self.paths:
            known = scope.root(root)
            if name in known:
                named[root][name] = _plain(known[name])
        try:
            answer = self.program.execute(named)
        except KeyError as missing:
            raise ConditionFailed(self.text, f"{missing.args[0]} is not there") from missing
        except (TypeError, ValueError, ArithmeticError, LookupError, RuntimeError) as bad:
            raise ConditionFailed(self.text, _reason(bad)) from bad
        if not isinstance(answer, bool):
            raise ConditionFailed(self.text, f"gives a {type(answer).__name__}, not true or false")
        return answer


@lru_cache(maxsize=1_024)
def compile(text: str) -> Condition:
    """Raises ConditionInvalid. `{{inputs.flag}} == true` is read as `inputs.flag == true`."""
    if len(text) > MAX_LENGTH:
        raise ConditionInvalid(text, f"longer than {MAX_LENGTH} characters")
    tokens = _tokens(text)
    paths, asked = _names(text, tokens)
    source = " ".join(token for _, token in tokens)
    try:
        program = cel.compile(source)
    except ValueError as bad:
        raise ConditionInvalid(text, _reason(bad)) from bad
    foreign = set(program.variables()) - set(ROOTS)
    if foreign:  # the tokens were looked at already; this is the parser's own word on it
        raise ConditionInvalid(text, f"knows no {', '.join(sorted(foreign))}")
    return Condition(text, program, paths, asked)


def _tokens(text: str) -> list[tuple[str, str]]:
    """Kind and text of each token, templates unwrapped."""
    tokens: list[tuple[str, str]] = []
    position = depth = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or text.startswith("//", position):
            raise ConditionInvalid(text, f"character {position + 1} can't be read")
        position = found.end()
        kind = str(found.lastgroup)
        if kind == "space":
            continue
        if kind == "template":
            root, *segments = found["path"].split(".")
            tokens.append(("name", root))
            for segment in segments:
                sign = [("sign", "["), ("number", segment), ("sign", "]")]
                tokens += sign if segment.isdecimal() else [("sign", "."), ("name", segment)]
        else:
            before = tokens[-1] if tokens else ("", "")
            if kind == "text" and (before[0] == "text" or (before[0] == "name" and before[1] not in _WORDS)):
                raise ConditionInvalid(text, "a text stands where none can")  # ''' and r'' would be read otherwise
            if kind == "text" and ("{{" in found[0] or "}}" in found[0]):
                raise ConditionInvalid(text, "a template can't stand inside a text")
            tokens.append((kind, found[0]))
        if len(tokens) > MAX_TOKENS:
            raise ConditionInvalid(text, f"more than {MAX_TOKENS} words and signs")
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > MAX_NESTING:
            raise ConditionInvalid(text, f"nested deeper than {MAX_NESTING}")
    return tokens


def _names(text: str, tokens: list[tuple[str, str]]) -> tuple[tuple[Path, ...], frozenset[Path]]:
    """The paths that are named, and which of them has(...) asks about. Refuses every other name and call."""
    paths: list[Path] = []
    asked: set[Path] = set()
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
            asked.add(path)
    return tuple(dict.fromkeys(paths)), frozenset(asked)


def _path(tokens: list[tuple[str, str]], signs: list[str], position: int) -> tuple[Path, int]:
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


def _plain(value: Any) -> Any:
    """What CEL can read. A decimal becomes a float here: it is compared, never shown."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in declared_fields(type(value))}
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value


def _reason(bad: Exception) -> str:
    return str(bad).partition("\n")[0][:200]
