"""The daily values of all portfolios, split into chunks that any process may take: more workers, less time.

The chunks and how each ended are rows. The attempt that opened them works on chunks itself until none is left, so that it ends
without workers too. A process that does a chunk holds a lock of its database session: if it dies, the lock goes, and another
process takes the chunk.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from time import sleep

from django.db.models import Count
from django.db.models.functions import Now

from config import locks, outage, telemetry
from config.errors import TieoutError
from execution import metering
from execution.models import JobChunk, JobRun, RunState
from execution.night import blocked
from portfolio.models import LedgerRevision, Portfolio, Transaction
from portfolio.performance import daily_values
from portfolio.performance.daily_values import PortfolioRevision
from pricing import packs
from pricing.models import PricingPack

logger = logging.getLogger(__name__)

JOB = "compute_metrics"
"""The job of the night that they are chunks of."""
MOST_PORTFOLIOS, MOST_TRANSACTIONS = 50, 20_000
"""Bounds of a chunk: some seconds of work, and some tens of megabytes while it lasts."""
LOOK_AGAIN_S = 0.1
UNFINISHED = (RunState.WAITING, RunState.RUNNING)


class FiguresFailed(TieoutError):
    """The figures of a portfolio can't be computed for a reason that nobody foresaw; the log has it."""

    def __init__(self) -> None:
        super().__init__(
            "its figures could not be computed: a fault of this program, which its operator finds in the log"
        )


def open_chunks(*, job: JobRun, pack: PricingPack, revisions_tied_out: Sequence[PortfolioRevision]) -> list[JobChunk]:
    """The rows of this attempt's chunks, in the order of `revisions_tied_out`."""
    counts = (
        Transaction.objects.filter(
            portfolio__in=[portfolio.pk for portfolio, _ in revisions_tied_out], removed_in__isnull=True
        )
        .order_by()
        .values_list("portfolio_id")
        .annotate(count=Count("id"))
    )
    sizes = dict(counts)
    parts = split([(revision.pk, sizes.get(portfolio.pk, 0)) for portfolio, revision in revisions_tied_out])
    return JobChunk.objects.bulk_create(
        JobChunk(job=job, fencing=job.fencing, number=number, pack_id=pack.pk, revisions=part)
        for number, part in enumerate(parts, 1)
    )


def split(sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """(revision, transactions) pairs into chunks of revisions. Each is within both bounds, or holds one revision. Pure."""
    parts: list[list[int]] = []
    rows = 0
    for revision, size in sizes:
        if not parts or len(parts[-1]) == MOST_PORTFOLIOS or rows + size > MOST_TRANSACTIONS:
            parts.append([])
            rows = 0
        parts[-1].append(revision)
        rows += size
    return parts


def finish(*, job: JobRun, progress: Callable[[int, int], None]) -> Mapping[str, int]:
    """Do the chunks of this attempt that no other process does, until every one has ended, and return the sums of their details.

    Portfolios whose figures can't be computed are counted as `failed`, where there are any, and become rows of blocked portfolios.
    progress   called with portfolios done and their number, after each chunk and while other processes do the last ones
    """
    own_chunks = JobChunk.objects.filter(job=job, fencing=job.fencing)
    sizes = {pk: len(revisions) for pk, revisions in own_chunks.values_list("pk", "revisions")}
    total = sum(sizes.values())
    while True:
        # From the end, because workers begin at the beginning.
        left = list(own_chunks.filter(state__in=UNFINISHED).order_by("-number").values_list("pk", flat=True))
        if sizes:
            progress(total - sum(sizes[pk] for pk in left), total)
        if not left:
            break
        if not any(work_on(pk) for pk in left):
            sleep(LOOK_AGAIN_S)
    ended = list(own_chunks.order_by("number").values_list("detail", flat=True))
    failed = sum(len(detail["failed"]) for detail in ended)
    sums = {name: sum(detail[name] for detail in ended) for name in ("portfolios", "daily_values")}
    return sums | {"failed": failed} if failed else sums


def work_on(chunk_id: int) -> bool:
    """Do a chunk. False where it has ended, belongs to an attempt that is over, or another session does it."""
    with locks.try_session_lock(f"execution.chunk:{chunk_id}") as acquired:
        if not acquired:
            return False
        chunk = JobChunk.objects.select_related("job").get(pk=chunk_id)
        job = chunk.job
        if chunk.state not in UNFINISHED or (job.state, job.fencing) != (RunState.RUNNING, chunk.fencing):
            return False
        with (
            telemetry.span("chunk.run", chunk=chunk_id, job=job.name, pricing_pack_id=chunk.pack_id),
            metering.observe_duration(metering.CHUNK_SECONDS, job=job.name),
        ):
            _compute_and_store(chunk)
        return True


def _compute_and_store(chunk: JobChunk) -> None:
    """Compute a chunk that this session alone has, and store how it ended, with the portfolios that have no figures."""
    row = JobChunk.objects.filter(pk=chunk.pk)
    row.update(state=RunState.RUNNING, started_at=Now())
    revisions = LedgerRevision.objects.select_related("portfolio").in_bulk(chunk.revisions)
    pairs = [(revisions[pk].portfolio, revisions[pk]) for pk in chunk.revisions]
    row_count, failed = _store_values(pairs, packs.find(pack_id=chunk.pack_id))
    blocked.add(
        job=chunk.job.name,
        blockages=[
            blocked.from_failure(revisions[pk].portfolio_id, chunk.pack_id, failure) for pk, failure in failed.items()
        ],
    )
    row.update(
        state=RunState.DONE,
        finished_at=Now(),
        detail={
            "portfolios": len(pairs),
            "daily_values": row_count,
            "failed": {str(revision): str(failure)[:400] for revision, failure in failed.items()},
        },
        reason=next(map(blocked.reason_of, failed.values()), "")[: blocked.MAX_REASON],
    )


def concerns_all(failure: Exception) -> bool:
    """Whether no portfolio's data cause a failure: a pack is not what was sealed, the database is away, a disk is full."""
    return isinstance(failure, packs.PackCorrupt) or outage.find(failure) is not None


def _store_values(pairs: Sequence[PortfolioRevision], pack: PricingPack) -> tuple[int, Mapping[int, TieoutError]]:
    """How many values were added, and by revision why its portfolio has none.

    What breaks on one portfolio's data breaks its chunk: then the portfolios are done one by one, and those at fault go without.
    """
    try:
        return daily_values.store(portfolios=pairs, pack=pack), {}
    except Exception as failure:
        if concerns_all(failure):
            raise
        if len(pairs) == 1:
            ((portfolio, revision),) = pairs
            return 0, {revision.pk: _log(portfolio, pack, failure)}
        logger.warning(
            "a chunk is done portfolio by portfolio",
            extra={"pack_id": pack.pk, "portfolios": len(pairs), "failure": type(failure).__name__},
        )
    parts = [_store_values([each], pack) for each in pairs]
    return sum(row_count for row_count, _ in parts), {
        pk: failure for _, failed in parts for pk, failure in failed.items()
    }


def _log(portfolio: Portfolio, pack: PricingPack, failure: Exception) -> TieoutError:
    """What the portfolio is told. An expected failure is logged without its words, which may tell holdings."""
    ids = {"portfolio_id": str(portfolio.pk), "pack_id": pack.pk}
    if isinstance(failure, TieoutError):
        logger.warning("a portfolio has no figures", extra={**ids, "failure": type(failure).__name__})
        return failure
    logger.exception("the figures of a portfolio failed", extra=ids)
    return FiguresFailed()
