"""The pattern document: read, checked against its schema, frozen; and what a caller gave, made complete.

The schema says what a document looks like; execution.patterns.linter says whether it can work.
"""

import copy
import graphlib
import heapq
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

import jsonschema

from config.errors import TieoutError
from config.strict_json import MAX_DEPTH, MAX_INTEGER, pointer_to
from execution import canonical
from execution.patterns import conditions, templating
from execution.patterns.templating import MAX_TEXT

Nested = TypeVar("Nested", list[Any], dict[str, Any])

MAX_NODES = 20_000  # values in one document
MAX_STRING = 10_000  # characters of one text that a caller gives, unless the input says otherwise
PERIOD = ("from_date", "to_date")
"""Inputs of these names are the first and the last day of a period."""
SCHEMA = Path(__file__).with_name("pattern_schema.json")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, and the JSON pointer of where."""

    pointer: str
    reason: str


class PatternInvalid(TieoutError):
    """A document that is no pattern; everything wrong with it."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(f"{finding.pointer or 'document'}: {finding.reason}" for finding in findings))
        self.findings = tuple(findings)


class CyclicSteps(PatternInvalid):
    """Steps that wait for each other."""


class InputsInvalid(TieoutError):
    """Inputs that are unknown, missing or wrong; all of them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(f"{finding.pointer}: {finding.reason}" for finding in findings))
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class InputSpec:
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
        """Optional and without a default: not given, it is null."""
        return not self.required and self.default is None


@dataclass(frozen=True, slots=True)
class Step:
    capability: str
    args: Mapping[str, Any]
    name: str  # `as`
    when: str | None
    on_error: str
    timeout_s: float | None


@dataclass(frozen=True, slots=True)
class Panel:
    """`body` is what its type asks for beyond the four: rows, columns, items."""

    id: str
    type: str
    title: str
    ttl: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that has the right shape. `document_hash`: SHA-256 of the document's RFC 8785 form."""

    id: str
    version: str
    title: str
    description: str
    inputs: Mapping[str, InputSpec]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    panels: tuple[Panel, ...]
    document_hash: str


def parse(document: Mapping[str, Any]) -> Pattern:
    """The document as a pattern. Raises PatternInvalid with every finding."""
    _require_bounded(document)
    document = copy.deepcopy(dict(document))
    broken = sorted(_validator().iter_errors(document), key=lambda error: [str(part) for part in error.absolute_path])
    if broken:
        raise PatternInvalid([Finding(pointer_to(*error.absolute_path), _told(error)) for error in broken])
    document_hash = hash_of(document)
    inputs = {name: _input(declared) for name, declared in document["inputs"].items()}
    wrong = [found for name, spec in inputs.items() for found in _wrong_default(name, spec)]
    if wrong:
        raise PatternInvalid(wrong)
    return Pattern(
        id=document["id"],
        version=document["version"],
        title=document["title"],
        description=document["description"],
        inputs=MappingProxyType(inputs),
        steps=tuple(_step(declared) for declared in document["steps"]),
        outputs=tuple(document["outputs"]),
        panels=tuple(_panel(declared) for declared in document["panels"]),
        document_hash=document_hash,
    )


def hash_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of the RFC 8785 form, hex. Raises PatternInvalid for what has no such form."""
    try:
        return canonical.digest(dict(document))
    except canonical.NotRenderable as bad:
        raise PatternInvalid([Finding("", str(bad))]) from bad


def effective_inputs(pattern: Pattern, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the pattern runs with, in declared order: defaults filled in, dates and UUIDs as canonical strings.

    Every input is there; an optional one without a default is null. Raises InputsInvalid with every finding.
    """
    findings = [Finding(pointer_to("inputs", name), "unknown input") for name in given if name not in pattern.inputs]
    effective: dict[str, Any] = {}
    for name, spec in pattern.inputs.items():
        if name not in given:
            if spec.required:
                findings.append(Finding(pointer_to("inputs", name), "missing"))
            effective[name] = copy.deepcopy(spec.default)
            continue
        try:
            effective[name] = read_input(spec, given[name])
        except ValueError as wrong:
            findings.append(Finding(pointer_to("inputs", name), str(wrong)))
    first, last = period(pattern, effective)
    if first and last and first > last:
        findings.append(Finding(pointer_to("inputs", PERIOD[0]), f"is after {PERIOD[1]}, {last}"))
    if findings:
        raise InputsInvalid(findings)
    return effective


