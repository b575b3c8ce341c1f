"""Parcels: lots as they are counted here."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Context, Decimal
from typing import Final

from portfolio.ledger.journal import LedgerTransaction
from portfolio.ledger.reader import Posting

ZERO: Final = Decimal()
EXACT: Final = Context(prec=60)

Key = tuple[str, str]
"""Account, commodity."""


@dataclass(slots=True)
class Parcel:
    """`cost` is without fees; `fee` was paid to buy it and counts only for which parcel is the dearest.

    restated  cost for one of cost, in the currency that the security trades in; None where that is not known
    """

    units: Decimal
    cost: Decimal
    fee: Decimal
    acquired: date
    label: str | None
    currency: str
    restated: Decimal | None

    def split_off(self, part: Decimal) -> "Parcel":
        """Take so many of its units away, with their share of cost and fee."""
        if part == self.units:
            piece = replace(self)
        else:
            share = part / self.units
            piece = replace(
                self,
                units=part,
                cost=self.cost * part / self.units,
                fee=self.fee * part / self.units,
                restated=None if self.restated is None else self.restated * share,
            )
        self.units, self.cost, self.fee = self.units - piece.units, self.cost - piece.cost, self.fee - piece.fee
        if self.restated is not None and piece.restated is not None:
            self.restated -= piece.restated
        return piece


def price_paid(event: LedgerTransaction) -> Decimal:
    """What a purchase paid for its units alone: price by quantity as rounding its cash to cents left it."""
    return -(event.amount + event.fee + event.tax + event.rounding)


def key_of(posting: Posting) -> Key:
    return posting.account, posting.commodity


def total_cost(postings: Iterable[Posting]) -> Decimal:
    return sum((posting.units * posting.cost.number for posting in postings if posting.cost), ZERO)
