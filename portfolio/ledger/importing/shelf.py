"""The lots of a ledger as Beancount will book them, for entries that have to name each of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from portfolio.ledger.reader import Entry

Fixing: TypeAlias = Callable[[date, str, str], Decimal | None]
"""(day, from, to) -> units of `to` per one `from` at the fixing of the day; None where it is not known."""


class UnrankedLots(Exception):  # not an error of ours: the writer makes a finding of it
    """Lots in several currencies that can't be ranked: the fixing of a day is missing."""

    def __init__(self, currency: str, to: str, day: date) -> None:
        super().__init__(f"no rate {currency}/{to} of {day} is known, which the order of the lots rests on")


def no_fixing(day: date, frm: str, to: str) -> Decimal | None:
    return None


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
    """Lots by account and symbol, in the order in which they came. Units that are not there are not taken: Beancount refuses
    such an entry.

    method   of accounts that are opened anew; methods: of those that there are
    trading  symbol -> trading currency, in which lots of several currencies are ranked
    """

    def __init__(
        self,
        method: str,
        *,
        methods: Mapping[str, str] | None = None,
        fixing: Fixing = no_fixing,
        trading: Mapping[str, str] | None = None,
    ) -> None:
        self._method, self._methods, self._fixing, self._trading = method, methods or {}, fixing, trading or {}
        self._lots: dict[tuple[str, str], list[ShelfLot]] = {}

    def method(self, account: str) -> str:
        return self._methods.get(account, self._method)

    def lots(self, account: str, symbol: str) -> tuple[ShelfLot, ...]:
        return tuple(self._lots.get((account, symbol), ()))

    def units_of(self, account: str, symbol: str) -> Decimal:
        return sum((lot.units for lot in self.lots(account, symbol)), Decimal(0))

    def accounts(self, symbol: str) -> list[str]:
        """The accounts that hold a symbol or once did, in the order in which it came to them."""
        return [account for account, name in self._lots if name == symbol]

    def put(self, account: str, symbol: str, lot: ShelfLot) -> None:
        lots = self._lots.setdefault((account, symbol), [])
        same = next((each for each in lots if each.key == lot.key), None)
        if same is None:
            lots.append(lot)
        else:
            same.units += lot.units

    def take(self, account: str, symbol: str, units: Decimal, *, label: str | None = None) -> list[ShelfLot]:
        """The parts that the method of the account takes, of lots with that label if one is given. Raises UnrankedLots."""
        lots = []
        for lot in self._in_turn(account, symbol):
            if units > 0 and (label is None or lot.label == label):
                part = min(units, lot.units)
                lots.append(replace(lot, units=part))
                lot.units -= part
                units -= part
        self._clear(account, symbol)
        return lots

    def remove(self, account: str, symbol: str, lots: Iterable[ShelfLot]) -> None:
        """Take these parts of lots away, each from the lot with its cost, day and label."""
        by_key = {lot.key: lot for lot in self.lots(account, symbol)}
        for lot in lots:
            if lot.key in by_key:
                by_key[lot.key].units -= lot.units
        self._clear(account, symbol)

    def empty(self, account: str, symbol: str) -> None:
        self._lots[account, symbol] = []

    def replay(self, entry: Entry) -> None:
        """Put or take the lots of an entry that Beancount has booked."""
        for posting in entry.postings:
            if posting.cost is not None:
                cost = posting.cost
                lot = ShelfLot(posting.units, cost.number, cost.currency, cost.acquired, cost.label)
                self.put(posting.account, posting.commodity, lot)
        for account, symbol in {(each.account, each.commodity) for each in entry.postings if each.cost is not None}:
            self._clear(account, symbol)

    def _in_turn(self, account: str, symbol: str) -> list[ShelfLot]:
        lots = list(self.lots(account, symbol))
        if self.method(account) == "LIFO":
            return sorted(lots, key=lambda lot: lot.acquired, reverse=True)
        if self.method(account) == "HIFO":
            if len({lot.currency for lot in lots}) > 1:
                return sorted(lots, key=lambda lot: -self._in_trading_currency(lot, symbol))
            return sorted(lots, key=lambda lot: lot.unit_cost, reverse=True)
        return sorted(lots, key=lambda lot: lot.acquired)

    def _in_trading_currency(self, lot: ShelfLot, symbol: str) -> Decimal:
        trading = self._trading.get(symbol, "")
        if lot.currency == trading:
            return lot.unit_cost
        rate = self._fixing(lot.acquired, lot.currency, trading)
        if rate is None:
            raise UnrankedLots(lot.currency, trading, lot.acquired)
        return lot.unit_cost * rate

    def _clear(self, account: str, symbol: str) -> None:
        self._lots[account, symbol] = [lot for lot in self.lots(account, symbol) if lot.units]