def period(pattern: Pattern, effective: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The first and the last day that a pattern is asked about, where it declares such inputs and they are given."""
    first, last = (
        effective.get(name) if name in pattern.inputs and pattern.inputs[name].type == "date" else None
        for name in PERIOD
    )
    return first, last


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


@dataclass(frozen=True, slots=True)
class Needs:
    """The steps that a step names: those it can't do without, and those whose absence its condition asks about."""

    required: frozenset[str]
    asked: frozenset[str]


def needs(step: Step) -> Needs:
    """Raises TemplateInvalid, ConditionInvalid."""
    required = {reference.path[1] for reference in templating.names_in(step.args) if reference.path[0] == "state"}
    asked: frozenset[str] = frozenset()
    if step.when is not None:
        condition = conditions.compile(step.when)
        asked = condition.guarded - required
        required |= {path[1] for path in condition.paths if path[0] == "state"} - asked
    return Needs(frozenset(required), asked)


def in_order(pattern: Pattern) -> tuple[Step, ...]:
    """The steps as they run: in the order of the document, but none before one it names.

    Raises PatternInvalid on a name used twice, CyclicSteps, TemplateInvalid, ConditionInvalid.
    """
    places = {step.name: place for place, step in enumerate(pattern.steps)}
    for place, step in enumerate(pattern.steps):
        if places[step.name] != place:
            raise PatternInvalid([Finding(pointer_to("steps", places[step.name], "as"), "a name used twice")])
    graph = {}
    for step in pattern.steps:
        named = needs(step)
        graph[step.name] = (named.required | named.asked) & places.keys()
    sorter = graphlib.TopologicalSorter(graph)
    try:
        sorter.prepare()
    except graphlib.CycleError as cycle:
        around = list(reversed(cycle.args[1]))
        first = pointer_to("steps", min(places[name] for name in around))
        raise CyclicSteps([Finding(first, f"a cycle: {' needs '.join(around)}")]) from cycle
    ordered, ready = [], [places[name] for name in sorter.get_ready()]
    heapq.heapify(ready)
    while ready:
        step = pattern.steps[heapq.heappop(ready)]
        ordered.append(step)
        sorter.done(step.name)
        for name in sorter.get_ready():
            heapq.heappush(ready, places[name])
    return tuple(ordered)


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _told(error: jsonschema.ValidationError) -> str:
    """jsonschema repeats the whole value in its message; a long one says nothing."""
    if error.validator == "not":
        return "a required input has no default"
    if len(error.message) <= 200:
        return error.message
    return f"breaks {error.validator}: {str(error.validator_value)[:100]}"


def _require_bounded(document: Any) -> None:
    """Before anything recurses into it."""
    waiting: list[tuple[Any, int]] = [(document, 1)]
    seen = 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH:
            raise PatternInvalid([Finding("", f"nested deeper than {MAX_DEPTH}")])
        if seen > MAX_NODES:
            raise PatternInvalid([Finding("", f"more than {MAX_NODES} values")])
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise PatternInvalid([Finding("", f"a text longer than {MAX_TEXT} characters: {value[:40]}…")])
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) and len(key) <= MAX_TEXT for key in value):
                raise PatternInvalid([Finding("", "a key that is no text, or too long")])
            waiting += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]


def _input(declared: Mapping[str, Any]) -> InputSpec:
    return InputSpec(
        type=declared["type"],
        required=declared.get("required", False),
        default=declared.get("default"),
        description=declared.get("description", ""),
        minimum=declared.get("minimum"),
        maximum=declared.get("maximum"),
        max_length=declared.get("max_length"),
        enum=tuple(declared["enum"]) if "enum" in declared else None,
    )


def _wrong_default(name: str, spec: InputSpec) -> Iterator[Finding]:
    if spec.default is None:
        return
    try:
        kept = read_input(spec, spec.default)
    except ValueError as wrong:
        yield Finding(pointer_to("inputs", name, "default"), str(wrong))
    else:
        # a request that leaves an input out must be the very request that sends its default
        if canonical.digest(kept) != canonical.digest(spec.default):
            yield Finding(pointer_to("inputs", name, "default"), f"not in its canonical form {kept}")


def _step(declared: Mapping[str, Any]) -> Step:
    return Step(
        capability=declared["capability"],
        args=MappingProxyType(declared.get("args", {})),
        name=declared["as"],
        when=declared.get("when"),
        on_error=declared.get("on_error", "fail"),
        timeout_s=declared.get("timeout_s"),
    )


def _panel(declared: dict[str, Any]) -> Panel:
    fixed = ("id", "type", "title", "ttl")
    body = {key: value for key, value in declared.items() if key not in fixed}
    return Panel(declared["id"], declared["type"], declared["title"], int(declared["ttl"]), MappingProxyType(body))


def _uuid(value: Any) -> str:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str) and _UUID.fullmatch(value):
        return str(UUID(value))
    raise ValueError("not a UUID")


def _date(value: Any) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value).isoformat()
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
    """1 and 1.0 are one request, so they are one value."""
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
    return _own(list(value))


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("not an object")
    return _own(dict(value))


def _own(value: Nested) -> Nested:
    """A copy that the caller can't change. It must have a canonical form."""
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
