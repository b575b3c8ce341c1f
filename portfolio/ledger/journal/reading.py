"""A ledger as the events of a portfolio."""

from collections.abc import Mapping

from portfolio.ledger import reader
from portfolio.ledger.reader import LedgerReading, LoadingProcess
from portfolio.ledger.screening import Finding

from .chart import Chart
from .entry_ids import EntryIds
from .kinds import read_event
from .open_lots import OpenLots, require_all_lots
from .refusal import MAX_FINDINGS, EntryRefused, UnreadableEntry
from .transaction import WHOLE_HOLDING, LedgerTransaction


def read(
    files: Mapping[str, bytes], *, child: LoadingProcess | None = None
) -> tuple[LedgerReading, tuple[LedgerTransaction, ...]]:
    """A ledger folder (path within it -> content) as Beancount booked it, and its events. Takes a child and raises as
    `reader.read` and `transactions` do."""
    reading = reader.read(files, child=child)
    return reading, transactions(reading)


def transactions(reading: LedgerReading) -> tuple[LedgerTransaction, ...]:
    """The events of a ledger, one for each entry in their order. Inferred deposits are not among them: see
    `with_inferred_deposits`.

    raises  EntryRefused with every entry (at most 100) that fits no kind, by file, line and reason
    """
    chart, ids, open_lots = Chart(reading), EntryIds(), OpenLots()
    events: list[LedgerTransaction] = []
    findings: list[Finding] = []
    for entry in reading.entries:
        try:
            before, entry_id = open_lots.book(entry), ids.assign(entry)
            event = read_event(entry, chart, entry_id)
            if event.kind in WHOLE_HOLDING:
                require_all_lots(event, before)
            events.append(event)
        except UnreadableEntry as refusal:
            findings.append(Finding(entry.file, entry.line, str(refusal)))
            if len(findings) == MAX_FINDINGS:
                break
    if findings:
        raise EntryRefused(tuple(findings))
    return tuple(events)
