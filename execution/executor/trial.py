"""A document that is not published, tried on a portfolio for who writes it. Nothing of it is stored, and nobody else sees it."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from config import scope
from execution.executor import endings, planning
from execution.executor.computation import compute
from execution.executor.engine import engine_version
from execution.executor.provider_calls import ProviderCalls
from execution.executor.request import Request
from execution.executor.serving import Served, serve
from execution.executor.store import FinishedExecution
from execution.models import PatternVersion
from execution.patterns import ParsedPattern


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in which two results differ: a JSON pointer, and what is there; ABSENT where one has no such place."""

    path: str
    before: Any
    after: Any


ABSENT = "(absent)"


def run(version: PatternVersion, pattern: ParsedPattern, request: Request, *, user: AbstractBaseUser) -> Served:
    """The answer that a version would give, under the rights of now. The id in it is of no execution.

    version  need not be in the database
    raises   what planning.prepare_version and compute raise
    """
    started = perf_counter()
    with scope.acting_as(user):
        with transaction.atomic():
            plan = planning.prepare_version(version, pattern, request)
        calls = ProviderCalls()
        try:
            computation = compute(plan, calls)
        finally:
            calls.put_on_record(None)
        finished = FinishedExecution(
            id=str(uuid4()),
            pattern_id=version.pattern_id,
            pattern_version=version.version,
            pack_id=plan.pack.pk,
            policy=plan.pack.policy_id,
            pack_content_hash=plan.pack.content.content_hash if plan.pack.content else "",
            pack_chain_hash=plan.pack.chain_hash,
            ledger_commit_hash=plan.revision.commit if plan.revision else "",
            asof_date=plan.pack.asof_date.isoformat(),
            engine_version=engine_version(),
            result=computation.text,
            result_hash=computation.result_hash,
            trace=computation.trace,
            sources=computation.sources,
            warnings=computation.warnings,
            provisional=True,
            computed_at=None,
            duration_ms=endings.milliseconds_since(started),
        )
        with transaction.atomic():
            return serve(
                finished,
                requested=plan.requested_asof_date,
                cached=False,
                duration_ms=finished.duration_ms,
                warnings=plan.warnings,
            )


def find_differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Every innermost place in which two results differ, in the order of their names."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from find_differences(before.get(key, ABSENT), after.get(key, ABSENT), f"{path}/{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for place in range(max(len(before), len(after))):
            left, right = (each[place] if place < len(each) else ABSENT for each in (before, after))
            yield from find_differences(left, right, f"{path}/{place}")
    elif before != after or type(before) is not type(after):
        yield Difference(path, before, after)
