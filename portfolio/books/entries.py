"""The frozen values that the books consist of: an event, one state of a lot, a match against a lot, and cost layers.

A field here is a column of the row of the same name in `portfolio.models`; `portfolio.books.columns` derives the lists from them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, TypeAlias

from config import dates
from config.decimals import trimmed
from portfolio.ledger.journal import LedgerTransaction

ZERO: Final = Decimal(0)
Day: TypeAlias = date  # in classes that have a field named date


@dataclass(frozen=True, slots=True)
class Event:
    """A transaction of the ledger. Amounts are in its own currency, money in is positive.

    ordinal      its place among the events of its day, from 1
    fx_to_base   base currency for one of the currency, where the ledger carries the rate of the deal
    cost_share   of a spin-off: the part of the old lots' cost that the new ones take
    inferred     a deposit that the ledger has no entry for: what an account needed so that its cash was not below zero
    """

    entry_id: str
    ordinal: int
    date: date
    kind: str
    security: int | None = None
    account: str = ""
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    amount: Decimal = ZERO
    currency: str = ""
    fee: Decimal = ZERO
    fee_kind: str = ""
    tax: Decimal = ZERO
    counter_amount: Decimal | None = None
    counter_currency: str = ""
    fx_to_base: Decimal | None = None
    ratio: Decimal | None = None
    acquired: Day | None = None
    to_security: int | None = None
    to_account: str = ""
    settle_date: Day | None = None
    ex_date: Day | None = None
    pay_date: Day | None = None
    per_share: Decimal | None = None
    note: str = ""
    cost_share: Decimal | None = None
    inferred: bool = False

    @classmethod
    def from_ledger(cls, entry: LedgerTransaction, ordinal: int, securities: Mapping[str, int]) -> "Event":
        """The event of a ledger's transaction; `securities` gives the id of each symbol."""
        return cls(
            entry_id=entry.entry_id,
            ordinal=ordinal,
            date=entry.date,
            kind=entry.kind,
            security=securities[entry.symbol] if entry.symbol else None,
            account=entry.account,
            quantity=entry.quantity,
            unit_price=entry.unit_price,
            amount=entry.amount,
            currency=entry.currency,
            fee=entry.fee,
            fee_kind=entry.fee_kind or "",
            tax=entry.tax,
            counter_amount=entry.counter_amount,
            counter_currency=entry.counter_currency or "",
            fx_to_base=entry.fx_rate,
            ratio=entry.ratio,
            acquired=entry.acquired,
            to_security=securities[entry.to_symbol] if entry.to_symbol else None,
            to_account=entry.to_account or "",
            settle_date=entry.settle_date,
            ex_date=entry.ex_date,
            pay_date=entry.pay_date,
            per_share=entry.per_share,
            note=entry.note,
            cost_share=entry.cost_share,
            inferred=entry.inferred,
        )

    @property
    def earliest_date(self) -> Day:
        """The day from which it is part of the past: a dividend's ex-date, where that is before it is paid."""
        return self.date if self.ex_date is None else min(self.ex_date, self.date)

    def cash_legs(self) -> Iterator[tuple[str, Decimal]]:
        """Currency and amount of each cash movement: one, two for a conversion, none for a split."""
        if self.currency:
            yield self.currency, self.amount
        if self.counter_amount is not None:
            yield self.counter_currency, self.counter_amount

    def digest(self) -> str:
        """SHA-256 of the entry's content, by which an unchanged entry is known. Its file and line are no part of it: a line
        that is added above changes nothing."""
        values = [getattr(self, name) for name in _DIGESTED]
        if self.cost_share is not None:
            values.append(self.cost_share)
        return sha256("|".join(map(plain, values)).encode()).hexdigest()


_DIGESTED: Final = tuple(each.name for each in fields(Event) if each.name not in ("cost_share", "inferred"))
"""The digested fields, in order. Two that came with a later release are left out, so that entries stored before keep their
digest."""


