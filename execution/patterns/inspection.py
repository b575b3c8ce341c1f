"""What can be said of a draft's text while it is written: every finding with its line, and the graph of its steps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents import registry
from config import strict_json
from execution.patterns import document, linter, positions
from execution.patterns.document import ParsedPattern, PatternInvalid
from execution.patterns.publishing import MAX_DOCUMENT_BYTES


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a text breaks. Line and column begin with 1, `pointer` is empty for the whole of it."""

    line: int
    column: int
    pointer: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """`document` is None where the text is no JSON object, `pattern` where that has not the shape of a pattern."""

    findings: tuple[Finding, ...]
    document: Mapping[str, Any] | None = None
    pattern: ParsedPattern | None = None


def inspect(text: str, pattern_id: str) -> Inspection:
    """All that keeps a text from being published as a version of a pattern; that its version is raised is asked when it is."""
    try:
        value = strict_json.loads(text.encode(errors="replace"), max_bytes=MAX_DOCUMENT_BYTES)
    except strict_json.TooLarge as large:
        return Inspection((Finding(1, 1, "", "too-large", str(large)),))
    except strict_json.JsonRefused as refusal:
        return Inspection((_refusal(text, refusal),))
    if not isinstance(value, dict):
        return Inspection((Finding(1, 1, "", "wrong-shape", "a pattern is an object"),))
    places = positions.find(text)
    pattern = None
    try:
        pattern = document.parse(value)
        broken = [(each.path, each.rule, each.message) for each in linter.lint(pattern, registry.default)]
    except PatternInvalid as invalid:
        broken = [(each.pointer, "wrong-shape", each.reason) for each in invalid.findings]
    findings = [_at(text, places, *each) for each in (*_other_id(value, pattern_id), *broken)]
    findings.sort(key=lambda each: (each.line, each.column))
    return Inspection(tuple(findings), value, pattern)


def _other_id(value: Mapping[str, Any], pattern_id: str) -> Iterator[tuple[str, str, str]]:
    if value.get("id") != pattern_id:
        yield "/id", "other-pattern", f"this is the draft of {pattern_id}; copy it to begin another pattern"


def _at(text: str, places: Mapping[str, int], pointer: str, rule: str, message: str) -> Finding:
    line, column = positions.line_and_column(text, positions.nearest(places, pointer))
    return Finding(line, column, pointer, rule, message)


def _refusal(text: str, refusal: strict_json.JsonRefused) -> Finding:
    if refusal.line is not None:
        return Finding(refusal.line, refusal.column or 1, "", "no-json", refusal.reason)
    pointer = refusal.pointer or ""
    try:
        places = positions.find(text)
    except (ValueError, IndexError, RecursionError):  # what is too deep, or ends too early
        places = {}
    return _at(text, places, pointer, "no-json", refusal.reason)
