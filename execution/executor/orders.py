"""Executions that a worker computes: ordered, followed step by step, ended before they are done.

What was ordered is a row; the message that rings for it may be lost. How far it is stands in Redis, because a computation can
write nothing to the database.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import cache
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from redis.exceptions import RedisError

from config import dates, locks, scope
from config.errors import TieoutError
from execution.executor import failure_record, planning, store
from execution.executor.request import PortfolioNotFound, Request
from execution.executor.running import execute
from execution.executor.step_trace import StepTrace
from execution.models import ExecutionOrder, OrderState
from portfolio.models import Portfolio

logger = logging.getLogger(__name__)

OPEN: Final = (OrderState.WAITING, OrderState.RUNNING)
MOST_OPEN: Final = 20
"""Orders of one user that wait or run."""
KNOWN_S: Final = 24 * 3600


class OrderNotFound(TieoutError):
    def __init__(self) -> None:
        super().__init__("there is no such order of an execution")


class TooManyOrders(TieoutError):
    def __init__(self) -> None:
        super().__init__(f"{MOST_OPEN} of your executions wait or run: order again when one has ended")


class OrderCancelled(TieoutError):
    """Who ordered an execution has ended it. Never met by a request."""

    def __init__(self) -> None:
        super().__init__("it was cancelled")


def place(
    request: Request, *, user: AbstractBaseUser, request_id: str, admit: Callable[[], object]
) -> ExecutionOrder | None:
    """Put an execution on record for a worker; None where its answer is stored already.

    admit    called before it is; what it raises refuses the order
    raises   what planning.prepare raises, so that what can't be computed is refused at once; TooManyOrders
    """
    with scope.acting_as(user), transaction.atomic():
        plan = planning.prepare(request, user=user)
        if not plan.provisional and store.find(plan.key, user) is not None:
            return None
        if ExecutionOrder.objects.filter(user=user.pk, state__in=OPEN).count() >= MOST_OPEN:
            raise TooManyOrders
        admit()
        effective = replace(request, portfolio_id=plan.portfolio.pk if plan.portfolio else None)
        return ExecutionOrder.objects.create(user_id=user.pk, request=_as_dict(effective), request_id=request_id)


def find(order_id: UUID) -> ExecutionOrder:
    """An order of the caller's. Raises OrderNotFound."""
    with transaction.atomic():
        order = ExecutionOrder.objects.filter(pk=order_id).first()
    if order is None:
        raise OrderNotFound
    return order


def cancel(order_id: UUID) -> None:
    """End an order: before it begins, or after the step under way. Nothing where it has ended. Raises OrderNotFound."""
    order = find(order_id)
    _change(order, state=OrderState.CANCELLED, finished_at=timezone.now())
    _put(order, "cancelled", True)


def finished_steps(order: ExecutionOrder) -> Sequence[Mapping[str, Any]]:
    """The steps that have ended so far, of an order that runs."""
    try:
        steps: Sequence[Mapping[str, Any]] = cache.get(_name(order, "steps")) or ()
    except RedisError:
        logger.warning("nobody knows how far an order is while Redis is away")
        return ()
    return steps


def make(order_id: UUID) -> None:
    """Compute what was ordered; nothing where it has ended, or is being computed elsewhere. Whatever it fails by is on record."""
    with locks.try_session_lock(f"execution order {order_id}") as is_free:
        if not is_free:
            return
        with transaction.atomic():
            order = ExecutionOrder.objects.filter(pk=order_id, state__in=OPEN).first()
        if order is None:
            return
        user = get_user_model().objects.get(pk=order.user_id)
        with scope.acting_as(user):
            try:
                _compute(order, user)
            except OrderCancelled:
                return
            except Exception as failure:
                problem = failure_record.describe(failure)
                _change(order, state=OrderState.FAILED, problem=problem, finished_at=timezone.now())
                raise


def _compute(order: ExecutionOrder, user: AbstractBaseUser) -> None:
    request = _from_dict(order.request)
    if request.portfolio_id is not None:
        _require_access(request.portfolio_id, user)
    if not _change(order, state=OrderState.RUNNING):
        raise OrderCancelled
    served = execute(
        request,
        user=user,
        claimed=lambda execution_id: _change(order, execution_id=execution_id),
        report=partial(_report, order, []),
    )
    _change(order, state=OrderState.DONE, execution_id=served.execution_id, finished_at=timezone.now())


def _require_access(portfolio_id: UUID, user: AbstractBaseUser) -> None:
    """A worker may see all portfolios, and so asks for itself. Raises PortfolioNotFound."""
    with transaction.atomic():
        readers = Q(owner=user.pk) | Q(grants__user=user.pk)
        if not Portfolio.objects.filter(readers, pk=portfolio_id).exists():
            raise PortfolioNotFound


def _report(order: ExecutionOrder, steps: list[dict[str, Any]], step: StepTrace) -> None:
    """Tell that a step has ended. Raises OrderCancelled."""
    steps.append(step.as_dict())
    _put(order, "steps", steps)
    try:
        is_cancelled = cache.get(_name(order, "cancelled"))
    except RedisError:
        is_cancelled = False  # its row says so, and the answer will be nobody's
    if is_cancelled:
        raise OrderCancelled


def waiting(before: datetime) -> list[UUID]:
    """Orders of before that are still open: their worker was killed, or nobody rang for one."""
    with transaction.atomic():
        rows = ExecutionOrder.objects.filter(state__in=OPEN, ordered_at__lt=before)
        return list(rows.order_by("ordered_at").values_list("pk", flat=True))


def forget(before: datetime) -> int:
    """Remove the orders of before that have ended, and return how many."""
    with transaction.atomic():
        return ExecutionOrder.objects.filter(ordered_at__lt=before).exclude(state__in=OPEN).delete()[0]


def _change(order: ExecutionOrder, **fields: Any) -> bool:
    """Whether the order was still open to be changed."""
    with transaction.atomic():
        return bool(ExecutionOrder.objects.filter(pk=order.pk, state__in=OPEN).update(**fields))


def _put(order: ExecutionOrder, what: str, value: Any) -> None:
    try:
        cache.set(_name(order, what), value, KNOWN_S)
    except RedisError:
        logger.warning("nobody is told how far an order is while Redis is away")


def _name(order: ExecutionOrder, what: str) -> str:
    return f"order:{order.pk}:{what}"


def _as_dict(request: Request) -> dict[str, Any]:
    return {
        "pattern_id": request.pattern_id,
        "inputs": dict(request.inputs),
        "portfolio_id": str(request.portfolio_id) if request.portfolio_id else None,
        "asof_date": request.asof_date.isoformat() if request.asof_date else None,
        "require_fresh": request.require_fresh,
        "ledger_commit": request.ledger_commit,
        "pricing_pack_id": request.pricing_pack_id,
        "pattern_version": request.pattern_version,
    }


def _from_dict(document: Mapping[str, Any]) -> Request:
    portfolio, asof = document["portfolio_id"], document["asof_date"]
    return Request(
        **{
            **document,
            "portfolio_id": UUID(portfolio) if portfolio else None,
            "asof_date": dates.parse(asof) if asof else None,
        }
    )
