"""The rows of a ledger revision, derived again from its commit and compared column by column.

A reconciliation compares balances at packs; a date, a fee or the quantity of a closed lot can be otherwise and leave them as they
are. Here every transaction, lot and match is made anew from what was committed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from django.conf import settings

from config.row_difference import RowDifference
from portfolio.books import ledger_reading, revision_rows
from portfolio.books.entries import Event, LotMatch, LotState, plain
from portfolio.books.ledger_reading import Reading
from portfolio.books.loading import EVENT_COLUMNS, LOT_COLUMNS, MATCH_COLUMNS, event_from_row, with_layers
from portfolio.books.revisions import newest_reconciled, rows_of_revisions
from portfolio.ledger.reader import LoadingProcess
from portfolio.ledger.repository import LedgerRepository
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import LedgerRevision, Lot, MatchedLot, Portfolio, RevisionedRow, RevisionStatus, Transaction

Value = TypeVar("Value", Event, LotState, LotMatch)


def revisions_that_cover(portfolio: Portfolio) -> list[LedgerRevision]:
    """The revisions to which, together, every row belongs that figures were ever made of: the newest reconciled one, and each
    after which rows were taken away."""
    last = newest_reconciled(portfolio)
    if last is None:
        return []
    removals: set[int] = set()
    kinds: tuple[type[RevisionedRow], ...] = (Transaction, Lot, MatchedLot)
    for kind in kinds:
        rows = kind._default_manager.filter(portfolio=portfolio, removed_in__isnull=False).order_by()
        removals |= {number for number in rows.values_list("removed_in", flat=True).distinct() if number is not None}
    before = {number - 1 for number in removals}
    read = LedgerRevision.objects.filter(portfolio=portfolio).exclude(status=RevisionStatus.BROKEN)
    return list(read.filter(number__in=before | {last.number}).order_by("number"))


def find_differences(
    portfolio: Portfolio, revision: LedgerRevision, *, child: LoadingProcess | None = None
) -> list[RowDifference]:
    """Where the rows of a revision are not what its commit makes.

    child   loads the folder; a check of many portfolios has one for all
    raises  LedgerUnavailable, LedgerRefused where the folder can't be read any more
    """
    name = f"{portfolio.slug} {revision.number}"
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        tree = repository.tree_hash(revision.commit, portfolio.slug)
        if tree != revision.tree_hash:
            return [RowDifference("revision", name, "tree_hash", tree or "", revision.tree_hash)]
        files = repository.files(revision.commit, portfolio.slug)
    try:
        reading = ledger_reading.read(portfolio, files, today=date.max, child=child)
    except LedgerRefused as refusal:
        return [RowDifference("revision", name, "status", f"refused: {refusal}", revision.status)]
    return [*_settings(name, revision, reading), *_rows(revision, reading)]


def _settings(name: str, revision: LedgerRevision, reading: Reading) -> Iterator[RowDifference]:
    for setting, value in reading.settings.as_stored().items():
        if revision.settings.get(setting) != value:
            yield RowDifference("revision", name, setting, str(value), str(revision.settings.get(setting, "")))


def _rows(revision: LedgerRevision, reading: Reading) -> Iterator[RowDifference]:
    events = rows_of_revisions(Transaction.objects.order_by("id"), [revision])
    current = [event_from_row(row) for row in events.values_list(*EVENT_COLUMNS)]
    derived = [event for event, _ in revision_rows.events(reading)]
    yield from _differences("transaction", lambda event: event.entry_id, derived, current)
    digest_of = {event.entry_id: event.digest() for event in derived}
    for entry_id, digest in events.values_list("entry_id", "digest"):
        if digest != digest_of.get(entry_id, digest):
            yield RowDifference("transaction", entry_id, "digest", digest_of[entry_id], digest)
    lots = rows_of_revisions(Lot.objects.order_by("id"), [revision]).values_list(*LOT_COLUMNS)
    yield from _differences(
        "lot",
        lambda lot: f"{lot.opened_by} of {lot.security} at {lot.account} from {lot.valid_from}",
        reading.history.lots,
        [LotState(*with_layers(row)) for row in lots],
    )
    matches = rows_of_revisions(MatchedLot.objects.order_by("id"), [revision]).values_list(*MATCH_COLUMNS)
    yield from _differences(
        "matched lot",
        lambda match: f"{match.opened_by} of {match.security} at {match.account} by {match.entry_id}",
        reading.history.matches,
        [LotMatch(*with_layers(row)) for row in matches],
    )


def _differences(
    table: str, name: Callable[[Value], str], derived: Iterable[Value], current: Iterable[Value]
) -> Iterator[RowDifference]:
    """Rows that are missing, one too many, or otherwise in a column, by their names."""
    expected, current_by_name = _by_name(name, dict.fromkeys(derived)), _by_name(name, current)
    for row in sorted(expected.keys() | current_by_name.keys()):
        left, over = _without_common(expected.get(row, []), current_by_name.get(row, []))
        for one, other in zip(left, over, strict=False):
            column = next(each.name for each in fields(one) if getattr(one, each.name) != getattr(other, each.name))
            yield RowDifference(table, row, column, _text(getattr(one, column)), _text(getattr(other, column)))
        for one in left[len(over) :]:
            yield RowDifference(table, row, expected=_describe(one))
        for other in over[len(left) :]:
            yield RowDifference(table, row, stored=_describe(other))


def _by_name(name: Callable[[Value], str], values: Iterable[Value]) -> dict[str, list[Value]]:
    grouped: dict[str, list[Value]] = defaultdict(list)
    for value in values:
        grouped[name(value)].append(value)
    return grouped


def _without_common(expected: Sequence[Value], current: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    left, over = list(expected), []
    for value in current:
        if value in left:
            left.remove(value)
        else:
            over.append(value)
    return left, over


def _text(value: Any) -> str:
    return plain(value) if isinstance(value, Decimal) else "" if value is None else str(value)


def _describe(value: Event | LotState | LotMatch) -> str:
    day = value.acquired if isinstance(value, LotState) else value.date
    return f"{day}, {_text(value.quantity) or 'no'} units"
