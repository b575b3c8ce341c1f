"""A stored execution, computed again and compared byte for byte."""

import json
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from config import scope
from config.errors import TieoutError
from execution.executor import planning, store
from execution.executor.computation import compute
from execution.executor.engine import engine_version
from execution.executor.provider_calls import ProviderCalls
from execution.executor.serving import Served, find_done, serve


class NotReproduced(TieoutError):
    """A replay under the same engine gave other bytes. `path`: the first place where they differ."""

    def __init__(self, execution_id: UUID, path: str) -> None:
        super().__init__(f"execution {execution_id} is not reproduced: first difference at {path}")
        self.execution_id, self.path = execution_id, path


class DifferentEngine(TieoutError):
    """The execution was computed by another engine. `path`: the first place where the results differ, None where they do not."""

    def __init__(self, stored: str, current: str, path: str | None) -> None:
        super().__init__(
            f"computed by engine {stored}, this is {current}"
            + (f"; first difference at {path}" if path else "; same result")
        )
        self.stored, self.current, self.path = stored, current, path


def replay(execution_id: UUID, *, user: AbstractBaseUser) -> Served:
    """Compute a stored execution again from the five that it is a function of.

    raises   ExecutionNotFound; DifferentEngine where another engine computed it, NotReproduced where this one did and the result
             is another
    """
    with scope.acting_as(user):
        with transaction.atomic():
            execution = find_done(execution_id)
            plan = planning.plan_again(execution)
        text = compute(plan, ProviderCalls(execution.recorded)).text
        path = None
        if text != execution.result:
            path = first_difference(json.loads(execution.result), json.loads(text)) or "/"
        if execution.engine_version != engine_version():
            raise DifferentEngine(execution.engine_version, engine_version(), path)
        if path is not None:
            raise NotReproduced(execution.pk, path)
        with transaction.atomic():
            finished = store.from_row(execution)
            return serve(
                finished,
                requested=execution.asof_date,
                cached=True,
                duration_ms=finished.duration_ms,
                warnings=(),
            )


def first_difference(one: Any, other: Any, path: str = "") -> str | None:
    """JSON pointer to the first place where two results differ; None where they are equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if key not in one or key not in other:
                return f"{path}/{key}"
            below = first_difference(one[key], other[key], f"{path}/{key}")
            if below:
                return below
        return None
    if isinstance(one, list) and isinstance(other, list):
        for position, (left, right) in enumerate(zip(one, other, strict=False)):
            below = first_difference(left, right, f"{path}/{position}")
            if below:
                return below
        return None if len(one) == len(other) else f"{path}/{min(len(one), len(other))}"
    return None if one == other else path or "/"
