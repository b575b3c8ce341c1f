"""What the ledger itself says is held, as a custodian's statement would: Beancount's own inventory, prices and splits.

The database is reconciled with it, so nothing here comes from our booking. It is kept in a file under the hash of the
folder that it was read from: a folder that did not change is not parsed again.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from . import recount
from .journal import LedgerTransaction, currencies, inferred_deposits
from .reader import LedgerReading

ZERO: Final = Decimal()
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Inventory:
    """What Beancount holds at the end of a day. Zero units are left out; cash that came to zero stays.

    cash   currency -> amount, all accounts
    units  (account, commodity) -> units of what is held at cost
    cost   (account, commodity) -> cost of the open lots, fees apart, in the currency they were bought in
    """

    date: date
    cash: Mapping[str, Decimal]
    units: Mapping[Key, Decimal]
    cost: Mapping[Key, Decimal]


@dataclass(frozen=True, slots=True)
class Split:
    account: str
    symbol: str
    ex_date: date
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """A price that the ledger carries for a day, of a security or of a currency."""

    commodity: str
    number: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Statement:
    """`changes`, `prices` and `splits` rise by day; numbers stay text until a day is asked for."""

    currencies: frozenset[str]
    changes: Sequence[tuple[str, Sequence[tuple[str, str, str, str]]]]
    """Day -> account, commodity, units and cost of what changed on it."""
    prices: Sequence[tuple[str, str, str, str]]
    splits: Sequence[tuple[str, str, str, str]]
    _own: dict[str, list[OwnPrice]] = field(default_factory=dict)

    @property
    def last(self) -> date | None:
        """The day of the last change."""
        return date.fromisoformat(self.changes[-1][0]) if self.changes else None

    def at(self, days: Iterable[date] | None = None) -> Iterator[Inventory]:
        """The inventory at the end of each of `days` (ascending), else of each day that changed it."""
        cash: dict[Key, Decimal] = {}
        units: dict[Key, Decimal] = {}
        cost: dict[Key, Decimal] = {}
        position = 0
        for day in days if days is not None else [date.fromisoformat(on) for on, _ in self.changes]:
            moved: dict[Key, tuple[str, str]] = {}
            while position < len(self.changes) and self.changes[position][0] <= day.isoformat():
                for account, commodity, held, worth in self.changes[position][1]:
                    moved[account, commodity] = held, worth
                position += 1
            for key, (held, worth) in moved.items():
                number = Decimal(held)
                if key[1] in self.currencies:
                    cash[key] = number
                elif number:
                    units[key], cost[key] = number, Decimal(worth)
                else:
                    units.pop(key, None), cost.pop(key, None)
            totals: dict[str, Decimal] = {}
            for (_, currency), amount in cash.items():
                totals[currency] = totals.get(currency, ZERO) + amount
            yield Inventory(day, totals, dict(units), dict(cost))

    def prices_on(self, day: date) -> Sequence[OwnPrice]:
        if not self._own:
            for on, commodity, number, currency in self.prices:
                self._own.setdefault(on, []).append(OwnPrice(commodity, Decimal(number), currency))
        return self._own.get(day.isoformat(), ())

    def known_splits(self) -> Iterator[Split]:
        for account, symbol, on, ratio in self.splits:
            yield Split(account, symbol, date.fromisoformat(on), Decimal(ratio))

    def accounts(self) -> dict[str, set[str]]:
        """Commodity -> the accounts that it was ever in."""
        found: dict[str, set[str]] = {}
        for _, changes in self.changes:
            for account, commodity, *_ in changes:
                found.setdefault(commodity, set()).add(account)
        return found

    def held_before(self, keys: Iterable[tuple[str, date]]) -> dict[tuple[str, date], set[str]]:
        """(security, day) -> the accounts that held it at the close before the day."""
        wanted = sorted({on for _, on in keys})
        before = dict(zip(wanted, self.at([on - timedelta(1) for on in wanted]), strict=True))
        return {(symbol, on): {key[0] for key in before[on].units if key[1] == symbol} for symbol, on in keys}


def of(
    reading: LedgerReading,
    transactions: Sequence[LedgerTransaction] = (),
    *,
    method: str = "NAMED",
    fees_in_cost: bool = False,
) -> Statement:
    """method, fees_in_cost  of the portfolio: where Beancount books otherwise, cost is counted a second time (recount)"""
    counted = recount.cost_by_day(reading, transactions, method=method, fees_in_cost=fees_in_cost)
    with localcontext(recount.EXACT):
        inferred = _inferred(reading)
        return Statement(
            currencies(reading),
            [
                (
                    change.date.isoformat(),
                    [
                        (
                            account,
                            commodity,
                            inferred.get((change.date, account, commodity), units),
                            _cost(counted.get((change.date, account, commodity)), costs),
                        )
                        for account, commodity, units, costs in change.rows
                    ],
                )
                for change in reading.inventory
            ],
            sorted(
                (price.date.isoformat(), price.commodity, format(price.number, "f"), price.currency)
                for price in reading.prices
            ),
            [
                (event.account, event.symbol, event.date.isoformat(), str(event.ratio))
                for event in transactions
                if event.kind == "split" and event.symbol and event.ratio
            ],
        )


def _inferred(reading: LedgerReading) -> dict[tuple[date, str, str], str]:
    """(day, account, currency) -> cash with what was inferred as deposited by then: the most that was ever lacking."""
    rules = inferred_deposits(reading)
    found: dict[tuple[date, str, str], str] = {}
    if not rules.roots:
        return found
    money, lacking = currencies(reading), dict[Key, Decimal]()
    for change in reading.inventory:
        for account, commodity, units, _ in change.rows:
            if commodity in money and rules.directive_for(account):
                held = Decimal(units)
                most = max(lacking.get((account, commodity), ZERO), -held)
                lacking[account, commodity] = most
                found[change.date, account, commodity] = str(held + most)
    return found


def _cost(counted: Decimal | None, costs: Sequence[tuple[str, str]]) -> str:
    if counted is not None:
        return str(counted)
    return costs[0][1] if len(costs) == 1 else str(sum((Decimal(cost) for _, cost in costs), ZERO))


# --- the file


def keep(path: Path, tree: str, statement: Statement, *, method: str, fees_in_cost: bool) -> None:
    """Written whole or not at all, for the process's own user alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = {
        "made_of": _made_of(tree, method=method, fees_in_cost=fees_in_cost),
        "currencies": sorted(statement.currencies),
        "changes": statement.changes,
        "prices": statement.prices,
        "splits": statement.splits,
    }
    with NamedTemporaryFile("w", dir=path.parent, prefix=path.name, suffix=".part", delete=False) as file:
        file.write(json.dumps(told, separators=(",", ":")))  # dump() would go by the slow, pure Python way
    os.replace(file.name, path)


def kept(path: Path, tree: str, *, method: str, fees_in_cost: bool) -> Statement | None:
    """None where the file is of another folder, of other code, or none."""
    try:
        told: Any = json.loads(path.read_bytes())
        if told["made_of"] != _made_of(tree, method=method, fees_in_cost=fees_in_cost):
            return None
        return Statement(frozenset(told["currencies"]), told["changes"], told["prices"], told["splits"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _made_of(tree: str, *, method: str, fees_in_cost: bool) -> str:
    return f"{tree} {method} {'with' if fees_in_cost else 'without'} fees {_code()}"


@cache
def _code() -> str:
    """Of everything that a statement depends on beside the folder."""
    sources = [
        Path(__file__).with_name(f"{name}.py")
        for name in ("child", "journal", "reader", "recount", "screening", "statement")
    ]
    return sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()
