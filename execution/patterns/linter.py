"""Can a pattern work? Every finding at once, each with its path in the document and the rule it breaks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol, Union
from uuid import UUID

from agents import contract
from agents.registry import Capability, UnknownCapability, near
from config.strict_json import pointer_to
from execution import patterns
from execution.patterns import CyclicSteps, InputSpec, Panel, Pattern, PatternInvalid, Step, conditions, templating
from execution.patterns.conditions import ConditionInvalid
from execution.patterns.templating import Path, TemplateInvalid

CTX_TYPES: Mapping[str, Any] = {
    "portfolio_id": UUID | None,
    "asof_date": date,
    "pricing_pack_id": str,
    "base_currency": str | None,
}
# what a capability gets is a canonical string, which its declared type may ask to be read
INPUT_TYPES: Mapping[str, Any] = {
    "uuid": UUID | str,
    "date": date | str,
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list[Any],
    "object": dict[str, Any],
}


@dataclass(frozen=True, slots=True)
class Finding:
    """path: JSON pointer into the document. rule: unknown-capability, unknown-argument, missing-argument, wrong-type,
    bad-template, unresolved, bad-condition, duplicate-name, unused-step, cycle, unknown-output or unknown-column."""

    path: str
    rule: str
    message: str


class Offered(Protocol):
    """A registry: the module's or a test's own."""

    def get(self, name: str) -> Capability: ...


def lint(pattern: Pattern, offered: Offered) -> list[Finding]:
    """Everything that would make the pattern fail or mislead, part by part. Empty: it may be published."""
    capabilities = {step.capability: _offered(offered, step.capability) for step in pattern.steps}
    types = {
        step.name: found.data_type if isinstance(found := capabilities[step.capability], Capability) else Any
        for step in pattern.steps
    }
    known = _Known(pattern, types)
    findings: list[Finding] = []
    for place, step in enumerate(pattern.steps):
        findings += _lint_step(step, pointer_to("steps", place), capabilities[step.capability], known)
    findings += _lint_names("steps", "as", [step.name for step in pattern.steps])
    findings += _lint_names("panels", "id", [panel.id for panel in pattern.panels])
    for place, name in enumerate(pattern.outputs):
        if name not in types:
            findings.append(Finding(pointer_to("outputs", place), "unknown-output", _no_step(name, types)))
    for place, panel in enumerate(pattern.panels):
        findings += _lint_panel(panel, pointer_to("panels", place), known)
    findings += _lint_graph(pattern)
    return findings


@dataclass(frozen=True, slots=True)
class _Known:
    """What a path may name, and its type."""

    pattern: Pattern
    state: Mapping[str, Any]

    def type_of(self, path: Path) -> Any:
        """Raises NoSuchPath."""
        root, name, *below = path
        if root == "state":
            declared: Mapping[str, Any] = self.state
            missing = _no_step(name, self.state)
        elif root == "inputs":
            declared = {key: _input_type(spec) for key, spec in self.pattern.inputs.items()}
            missing = f"no input {name}{_perhaps(name, declared)}"
        else:
            declared = CTX_TYPES
            missing = f"ctx has only {', '.join(CTX_TYPES)}"
        if name not in declared:
            raise contract.NoSuchPath(missing)
        try:
            return contract.type_at(declared[name], below)
        except contract.NoSuchPath as none:
            raise contract.NoSuchPath(f"{root}.{name}: {none}") from none


def _offered(offered: Offered, name: str) -> Capability | UnknownCapability:
    try:
        return offered.get(name)
    except UnknownCapability as unknown:
        return unknown


def _input_type(spec: InputSpec) -> Any:
    declared = Literal[spec.enum] if spec.enum else INPUT_TYPES[spec.type]
    return Union[declared, None] if spec.nullable else declared  # noqa: UP007 - built at run time


def _lint_step(step: Step, at: str, capability: Capability | UnknownCapability, known: _Known) -> Iterator[Finding]:
    if isinstance(capability, UnknownCapability):
        yield Finding(at + "/capability", "unknown-capability", str(capability))
    else:
        yield from _lint_arguments(step, at, capability, known)
    yield from _lint_templates(step.args, at + "/args", known)
    if step.when is not None:
        yield from _lint_condition(step.when, at + "/when", known)


def _lint_arguments(step: Step, at: str, capability: Capability, known: _Known) -> Iterator[Finding]:
    for name, (declared, required) in capability.arguments.items():
        if name in step.args:
            wrong = _misfit(step.args[name], declared, known)
            if wrong:
                yield Finding(f"{at}/args/{name}", "wrong-type", wrong)
        elif required:
            yield Finding(at + "/args", "missing-argument", f"{capability.name} needs {name}")
    for name in step.args:
        if name not in capability.arguments:
            hint = _perhaps(name, capability.arguments)
            yield Finding(f"{at}/args/{name}", "unknown-argument", f"{capability.name} takes no {name}{hint}")


def _misfit(value: Any, declared: Any, known: _Known) -> str | None:
    """Why the value can never be of the declared type; None where it can, or where that can't be told."""
    try:
        named = list(templating.names_in(value))
        given = known.type_of(named[0].path) if named and isinstance(value, str) and named[0].whole else type(value)
    except (TemplateInvalid, contract.NoSuchPath):
        return None  # told by _lint_templates
    if named:
        if contract.assignable(given, declared):
            return None
        return f"{contract.spell(given)} where {contract.spell(declared)} is needed"
    try:
        contract.fit(value, declared)
    except contract.TypeMismatch as mismatch:
        return str(mismatch)
    return None


