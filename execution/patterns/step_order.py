"""The order in which steps run, from what each of them names."""

import graphlib
import heapq
from dataclasses import dataclass
from functools import lru_cache

from config.strict_json import pointer_to
from execution.patterns import conditions, templating
from execution.patterns.document import ParsedPattern, PatternInvalid, Step, Violation


class CyclicSteps(PatternInvalid):
    """Steps wait for each other."""


@dataclass(frozen=True, slots=True)
class StepNeeds:
    """The steps that a step names: those it can't do without, and those that its condition guards with has(...)."""

    required: frozenset[str]
    optional: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.required | self.optional


def needs(step: Step) -> StepNeeds:
    """Raises TemplateInvalid, ConditionInvalid."""
    required = {reference.path[1] for reference in templating.references_in(step.args) if reference.path[0] == "state"}
    optional: frozenset[str] = frozenset()
    if step.when is not None:
        condition = conditions.compile(step.when)
        optional = condition.optional_steps - required
        required |= {path[1] for path in condition.paths if path[0] == "state"} - optional
    return StepNeeds(frozenset(required), optional)


def order_steps(pattern: ParsedPattern) -> tuple[Step, ...]:
    """The steps as they run: in the order of the document, but none before one that it names.

    Raises PatternInvalid on a name that is used twice, CyclicSteps, TemplateInvalid, ConditionInvalid.
    """
    places = {step.name: place for place, step in enumerate(pattern.steps)}
    for place, step in enumerate(pattern.steps):
        if places[step.name] != place:
            raise PatternInvalid([Violation(pointer_to("steps", places[step.name], "as"), "a name used twice")])
    sorter = graphlib.TopologicalSorter({step.name: needs(step).all & places.keys() for step in pattern.steps})
    try:
        sorter.prepare()
    except graphlib.CycleError as cycle:
        around = list(reversed(cycle.args[1]))
        first = pointer_to("steps", min(places[name] for name in around))
        raise CyclicSteps([Violation(first, f"a cycle: {' needs '.join(around)}")]) from cycle
    steps, ready = [], [places[name] for name in sorter.get_ready()]
    heapq.heapify(ready)
    while ready:
        step = pattern.steps[heapq.heappop(ready)]
        steps.append(step)
        sorter.done(step.name)
        for name in sorter.get_ready():
            heapq.heappush(ready, places[name])
    return tuple(steps)


@lru_cache(maxsize=64)
def steps_to_run(pattern: ParsedPattern) -> tuple[tuple[Step, StepNeeds], ...]:
    """`order_steps`, each with what it needs: found once for a pattern, since it costs as much as running steps that do little."""
    return tuple((step, needs(step)) for step in order_steps(pattern))
