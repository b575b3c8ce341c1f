"""Executions that were asked for with `Prefer: respond-async`: followed, and ended, by who ordered them."""

from typing import Any, ClassVar, Final
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from kombu.exceptions import OperationalError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.models import TokenScope
from execution import tasks
from execution.executor import orders
from execution.models import Execution, ExecutionOrder, OrderState
from execution.web import problems
from execution.web.api.door import Door
from execution.web.api.schema import TRACE_STEPS

ORDER: Final = inline_serializer(
    "ExecutionOrder",
    {
        "order_id": serializers.UUIDField(),
        "state": serializers.ChoiceField(OrderState.choices),
        "execution": serializers.CharField(allow_null=True, help_text="Where the answer is, once it is done."),
        "problem": serializers.CharField(allow_null=True, help_text="Type of the problem that it failed by."),
        "ordered_at": serializers.DateTimeField(),
        "finished_at": serializers.DateTimeField(allow_null=True),
        "steps": TRACE_STEPS,
    },
)


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Order(Door):
    token_scopes: ClassVar = dict.fromkeys(("GET", "DELETE"), TokenScope.EXECUTE)

    @extend_schema(
        operation_id="execution_order",
        summary="How far an ordered execution is, step by step",
        responses={200: ORDER},
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        return Response(as_dict(orders.find(order_id)), headers={"Cache-Control": "private, no-store"})

    @extend_schema(
        operation_id="cancel_execution_order",
        summary="End an ordered execution after the step under way",
        responses={204: OpenApiResponse(description="Cancelled, or it has ended before.")},
    )
    def delete(self, request: Request, order_id: UUID) -> Response:
        orders.cancel(order_id)
        return Response(status=204)


def ring(order: ExecutionOrder) -> None:
    """Without a broker the next round of beat finds it."""
    try:
        tasks.make_execution.delay(order=str(order.pk))
    except OperationalError:
        tasks.logger.warning("no bell for an order: the broker does not answer", extra={"order_id": str(order.pk)})


def address_of(order: ExecutionOrder) -> str:
    return reverse("execution-order", args=[order.pk])


def as_dict(order: ExecutionOrder) -> dict[str, Any]:
    is_done = order.state == OrderState.DONE
    return {
        "order_id": str(order.pk),
        "state": order.state,
        "execution": reverse("execution", args=[order.execution_id]) if is_done else None,
        "problem": problems.type_on_record(order.problem),
        "ordered_at": order.ordered_at.isoformat(),
        "finished_at": order.finished_at.isoformat() if order.finished_at else None,
        "steps": _steps(order),
    }


def _steps(order: ExecutionOrder) -> Any:
    if order.state == OrderState.RUNNING:
        return orders.finished_steps(order)
    if order.execution_id is None:
        return []
    with transaction.atomic():
        execution = Execution.objects.filter(pk=order.execution_id).only("trace", "problem").first()
    return problems.trace_on_record(execution).get("steps", []) if execution else []
