"""The verb: from an execution and a path to the figure's explanation, on the snapshot that the execution was computed from."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from agents import registry
from compliance.refusal import RightDenied
from compliance.terms import Use
from config import scope
from config.strict_json import pointer_to
from execution import canonical, patterns
from execution.executor import (
    DifferentEngine,
    blame,
    computation,
    engine,
    orchestrator,
    planning,
    serving,
    store,
)
from execution.executor.planning import Plan
from execution.executor.provider_calls import ProviderCalls
from execution.explanation import document, question, rows
from execution.explanation.capabilities import BELOW_DAYS, EXPLAINED
from execution.explanation.question import FigureDiffers, NotExplained, PathNotFound, Question
from execution.exports import refusal as rights_of_use
from execution.exports.refusal import ExportDecision
from execution.models import Execution
from execution.patterns import templating
from execution.patterns.document import Step
from portfolio.explanation.terms import Explanation, NoSuchFigure, Term
from pricing import packs

BY_DAY: Final = frozenset({"days", "observations", "portfolio_observations"})
"""Names below a step that lead to single days, which are in no answer."""
VIEWS: Final = frozenset({"since_inception", "lookback"})


def explain(execution_id: UUID, path: str, *, user: AbstractBaseUser) -> dict[str, Any]:
    """What a figure of an execution is, how it is made, and the rows it rests on, as JSON.

    raises   ExecutionNotFound, ExecutionDropped, ExecutionAltered; RequestInvalid for a path that is no pointer or names no
             figure; PathNotFound; NotExplained; RightDenied; DifferentEngine, FigureDiffers where it does not come out again
    """
    names = question.split(path)
    with scope.acting_as(user):
        with transaction.atomic():
            execution = serving.find_done(execution_id)
            finished = store.from_row(execution)
            plan = planning.plan_again(execution)
        step = next((each for each in plan.pattern.steps if each.name == names[0]), None)
        if step is None:
            raise PathNotFound(path)
        stored = None
        if names[0] in plan.pattern.outputs:
            _require_right(names[0], finished.sources.get(names[0], ()))
            names, stored = _figure_in(json.loads(execution.result), names)
        with scope.snapshot():
            packs.require_intact(pack=plan.pack)
            return _explain(execution, plan, step, names, stored)


def _figure_in(result: Any, names: tuple[str, ...]) -> tuple[tuple[str, ...], Any]:
    """The path without a metric's `value`, and the figure as a result has it; None for that of a single day, which none has.
    Raises PathNotFound, RequestInvalid."""
    if _is_below_a_day(names):
        return names, None
    if names[-1] == "value" and question.is_metric(question.stored_at(result, names[:-1])):
        names = names[:-1]
    stored = question.stored_at(result, names)
    if question.is_metric(stored):
        return names, stored
    if isinstance(stored, bool | dict | list) or (isinstance(stored, str) and not _is_number(stored)):
        kind = "an object" if isinstance(stored, dict) else "a list" if isinstance(stored, list) else "a text"
        raise question.invalid(f"names no figure but {kind}")
    return names, stored


def _is_below_a_day(names: tuple[str, ...]) -> bool:
    """Whether a path leads to a single day of a step, or of one of its views."""
    place = 2 if names[1:2] and names[1] in VIEWS else 1
    return len(names) > place + 1 and names[place] in BY_DAY and question.is_date(names[place + 1])


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal()


def _explain(execution: Execution, plan: Plan, step: Step, names: tuple[str, ...], stored: Any) -> dict[str, Any]:
    pointer = pointer_to(*names)
    needed = _steps_up_to(plan.pattern, step.name)
    part = replace(
        plan.pattern, steps=needed, outputs=(step.name,), document_hash=f"{plan.pattern.document_hash}/{step.name}"
    )
    ctx = computation.context_of(plan)
    try:
        run = orchestrator.run(part, plan.inputs, ctx, computation.runtime(), ProviderCalls(execution.recorded))
    except orchestrator.StepFailed as failure:
        raise blame.settle(plan.pattern, failure) from failure.cause
    if step.name not in run.state:
        raise NotExplained(pointer, step.capability)
    _require_right(step.name, run.sources[step.name])
    if step.name not in plan.pattern.outputs:  # what a figure of the answer is made of
        names, stored = _figure_in({step.name: canonical.render(run.state[step.name])}, names)
    values = templating.Scope(plan.inputs, run.state, templating.context_values(ctx))
    arguments = registry.bind(registry.get(step.capability), templating.resolve(step.args, values))
    asked = Question(step, names[1:], arguments, run.state[step.name], ctx)
    explanation = _explanation(asked, pointer, is_known=_is_below_a_day(names) or _has_value(stored))
    found = rows.load(explanation, plan)
    decision = _require_right(step.name, {*run.sources[step.name], *found.sources})
    digits = canonical.digits_at(asked.data, asked.path)
    _require_same(execution, stored, canonical.render(explanation.term.value, digits), pointer)
    places = {
        name: pointer_to(place) for name, place in {"step": step.name, "valued": step.name, **asked.steps}.items()
    }
    places["days"] = pointer_to(_days_of(asked), "days")
    return {
        "execution_id": str(execution.pk),
        "path": pointer,
        "what": explanation.what,
        **({"method": explanation.method} if explanation.method else {}),
        **document.as_dict(explanation.term, found, places),
        **_as_answered(stored),
        "metadata": {
            "pattern_id": plan.version.pattern_id,
            "pattern_version": plan.version.version,
            "capability": step.capability,
            "pricing_pack_id": plan.pack.pk,
            "pack_chain_hash": plan.pack.chain_hash,
            "ledger_commit_hash": execution.ledger_commit_hash or None,
            "asof_date": execution.asof_date.isoformat(),
            "engine_version": execution.engine_version,
            "result_hash": execution.result_hash,
            "sources": sorted({*run.sources[step.name], *found.sources}),
            "attributions": [each.text for each in decision.display.attributions],
        },
    }


def _require_right(step: str, sources: Iterable[str]) -> ExportDecision:
    """Whether what rests on the sources may be shown. Asked before anything is looked up in it: whether it has a path, and how many
    rows, is of them, too. Raises RightDenied."""
    decision = rights_of_use.decide({step: sources}, Use.DISPLAY)
    if decision.refused_outputs:
        raise RightDenied(Use.DISPLAY, decision.refusals)
    return decision


def _explanation(asked: Question, pointer: str, *, is_known: bool) -> Explanation:
    """Of a figure without a value there is nothing to take apart but its reason. Raises NotExplained."""
    try:
        if asked.step.capability in EXPLAINED:
            return EXPLAINED[asked.step.capability](asked)
    except NoSuchFigure:
        pass
    if is_known:
        raise NotExplained(pointer, asked.step.capability)
    return Explanation("A figure that has no value here", Term(asked.path[-1], None))


def _has_value(stored: Any) -> bool:
    return (stored["value"] if isinstance(stored, dict) else stored) is not None


def _steps_up_to(pattern: patterns.ParsedPattern, name: str) -> tuple[Step, ...]:
    """A step and all that it needs, however indirectly, in the order of the document."""
    needs = {step.name: needed.all for step, needed in patterns.steps_to_run(pattern)}
    wanted, waiting = set[str](), [name]
    while waiting:
        each = waiting.pop()
        if each not in wanted:
            wanted.add(each)
            waiting += needs[each]
    return tuple(step for step in pattern.steps if step.name in wanted)


def _days_of(asked: Question) -> str:
    argument = BELOW_DAYS.get(asked.step.capability, "")
    return asked.steps.get(argument, asked.step.name)


def _require_same(execution: Execution, stored: Any, computed: Any, pointer: str) -> None:
    """Refuse to explain a figure by another. Raises DifferentEngine, FigureDiffers."""
    value = stored["value"] if isinstance(stored, dict) else stored
    if value is None or value == computed:
        return
    if execution.engine_version != engine.engine_version():
        raise DifferentEngine(execution.engine_version, engine.engine_version(), pointer)
    raise FigureDiffers(pointer)


def _as_answered(stored: Any) -> dict[str, Any]:
    """The figure to the digits that it was answered with, its status, reason and basis where it has them; its window is the
    first and last day of these. A single day was in no answer."""
    if not isinstance(stored, dict):
        return {} if stored is None else {"value": stored}
    basis = stored["basis"]
    return {
        "value": stored["value"],
        "status": stored["status"],
        "reason": stored["reason"],
        "window": {"first": basis.get("first"), "last": basis.get("last")},
        "basis": basis,
    }
