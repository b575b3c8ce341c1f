"""The pattern document: read, checked against its schema, frozen.

The schema says what a document looks like; execution.patterns.linter says whether it can work.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema

from config.errors import TieoutError
from config.strict_json import MAX_DEPTH, pointer_to
from execution import canonical
from execution.patterns.input_values import InputSpec, read_input
from execution.patterns.templating import MAX_TEXT

MAX_NODES = 20_000
"""Values in one document."""
SCHEMA = Path(__file__).with_name("pattern_schema.json")


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong with a document, and the JSON pointer of where."""

    pointer: str
    reason: str


class PatternInvalid(TieoutError):
    """A document is no pattern. findings: everything that is wrong with it."""

    def __init__(self, findings: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{each.pointer or 'document'}: {each.reason}" for each in findings))
        self.findings = tuple(findings)


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
    """`body` has what the panel's type needs beyond the four: rows, columns, items."""

    id: str
    type: str
    title: str
    ttl: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ParsedPattern:
    """A pattern document that has the right shape. `document_hash`: SHA-256 of its RFC 8785 form."""

    id: str
    version: str
    title: str
    description: str
    inputs: Mapping[str, InputSpec]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    panels: tuple[Panel, ...]
    document_hash: str

    def __hash__(self) -> int:
        """Of the document, whose fields can't be hashed: what follows from a pattern alone is worked out once."""
        return hash(self.document_hash)


def parse(document: Mapping[str, Any]) -> ParsedPattern:
    """The document as a pattern. Raises PatternInvalid with every finding."""
    _require_bounded(document)
    document = copy.deepcopy(dict(document))
    broken = sorted(_validator().iter_errors(document), key=lambda error: [str(part) for part in error.absolute_path])
    if broken:
        raise PatternInvalid([Violation(pointer_to(*error.absolute_path), _describe(error)) for error in broken])
    document_hash = hash_document(document)
    inputs = {name: _input(declared) for name, declared in document["inputs"].items()}
    wrong = [finding for name, spec in inputs.items() for finding in _check_default(name, spec)]
    if wrong:
        raise PatternInvalid(wrong)
    return ParsedPattern(
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


def hash_document(document: Mapping[str, Any]) -> str:
    """SHA-256 of the RFC 8785 form, hex. Raises PatternInvalid for a document that has no such form."""
    try:
        return canonical.digest(dict(document))
    except canonical.NotRenderable as bad:
        raise PatternInvalid([Violation("", str(bad))]) from bad


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a document; not to be changed."""
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return loaded


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema())


def _describe(error: jsonschema.ValidationError) -> str:
    """The message of jsonschema, which repeats the whole value: a long one is replaced by the rule that is broken."""
    if error.validator == "not":
        return "a required input has no default"
    if error.validator == "enum" and isinstance(error.validator_value, list):
        return f"{str(error.instance)[:40]!r} is none of {', '.join(error.validator_value)}"
    if error.validator == "pattern" and isinstance(error.schema, Mapping):
        return f"{str(error.instance)[:40]!r} is not {error.schema['description']}"
    if len(error.message) <= 200:
        return error.message
    return f"breaks {error.validator}: {str(error.validator_value)[:100]}"


def _require_bounded(document: Any) -> None:
    """Refuse what is too deep or too large before anything recurses into it."""
    waiting: list[tuple[Any, int]] = [(document, 1)]
    count = 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise PatternInvalid([Violation("", f"nested deeper than {MAX_DEPTH}")])
        if count > MAX_NODES:
            raise PatternInvalid([Violation("", f"more than {MAX_NODES} values")])
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise PatternInvalid([Violation("", f"a text longer than {MAX_TEXT} characters: {value[:40]}…")])
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) and len(key) <= MAX_TEXT for key in value):
                raise PatternInvalid([Violation("", "a key that is no text, or too long")])
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


def _check_default(name: str, spec: InputSpec) -> Iterator[Violation]:
    if spec.default is None:
        return
    try:
        value = read_input(spec, spec.default)
    except ValueError as wrong:
        yield Violation(pointer_to("inputs", name, "default"), str(wrong))
    else:
        # a request that leaves an input out must be the very request that sends its default
        if canonical.digest(value) != canonical.digest(spec.default):
            yield Violation(pointer_to("inputs", name, "default"), f"not in its canonical form {value}")


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
