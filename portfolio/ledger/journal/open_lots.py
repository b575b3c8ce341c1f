"""How much of each lot is open while entries are read in their order."""

from collections.abc import Mapping
from decimal import Decimal

from portfolio.ledger.reader import Cost, Entry

from .refusal import UnreadableEntry
from .transaction import ZERO, LedgerTransaction


class OpenLots:
    """Units per lot, so that no entry closes more than is open (Beancount books such a sale as a short position)."""

    def __init__(self) -> None:
        self._units: dict[tuple[str, str, Cost], Decimal] = {}
        self._holdings: dict[tuple[str, str], Decimal] = {}

    def book(self, entry: Entry) -> dict[tuple[str, str], Decimal]:
        """(account, commodity) -> units held before, of what the entry touches. Raises UnreadableEntry where it sells more."""
        before: dict[tuple[str, str], Decimal] = {}
        after: dict[tuple[str, str, Cost], Decimal] = {}
        for account, units, commodity, cost, _ in entry.postings:
            if cost is not None:
                holding, lot = (account, commodity), (account, commodity, cost)
                total = self._holdings.get(holding, ZERO)
                before.setdefault(holding, total)
                self._holdings[holding] = total + units
                self._units[lot] = after[lot] = self._units.get(lot, ZERO) + units
        for (_, commodity, _), units in after.items():
            if units < 0:
                raise UnreadableEntry(f"sells more {commodity} than is held")
        return before


def require_all_lots(event: LedgerTransaction, before: Mapping[tuple[str, str], Decimal]) -> None:
    """An entry of a kind in WHOLE_HOLDING must close every lot; else our books and Beancount's would part."""
    assert event.symbol is not None
    covered, holding = sum((lot.quantity for lot in event.lots), ZERO), before[event.account, event.symbol]
    if covered != holding:
        raise UnreadableEntry(
            f"{event.kind} takes {covered:f} of {holding:f} {event.symbol} held; it must take all lots"
        )
