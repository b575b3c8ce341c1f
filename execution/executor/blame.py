"""Whose mistake a failed step is, where it is not the service's: the caller's, who gave an input, or the document's."""

from collections.abc import Iterator

from agents import registry
from agents.registry import ArgumentsInvalid, UnknownCapability
from config.strict_json import pointer_to
from execution.executor.orchestrator import StepFailed
from execution.patterns import InputsInvalid, ParsedPattern, Violation, conditions, linter, templating
from execution.patterns.conditions import ConditionFailed
from execution.patterns.document import Step
from execution.patterns.templating import NamePath, TemplateUnresolved
from execution.patterns.versions import PatternUnusable

Refusals = Iterator[tuple[str, list[NamePath], str]]
"""Where in a step, the paths that are named there, and what is wrong."""


def settle(pattern: ParsedPattern, failure: StepFailed) -> StepFailed:
    """The failure by the cause that its reader can do something about; the same one where there is none.

    A document that the linter of this release finds fault with is to be mended. What is named by no step but the inputs alone is
    what the caller gave.
    """
    if not isinstance(failure.cause, UnknownCapability | ArgumentsInvalid | TemplateUnresolved | ConditionFailed):
        return failure
    place = next(place for place, step in enumerate(pattern.steps) if step.name == failure.step)
    refusals = list(_refusals(pattern.steps[place], failure.cause))
    findings = [Violation(each.path, each.message) for each in linter.lint_step(pattern, place, registry.default)]
    findings = findings or [
        Violation(pointer_to("steps", place, "args", where), reason) for where, paths, reason in refusals if not paths
    ]
    violations = [
        Violation(pointer_to(*path), reason)
        for _, paths, reason in refusals
        if all(root == "inputs" for root, *_ in paths)
        for path in paths
    ]
    cause: InputsInvalid | PatternUnusable
    if findings:
        cause = PatternUnusable(pattern.id, pattern.version, findings)
    elif violations:
        cause = InputsInvalid(list(dict.fromkeys(violations)))
    else:
        return failure
    return StepFailed(failure.step, failure.capability, failure.agent, cause, failure.trace)


def of_document(pattern: ParsedPattern) -> PatternUnusable:
    """Of a document of which no step was begun."""
    findings = linter.lint(pattern, registry.default)
    return PatternUnusable(pattern.id, pattern.version, [Violation(each.path, each.message) for each in findings])


def _refusals(step: Step, cause: Exception) -> Refusals:
    match cause:
        case ArgumentsInvalid():
            for argument, reason in cause.findings:
                yield argument, [each.path for each in templating.references_in(step.args.get(argument))], reason
        case TemplateUnresolved():
            references = [each for each in templating.references_in(step.args) if str(each) == cause.path]
            yield "", [each.path for each in references or templating.references_in(step.args)], cause.reason
        case ConditionFailed() if step.when is not None:
            yield "", list(conditions.compile(step.when).paths), cause.reason
