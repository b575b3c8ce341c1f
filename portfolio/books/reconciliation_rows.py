"""The result of a reconciliation of a portfolio at a pack, and its rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from psycopg.types.json import Jsonb

from config.bulk import copy_in
from portfolio.books.comparison import Difference, PriceDifference
from portfolio.models import Break, LedgerRevision, Portfolio, Reconciliation, RevisionStatus
from pricing.models import PricingPack

MISSING_ACCOUNT, LEDGER_UNREADABLE, NOT_COMPARED = "MISSING_ACCOUNT", "LEDGER_UNREADABLE", "NOT_COMPARED"
"""Breaks of a portfolio whose books could not be laid side by side: no folder, none that can be read, or a fault of ours."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One portfolio at one pack."""

    pack: PricingPack
    compared: int
    ledger_value: Decimal | None
    database_value: Decimal | None
    error_bp: Decimal | None
    breaks: tuple[Difference, ...]
    price_differences: tuple[PriceDifference, ...] = ()
    lacking: tuple[str, ...] = ()
    """Closes and rates that neither side could be valued without: no difference of the books."""

    @property
    def passes(self) -> bool:
        return not self.breaks

    @property
    def is_without_ledger(self) -> bool:
        return any(each.kind == MISSING_ACCOUNT for each in self.breaks)


@dataclass(slots=True)
class ReconciliationTotals:
    """Totals of a job over all portfolios. A break is of one portfolio at one pack, and concerns no other."""

    portfolios: int = 0
    without_ledger: int = 0
    """How many of them have nothing in the ledger."""
    failed: list[UUID] = field(default_factory=list)
    max_error_bp: Decimal = Decimal(0)
    broken_packs: dict[str, int] = field(default_factory=dict)

    def add(self, portfolio: Portfolio, comparisons: Sequence[Comparison]) -> None:
        self.portfolios += 1
        failing = [each for each in comparisons if not each.passes]
        if failing and all(each.is_without_ledger for each in failing):
            self.without_ledger += 1
        elif failing:
            self.failed.append(portfolio.pk)
            for each in failing:
                self.broken_packs[each.pack.pk] = self.broken_packs.get(each.pack.pk, 0) + 1
        self.max_error_bp = max(
            [self.max_error_bp, *(each.error_bp for each in comparisons if each.error_bp is not None)]
        )

    @property
    def every_one_breaks(self) -> bool:
        """Whether every portfolio that has a ledger breaks."""
        return bool(self.failed) and len(self.failed) == self.portfolios - self.without_ledger


@transaction.atomic
def store(
    portfolio: Portfolio, revision: LedgerRevision | None, comparisons: list[Comparison], run: UUID
) -> list[Comparison]:
    """One row each with its breaks; those that the run stored before stay as they are. Gives back `comparisons`."""
    rows = Reconciliation.objects.filter(portfolio=portfolio, revision=revision, run=run)
    stored_packs = set(rows.values_list("pack_id", flat=True))
    new = {each.pack.pk: each for each in comparisons if each.pack.pk not in stored_packs}
    copy_in(
        Reconciliation,
        ("portfolio_id", "revision_id", "run", "pack_id", "status", "compared", *_VALUES, "price_differences"),
        (
            (
                portfolio.pk,
                revision.pk if revision else None,
                run,
                each.pack.pk,
                "pass" if each.passes else "fail",
                each.compared,
                *(getattr(each, name) for name in _VALUES),
                Jsonb([_as_dict(difference) for difference in each.price_differences]),
            )
            for each in new.values()
        ),
    )
    failing = {pk: each for pk, each in new.items() if not each.passes}
    Break.objects.bulk_create(
        Break(
            portfolio=portfolio,
            reconciliation=row,
            kind=difference.kind,
            account=difference.account,
            commodity=difference.commodity,
            ledger_value=difference.ledger_value,
            database_value=difference.database_value,
            difference=difference.difference,
            error_bp=difference.error_bp,
            detail=difference.detail,
        )
        for row in rows.filter(pack__in=failing)
        for difference in failing[row.pack_id].breaks
    )
    return comparisons


_VALUES = ("ledger_value", "database_value", "error_bp")


def _as_dict(difference: PriceDifference) -> dict[str, str]:
    return {
        "commodity": difference.commodity,
        "currency": difference.currency,
        "ledger_price": format(difference.ledger_price, "f"),
        "pack_price": format(difference.pack_price, "f"),
        "error_bp": format(round(difference.error_bp, 4), "f"),
    }


def conclude(revision: LedgerRevision, comparisons: Sequence[Comparison]) -> None:
    """Mark the revision reconciled, or broken with its first difference. Reconciled once is for ever: a later break is of the
    pack, and stands in its row."""
    if not comparisons:
        return
    first = next((each for each in comparisons if not each.passes), None)
    LedgerRevision.objects.filter(pk=revision.pk).exclude(status=RevisionStatus.RECONCILED).update(
        status=RevisionStatus.BROKEN if first else RevisionStatus.RECONCILED,
        reason=f"differs from the database at {first.pack.pk}: {first.breaks[0].kind}" if first else "",
    )


def broken_days(revision: LedgerRevision) -> set[date]:
    """Dates of the packs that a broken revision differed from, and still did when they were last compared."""
    if revision.status != RevisionStatus.BROKEN:
        return set()
    last = (
        Reconciliation.objects.filter(revision=revision, compared__gt=0)
        .order_by("pack__asof_date", "-made_at", "-id")
        .distinct("pack__asof_date")
    )
    return {day for day, status in last.values_list("pack__asof_date", "status") if status == "fail"}


def was_compared(revision: LedgerRevision) -> bool:
    """Whether the revision is broken by a difference. One that can't be read has nothing to compare."""
    return Reconciliation.objects.filter(revision=revision, compared__gt=0).exists()


def store_failure(
    *,
    portfolio: Portfolio,
    revision: LedgerRevision | None,
    packs: Sequence[PricingPack],
    kind: str,
    detail: str,
    run: UUID,
) -> list[Comparison]:
    """Rows that say why a portfolio's books could not be compared at any of `packs`, so that no figure counts as compared."""
    reason = (Difference(kind, detail=detail[:400]),)
    return store(portfolio, revision, [Comparison(pack, 0, None, None, None, reason) for pack in packs], run)
