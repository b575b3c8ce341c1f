"""The verb: two stored executions of one pattern and portfolio, figure by figure, with what moved each."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from config import scope
from config.errors import TieoutError
from execution.comparison import causes, differences
from execution.comparison.causes import Cause
from execution.comparison.differences import Difference
from execution.executor import Served, StepFailed, computation, planning, serving, store
from execution.executor.answering_pack import date_warnings
from execution.executor.planning import Plan
from execution.executor.provider_calls import ProviderCalls
from execution.models import Execution

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "pack_row": ("pack",),
    "pack": ("pack",),
    "transaction": ("revision",),
    "setting": ("portfolio", "reference_series"),
    "input": ("inputs",),
    "pattern": ("pattern", "version"),
}
"""What of a plan each kind of cause is of, but for the as-of date, which is an input and the pack's. The engine is of none: it is
this process's."""


class NotComparable(TieoutError):
    """Two executions that do not answer one question."""

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(reason)
        self.pointer, self.reason = pointer, reason


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two answers, what differs, and why."""

    before: Served
    after: Served
    differences: Sequence[Difference]
    causes: Sequence[Cause]
    moved_by: Mapping[str, tuple[str, ...]]
    """Path -> the kinds of causes that move it, each by itself; none where it takes several of them together."""
    withheld: Sequence[str]
    """Outputs that a source keeps back in one of the two: they are not compared."""


def compare(before_id: UUID, after_id: UUID, *, user: AbstractBaseUser) -> Comparison:
    """Every path at which two executions differ, with both values, and what moved it.

    raises   ExecutionNotFound, ExecutionDropped, ExecutionAltered; NotComparable for two patterns or portfolios
    """
    with scope.acting_as(user):
        with transaction.atomic():
            old, new = (serving.find_done(each) for each in (before_id, after_id))
            _require_one_question(old, new)
            served = tuple(_serve(each) for each in (old, new))
            plans = tuple(planning.plan_again(each) for each in (old, new))
            all_causes = causes.find((old, plans[0]), (new, plans[1]))
        withheld = sorted({name for each in served for name in each.metadata["rights"]["withheld"]})
        results = [_without(each.result, withheld) for each in served]
        differing = differences.find(*results)
        moved_by = _attribute(differing, all_causes, (old, new), (plans[0], plans[1]), withheld)
    return Comparison(served[0], served[1], differing, all_causes, moved_by, withheld)


def _require_one_question(before: Execution, after: Execution) -> None:
    if before.pattern_version.pattern_id != after.pattern_version.pattern_id:
        names = (before.pattern_version.pattern_id, after.pattern_version.pattern_id)
        raise NotComparable("/after", f"is an execution of {names[1]}, the other one of {names[0]}")
    if before.portfolio_id != after.portfolio_id:
        raise NotComparable("/after", "is of another portfolio")


def _serve(execution: Execution) -> Served:
    finished = store.from_row(execution)
    warnings = date_warnings(execution.asof_date, execution.asof_date)
    return serving.serve(
        finished, requested=execution.asof_date, cached=True, duration_ms=finished.duration_ms, warnings=warnings
    )


def _without(result: Mapping[str, Any], withheld: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name not in set(withheld)}


def _attribute(
    differing: Sequence[Difference],
    all_causes: Sequence[Cause],
    executions: tuple[Execution, Execution],
    plans: tuple[Plan, Plan],
    withheld: Sequence[str],
) -> dict[str, tuple[str, ...]]:
    """Which kinds of causes move each path by themselves: the first answer computed again with what the second has of one kind.

    A single kind moves them all.
    """
    kinds = tuple(dict.fromkeys(cause.kind for cause in all_causes))
    if len(kinds) <= 1 or not differing:
        return {each.path: kinds for each in differing}
    old_result = _without(json.loads(executions[0].result), withheld)
    again = old_result

    def calls() -> ProviderCalls:
        """What providers said of the first answer is an input of it, whatever else is changed."""
        return ProviderCalls(executions[0].recorded)

    if "engine" in kinds:
        again = _without(json.loads(computation.compute(plans[0], calls()).text), withheld)
    kinds_of_path: dict[str, list[str]] = {each.path: [] for each in differing}
    for kind in kinds:
        if kind == "engine":
            paths = {each.path for each in differences.find(old_result, again)}
        else:
            mixed = _mix(plans, kind, all_causes)
            paths = {each.path for each in differences.find(again, _recompute(mixed, calls(), again, withheld))}
        for path in paths & kinds_of_path.keys():
            kinds_of_path[path].append(kind)
    return {path: tuple(by) for path, by in kinds_of_path.items()}


def _mix(plans: tuple[Plan, Plan], kind: str, all_causes: Sequence[Cause]) -> Plan:
    """The first plan with what the second has of one kind."""
    names = FIELDS[kind]
    if kind == "input" and any(cause.name == causes.ASOF_DATE for cause in all_causes):
        names = (*names, "pack")
    mixed = replace(plans[0], **{name: getattr(plans[1], name) for name in names})
    if kind in ("pattern", "input"):  # each version has the inputs that it asks for
        own, other = (plans[0], plans[1]) if kind == "pattern" else (plans[1], plans[0])
        inputs = {**other.inputs, **own.inputs}
        mixed = replace(mixed, inputs={name: inputs[name] for name in mixed.pattern.inputs})
    return mixed


def _recompute(plan: Plan, calls: ProviderCalls, otherwise: dict[str, Any], withheld: Sequence[str]) -> dict[str, Any]:
    """The result of a plan; `otherwise` where there is none, as of a ledger that holds what the other pack has no price of."""
    try:
        text = computation.compute(plan, calls).text
    except StepFailed:
        return otherwise
    return _without(json.loads(text), withheld)
