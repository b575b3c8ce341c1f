"""Tasks of the night. What remains to do is rows: a message that is lost, late or doubled changes nothing."""

import logging
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from compliance.audit import refusals, sealing
from config import dates
from config.errors import TieoutError
from execution import executor, exports
from execution.executor import orders
from execution.models import NightlyRun, RunState
from execution.night import audit_check, chunks, due, history_check, nightly, restatement, runs
from execution.operations import altered, retention
from execution.operations.intake import market_data
from portfolio.books import catching_up
from portfolio.ledger.repository import LedgerUnavailable
from pricing.models import PricingPolicy
from pricing.providers import fetching, http

logger = logging.getLogger(__name__)

ORDER_PATIENCE = timedelta(minutes=2)
ORDER_S = 600
"""How long a worker computes what was ordered, also where one step is all of it; it has failed then."""
"""After so long another worker is rung for an execution that has not ended."""
EXPORT_PATIENCE = timedelta(minutes=2)
"""After so long somebody looks for an export that has not ended."""


@shared_task
def ring_nightly(**_: Any) -> None:
    """Open the night of each policy that has a pack day without one, and send a message for it; where none is due, a restatement of
    what data loaded since can now price."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    for policy in PricingPolicy.objects.order_by("code"):
        days, restates = due.due_days(policy, until=yesterday), ""
        if not days:
            days, restates = restatement.due_days(policy), restatement.LACKING
        if not days:
            logger.info("no night is due", extra={"policy": policy.code})
            continue
        with transaction.atomic():
            runs.open_run(policy=policy, from_date=days[0], date=days[-1], restates=restates)
            _ring(policy.code, days[0], days[-1], restates)


@shared_task
def fetch_market_data(**_: Any) -> None:
    """Fetch from every provider that is on, up to today. One that fails does not keep the others from being fetched."""
    today = datetime.now(UTC).date()
    for provider, (terms, _ask) in fetching.FETCHED.items():
        if not http.is_on(terms):
            logger.info("provider is off", extra={"provider": provider})
            continue
        try:
            outcome = market_data.fetch_market_data(provider=provider, run=uuid4(), today=today, last=today)
        except fetching.NothingToFetch as nothing:
            logger.info("nothing to fetch", extra={"provider": provider, "reason": str(nothing)})
            continue
        except TieoutError as failure:
            logger.error("nothing was fetched", extra={"provider": provider, "reason": str(failure)})
            continue
        logger.info(
            "market data fetched",
            extra={
                "provider": provider,
                "refused": len(outcome.refused),
                "failed": list(map(str, outcome.failed[:20])),
            },
        )


@shared_task
def seal_audit_log(**_: Any) -> None:
    """Record what tried to change the audit log, and sign what it has gained."""
    refusals.record_counted()
    sealing.seal(at=datetime.now(UTC))


@shared_task
def check_audit_log(**_: Any) -> None:
    """Verify the audit log, and compare the rows that it alone can prove."""
    audit_check.run(datetime.now(UTC))


@shared_task
def run_nightly(*, policy: str, from_date: str, date: str, restates: str = "", **_: Any) -> None:
    """Finish a night. Nothing is done where it is done already, or where another worker runs it."""
    first, last = _date(from_date), _date(date)
    restated = NightlyRun.objects.filter(policy=policy, date=last, restates=restates, state=RunState.DONE)
    if restates and restates != restatement.LACKING and restated.exists():
        logger.info("restated already", extra={"policy": policy, "date": date})
        return
    try:
        nightly.run(
            policy=PricingPolicy.objects.get(pk=policy),
            from_date=first,
            date=last,
            restates=restates,
            ring=_ring_for_chunk,
        )
    except nightly.RunElsewhere:
        logger.info("nightly run is under way elsewhere", extra={"policy": policy, "date": date})


@shared_task
def compute_chunk(*, chunk: int, **_: Any) -> None:
    """Do a chunk of a job. Nothing is done where it has ended, or where another worker does it."""
    chunks.work_on(chunk)


@shared_task
def take_up_stale_runs(**_: Any) -> None:
    """Send another message for nights that nobody finishes: their worker was killed, their message was lost, or what they failed by
    may have passed. End executions that nobody computes any more. Read what a killed import left in the ledger without its rows."""
    for run in due.stale_runs():
        logger.warning("nightly run is taken up", extra={"run_id": str(run.pk), "policy": run.policy})
        # Without its reason, a restatement that was finished in the meantime is not begun again. A run that only restates lacking
        # days finds none then.
        _ring(run.policy, run.from_date, run.date, run.restates if run.restates == restatement.LACKING else "")
    executor.end_abandoned()
    for waiting in orders.waiting(datetime.now(UTC) - ORDER_PATIENCE):
        make_execution.delay(order=str(waiting))
    try:
        catching_up.catch_up_all()
    except LedgerUnavailable as damaged:
        logger.error("the ledger can't be read", extra={"reason": damaged.reason})


@shared_task
def check_history(**_: Any) -> None:
    """Derive a seventh of the history again, and compare it with what is stored; prove a seventh of the stored answers."""
    history_check.run(datetime.now(UTC).date(), find_more=lambda part: altered.find(part=part))


@shared_task
def make_export(*, export: str, **_: Any) -> None:
    """Write the file of an export. Nothing is done where it has ended, or where another worker does it."""
    exports.make(UUID(export))


@shared_task(soft_time_limit=ORDER_S, time_limit=ORDER_S + 60)
def make_execution(*, order: str, **_: Any) -> None:
    """Compute an execution that was ordered. Nothing is done where it has ended, or where another worker does it."""
    try:
        orders.make(UUID(order))
    except (TieoutError, SoftTimeLimitExceeded) as failure:
        logger.warning("an ordered execution failed", extra={"order_id": order, "reason": str(failure)})


@shared_task
def tend_exports(**_: Any) -> None:
    """Take up exports whose worker was killed, and take away the files of those that were kept long enough."""
    now = datetime.now(UTC)
    for waiting in exports.waiting(now - EXPORT_PATIENCE):
        try:
            exports.make(waiting)
        except TieoutError as failure:
            logger.error(
                "an export that was taken up failed", extra={"export_id": str(waiting), "reason": str(failure)}
            )
    exports.remove_expired(now)


@shared_task
def drop_executions(**_: Any) -> None:
    """Drop the stored answers whose time is over."""
    dropped = retention.drop_due(datetime.now(UTC))
    orders.forget(datetime.now(UTC) - timedelta(days=settings.EXECUTION_DAYS))
    logger.info("stored answers are dropped", extra=asdict(dropped))


def _ring_for_chunk(chunk: int) -> None:
    """Send a message for a chunk. Without a broker there is none, and the process that opened the chunk does it."""
    try:
        compute_chunk.delay(chunk=chunk)
    except OperationalError:
        logger.warning("no bell for a chunk: the broker does not answer", extra={"chunk": chunk})


def _ring(policy: str, first: date, last: date, restates: str = "") -> None:
    how = {"restates": restates} if restates else {}
    run_nightly.delay_on_commit(  # type: ignore[attr-defined]  # of Celery's Django task
        policy=policy, from_date=first.isoformat(), date=last.isoformat(), **how
    )


def _date(text: str) -> date:
    return dates.parse(text)
