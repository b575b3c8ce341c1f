"""The legs of one entry, sorted by what they are for."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from portfolio.ledger.reader import Cost, Entry, Posting

from .chart import Chart
from .refusal import UnreadableEntry
from .transaction import ZERO, CashLeg

FEES: Final = ("custody", "management", "other")


class Legs(NamedTuple):
    """The legs of one entry by what they are for; zero legs are left out.

    others  purpose (see Chart.purpose) -> its postings
    """

    entry: Entry
    chart: Chart
    securities: tuple[Posting, ...]
    cash: tuple[CashLeg, ...]
    others: Mapping[str, tuple[Posting, ...]]

    def total(self, *purposes: str, currency: str) -> Decimal:
        """Sum of the legs for these purposes, all of which must be in `currency`."""
        total = ZERO
        for purpose in purposes if self.others else ():
            for posting in self.others.get(purpose, ()):
                if posting.commodity != currency:
                    raise UnreadableEntry(f"{posting.account} is in {posting.commodity}, the entry in {currency}")
                total += posting.units
        return total

    def charge(self, *purposes: str, currency: str) -> Decimal:
        """`total`, which must not be negative."""
        total = self.total(*purposes, currency=currency)
        if total < 0:
            raise UnreadableEntry(f"{purposes[0]} of an entry cannot be negative")
        return total

    def allow_only(self, *purposes: str) -> None:
        """Raises UnreadableEntry for a leg with another purpose."""
        for purpose, postings in self.others.items():
            if purpose not in purposes:
                raise UnreadableEntry(f"{postings[0].account} does not belong in such an entry")


def sort_legs(entry: Entry, chart: Chart) -> Legs:
    """The postings of an entry: securities, cash, and the rest by purpose. Raises UnreadableEntry for what is none of these."""
    securities, cash = [], []
    others: dict[str, tuple[Posting, ...]] = {}
    for posting in entry.postings:
        account, units, commodity, cost, _ = posting
        if not units:
            continue
        purpose = chart.purpose(account)
        if purpose != "asset":
            if cost is not None or not chart.is_money(commodity):
                raise UnreadableEntry(f"{account} takes {commodity}, not money")
            others[purpose] = (*others.get(purpose, ()), posting)
        elif cost is not None:
            securities.append(posting)
        elif chart.is_money(commodity):
            cash.append(CashLeg(account, commodity, units))
        else:
            raise UnreadableEntry(f"{commodity} is held without cost and is no currency of this ledger")
    return Legs(entry, chart, tuple(securities), tuple(cash), others)


def currency_of(legs: Legs) -> str:
    """The one currency of an entry's cash, which is also that of its lots and its other legs."""
    currencies = {leg.currency for leg in legs.cash} | {p.cost.currency for p in legs.securities if p.cost}
    currencies |= {posting.commodity for postings in legs.others.values() for posting in postings}
    if len(currencies) > 1:
        raise UnreadableEntry(f"in {', '.join(sorted(currencies))}; write the conversion as an entry of its own")
    return currencies.pop()


def currency_of_sale(legs: Legs) -> str:
    """The one currency of an entry's cash and charges, whatever its lots cost; of one that moves no cash, that of its price."""
    currencies = {leg.currency for leg in legs.cash}
    charges = {
        posting.commodity for name, postings in legs.others.items() if name != "realised" for posting in postings
    }
    currencies = currencies or charges or {each.price.currency for each in legs.securities if each.price}
    currencies = currencies or {cost_of(each).currency for each in legs.securities}
    if len(currencies) > 1:
        raise UnreadableEntry(f"in {', '.join(sorted(currencies))}; write the conversion as an entry of its own")
    return currencies.pop()


def cost_of(posting: Posting) -> Cost:
    assert posting.cost is not None
    return posting.cost


def price_in(posting: Posting, currency: str) -> Decimal | None:
    return posting.price.number if posting.price is not None and posting.price.currency == currency else None
