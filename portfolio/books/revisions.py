"""Which ledger revision is used, and which rows belong to it."""

from collections.abc import Iterable
from datetime import date
from typing import TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from portfolio.models import LedgerRevision, Portfolio, RevisionedRow, RevisionStatus, Transaction

Row = TypeVar("Row", bound=RevisionedRow)


def rows_of_revisions(rows: "QuerySet[Row]", revisions: Iterable[LedgerRevision]) -> "QuerySet[Row]":
    """The part of `rows` that belongs to the revisions, each of its own portfolio."""
    portfolios: dict[int, list[UUID]] = {}
    for revision in revisions:
        portfolios.setdefault(revision.number, []).append(revision.portfolio_id)
    belongs = Q(pk__in=[])
    for number, owners in portfolios.items():
        belongs |= Q(portfolio__in=owners, introduced_in__lte=number) & (
            Q(removed_in__isnull=True) | Q(removed_in__gt=number)
        )
    return rows.filter(belongs)


def newest(portfolio: Portfolio) -> LedgerRevision | None:
    """The last revision that was read, whatever its status."""
    return LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number").first()


def newest_reconciled(portfolio: Portfolio) -> LedgerRevision | None:
    """The revision that figures are computed from; None before the first was reconciled."""
    return newest_reconciled_by_portfolio([portfolio]).get(portfolio.pk)


def newest_reconciled_by_portfolio(portfolios: Iterable[Portfolio]) -> dict[UUID, LedgerRevision]:
    """Portfolio id -> its newest reconciled revision; portfolios without one are absent."""
    revisions = (
        LedgerRevision.objects.filter(portfolio__in=portfolios, status=RevisionStatus.RECONCILED)
        .order_by("portfolio_id", "-number")
        .distinct("portfolio_id")
    )
    return {revision.portfolio_id: revision for revision in revisions}


def first_date(portfolio: Portfolio) -> date | None:
    """The day of the portfolio's first event as the rows have it; None before anything was read."""
    return (
        Transaction.objects.filter(portfolio=portfolio, removed_in__isnull=True)
        .order_by("date")
        .values_list("date", flat=True)
        .first()
    )


def last_date(revision: LedgerRevision) -> date | None:
    """The day of the last event of a revision."""
    rows = rows_of_revisions(Transaction.objects.all(), [revision])
    return rows.order_by("-date").values_list("date", flat=True).first()
