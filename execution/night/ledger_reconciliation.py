"""The job that compares the database with the ledger, portfolio by portfolio."""

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from config.errors import TieoutError
from execution.models import BlockedKind
from execution.night import blocked, chunks
from execution.night.night import JobResult, Night
from portfolio import books
from portfolio.books import pack_prices, reconciliation, reconciliation_rows, writer
from portfolio.ledger.reader import LoadingProcess
from portfolio.ledger.repository import LedgerRepository, LedgerRewritten, LedgerUnavailable
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import LedgerRevision, Portfolio, RevisionStatus
from pricing import market
from pricing.models import PricingPack
from pricing.packs.rows import KnownAction

logger = logging.getLogger(__name__)


def reconcile_ledger(night: Night) -> JobResult:
    """Compare every portfolio at every pack of the run, all at one commit of the ledger.

    A break blocks one portfolio at one pack; the others go on.
    raises   ReconciliationBroke where no portfolio that has a ledger ties out; LedgerUnavailable, LedgerRewritten
    """
    portfolios = night.portfolios()
    ledger = _read_ledger()
    prices = pack_prices.load(night.packs, night.policy.pivot)
    outcome = reconciliation_rows.ReconciliationTotals()
    head = night.head
    actions = market.actions(head)
    by_date = sorted(night.packs, key=lambda pack: (pack.asof_date, pack.sequence or 0))
    blockages: list[blocked.Blockage] = []
    with LoadingProcess() as child:
        for position, portfolio in enumerate(portfolios, 1):
            first = books.first_date(portfolio)
            lived = [pack for pack in by_date if first is None or pack.asof_date >= first]
            comparisons = _reconcile_one(
                portfolio, ledger, child, packs=lived, prices=prices, actions=actions, run=night.run.pk
            )
            outcome.add(portfolio, comparisons)
            blockages += blocked.from_comparisons(portfolio.pk, comparisons)
            night.progress("reconcile_ledger", position, len(portfolios))
    blockages += _without_revision(portfolios, head, {(each.portfolio_id, each.pack_id) for each in blockages})
    blocked.add(job=blocked.RECONCILE, blockages=blockages)
    detail = {
        "portfolios": outcome.portfolios,
        "failed": len(outcome.failed),
        "max_error_bp": format(round(outcome.max_error_bp, 6).normalize() + Decimal(0), "f"),
        **({"folders_without_portfolio": len(ledger.unknown)} if ledger.unknown else {}),
        **blocked.report(head, job=blocked.RECONCILE),
    }
    if outcome.every_one_breaks:
        raise ReconciliationBroke(len(outcome.failed), sorted(outcome.broken_packs), detail)
    return JobResult(detail)


class ReconciliationBroke(TieoutError):
    """No portfolio that has a ledger ties out: something that they have in common is at fault."""

    def __init__(self, failed: int, pack_ids: list[str], detail: Mapping[str, Any]) -> None:
        super().__init__(f"{failed} portfolios do not tie out, first at {pack_ids[0]}")
        self.failed, self.pack_ids, self.detail = failed, tuple(pack_ids), detail


@dataclass(frozen=True, slots=True)
class Ledger:
    """The state of the ledger repository that the whole night compares with."""

    commit: str | None
    """None while nothing was entered yet."""
    unknown: tuple[str, ...] = ()
    """Folders without a portfolio."""


def _read_ledger() -> Ledger:
    """The newest commit of the repository. An installation that never had a ledger has no repository to read.

    raises   LedgerUnavailable, LedgerRewritten
    """
    if not Path(settings.LEDGER_PATH).exists() and not LedgerRevision.objects.exists():
        return Ledger(None)
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        head = repository.head()
        if head is None and not LedgerRevision.objects.exists():
            return Ledger(None)
        writer.require_forward(repository, head)
        folders = set(repository.slugs(head)) if head else set()
    unknown = sorted(folders - set(Portfolio.objects.values_list("slug", flat=True)))
    if unknown:
        logger.error("ledger folders without a portfolio", extra={"count": len(unknown)})
    return Ledger(head, tuple(unknown))


def _reconcile_one(
    portfolio: Portfolio,
    ledger: Ledger,
    child: LoadingProcess,
    *,
    packs: Sequence[PricingPack],
    prices: pack_prices.PackPrices,
    actions: Sequence[KnownAction],
    run: UUID,
) -> list[reconciliation_rows.Comparison]:
    """The comparisons of one portfolio. A failure that its data cause is kept as its own break, whether it was foreseen or not.

    raises   failures that concern all portfolios: LedgerRewritten, what chunks.concerns_all says
    """
    if ledger.commit is None:
        kind, detail = reconciliation_rows.MISSING_ACCOUNT, "nothing was entered into the ledger yet"
        return reconciliation.fail(portfolio=portfolio, packs=packs, kind=kind, detail=detail, run=run)
    try:
        with LedgerRepository(
            settings.LEDGER_PATH
        ) as repository:  # also of a folder whose statement is kept, and not read again
            repository.require_whole(ledger.commit, portfolio.slug)
        return reconciliation.reconcile(
            portfolio=portfolio, packs=packs, prices=prices, actions=actions, run=run, commit=ledger.commit, child=child
        )
    except LedgerRewritten:
        raise
    except (LedgerUnavailable, LedgerRefused) as unreadable:
        if chunks.concerns_all(unreadable):
            raise
        kind, detail = reconciliation_rows.LEDGER_UNREADABLE, str(unreadable)
        logger.warning("a ledger folder can't be read", extra=_ids(portfolio, unreadable))
    except TieoutError as failure:
        if chunks.concerns_all(failure):
            raise
        kind, detail = reconciliation_rows.NOT_COMPARED, str(failure)
        logger.warning("a portfolio could not be compared", extra=_ids(portfolio, failure))
    except Exception as failure:
        if chunks.concerns_all(failure):
            raise
        logger.exception("the comparison of a portfolio failed", extra={"portfolio_id": str(portfolio.pk)})
        kind, detail = reconciliation_rows.NOT_COMPARED, str(NotCompared())
    return reconciliation.fail(portfolio=portfolio, packs=packs, kind=kind, detail=detail, run=run)


def _ids(portfolio: Portfolio, failure: TieoutError) -> dict[str, str]:
    """What the log may have: whose books, and which failure. Its words, with names and amounts, are in the row."""
    return {"portfolio_id": str(portfolio.pk), "failure": type(failure).__name__}


class NotCompared(TieoutError):
    """The books of a portfolio could not be compared, for a reason that nobody foresaw and that the log has."""

    def __init__(self) -> None:
        super().__init__(
            "its books could not be compared: a fault of this program, which its operator finds in the log"
        )


def _without_revision(
    portfolios: Sequence[Portfolio], head: PricingPack, blocked_at: Set[tuple[UUID, str]]
) -> list[blocked.Blockage]:
    """Portfolios without a reconciled revision whose newest one is broken: nothing can be computed of them."""
    usable = books.newest_reconciled_by_portfolio(portfolios)
    left = [each for each in portfolios if each.pk not in usable and (each.pk, head.pk) not in blocked_at]
    newest = LedgerRevision.objects.filter(portfolio__in=left).order_by("portfolio_id", "-number")
    return [
        blocked.Blockage(revision.portfolio_id, head.pk, BlockedKind.RECONCILIATION_FAILED, revision.reason)
        for revision in newest.distinct("portfolio_id")
        if revision.status == RevisionStatus.BROKEN
    ]
