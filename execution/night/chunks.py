"""A job over all portfolios, cut into chunks that any process may take: more workers, less time.

Which chunks there are and how each ended is rows, and the attempt that opened them counts these until none is left. It works on
chunks itself meanwhile, so that it ends where no worker hears the bell. Whoever is at a chunk holds a lock of its database session:
it dies with its process, and the chunk is taken by the next who comes.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from time import sleep
from typing import Any, Protocol

from django.db import InterfaceError, OperationalError
from django.db.models import Count
from django.db.models.functions import Now

from config import locks
from config.errors import TieoutError
from execution.models import JobChunk, JobRun, RunState
from execution.night import blocked
from portfolio.models import LedgerRevision, Transaction
from portfolio.performance import nightly_figures
from pricing import packs
from pricing.models import PricingPack

logger = logging.getLogger(__name__)

MOST_PORTFOLIOS, MOST_TRANSACTIONS = 50, 20_000
"""Of a chunk: some seconds of work, and some tens of megabytes while it lasts."""
LOOK_AGAIN_S = 0.1
UNFINISHED = (RunState.WAITING, RunState.RUNNING)


class _Verb(Protocol):
    def __call__(self, *, used: Sequence[nightly_figures.Used], pack: PricingPack) -> nightly_figures.Outcome: ...


VERBS: Mapping[str, _Verb] = {
    "compute_metrics": nightly_figures.compute_metrics,
    "prewarm_factors": nightly_figures.prewarm_factors,
}
"""What is done with a chunk, by job."""


def open_chunks(*, job: JobRun, pack: PricingPack, used: Sequence[nightly_figures.Used]) -> list[JobChunk]:
    """The rows of this attempt's chunks, in the order of `used`."""
    counted = (
        Transaction.objects.filter(portfolio__in=[portfolio.pk for portfolio, _ in used], removed_in__isnull=True)
        .order_by()
        .values_list("portfolio_id")
        .annotate(count=Count("id"))
    )
    sizes = dict(counted)
    parts = cut([(revision.pk, sizes.get(portfolio.pk, 0)) for portfolio, revision in used])
    return JobChunk.objects.bulk_create(
        JobChunk(job=job, fencing=job.fencing, number=number, pack_id=pack.pk, revisions=part)
        for number, part in enumerate(parts, 1)
    )


def cut(sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Pure. (revision, transactions) into chunks of revisions, each within both bounds or of one."""
    parts: list[list[int]] = []
    rows = 0
    for revision, size in sizes:
        if not parts or len(parts[-1]) == MOST_PORTFOLIOS or rows + size > MOST_TRANSACTIONS:
            parts.append([])
            rows = 0
        parts[-1].append(revision)
        rows += size
    return parts


def finish(*, job: JobRun, tell: Callable[[int, int], None]) -> Mapping[str, int]:
    """Work on what nobody is at until every chunk of this attempt has ended; what they came to, summed.

    Portfolios whose figures can't be computed are `failed`, where there are any, and rows of `execution.night.blocked`.
    tell     portfolios done, of how many: after each chunk, and while others are at the last ones
    """
    mine = JobChunk.objects.filter(job=job, fencing=job.fencing)
    sizes = {pk: len(revisions) for pk, revisions in mine.values_list("pk", "revisions")}
    total = sum(sizes.values())
    while True:
        # From the end: workers that hear the bells come from the beginning.
        left = list(mine.filter(state__in=UNFINISHED).order_by("-number").values_list("pk", flat=True))
        if sizes:
            tell(total - sum(sizes[pk] for pk in left), total)
        if not left:
            break
        if not any(work_on(pk) for pk in left):
            sleep(LOOK_AGAIN_S)
    ended = list(mine.order_by("number").values_list("detail", flat=True))
    failed = sum(len(detail["failed"]) for detail in ended)
    found = {name: sum(detail[name] for detail in ended) for name in ("portfolios", "daily_values")}
    return found | {"failed": failed} if failed else found


def work_on(chunk_id: int) -> bool:
    """Do a chunk; False where it has ended, belongs to an attempt that is over, or another session is at it."""
    with locks.try_session_lock(f"execution.chunk:{chunk_id}") as acquired:
        if not acquired:
            return False
        chunk = JobChunk.objects.select_related("job").get(pk=chunk_id)
        job = chunk.job
        if chunk.state not in UNFINISHED or (job.state, job.fencing) != (RunState.RUNNING, chunk.fencing):
            return False
        mine = JobChunk.objects.filter(pk=chunk_id)
        mine.update(state=RunState.RUNNING, started_at=Now())
        revisions = LedgerRevision.objects.select_related("portfolio").in_bulk(chunk.revisions)
        used = [(revisions[pk].portfolio, revisions[pk]) for pk in chunk.revisions]
        outcome = _computed(VERBS[job.name], used, packs.find(pack_id=chunk.pack_id))
        blocked.add(
            job=job.name,
            rows=[
                blocked.by_failure(revisions[pk].portfolio_id, chunk.pack_id, failure)
                for pk, failure in outcome.failed.items()
            ],
        )
        mine.update(
            state=RunState.DONE,
            finished_at=Now(),
            detail=_told(outcome),
            reason=next((str(failure) or type(failure).__name__ for failure in outcome.failed.values()), "")[:4000],
        )
        return True


CONCERN_ALL = (packs.PackCorrupt, OperationalError, InterfaceError)
"""What is nobody's own fault: a pack that is not what was sealed, a database that is away."""


def _computed(verb: _Verb, used: Sequence[nightly_figures.Used], pack: PricingPack) -> nightly_figures.Outcome:
    """What the verb makes of a chunk. Where it breaks on the whole of it (reading, or storing what came out), it does the
    portfolios one by one, so that only the one at fault has no figures."""
    try:
        return verb(used=used, pack=pack)
    except CONCERN_ALL:
        raise
    except TieoutError as failure:
        if len(used) == 1:
            logger.warning("a portfolio has no figures", extra={"portfolio": used[0][0].slug, "reason": str(failure)})
            return nightly_figures.Outcome(1, failed={used[0][1].pk: failure})
    except Exception:
        logger.exception("a chunk broke", extra={"portfolios": [portfolio.slug for portfolio, _ in used]})
        if len(used) == 1:
            return nightly_figures.Outcome(1, failed={used[0][1].pk: nightly_figures.FiguresFailed()})
    total = nightly_figures.Outcome()
    for each in used:
        one = _computed(verb, [each], pack)
        total.portfolios += one.portfolios
        total.added += one.added
        total.failed |= one.failed
    return total


def _told(outcome: nightly_figures.Outcome) -> dict[str, Any]:
    return {
        "portfolios": outcome.portfolios,
        "daily_values": outcome.added,
        "failed": {str(revision): str(failure)[:400] for revision, failure in outcome.failed.items()},
    }
