"""Which kind an entry is, by its legs alone."""

from collections.abc import Callable
from typing import TypeAlias

from portfolio.ledger.reader import Entry

from . import cash, corporate_actions, deals, transfers
from .chart import Chart
from .legs import FEES, Legs, sort_legs
from .refusal import UnreadableEntry
from .transaction import LedgerTransaction

EventReader: TypeAlias = Callable[[Legs, str], LedgerTransaction]


def read_event(entry: Entry, chart: Chart, entry_id: str) -> LedgerTransaction:
    """The event that an entry is. Raises UnreadableEntry where it fits no kind."""
    legs = sort_legs(entry, chart)
    read = _find_reader(legs)
    return read(legs, entry_id)


def _find_reader(legs: Legs) -> EventReader:
    if legs.securities:
        return _find_security_reader(legs)
    if not legs.cash and "external" in legs.others and any(purpose in legs.others for purpose in FEES):
        return cash.read_outside_fee
    if not legs.cash:
        raise UnreadableEntry("moves neither cash nor securities")
    if len({leg.currency for leg in legs.cash}) == 2:
        return cash.read_fx
    if len({leg.currency for leg in legs.cash}) > 2:
        raise UnreadableEntry("moves cash in more than two currencies")
    for purpose, read in (("external", cash.read_flow), ("dividend", cash.read_income), ("interest", cash.read_income)):
        if purpose in legs.others:
            return read
    if any(purpose in legs.others for purpose in FEES):
        return cash.read_charge
    if "tax" in legs.others:
        return cash.read_charge
    if not legs.others:
        return transfers.read_own_transfer
    raise UnreadableEntry("fits no kind")


def _find_security_reader(legs: Legs) -> EventReader:
    symbols = {posting.commodity for posting in legs.securities}
    signs = {posting.units > 0 for posting in legs.securities}
    if len(symbols) > 1:
        return corporate_actions.read_exchange
    if len({posting.account for posting in legs.securities}) > 1:
        if len(signs) == 2:
            return transfers.read_own_transfer
        raise UnreadableEntry("several security accounts in one entry; write one entry for each")
    if len(signs) == 2:
        return corporate_actions.read_return_of_capital if legs.cash else corporate_actions.read_split
    if legs.cash:
        return deals.read_deal
    if "dividend" in legs.others:
        return deals.read_reinvestment
    if "realised" in legs.others:
        return deals.read_deal  # sold for nothing
    if "external" in legs.others or not legs.others:
        return transfers.read_transfer  # lots of less cost than Beancount's tolerance balance without the other leg
    raise UnreadableEntry("securities move against neither cash, a dividend nor an external account")