@dataclass(frozen=True, slots=True)
class CostLayer:
    """What one purchase adds to the cost of a lot, or a return of capital takes off it (it is below zero then).

    fx_to_base  the ledger's own rate; None where it names none
    cost        in its currency, by the portfolio's fee setting
    fee         what is kept apart of the cost
    """

    currency: str
    acquired: date
    fx_to_base: Decimal | None
    cost: Decimal
    fee: Decimal

    def of_fee(self) -> "CostLayer":
        """The fee that stands apart, as a cost of its own."""
        return CostLayer(self.currency, self.acquired, self.fx_to_base, self.fee, ZERO)

    def as_dict(self) -> dict[str, str | None]:
        """JSON-like, as a row stores it; each number in one spelling."""
        return {
            "currency": self.currency,
            "acquired": self.acquired.isoformat(),
            "fx": None if self.fx_to_base is None else plain(self.fx_to_base),
            "cost": plain(self.cost),
            "fee": plain(self.fee),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "CostLayer":
        rate = document["fx"]
        return cls(
            document["currency"],
            dates.parse(document["acquired"]),
            None if rate is None else Decimal(rate),
            Decimal(document["cost"]),
            Decimal(document["fee"]),
        )


@dataclass(frozen=True, slots=True)
class LotState:
    """One state of an open lot: held at the close of every day d with valid_from <= d < valid_to.

    unit_cost   in its currency, fees apart; cost is of the whole lot, by the portfolio's fee setting
    fx_to_base  locked at the purchase; None where the ledger names no rate, or where there are layers
    opened_by   name of the lot: the entry that opened it and how it went on (portfolio.books.lot_names)
    layers      where its cost is not of one purchase alone, that of each with its own day and rate; else empty
    """

    security: int
    account: str
    acquired: date
    quantity: Decimal
    unit_cost: Decimal
    cost: Decimal
    currency: str
    fx_to_base: Decimal | None
    valid_from: date
    valid_to: date | None
    opened_by: str = ""
    layers: tuple[CostLayer, ...] = ()

    def is_open(self, asof_date: date) -> bool:
        return self.valid_from <= asof_date and (self.valid_to is None or asof_date < self.valid_to)

    def cost_layers(self) -> tuple[CostLayer, ...]:
        """The layers of its cost; one for a lot from one purchase."""
        return self.layers or (CostLayer(self.currency, self.acquired, self.fx_to_base, self.cost, ZERO),)


@dataclass(frozen=True, slots=True)
class LotMatch:
    """What the event `entry_id` took from the lot `opened_by`: a sale, or a transfer out, which realises nothing.

    quantity       units taken; 0 for a return of capital
    cost, proceeds fees apart, whatever the portfolio's setting; fees stand in entry_fee and exit_fee
    cost_currency  of cost and entry_fee, where it is not `currency`
    fx_in, fx_out  locked in the lot, and of the deal; None where the ledger names no rate
    layers         as of a lot: what of each purchase's cost was taken
    """

    security: int
    entry_id: str
    opened_by: str
    date: date
    kind: str
    account: str
    acquired: Day
    quantity: Decimal
    cost: Decimal
    proceeds: Decimal
    entry_fee: Decimal
    exit_fee: Decimal
    currency: str
    fx_in: Decimal | None
    fx_out: Decimal | None
    cost_currency: str = ""
    layers: tuple[CostLayer, ...] = ()

    def cost_layers(self, *, fees_in_cost: bool) -> tuple[CostLayer, ...]:
        """The layers of its cost; one for what came from one purchase."""
        if self.layers:
            return self.layers
        cost, fee = (self.cost + self.entry_fee, ZERO) if fees_in_cost else (self.cost, self.entry_fee)
        return (CostLayer(self.cost_currency or self.currency, self.acquired, self.fx_in, cost, fee),)


def plain(value: Any) -> str:
    """One spelling of a value: 1.0 and 1 are the same text, None is none."""
    if value is None:
        return ""
    return trimmed(value) if isinstance(value, Decimal) else str(value)
