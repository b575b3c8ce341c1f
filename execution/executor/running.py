"""Executing a request: served from the store where it was answered before, else run once and stored.

Three transactions: claim, read (one snapshot, read-only), finish; so that refusals and failures stay on record.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.utils import timezone

from config import locks, scope, telemetry
from execution import metering
from execution.executor import endings, planning, store
from execution.executor.computation import Computed, compute
from execution.executor.engine import engine_version
from execution.executor.planning import Plan
from execution.executor.provider_calls import ProviderCalls
from execution.executor.request import Request
from execution.executor.serving import Served, serve
from execution.executor.step_trace import Report, tell_nobody
from execution.executor.store import FinishedExecution
from execution.models import Execution, ExecutionStatus

OUTCOME = (
    "status", "result", "result_hash", "trace", "sources", "warnings", "provisional", "finished_at", "duration_ms",
    "digest", "recorded",
)  # fmt: skip


def execute(
    request: Request,
    *,
    user: AbstractBaseUser,
    claimed: Callable[[UUID], object] = lambda execution_id: None,
    admit: Callable[[], AbstractContextManager[object]] = nullcontext,
    report: Report = tell_nobody,
) -> Served:
    """Answer a request for `user`, from the store where it was answered before.

    claimed  called with the id of the execution once it is on record, before its steps run
    report   told of each step that has run; what it raises ends the execution as failed
    admit    entered around what has to be computed; what it raises refuses that
    raises   what prepare and compute raise
    """
    started = perf_counter()

    def answer(finished: FinishedExecution, *, cached: bool) -> Served:
        return serve(
            finished,
            requested=plan.requested_asof_date,
            cached=cached,
            duration_ms=endings.milliseconds_since(started),
            warnings=plan.warnings,
        )

    with scope.acting_as(user):
        with transaction.atomic():
            plan = planning.prepare(request, user=user)
            _bind(plan)
            earlier = None if plan.provisional else store.find(plan.key, user)
            if earlier is not None:
                metering.count_execution(plan.version.pattern_id, "stored")
                telemetry.bind(execution_id=str(earlier.id))
                return answer(earlier, cached=True)
        with admit():
            finished, cached = _run_once(plan, user, claimed, report)
        metering.count_execution(plan.version.pattern_id, "stored" if cached else "computed")
        with transaction.atomic():
            return answer(finished, cached=cached)


def _run_once(
    plan: Plan, user: AbstractBaseUser, claimed: Callable[[UUID], object], report: Report
) -> tuple[FinishedExecution, bool]:
    """The execution, and whether another request has made it while this one waited: of a key there is one computation at a time,
    over all processes."""
    key = plan.key
    with locks.session_lock(endings.lock_name(key)):
        with transaction.atomic():
            if not plan.provisional and (earlier := store.find(key, user)) is not None:
                return earlier, True
            execution = _claim(plan, user, key)
        telemetry.bind(execution_id=str(execution.pk))
        claimed(execution.pk)
        started = perf_counter()
        try:
            calls = ProviderCalls()
            try:
                with telemetry.span("pattern.run"):
                    computation = compute(plan, calls, report)
            finally:
                calls.put_on_record(execution.pk)
            finished = _finish(execution, plan, computation, started)
        except Exception as failure:
            metering.count_execution(plan.version.pattern_id, "failed")
            connection.close_if_unusable_or_obsolete()  # a session that was lost is not what failed to be told over
            endings.finish_failed(execution, failure, started=started)
            raise
        if not execution.provisional:
            store.put_in_cache(finished, key, user)
        return finished, False


def _bind(plan: Plan) -> None:
    telemetry.bind(
        pattern_id=plan.version.pattern_id,
        pattern_version=plan.version.version,
        pricing_pack_id=plan.pack.pk,
        ledger_commit_hash=plan.revision.commit if plan.revision else None,
    )


def _claim(plan: Plan, user: AbstractBaseUser, key: str) -> Execution:
    return Execution.objects.create(
        user_id=user.pk,
        portfolio_id=plan.portfolio.pk if plan.portfolio else None,
        pattern_version=plan.version,
        pack_id=plan.pack.pk,
        pack_chain_hash=plan.pack.chain_hash,
        ledger_commit_hash=plan.revision.commit if plan.revision else "",
        asof_date=plan.pack.asof_date,
        request=plan.request,
        engine_version=engine_version(),
        key=key,
        provisional=plan.provisional,
        started_at=timezone.now(),
    )


def _finish(execution: Execution, plan: Plan, computation: Computed, started: float) -> FinishedExecution:
    """Put a result on record. Raises ExecutionAbandoned where this session was lost, and the execution ended as failed since."""
    execution.status = ExecutionStatus.DONE
    execution.result, execution.result_hash = computation.text, computation.result_hash
    execution.trace, execution.sources, execution.recorded = (
        computation.trace,
        computation.sources,
        computation.recorded,
    )
    about_pack = [f"provisional: {plan.pack.pk} is {plan.pack.status}"] if plan.provisional else []
    execution.warnings = [*about_pack, *computation.warnings]
    # A step that was left out because something did not answer may work next time: that is no function of the five.
    execution.provisional = plan.provisional or computation.transient
    execution.finished_at = timezone.now()
    execution.duration_ms = endings.milliseconds_since(started)
    with transaction.atomic():
        finished = store.seal(execution)
        outcome = {name: getattr(execution, name) for name in OUTCOME}
        if not Execution.objects.filter(pk=execution.pk, status=ExecutionStatus.RUNNING).update(**outcome):
            raise endings.ExecutionAbandoned
    return finished
