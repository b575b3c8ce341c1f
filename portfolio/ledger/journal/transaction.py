"""One event of a portfolio as the ledger has it: the transaction, with its lots, cash legs and fixings."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal[
    "buy",
    "sell",
    "deposit",
    "withdrawal",
    "transfer_in",
    "transfer_out",
    "transfer",
    "dividend",
    "reinvested_dividend",
    "interest",
    "fee",
    "outside_fee",
    "tax",
    "fx",
    "split",
    "spin_off",
    "merger",
    "return_of_capital",
]
FeeKind: TypeAlias = Literal["custody", "management", "other"]

ZERO: Final = Decimal()
WHOLE_HOLDING: Final = frozenset({"split", "spin_off", "merger", "return_of_capital"})
"""Kinds that happen to every share of a security in an account."""


class LedgerLot(NamedTuple):
    """A lot as the ledger names it: quantity > 0, cost without fees. `currency` is None where it is that of its event."""

    quantity: Decimal
    unit_cost: Decimal
    acquired: dt.date
    label: str | None = None
    currency: str | None = None


class Fixing(NamedTuple):
    """`rate`: units of `quote`, in which the security trades, per one of `base`, in which it was dealt, on the day."""

    base: str
    quote: str
    rate: Decimal


class CashLeg(NamedTuple):
    account: str
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTransaction:
    """One event of a portfolio. `amount` is the net change of cash in `currency`, money in positive, after fee, tax and rounding.

    quantity      > 0, direction by kind; splits: units held after less units before (signed); mergers: of `symbol`, closed;
                  none where no units of `symbol` move (spin_off, return_of_capital)
    unit_price    in `currency`, of deals and reinvested dividends
    fee, tax      in `currency`, >= 0 but where a fee or tax itself is paid back, or a dividend taken back with what was withheld;
                  tax of income is what was withheld: gross = amount + tax + fee + rounding, and of a reinvested dividend
                  quantity * unit_price + tax + fee + rounding
    rounding      what the entry books as lost (positive) or won by rounding to cents: quantity * unit_price, signed as cash,
                  = amount + fee + tax + rounding
    counter_*     the second cash leg of a conversion; `currency` is then the one that is charged for it, else the one that is
                  not the base currency
    fx_rate       base currency per 1 `currency`, on the trade date (income: pay date), where the ledger carries it
    ratio         new units per old (spin_off: units of `to_symbol` per one of `symbol`)
    to_quantity   units that the ledger has after a split, or receives of `to_symbol`: exact where the ratio can't be
    to_symbol     spin_off, merger: the security received, in `to_account`; transfer: `to_account` alone
    acquired      transfer_in of one lot: the day it was bought; `cost` what all lots cost, in `currency`, and `cost_fx_rate`
                  the rate on that day
    lots          the lots opened (buy, transfer_in, reinvested_dividend), closed as the ledger names them (sell, transfer_out,
                  transfer), or as they were before (split, spin_off, merger, return_of_capital)
    cash          every cash leg as booked
    fixings       of the currencies dealt in, in the one that the security trades in; of transfer_in on the day of purchase
    inferred      a deposit that no entry states: what an account needed so that its cash was not below zero
    """

    entry_id: str
    date: dt.date
    kind: Kind
    account: str
    symbol: str | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    amount: Decimal = ZERO
    currency: str
    fee: Decimal = ZERO
    fee_kind: FeeKind | None = None
    tax: Decimal = ZERO
    rounding: Decimal = ZERO
    counter_amount: Decimal | None = None
    counter_currency: str | None = None
    fx_rate: Decimal | None = None
    ratio: Decimal | None = None
    ex_date: dt.date | None = None
    pay_date: dt.date | None = None
    settle_date: dt.date | None = None
    per_share: Decimal | None = None
    to_quantity: Decimal | None = None
    to_symbol: str | None = None
    to_account: str | None = None
    acquired: dt.date | None = None
    cost: Decimal | None = None
    cost_fx_rate: Decimal | None = None
    note: str = ""
    file: str
    line: int
    lots: tuple[LedgerLot, ...] = ()
    cash: tuple[CashLeg, ...] = ()
    fixings: tuple[Fixing, ...] = ()
    inferred: bool = False

    @property
    def cost_share(self) -> Decimal | None:
        """The part of the old lots' cost that the new ones of a spin-off take; None for other kinds and for lots without cost."""
        if self.kind != "spin_off" or self.cost is None:
            return None
        total = sum((lot.quantity * lot.unit_cost for lot in self.lots), ZERO)
        return self.cost / total if total else None
