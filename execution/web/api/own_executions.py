"""The caller's executions: listed, each with its trace, and computed again."""

from typing import Any, ClassVar, Final
from uuid import UUID

from django.db import transaction
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.models import TokenScope
from execution import executor
from execution.executor import DifferentEngine, NotReproduced
from execution.models import Execution, ExecutionStatus
from execution.web import limits, problems
from execution.web.api.door import Door
from execution.web.api.executions import caller_of
from execution.web.api.fields import Text, UuidText
from execution.web.api.query import PageOfSpan, page_of
from execution.web.api.schema import TRACE_STEPS, refusals

ENTRY: Final = inline_serializer(
    "ExecutionEntry",
    {
        "execution_id": serializers.UUIDField(),
        "pattern_id": serializers.CharField(),
        "pattern_version": serializers.CharField(),
        "portfolio_id": serializers.UUIDField(allow_null=True),
        "asof_date": serializers.DateField(),
        "pricing_pack_id": serializers.CharField(),
        "ledger_commit_hash": serializers.CharField(allow_null=True),
        "engine_version": serializers.CharField(),
        "status": serializers.ChoiceField(ExecutionStatus.choices),
        "problem": serializers.CharField(allow_null=True, help_text="Type of the problem that it failed by."),
        "result_hash": serializers.CharField(allow_null=True),
        "provisional": serializers.BooleanField(),
        "started_at": serializers.DateTimeField(),
        "finished_at": serializers.DateTimeField(allow_null=True),
        "duration_ms": serializers.FloatField(allow_null=True),
    },
)
LISTED: Final = inline_serializer(
    "Executions",
    {
        "count": serializers.IntegerField(help_text="Executions on all pages."),
        "offset": serializers.IntegerField(),
        "executions": serializers.ListField(child=ENTRY, help_text="Newest first."),
    },
)
TRACED: Final = inline_serializer(
    "ExecutionTrace",
    {
        "execution_id": serializers.UUIDField(),
        "status": serializers.ChoiceField(ExecutionStatus.choices),
        "problem": serializers.CharField(allow_null=True, help_text="Type of the problem that it failed by."),
        "steps": TRACE_STEPS,
    },
)
REPLAYED: Final = inline_serializer(
    "Replay",
    {
        "execution_id": serializers.UUIDField(),
        "outcome": serializers.ChoiceField(
            ["identical", "different-engine", "different"],
            help_text="different-engine: another engine computed it; where the result differs, too, `path` is where.",
        ),
        "path": serializers.CharField(
            allow_null=True, help_text="JSON Pointer to the first place where the results differ; null where none does."
        ),
        "stored_engine": serializers.CharField(),
        "current_engine": serializers.CharField(),
    },
)
OF_EXECUTION: Final = OpenApiParameter("execution_id", UUID, OpenApiParameter.PATH)


class ExecutionQuery(PageOfSpan):
    pattern_id = Text(required=False, max_length=64)
    portfolio_id = UuidText(required=False)
    status = serializers.ChoiceField(ExecutionStatus.choices, required=False)


class Executions(Door):
    query_forms: ClassVar = {"GET": ExecutionQuery}

    @extend_schema(
        operation_id="executions",
        summary="Your executions, newest first",
        parameters=[ExecutionQuery],
        responses={200: LISTED},
    )
    def get(self, request: Request) -> Response:
        rows = Execution.objects.filter(user=caller_of(request)).select_related("pattern_version")
        for name, condition in (
            ("first", "asof_date__gte"), ("last", "asof_date__lte"), ("pattern_id", "pattern_version__pattern"),
            ("portfolio_id", "portfolio_id"), ("status", "status"),
        ):  # fmt: skip
            if name in self.query:
                rows = rows.filter(**{condition: self.query[name]})
        page = rows.defer("result", "trace").order_by("-started_at", "id")[page_of(self.query)]
        entries = [_entry(row) for row in page]
        return Response({"count": rows.count(), "offset": self.query["offset"], "executions": entries})


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class ExecutionTrace(Door):
    @extend_schema(
        operation_id="execution_trace",
        summary="What happened to each step of an execution",
        parameters=[OF_EXECUTION],
        responses={200: TRACED, **refusals(410)},
    )
    def get(self, request: Request, execution_id: UUID) -> Response:
        with transaction.atomic():
            unfinished = Execution.objects.filter(pk=execution_id).exclude(status=ExecutionStatus.DONE).first()
        if unfinished is None:
            execution = executor.fetch(execution_id, user=caller_of(request))
            return Response(_traced(execution_id, ExecutionStatus.DONE, None, execution.trace))
        kind = problems.type_on_record(unfinished.problem)
        return Response(_traced(execution_id, unfinished.status, kind, problems.trace_on_record(unfinished)))


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Replay(Door):
    token_scopes: ClassVar = {"POST": TokenScope.EXECUTE}

    @extend_schema(
        operation_id="replay",
        summary="Compute an execution again, and compare it byte for byte",
        request=None,
        parameters=[OF_EXECUTION],
        responses={200: REPLAYED, **refusals(410, 413)},
    )
    def post(self, request: Request, execution_id: UUID) -> Response:
        user = caller_of(request)
        outcome, path, stored_engine, current = "identical", None, None, executor.engine_version()
        with limits.replaying(user):
            try:
                executor.replay(execution_id, user=user)
            except DifferentEngine as other:
                outcome, path, stored_engine = "different-engine", other.path, other.stored
            except NotReproduced as other:
                outcome, path = "different", other.path
        return Response(
            {
                "execution_id": execution_id,
                "outcome": outcome,
                "path": path,
                "stored_engine": stored_engine or current,
                "current_engine": current,
            }
        )


def _traced(execution_id: UUID, status: str, problem: str | None, trace: Any) -> dict[str, Any]:
    return {"execution_id": execution_id, "status": status, "problem": problem, "steps": trace.get("steps", [])}


def _entry(row: Execution) -> dict[str, Any]:
    return {
        "execution_id": row.pk,
        "pattern_id": row.pattern_version.pattern_id,
        "pattern_version": row.pattern_version.version,
        "portfolio_id": row.portfolio_id,
        "asof_date": row.asof_date,
        "pricing_pack_id": row.pack_id,
        "ledger_commit_hash": row.ledger_commit_hash or None,
        "engine_version": row.engine_version,
        "status": row.status,
        "problem": problems.type_on_record(row.problem),
        "result_hash": row.result_hash or None,
        "provisional": row.provisional,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "duration_ms": row.duration_ms,
    }
