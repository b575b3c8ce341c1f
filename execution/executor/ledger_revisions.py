"""The revision of a portfolio's ledger that a result is computed on."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from config.decimals import plain
from config.errors import TieoutError
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import Break, LedgerRevision, Portfolio, Reconciliation, RevisionStatus
from pricing.models import PricingPack

MOST_BREAKS = 20
"""Breaks that an answer names, the newest."""
Revisions = QuerySet[LedgerRevision]


class CommitNotFound(TieoutError):
    def __init__(self, commit: str) -> None:
        super().__init__(f"the ledger has no commit {commit}")
        self.commit = commit


class LedgerNotReconciled(TieoutError):
    """No revision of the portfolio's ledger has been reconciled yet."""

    def __init__(self, what: str = "the ledger of this portfolio has not been reconciled yet") -> None:
        super().__init__(what)


class NothingBooked(LedgerNotReconciled):
    """The portfolio has no ledger yet: a state of its pages, which say what to do about it."""

    def __init__(self) -> None:
        super().__init__("nothing is booked in this portfolio yet")


class ReconciliationFailed(TieoutError):
    """The books differ. `breaks`: those of portfolios that the caller may see, and nothing of others."""

    def __init__(self, pack_id: str, breaks: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(f"ledger and database differ at {pack_id}")
        self.pack_id, self.breaks = pack_id, tuple(breaks)


def choose_revision(
    portfolio: Portfolio, pack: PricingPack, commit: str | None
) -> tuple[LedgerRevision, tuple[str, ...]]:
    """The revision that is computed on, and warnings about it.

    With a commit, the last revision at or before it. Without, the newest reconciled one; where none was reconciled, a broken one,
    whose breaks are then the answer.
    raises   CommitNotFound, NothingBooked, LedgerNotReconciled, ReconciliationFailed
    """
    revisions = _with_outcome(LedgerRevision.objects.filter(portfolio=portfolio), pack)
    if commit is not None:
        revision = newest = _find_at(revisions, commit)
    else:
        revision, newest = _newest_usable(revisions)
    _require_reconciled(revision, pack)
    if newest != revision and newest.status == RevisionStatus.BROKEN:
        return revision, (
            f"the ledger's newest revision {newest.number} is broken; this is revision {revision.number}",
        )
    return revision, ()


def revision_at(portfolio: Portfolio, commit: str) -> LedgerRevision:
    """The last revision at or before a commit. Raises CommitNotFound."""
    return _find_at(LedgerRevision.objects.filter(portfolio=portfolio), commit)


def find_breaks(reconciliations: QuerySet[Reconciliation]) -> list[dict[str, Any]]:
    """The newest breaks of reconciliations, as problem documents have them.

    Row-level security leaves those of portfolios that the caller may see.
    """
    rows = Break.objects.filter(reconciliation__in=reconciliations).order_by("-reconciliation_id", "id")
    return [
        {
            "portfolio_id": str(row.portfolio_id),
            "kind": row.kind,
            "account": row.account,
            "commodity": row.commodity,
            "ledger_value": plain(row.ledger_value),
            "database_value": plain(row.database_value),
            "difference": plain(row.difference),
            "error_bp": plain(row.error_bp),
            "detail": row.detail,
        }
        for row in rows[:MOST_BREAKS]
    ]


def _with_outcome(revisions: Revisions, pack: PricingPack) -> Revisions:
    """Each revision with its last reconciliation at the pack as `outcome`: pass, fail, or None where there is none."""
    reconciliations = Reconciliation.objects.filter(portfolio=OuterRef("portfolio"), revision=OuterRef("pk"), pack=pack)
    last = reconciliations.order_by("-made_at", "-id")
    return revisions.annotate(outcome=Subquery(last.values("status")[:1]))


def _find_at(revisions: Revisions, commit: str) -> LedgerRevision:
    newest_first = revisions.order_by("-number")
    exact = newest_first.filter(commit=commit).first()
    if exact is not None:
        return exact
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        if not repository.commit_exists(commit):
            raise CommitNotFound(commit)
        for revision in newest_first:
            if repository.is_ancestor(revision.commit, commit):
                return revision
    raise CommitNotFound(commit)


def _newest_usable(revisions: Revisions) -> tuple[LedgerRevision, LedgerRevision]:
    """The newest reconciled revision (else the newest broken one), and the newest of all."""
    newest_first = revisions.order_by("-number")
    newest = newest_first.first()
    if newest is None:
        raise NothingBooked
    if newest.status == RevisionStatus.RECONCILED:
        return newest, newest
    usable = (
        newest_first.filter(status=RevisionStatus.RECONCILED).first()
        or newest_first.filter(status=RevisionStatus.BROKEN).first()
    )
    if usable is None:
        raise LedgerNotReconciled
    return usable, newest


def _require_reconciled(revision: LedgerRevision, pack: PricingPack) -> None:
    """Raises LedgerNotReconciled, ReconciliationFailed. `revision` is one of `_with_outcome`."""
    if revision.status == RevisionStatus.READ:
        raise LedgerNotReconciled
    outcome = revision.outcome  # type: ignore[attr-defined]  # an annotation
    if outcome == "fail" or revision.status == RevisionStatus.BROKEN:
        reconciliations = Reconciliation.objects.filter(portfolio=revision.portfolio_id, revision=revision, pack=pack)
        raise ReconciliationFailed(pack.pk, find_breaks(reconciliations))
