"""Entries and imports: one commit, its rows, and the books compared at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from django.db import transaction

from portfolio.books import pack_prices, reconciliation, reconciliation_rows, writer
from portfolio.books.comparison import Difference
from portfolio.books.ledger_reading import Reading
from portfolio.books.reconciliation_rows import Comparison
from portfolio.books.revision_rows import StoredRevision
from portfolio.ledger.statement import Statement
from portfolio.models import LedgerRevision, Portfolio, RevisionStatus
from pricing import market


@dataclass(frozen=True, slots=True)
class Entered:
    """The result of a commit: its rows, and whether the books agree. `comparison` is None where no pack is sealed yet."""

    stored: StoredRevision
    comparison: Comparison | None

    @property
    def status(self) -> str:
        return self.stored.revision.status

    @property
    def breaks(self) -> tuple[Difference, ...]:
        return self.comparison.breaks if self.comparison else ()


def enter(
    *,
    portfolio: Portfolio,
    files: Mapping[str, bytes],
    message: str,
    author: str,
    at: datetime,
    founding: Mapping[str, bytes] | None = None,
    checked: Reading | None = None,
) -> Entered:
    """Commit a portfolio's ledger folder, read its rows, and reconcile them at once at the newest sealed pack of its policy.

    A revision whose books differ is `broken` with its breaks named; what is computed goes on with the one before. Without a
    sealed pack it stays `read`, which the first night changes.
    raises   as writer.take_in
    """
    with transaction.atomic():
        if checked is None:
            writer.lock(portfolio)
            checked = writer.check(portfolio=portfolio, files=files, today=at.date())
        stored_revision = writer.take_in(
            portfolio=portfolio, files=files, message=message, author=author, at=at, founding=founding, checked=checked
        )
        return Entered(stored_revision, reconcile(portfolio, stored_revision.revision, checked.statement))


def reconcile(portfolio: Portfolio, revision: LedgerRevision, stated: Statement) -> Comparison | None:
    """Compare a revision with the ledger's own statement at the newest sealed pack; None where it is reconciled, or there is no
    pack."""
    if revision.status == RevisionStatus.RECONCILED:
        return None
    pack = reconciliation.newest_pack(portfolio.policy)
    if pack is None:
        return None
    prices = pack_prices.load([pack], portfolio.policy.pivot)
    (comparison,) = reconciliation.compare(
        portfolio=portfolio,
        revision=revision,
        packs=[pack],
        prices=prices,
        actions=market.actions(pack),
        stated=stated,
    )
    end_breaks = reconciliation.find_end_breaks(revision, stated, after=pack.asof_date)
    comparison = replace(comparison, breaks=comparison.breaks + end_breaks)
    reconciliation_rows.store(portfolio, revision, [comparison], uuid4())
    reconciliation_rows.conclude(revision, [comparison])
    revision.refresh_from_db()
    return comparison
