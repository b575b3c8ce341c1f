"""Books from the rows of ledger revisions: one read, in as many queries however many portfolios there are."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from portfolio.books import booking_settings
from portfolio.books.book import Book
from portfolio.books.columns import column_names
from portfolio.books.entries import ZERO, CostLayer, Event, LotMatch, LotState
from portfolio.books.revisions import rows_of_revisions
from portfolio.models import LedgerRevision, Lot, MatchedLot, Portfolio, RevisionedRow, Transaction

EVENT_COLUMNS: Final = column_names(Event, Transaction)
LOT_COLUMNS: Final = column_names(LotState, Lot)
MATCH_COLUMNS: Final = column_names(LotMatch, MatchedLot)
_ZERO_IF_EMPTY: Final = tuple(EVENT_COLUMNS.index(name) for name in ("amount", "fee", "tax"))


def load(portfolio: Portfolio, revision: LedgerRevision) -> Book:
    """The book of one portfolio at one revision."""
    (book,) = load_all([(portfolio, revision)])
    return book


def load_all(revisions: Sequence[tuple[Portfolio, LedgerRevision]]) -> list[Book]:
    """The books of several portfolios, each at one revision, in three queries; in the order given.

    What the revision's settings say goes before what the portfolio was made with.
    """
    revisions_to_load = [revision for _, revision in revisions]
    events = _by_portfolio(
        rows_of_revisions(Transaction.objects.all(), revisions_to_load), ("date", "ordinal", "id"), EVENT_COLUMNS
    )
    lots = _by_portfolio(rows_of_revisions(Lot.objects.all(), revisions_to_load), ("acquired", "id"), LOT_COLUMNS)
    matches = _by_portfolio(
        rows_of_revisions(MatchedLot.objects.all(), revisions_to_load), ("date", "id"), MATCH_COLUMNS
    )
    return [
        Book(
            portfolio.pk,
            portfolio.base_currency,
            portfolio.flow_timing,
            events=tuple(map(event_from_row, events.get(portfolio.pk, ()))),
            lots=tuple(LotState(*with_layers(row)) for row in lots.get(portfolio.pk, ())),
            matches=tuple(LotMatch(*with_layers(row)) for row in matches.get(portfolio.pk, ())),
            accrual=portfolio.accrual,
            **booking_settings.effective(portfolio, revision).as_dict(),
        )
        for portfolio, revision in revisions
    ]


def _by_portfolio(
    rows: "QuerySet[RevisionedRow]", order: Sequence[str], columns: Sequence[str]
) -> dict[UUID, list[tuple[Any, ...]]]:
    grouped: dict[UUID, list[tuple[Any, ...]]] = {}
    for owner, *row in rows.order_by("portfolio_id", *order).values_list("portfolio_id", *columns):
        grouped.setdefault(owner, []).append(tuple(row))
    return grouped


def event_from_row(row: Sequence[Any]) -> Event:
    filled = list(row)
    for place in _ZERO_IF_EMPTY:
        filled[place] = filled[place] or ZERO
    return Event(*filled)


def with_layers(row: Sequence[Any]) -> tuple[Any, ...]:
    """The row with its last column, the layers as JSON, as values."""
    *rest, layers = row
    return *rest, tuple(map(CostLayer.from_dict, layers))
