"""Portfolios that a job of the night could not do. A failure that one portfolio's data cause stops at this portfolio.

The rows belong to a portfolio: its owner and the operator read them. How many there are and of what kind everybody may know; it
stands in the detail of the jobs.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from config.errors import TieoutError
from execution.models import BlockedKind, BlockedPortfolio, JobRun, NightlyRun
from execution.night.job_states import JobState
from portfolio.books.reconciliation_rows import LEDGER_UNREADABLE, MISSING_ACCOUNT, NOT_COMPARED, Comparison
from pricing.fx import MissingRate
from pricing.market import MissingPrice
from pricing.models import PricingPack

logger = logging.getLogger(__name__)

KIND_OF_BREAK: Mapping[str, BlockedKind] = {
    MISSING_ACCOUNT: BlockedKind.NO_LEDGER,
    LEDGER_UNREADABLE: BlockedKind.LEDGER_UNREADABLE,
    NOT_COMPARED: BlockedKind.NOT_COMPARED,
}
"""The kinds of breaks that are no difference between the books."""
RECONCILE = "reconcile_ledger"
MISSING = (BlockedKind.MISSING_PRICE, BlockedKind.MISSING_RATE)
MAX_REASON = 4000
"""Characters of a reason that are kept."""


@dataclass(frozen=True, slots=True)
class Blockage:
    """One portfolio at one pack, and why it has no answer there."""

    portfolio_id: UUID
    pack_id: str
    kind: BlockedKind
    reason: str


def from_failure(portfolio_id: UUID, pack_id: str, failure: TieoutError) -> Blockage:
    """The blockage that a failure of a job is for its portfolio."""
    kind = BlockedKind.FIGURES_FAILED
    if isinstance(failure, MissingPrice):
        kind = BlockedKind.MISSING_PRICE
    elif isinstance(failure, MissingRate):
        kind = BlockedKind.MISSING_RATE
    return Blockage(portfolio_id, pack_id, kind, reason_of(failure))


def from_comparisons(portfolio_id: UUID, comparisons: Iterable[Comparison]) -> list[Blockage]:
    """One blockage for each pack at which a portfolio's books differ, could not be compared, or lack a price or rate."""
    blockages = []
    for each in comparisons:
        if each.breaks:
            first = each.breaks[0]
            kind = KIND_OF_BREAK.get(first.kind, BlockedKind.RECONCILIATION_FAILED)
            reason = str(first) if kind == BlockedKind.RECONCILIATION_FAILED else first.detail
            blockages.append(Blockage(portfolio_id, each.pack.pk, kind, reason))
        elif each.lacking:
            is_price = any(name.startswith("the close") for name in each.lacking)
            kind = BlockedKind.MISSING_PRICE if is_price else BlockedKind.MISSING_RATE
            reason = f"the pack lacks {', '.join(each.lacking)}"
            blockages.append(Blockage(portfolio_id, each.pack.pk, kind, reason))
    return blockages


def reason_of(failure: TieoutError) -> str:
    return str(failure) or type(failure).__name__


def clear(*, jobs: Sequence[str], packs: Sequence[PricingPack]) -> None:
    """Delete the blockages of earlier attempts at these jobs for these packs."""
    BlockedPortfolio.objects.filter(job__in=jobs, pack__in=[pack.pk for pack in packs]).delete()


def add(*, job: str, blockages: Iterable[Blockage]) -> None:
    BlockedPortfolio.objects.bulk_create(
        (
            BlockedPortfolio(
                portfolio_id=each.portfolio_id,
                pack_id=each.pack_id,
                job=job,
                kind=each.kind,
                reason=each.reason[:MAX_REASON],
            )
            for each in blockages
        ),
        ignore_conflicts=True,
    )


def count_by_kind(pack: PricingPack) -> dict[str, Any]:
    """How many portfolios are blocked at a pack, and how many by each kind; empty where none is. As role job: all portfolios.

    A portfolio that is blocked by several jobs counts once, by the first.
    """
    first_kind: dict[UUID, str] = {}
    rows = BlockedPortfolio.objects.filter(pack=pack).order_by("id").values_list("portfolio_id", "kind")
    for portfolio_id, kind in rows:
        first_kind.setdefault(portfolio_id, kind)
    if not first_kind:
        return {}
    kinds = list(first_kind.values())
    return {"portfolios": len(kinds), "kinds": {kind: kinds.count(kind) for kind in sorted(set(kinds))}}


def rows_at_head(run: NightlyRun) -> list[BlockedPortfolio]:
    """The first row of each portfolio that is blocked at the newest pack of a run, by slug."""
    head = PricingPack.objects.filter(run=run.pk, sequence__isnull=False).order_by("-asof_date", "-sequence").first()
    rows = BlockedPortfolio.objects.filter(pack=head).select_related("portfolio").order_by("portfolio__slug", "id")
    first: dict[UUID, BlockedPortfolio] = {}
    for row in rows:
        first.setdefault(row.portfolio_id, row)
    return list(first.values())


def portfolios_without_books(pack: PricingPack) -> set[UUID]:
    """Portfolios whose books differ at a pack or could not be compared: no figure may rest on them."""
    rows = BlockedPortfolio.objects.filter(pack=pack, job=RECONCILE).exclude(kind__in=MISSING)
    return set(rows.values_list("portfolio_id", flat=True))


def describe_run(run: NightlyRun | None) -> dict[str, Any]:
    """`describe_jobs` of a run's jobs."""
    return describe_jobs(JobRun.objects.filter(run=run).order_by("position") if run else ())


def describe_jobs(jobs: Iterable[JobRun | JobState]) -> dict[str, Any]:
    """`blocked` of /health/pack, from the last job of a run that counted any. It names no portfolio and nothing that one holds."""
    count_documents = [job.detail["blocked"] for job in jobs if "blocked" in job.detail]
    counts: Mapping[str, Any] = count_documents[-1] if count_documents else {}
    missing = [kind for kind in counts.get("kinds", ()) if kind in MISSING]
    return {"portfolios": counts.get("portfolios", 0), "missing": missing}


def report(pack: PricingPack, *, job: str) -> dict[str, Any]:
    """The counts for the job's detail. Where there are any, an error is logged for the operator."""
    counts = count_by_kind(pack)
    if counts:
        logger.error("portfolios are blocked", extra={"pack_id": pack.pk, "job": job, **counts})
    return {"blocked": counts} if counts else {}
