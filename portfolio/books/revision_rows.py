"""The rows of a ledger revision. A row is known by its content: one that a commit leaves alone stays, and belongs to both."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from config.bulk import copy_in
from portfolio.books import revisions
from portfolio.books.booking_settings import BookingSettings, is_of_older_rules
from portfolio.books.columns import as_row
from portfolio.books.entries import Event, LotMatch, LotState
from portfolio.books.ledger_reading import Reading
from portfolio.books.loading import EVENT_COLUMNS, LOT_COLUMNS, MATCH_COLUMNS, with_layers
from portfolio.ledger.journal import LedgerTransaction
from portfolio.models import LedgerRevision, Lot, MatchedLot, Portfolio, RevisionStatus, Transaction

logger = logging.getLogger(__name__)
Value = TypeVar("Value", LotState, LotMatch)

OF_REVISION = ("portfolio_id", "introduced_in")


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A revision with how many transactions came and went with it, and how many there are."""

    revision: LedgerRevision
    added: int
    removed: int
    transactions: int

    @property
    def is_new(self) -> bool:
        return bool(self.added or self.removed)


def store(portfolio: Portfolio, commit: str, tree: str, reading: Reading) -> StoredRevision:
    """A new revision with its rows; the last one again if the folder is as it was."""
    last = revisions.newest(portfolio)
    if last is not None and last.tree_hash == tree and not is_of_older_rules(last):
        return StoredRevision(last, 0, 0, len(reading.transactions))
    revision = open_revision(portfolio, commit, tree, own_settings=reading.settings)
    new_count, removed = _store_transactions(revision, reading)
    _store_lots(revision, reading.history.lots)
    _store_matches(revision, reading.history.matches)
    logger.info("ledger revision read", extra={"commit": commit, "added": new_count, "removed": removed})
    return StoredRevision(revision, new_count, removed, len(reading.transactions))


def open_revision(
    portfolio: Portfolio,
    commit: str,
    tree: str,
    *,
    status: RevisionStatus = RevisionStatus.READ,
    reason: str = "",
    own_settings: BookingSettings | None = None,
) -> LedgerRevision:
    """The next revision of a portfolio, without rows yet."""
    last = revisions.newest(portfolio)
    return LedgerRevision.objects.create(
        portfolio=portfolio,
        number=(last.number if last else 0) + 1,
        commit=commit,
        tree_hash=tree,
        status=status,
        reason=reason,
        settings=own_settings.as_stored() if own_settings else {},
    )


def _store_transactions(revision: LedgerRevision, reading: Reading) -> tuple[int, int]:
    """How many rows came and how many went."""
    standing = Transaction.objects.filter(portfolio=revision.portfolio_id, removed_in__isnull=True)
    standing_ids = dict(standing.values_list("digest", "id"))
    arriving = {event.digest(): (event, entry) for event, entry in events(reading)}
    removed_ids = [pk for digest, pk in standing_ids.items() if digest not in arriving]
    Transaction.objects.filter(pk__in=removed_ids).update(removed_in=revision.number)
    new = {digest: arriving[digest] for digest in arriving if digest not in standing_ids}
    copy_in(
        Transaction,
        (*OF_REVISION, *EVENT_COLUMNS, "file", "line", "digest"),
        (
            (revision.portfolio_id, revision.number, *as_row(event), entry.file, entry.line, digest)
            for digest, (event, entry) in new.items()
        ),
    )
    return len(new), len(removed_ids)


def events(reading: Reading) -> Iterable[tuple[Event, LedgerTransaction]]:
    """The values of the rows of a reading's transactions, each with the entry that it is made of."""
    ordinals: dict[date, int] = {}
    for entry in reading.transactions:
        ordinals[entry.date] = ordinals.get(entry.date, 0) + 1
        yield Event.from_ledger(entry, ordinals[entry.date], reading.securities), entry


def _store_lots(revision: LedgerRevision, lots: Iterable[LotState]) -> None:
    standing = Lot.objects.filter(portfolio=revision.portfolio_id, removed_in__isnull=True).order_by()
    standing_ids = {LotState(*with_layers(row)): pk for pk, *row in standing.values_list("id", *LOT_COLUMNS)}
    removed_ids, new = _differences(standing_ids, lots)
    Lot.objects.filter(pk__in=removed_ids).update(removed_in=revision.number)
    copy_in(Lot, (*OF_REVISION, *LOT_COLUMNS), ((revision.portfolio_id, revision.number, *as_row(lot)) for lot in new))


def _store_matches(revision: LedgerRevision, matches: Iterable[LotMatch]) -> None:
    standing = MatchedLot.objects.filter(portfolio=revision.portfolio_id, removed_in__isnull=True).order_by()
    standing_ids = {LotMatch(*with_layers(row)): pk for pk, *row in standing.values_list("id", *MATCH_COLUMNS)}
    removed_ids, new = _differences(standing_ids, matches)
    MatchedLot.objects.filter(pk__in=removed_ids).update(removed_in=revision.number)
    rows = ((revision.portfolio_id, revision.number, *as_row(match)) for match in new)
    copy_in(MatchedLot, (*OF_REVISION, *MATCH_COLUMNS), rows)


def _differences(standing_ids: Mapping[Value, int], arriving: Iterable[Value]) -> tuple[list[int], list[Value]]:
    """Ids of rows whose value is gone, and values that have no row yet."""
    values = dict.fromkeys(arriving)
    return [pk for value, pk in standing_ids.items() if value not in values], [
        each for each in values if each not in standing_ids
    ]
