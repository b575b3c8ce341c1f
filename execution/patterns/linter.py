"""Whether a pattern can work: every finding at once, each with its path in the document and the rule it breaks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol, Union
from uuid import UUID

from agents import contract
from agents.registry import Capability, UnknownCapability, near
from config import plain_text
from config.strict_json import pointer_to
from execution.patterns import conditions, panel_parts, templating
from execution.patterns.conditions import ConditionFailed, ConditionInvalid
from execution.patterns.document import Panel, ParsedPattern, PatternInvalid, Step
from execution.patterns.input_values import InputSpec
from execution.patterns.step_order import CyclicSteps, needs, order_steps
from execution.patterns.templating import NamePath, Scope, TemplateInvalid

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
class LintFinding:
    """A rule that a pattern breaks.

    path: JSON pointer into the document. rule: unknown-capability, unknown-argument, missing-argument, wrong-type,
    bad-template, unresolved, bad-condition, duplicate-name, unused-step, cycle, unknown-output, unknown-column, undrawn-panel,
    incomplete-panel, unknown-format or hidden-sign.
    """

    path: str
    rule: str
    message: str


class Capabilities(Protocol):
    """Capabilities by name: a registry."""

    def get(self, name: str) -> Capability: ...


def lint(pattern: ParsedPattern, registry: Capabilities) -> list[LintFinding]:
    """Everything that would make the pattern fail or mislead, in the order of its parts. Empty: it may be published."""
    capabilities = {step.capability: _capability(registry, step.capability) for step in pattern.steps}
    types = _types(pattern, capabilities)
    names = _Names(pattern, types)
    findings = list(_lint_titles(pattern))
    for place, step in enumerate(pattern.steps):
        findings += _lint_step(step, pointer_to("steps", place), capabilities[step.capability], names)
    findings += _lint_names("steps", "as", [step.name for step in pattern.steps])
    findings += _lint_names("panels", "id", [panel.id for panel in pattern.panels])
    for place, name in enumerate(pattern.outputs):
        if name not in types:
            findings.append(LintFinding(pointer_to("outputs", place), "unknown-output", _no_step(name, types)))
    for place, panel in enumerate(pattern.panels):
        findings += _lint_panel(panel, pointer_to("panels", place), names)
    findings += _lint_graph(pattern)
    return findings


def lint_step(pattern: ParsedPattern, place: int, registry: Capabilities) -> list[LintFinding]:
    """What keeps one step from running."""
    capabilities = {step.capability: _capability(registry, step.capability) for step in pattern.steps}
    step = pattern.steps[place]
    names = _Names(pattern, _types(pattern, capabilities))
    return list(_lint_step(step, pointer_to("steps", place), capabilities[step.capability], names))


def _types(pattern: ParsedPattern, capabilities: Mapping[str, Capability | UnknownCapability]) -> Mapping[str, Any]:
    """Name of each step -> what it gives; Any where nobody knows its capability."""
    return {
        step.name: declared.data_type if isinstance(declared := capabilities[step.capability], Capability) else Any
        for step in pattern.steps
    }


def _lint_titles(pattern: ParsedPattern) -> Iterator[LintFinding]:
    panels = ((pointer_to("panels", place, "title"), panel.title) for place, panel in enumerate(pattern.panels))
    for path, title in (("/title", pattern.title), *panels):
        if not title.strip():
            yield LintFinding(path, "hidden-sign", "nothing of it can be seen")
        elif (reason := plain_text.find_hidden(title)) is not None:
            yield LintFinding(path, "hidden-sign", f"{title!r} {reason}")


@dataclass(frozen=True, slots=True)
class _Names:
    """What a path may name, and its type."""

    pattern: ParsedPattern
    state: Mapping[str, Any]

    def type_of(self, path: NamePath) -> Any:
        """The declared type of what a path leads to. Raises NoSuchPath."""
        root, name, *below = path
        if root == "state":
            declared: Mapping[str, Any] = self.state
            missing = _no_step(name, self.state)
        elif root == "inputs":
            declared = {key: _input_type(spec) for key, spec in self.pattern.inputs.items()}
            missing = f"no input {name}{_near_names(name, declared)}"
        else:
            declared = CTX_TYPES
            missing = f"ctx has only {', '.join(CTX_TYPES)}"
        if name not in declared:
            raise contract.NoSuchPath(missing)
        try:
            return contract.type_at(declared[name], below)
        except contract.NoSuchPath as none:
            raise contract.NoSuchPath(f"{root}.{name}: {none}") from none


def _capability(registry: Capabilities, name: str) -> Capability | UnknownCapability:
    try:
        return registry.get(name)
    except UnknownCapability as unknown:
        return unknown


def _input_type(spec: InputSpec) -> Any:
    declared = Literal[spec.enum] if spec.enum else INPUT_TYPES[spec.type]
    return Union[declared, None] if spec.nullable else declared  # noqa: UP007 - built at run time


def _lint_step(step: Step, at: str, capability: Capability | UnknownCapability, names: _Names) -> Iterator[LintFinding]:
    if isinstance(capability, UnknownCapability):
        yield LintFinding(at + "/capability", "unknown-capability", str(capability))
    else:
        yield from _lint_arguments(step, at, capability, names)
    yield from _lint_templates(step.args, at + "/args", names)
    if step.when is not None:
        yield from _lint_condition(step.when, at + "/when", names)


def _lint_arguments(step: Step, at: str, capability: Capability, names: _Names) -> Iterator[LintFinding]:
    for name, (declared, required) in capability.arguments.items():
        if name in step.args:
            wrong = _type_error(step.args[name], declared, names)
            if wrong:
                yield LintFinding(f"{at}/args/{name}", "wrong-type", wrong)
        elif required:
            yield LintFinding(at + "/args", "missing-argument", f"{capability.name} needs {name}")
    for name in step.args:
        if name not in capability.arguments:
            hint = _near_names(name, capability.arguments)
            yield LintFinding(f"{at}/args/{name}", "unknown-argument", f"{capability.name} takes no {name}{hint}")


def _type_error(value: Any, declared: Any, names: _Names) -> str | None:
    """Why the value can never be of the declared type; None where it can be, or where the type is not known."""
    try:
        references = list(templating.references_in(value))
        value_type = (
            names.type_of(references[0].path)
            if references and isinstance(value, str) and references[0].whole
            else type(value)
        )
    except (TemplateInvalid, contract.NoSuchPath):
        return None  # a finding of _lint_templates
    if references:
        if contract.assignable(value_type, declared):
            return None
        return f"{contract.spell(value_type)} where {contract.spell(declared)} is needed"
    try:
        contract.fit(value, declared)
    except contract.TypeMismatch as mismatch:
        return str(mismatch)
    return None


def _lint_templates(value: Any, at: str, names: _Names) -> Iterator[LintFinding]:
    for pointer, text in templating.texts_in(value, at):
        try:
            references = list(templating.references_in(text))
        except TemplateInvalid as bad:
            yield LintFinding(pointer, "bad-template", str(bad))
            continue
        for reference in references:
            yield from _lint_path(reference.path, pointer, names)


def _lint_path(path: NamePath, at: str, names: _Names) -> Iterator[LintFinding]:
    try:
        names.type_of(path)
    except contract.NoSuchPath as none:
        yield LintFinding(at, "unresolved", f"{'.'.join(path)}: {none}")


def _lint_condition(text: str, at: str, names: _Names) -> Iterator[LintFinding]:
    try:
        condition = conditions.compile(text)
    except ConditionInvalid as bad:
        yield LintFinding(at, "bad-condition", str(bad))
        return
    for path in condition.paths:
        yield from _lint_path(path, at, names)
    if not condition.paths:
        try:
            condition.holds(Scope(inputs={}, state={}, ctx={}))
        except ConditionFailed as never:
            yield LintFinding(at, "bad-condition", str(never))


def _lint_names(part: str, key: str, names: list[str]) -> Iterator[LintFinding]:
    for place, name in enumerate(names):
        if name in names[:place]:
            yield LintFinding(pointer_to(part, place, key), "duplicate-name", f"{name} is used twice")


def _lint_panel(panel: Panel, at: str, names: _Names) -> Iterator[LintFinding]:
    for where, rule, message in panel_parts.find_lacking(panel.type, panel.body):
        yield LintFinding(at + pointer_to(*where), rule, message)
    yield from _lint_templates(panel.body, at, names)
    for where, body in panel_parts.find_tables(panel.body):
        yield from _lint_table(body, at + pointer_to(*where), names)


def _lint_table(body: Mapping[str, Any], at: str, names: _Names) -> Iterator[LintFinding]:
    rows, columns = body["rows"], body["columns"]
    if not isinstance(rows, str) or not isinstance(columns, list):
        return
    try:
        references = list(templating.references_in(rows))
        element = (
            contract.type_at(names.type_of(references[0].path), ["0"]) if references and references[0].whole else Any
        )
    except TemplateInvalid:
        return  # a finding of the panel's templates
    except contract.NoSuchPath as none:
        if not list(_lint_templates(rows, at, names)):
            yield LintFinding(at + "/rows", "wrong-type", f"{rows} is no list of rows: {none}")
        return
    for place, column in enumerate(columns):
        key = column.get("key") if isinstance(column, Mapping) else None
        if isinstance(key, str):
            try:
                contract.type_at(element, key.split("."))
            except contract.NoSuchPath as none:
                yield LintFinding(f"{at}/columns/{place}/key", "unknown-column", str(none))


def _lint_graph(pattern: ParsedPattern) -> Iterator[LintFinding]:
    """Cycles, and steps that no output and no panel depends on."""
    graph = {step.name: _steps_named_by(step) for step in pattern.steps}
    try:
        order_steps(pattern)
    except CyclicSteps as cyclic:
        yield from (LintFinding(finding.pointer, "cycle", finding.reason) for finding in cyclic.findings)
    except (PatternInvalid, TemplateInvalid, ConditionInvalid):
        pass  # findings of the step that they stand in
    names_needed: set[str] = set()
    waiting = [*pattern.outputs, *(name for panel in pattern.panels for name in templating.steps_named_in(panel.body))]
    while waiting:
        name = waiting.pop()
        if name not in names_needed:
            names_needed.add(name)
            waiting += graph.get(name, ())
    for place, step in enumerate(pattern.steps):
        if step.name not in names_needed:
            message = f"{step.name} feeds no output, no panel and no step that does"
            yield LintFinding(pointer_to("steps", place), "unused-step", message)


def _steps_named_by(step: Step) -> frozenset[str]:
    try:
        return needs(step).all
    except (TemplateInvalid, ConditionInvalid):
        return templating.steps_named_in(step.args)


def _no_step(name: str, steps: Iterable[str]) -> str:
    return f"no step is named {name}{_near_names(name, steps)}"


def _near_names(name: str, names: Iterable[str]) -> str:
    close = near(name, names)
    return f"; near: {', '.join(close)}" if close else ""