def _lint_templates(value: Any, at: str, known: _Known) -> Iterator[Finding]:
    for pointer, text in templating.texts_in(value, at):
        try:
            named = list(templating.names_in(text))
        except TemplateInvalid as bad:
            yield Finding(pointer, "bad-template", str(bad))
            continue
        for reference in named:
            yield from _lint_path(reference.path, pointer, known)


def _lint_path(path: Path, at: str, known: _Known) -> Iterator[Finding]:
    try:
        known.type_of(path)
    except contract.NoSuchPath as none:
        yield Finding(at, "unresolved", f"{'.'.join(path)}: {none}")


def _lint_condition(text: str, at: str, known: _Known) -> Iterator[Finding]:
    try:
        condition = conditions.compile(text)
    except ConditionInvalid as bad:
        yield Finding(at, "bad-condition", str(bad))
        return
    for path in condition.paths:
        yield from _lint_path(path, at, known)


def _lint_names(part: str, key: str, names: list[str]) -> Iterator[Finding]:
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Finding(pointer_to(part, place, key), "duplicate-name", f"{name} is used twice")


def _lint_panel(panel: Panel, at: str, known: _Known) -> Iterator[Finding]:
    yield from _lint_templates(panel.body, at, known)
    rows, columns = panel.body.get("rows"), panel.body.get("columns")
    if not isinstance(rows, str) or not isinstance(columns, list):
        return
    try:
        named = list(templating.names_in(rows))
        element = contract.type_at(known.type_of(named[0].path), ["0"]) if named and named[0].whole else Any
    except TemplateInvalid:
        return  # told above
    except contract.NoSuchPath as none:
        if not list(_lint_templates(rows, at, known)):
            yield Finding(at + "/rows", "wrong-type", f"{rows} is no list of rows: {none}")
        return
    for place, column in enumerate(columns):
        key = column.get("key") if isinstance(column, Mapping) else None
        if isinstance(key, str):
            try:
                contract.type_at(element, key.split("."))
            except contract.NoSuchPath as none:
                yield Finding(f"{at}/columns/{place}/key", "unknown-column", str(none))


def _lint_graph(pattern: Pattern) -> Iterator[Finding]:
    """Cycles, and steps that nothing shown hangs on."""
    graph = {step.name: _named_steps(step) for step in pattern.steps}
    try:
        patterns.in_order(pattern)
    except CyclicSteps as cyclic:
        yield from (Finding(finding.pointer, "cycle", finding.reason) for finding in cyclic.findings)
    except (PatternInvalid, TemplateInvalid, ConditionInvalid):
        pass  # told where they stand
    used: set[str] = set()
    waiting = [*pattern.outputs, *(name for panel in pattern.panels for name in _states_in(panel.body))]
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += graph.get(name, ())
    for place, step in enumerate(pattern.steps):
        if step.name not in used:
            message = f"{step.name} feeds no output, no panel and no step that does"
            yield Finding(pointer_to("steps", place), "unused-step", message)


def _named_steps(step: Step) -> frozenset[str]:
    try:
        named = patterns.needs(step)
    except (TemplateInvalid, ConditionInvalid):
        return frozenset(_states_in(step.args))
    return named.required | named.asked


def _states_in(value: Any) -> Iterator[str]:
    for _, text in templating.texts_in(value):
        try:
            named = list(templating.names_in(text))
        except TemplateInvalid:
            continue
        yield from (reference.path[1] for reference in named if reference.path[0] == "state")


def _no_step(name: str, steps: Iterable[str]) -> str:
    return f"no step is named {name}{_perhaps(name, steps)}"


def _perhaps(name: str, names: Iterable[str]) -> str:
    close = near(name, names)
    return f"; near: {', '.join(close)}" if close else ""
