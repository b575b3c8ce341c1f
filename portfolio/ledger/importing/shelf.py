"""The lots of a ledger as Beancount will have them, for entries that have to name each of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolio.ledger.reader import Entry


@dataclass(slots=True)
class ShelfLot:
    units: Decimal
    unit_cost: Decimal
    currency: str
    acquired: date
    label: str | None

    @property
    def key(self) -> tuple[Decimal, str, date, str | None]:
        return self.unit_cost, self.currency, self.acquired, self.label


class Shelf:
    """Lots by account and commodity, in the order in which they came. What isn't there is not taken: Beancount says so."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._lots: dict[tuple[str, str], list[ShelfLot]] = {}

    def lots(self, account: str, commodity: str) -> tuple[ShelfLot, ...]:
        return tuple(self._lots.get((account, commodity), ()))

    def held(self, account: str, commodity: str) -> Decimal:
        return sum((lot.units for lot in self.lots(account, commodity)), Decimal(0))

    def put(self, account: str, commodity: str, lot: ShelfLot) -> None:
        lots = self._lots.setdefault((account, commodity), [])
        same = next((each for each in lots if each.key == lot.key), None)
        if same is None:
            lots.append(lot)
        else:
            same.units += lot.units

    def take(self, account: str, commodity: str, units: Decimal, *, label: str | None = None) -> None:
        """By the method of the ledger, of the lots of that name if there is one."""
        for lot in self._ranked(account, commodity):
            if label is None or lot.label == label:
                part = min(units, lot.units)
                lot.units -= part
                units -= part
        self._clear(account, commodity)

    def empty(self, account: str, commodity: str) -> None:
        self._lots.pop((account, commodity), None)

    def replay(self, entry: Entry) -> None:
        """An entry as Beancount has booked it."""
        for posting in entry.postings:
            if posting.cost is not None:
                cost = posting.cost
                lot = ShelfLot(posting.units, cost.number, cost.currency, cost.acquired, cost.label)
                self.put(posting.account, posting.commodity, lot)
        for account, commodity in {(each.account, each.commodity) for each in entry.postings if each.cost is not None}:
            self._clear(account, commodity)

    def _ranked(self, account: str, commodity: str) -> Iterator[ShelfLot]:
        lots: Iterable[ShelfLot] = self.lots(account, commodity)
        if self._method == "LIFO":
            lots = sorted(lots, key=lambda lot: lot.acquired, reverse=True)
        elif self._method == "HIFO":
            lots = sorted(lots, key=lambda lot: lot.unit_cost, reverse=True)
        else:
            lots = sorted(lots, key=lambda lot: lot.acquired)
        yield from lots

    def _clear(self, account: str, commodity: str) -> None:
        self._lots[account, commodity] = [lot for lot in self.lots(account, commodity) if lot.units]
