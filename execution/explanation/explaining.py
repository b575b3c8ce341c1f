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
        figure = None
        if names[0] in plan.pattern.outputs:
            _require_right(names[0], finished.sources.get(names[0], ()))
            names, figure = _figure_in(json.loads(execution.result), names)
        with scope.snapshot():
            packs.require_intact(pack=plan.pack)
            return _explain(execution, plan, step, names, figure)


def _figure_in(result: Any, names: tuple[str, ...]) -> tuple[tuple[str, ...], Any]:
    """The path without a metric's `value`, and the figure as a result has it; None for that of a single day, which none has.
    Raises PathNotFound, RequestInvalid."""
    if _is_below_a_day(names):
        return names, None
    if names[-1] == "value" and question.is_metric(question.stored_at(result, names[:-1])):
        names = names[:-1]
    figure = question.stored_at(result, names)
    if question.is_metric(figure):
        return names, figure
    if isinstance(figure, bool | dict | list) or (isinstance(figure, str) and not _is_number(figure)):
        kind = "an object" if isinstance(figure, dict) else "a list" if isinstance(figure, list) else "a text"
        raise question.invalid(f"names no figure but {kind}")
    return names, figure


def _is_below_a_day(names: tuple[str, ...]) -> bool:
    """Whether a path leads to a single day of a step, or of one of its views."""
    place = 2 if names[1:2] and names[1] in VIEWS else 1
    return len(names) > place + 1 and names[place] in BY_DAY and question.is_date(names[place + 1])


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal()


def _explain(execution: Execution, plan: Plan, step: Step, names: tuple[str, ...], figure: Any) -> dict[str, Any]:
    pointer = pointer_to(*names)
    steps = _steps_up_to(plan.pattern, step.name)
    part = replace(
        plan.pattern, steps=steps, outputs=(step.name,), document_hash=f"{plan.pattern.document_hash}/{step.name}"
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
        names, figure = _figure_in({step.name: canonical.render(run.state[step.name])}, names)
    values = templating.Scope(plan.inputs, run.state, templating.context_values(ctx))
    arguments = registry.bind(registry.get(step.capability), templating.resolve(step.args, values))
    figure_question = Question(step, names[1:], arguments, run.state[step.name], ctx)
    explanation = _explanation(figure_question, pointer, is_known=_is_below_a_day(names) or _has_value(figure))
    row_values = rows.load(explanation, plan)
    decision = _require_right(step.name, {*run.sources[step.name], *row_values.sources})
    digits = canonical.digits_at(figure_question.data, figure_question.path)
    _require_same(execution, figure, canonical.render(explanation.term.value, digits), pointer)
    places = {
        name: pointer_to(place)
        for name, place in {"step": step.name, "valued": step.name, **figure_question.steps}.items()
    }
    places["days"] = pointer_to(_days_of(figure_question), "days")
    return {
        "execution_id": str(execution.pk),
        "path": pointer,
        "what": explanation.what,
        **({"method": explanation.method} if explanation.method else {}),
        **document.as_dict(explanation.term, row_values, places),
        **_as_answered(figure),
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
            "sources": sorted({*run.sources[step.name], *row_values.sources}),
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


def _explanation(figure_question: Question, pointer: str, *, is_known: bool) -> Explanation:
    """Of a figure without a value there is nothing to take apart but its reason. Raises NotExplained."""
    try:
        if figure_question.step.capability in EXPLAINED:
            return EXPLAINED[figure_question.step.capability](figure_question)
    except NoSuchFigure:
        pass
    if is_known:
        raise NotExplained(pointer, figure_question.step.capability)
    return Explanation("A figure that has no value here", Term(figure_question.path[-1], None))


def _has_value(figure: Any) -> bool:
    return (figure["value"] if isinstance(figure, dict) else figure) is not None


def _steps_up_to(pattern: patterns.ParsedPattern, name: str) -> tuple[Step, ...]:
    """A step and all that it needs, however indirectly, in the order of the document."""
    needs = {step.name: step_needs.all for step, step_needs in patterns.steps_to_run(pattern)}
    names_needed, waiting = set[str](), [name]
    while waiting:
        each = waiting.pop()
        if each not in names_needed:
            names_needed.add(each)
            waiting += needs[each]
    return tuple(step for step in pattern.steps if step.name in names_needed)


def _days_of(figure_question: Question) -> str:
    argument = BELOW_DAYS.get(figure_question.step.capability, "")
    return figure_question.steps.get(argument, figure_question.step.name)


def _require_same(execution: Execution, figure: Any, recomputed_value: Any, pointer: str) -> None:
    """Refuse to explain a figure by another. Raises DifferentEngine, FigureDiffers."""
    value = figure["value"] if isinstance(figure, dict) else figure
    if value is None or value == recomputed_value:
        return
    if execution.engine_version != engine.engine_version():
        raise DifferentEngine(execution.engine_version, engine.engine_version(), pointer)
    raise FigureDiffers(pointer)


def _as_answered(figure: Any) -> dict[str, Any]:
    """The figure to the digits that it was answered with, its status, reason and basis where it has them; its window is the
    first and last day of these. A single day was in no answer."""
    if not isinstance(figure, dict):
        return {} if figure is None else {"value": figure}
    basis = figure["basis"]
    return {
        "value": figure["value"],
        "status": figure["status"],
        "reason": figure["reason"],
        "window": {"first": basis.get("first"), "last": basis.get("last")},
        "basis": basis,
    }
