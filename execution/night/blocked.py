"""Portfolios that a job of the night could not do: whose data it is stops at them, and nobody else's night.

The rows are a portfolio's own, so its owner and the operator read them. What everybody may know, how many there are and of
what kind, stands in the detail of the jobs.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from config.errors import TieoutError
from execution.models import BlockedKind, BlockedPortfolio, JobRun, NightlyRun
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
"""Of breaks that are no difference of the books."""
RECONCILE = "reconcile_ledger"
MISSING = (BlockedKind.MISSING_PRICE, BlockedKind.MISSING_RATE)


@dataclass(frozen=True, slots=True)
class Blocked:
    """One portfolio at one pack."""

    portfolio_id: UUID
    pack_id: str
    kind: BlockedKind
    reason: str


def by_failure(portfolio_id: UUID, pack_id: str, failure: TieoutError) -> Blocked:
    """What a failure means for its portfolio."""
    kind = BlockedKind.FIGURES_FAILED
    if isinstance(failure, MissingPrice):
        kind = BlockedKind.MISSING_PRICE
    elif isinstance(failure, MissingRate):
        kind = BlockedKind.MISSING_RATE
    return Blocked(portfolio_id, pack_id, kind, str(failure) or type(failure).__name__)


def by_comparisons(portfolio_id: UUID, comparisons: Iterable[Comparison]) -> list[Blocked]:
    """The packs at which a portfolio's books differ, could not be compared, or lack a price or rate."""
    found = []
    for each in comparisons:
        if each.breaks:
            first = each.breaks[0]
            kind = KIND_OF_BREAK.get(first.kind, BlockedKind.RECONCILIATION_FAILED)
            found.append(Blocked(portfolio_id, each.pack.pk, kind, first.detail if kind != _DIFFERS else str(first)))
        elif each.lacking:
            is_price = any(name.startswith("the close") for name in each.lacking)
            kind = BlockedKind.MISSING_PRICE if is_price else BlockedKind.MISSING_RATE
            found.append(Blocked(portfolio_id, each.pack.pk, kind, f"the pack lacks {', '.join(each.lacking)}"))
    return found


_DIFFERS = BlockedKind.RECONCILIATION_FAILED


def clear(*, jobs: Sequence[str], packs: Sequence[PricingPack]) -> None:
    """These jobs begin anew at these packs: what earlier attempts at them said goes."""
    BlockedPortfolio.objects.filter(job__in=jobs, pack__in=[pack.pk for pack in packs]).delete()


def add(*, job: str, rows: Iterable[Blocked]) -> None:
    BlockedPortfolio.objects.bulk_create(
        (
            BlockedPortfolio(
                portfolio_id=each.portfolio_id,
                pack_id=each.pack_id,
                job=job,
                kind=each.kind,
                reason=each.reason[:4000],
            )
            for each in rows
        ),
        ignore_conflicts=True,
    )


def counted(pack: PricingPack) -> dict[str, Any]:
    """How many portfolios are blocked at a pack, and how many of each kind; empty where none is. As role job: all of them.

    A portfolio counts once, by what was found first.
    """
    kinds: dict[UUID, str] = {}
    for portfolio_id, kind in (
        BlockedPortfolio.objects.filter(pack=pack).order_by("id").values_list("portfolio_id", "kind")
    ):
        kinds.setdefault(portfolio_id, kind)
    if not kinds:
        return {}
    found = list(kinds.values())
    return {"portfolios": len(found), "kinds": {kind: found.count(kind) for kind in sorted(set(found))}}


def at_head(run: NightlyRun) -> list[BlockedPortfolio]:
    """What was found first of each portfolio at the newest pack of a run, by portfolio."""
    head = PricingPack.objects.filter(run=run.pk, sequence__isnull=False).order_by("-asof_date", "-sequence").first()
    rows = BlockedPortfolio.objects.filter(pack=head).select_related("portfolio").order_by("portfolio__slug", "id")
    first: dict[UUID, BlockedPortfolio] = {}
    for row in rows:
        first.setdefault(row.portfolio_id, row)
    return list(first.values())


def without_books(pack: PricingPack) -> set[UUID]:
    """Portfolios whose books differ at a pack or could not be compared: no figure may rest on them."""
    rows = BlockedPortfolio.objects.filter(pack=pack, job=RECONCILE).exclude(kind__in=MISSING)
    return set(rows.values_list("portfolio_id", flat=True))


def of_run(run: NightlyRun | None) -> dict[str, Any]:
    """As /health/pack has it, of the last job that found any: without a name of a portfolio or of what it holds."""
    details = JobRun.objects.filter(run=run).order_by("-position").values_list("detail", flat=True) if run else ()
    found: Mapping[str, Any] = next((each["blocked"] for each in details if "blocked" in each), {})
    missing = [kind for kind in found.get("kinds", ()) if kind in MISSING]
    return {"portfolios": found.get("portfolios", 0), "missing": missing}


def tell_operator(pack: PricingPack, *, job: str) -> dict[str, Any]:
    """The counts for the job's detail; an error in the log where there are any."""
    found = counted(pack)
    if found:
        logger.error("portfolios are blocked", extra={"pack_id": pack.pk, "job": job, **found})
    return {"blocked": found} if found else {}
