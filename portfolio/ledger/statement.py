"""What the ledger itself says is held, as a custodian's statement would: Beancount's own inventory, prices and splits.

The database is reconciled with it, so nothing here comes from our booking.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final, NamedTuple

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
    cost   (account, commodity) -> cost of the open lots without fees, in the currency they were bought in
    """

    date: date
    cash: Mapping[str, Decimal]
    units: Mapping[Key, Decimal]
    cost: Mapping[Key, Decimal]


class Balance(NamedTuple):
    """What an account holds of a commodity; `cost` of its open lots, without fees."""

    account: str
    commodity: str
    units: Decimal
    cost: Decimal


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
    """`changes` rise by day: the balances that changed on it, as they are at its end."""

    currencies: frozenset[str]
    changes: Sequence[tuple[date, Sequence[Balance]]]
    prices: Mapping[date, Sequence[OwnPrice]]
    splits: Sequence[Split]

    @property
    def last(self) -> date | None:
        """The day of the last change."""
        return self.changes[-1][0] if self.changes else None

    def at(self, days: Iterable[date] | None = None) -> Iterator[Inventory]:
        """The inventory at the end of each of `days` (ascending), else of each day that changed it."""
        cash: dict[Key, Decimal] = {}
        units: dict[Key, Decimal] = {}
        cost: dict[Key, Decimal] = {}
        position = 0
        for day in days if days is not None else [changed for changed, _ in self.changes]:
            while position < len(self.changes) and self.changes[position][0] <= day:
                for balance in self.changes[position][1]:
                    key = balance.account, balance.commodity
                    if balance.commodity in self.currencies:
                        cash[key] = balance.units
                    elif balance.units:
                        units[key], cost[key] = balance.units, balance.cost
                    else:
                        units.pop(key, None), cost.pop(key, None)
                position += 1
            totals: dict[str, Decimal] = {}
            for (_, currency), amount in cash.items():
                totals[currency] = totals.get(currency, ZERO) + amount
            yield Inventory(day, totals, dict(units), dict(cost))

    def accounts(self) -> dict[str, set[str]]:
        """Commodity -> the accounts that it was ever in."""
        accounts: dict[str, set[str]] = {}
        for _, balances in self.changes:
            for balance in balances:
                accounts.setdefault(balance.commodity, set()).add(balance.account)
        return accounts

    def accounts_before(self, keys: Iterable[tuple[str, date]]) -> dict[tuple[str, date], set[str]]:
        """(security, day) -> the accounts that held it at the close before the day."""
        keys = list(keys)
        days = sorted({day for _, day in keys})
        before = dict(zip(days, self.at([day - timedelta(1) for day in days]), strict=True))
        return {(symbol, day): {key[0] for key in before[day].units if key[1] == symbol} for symbol, day in keys}


def from_reading(
    reading: LedgerReading,
    transactions: Sequence[LedgerTransaction] = (),
    *,
    method: str = "NAMED",
    fees_in_cost: bool = False,
    trading: Mapping[str, str] | None = None,
) -> Statement:
    """The statement of a ledger.

    transactions          one of each entry, as journal.transactions gives them
    method, fees_in_cost  of the portfolio: where Beancount books otherwise, cost is counted a second time (recount)
    trading               symbol -> the currency that it trades in, which not every ledger says
    """
    recounted = recount.cost_by_day(reading, transactions, method=method, fees_in_cost=fees_in_cost, trading=trading)
    with localcontext(recount.EXACT):
        with_deposits = _cash_with_inferred_deposits(reading)
        changes = []
        for change in reading.inventory:
            balances = []
            for account, commodity, units, costs in change.rows:
                key = change.date, account, commodity
                cost = recounted[key] if key in recounted else sum((Decimal(each) for _, each in costs), ZERO)
                balances.append(Balance(account, commodity, with_deposits.get(key, Decimal(units)), cost))
            changes.append((change.date, balances))
    prices: dict[date, list[OwnPrice]] = {}
    for price in sorted(reading.prices, key=lambda each: (each.commodity, format(each.number, "f"), each.currency)):
        prices.setdefault(price.date, []).append(OwnPrice(price.commodity, price.number, price.currency))
    splits = [
        Split(event.account, event.symbol, event.date, event.ratio)
        for event in transactions
        if event.kind == "split" and event.symbol and event.ratio
    ]
    return Statement(currencies(reading), changes, prices, splits)


def _cash_with_inferred_deposits(reading: LedgerReading) -> dict[tuple[date, str, str], Decimal]:
    """(day, account, currency) -> cash with what was inferred as deposited by then: the most that was ever lacking."""
    rules = inferred_deposits(reading)
    balances: dict[tuple[date, str, str], Decimal] = {}
    if not rules.roots:
        return balances
    money, deposited = currencies(reading), dict[Key, Decimal]()
    for change in reading.inventory:
        for account, commodity, units, _ in change.rows:
            if commodity in money and rules.directive_for(account):
                key, balance = (account, commodity), Decimal(units)
                deposited[key] = max(deposited.get(key, ZERO), -balance)
                balances[change.date, account, commodity] = balance + deposited[key]
    return balances
