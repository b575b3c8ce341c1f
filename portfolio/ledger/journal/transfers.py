"""Entries that move lots or cash in, out, or between own accounts."""

import datetime as dt
from collections import Counter
from decimal import Decimal

from .cash import cash_event
from .legs import Legs, cost_of, currency_of
from .lots import lots_of
from .metadata import read_date, read_fixings, read_rate
from .refusal import UnreadableEntry
from .transaction import ZERO, LedgerTransaction


def read_transfer(legs: Legs, entry_id: str) -> LedgerTransaction:
    """Securities that come from or go to somewhere else, with the day and the cost of their lots."""
    comes = legs.securities[0].units > 0
    entry, currency = legs.entry, currency_of(legs) if comes else cost_of(legs.securities[0]).currency
    lots = lots_of(legs.securities, currency)
    legs.allow_only("external", "rounding")
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="transfer_in" if comes else "transfer_out",
        account=legs.securities[0].account,
        symbol=legs.securities[0].commodity,
        quantity=sum((lot.quantity for lot in lots), ZERO),
        currency=currency,
        fx_rate=read_rate(legs, currency, "fx_trade", "fx_rate"),
        acquired=lots[0].acquired if comes and len(lots) == 1 else None,
        cost=sum((lot.quantity * lot.unit_cost for lot in lots), ZERO),
        cost_fx_rate=read_rate(legs, currency, "fx_acquired") if comes else None,
        settle_date=read_date(entry, "settle_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=lots,
        fixings=read_fixings(entry) if comes else (),
    )


def read_own_transfer(legs: Legs, entry_id: str) -> LedgerTransaction:
    """Cash or lots from one account of the portfolio to another: nothing comes, nothing goes."""
    entry = legs.entry
    legs.allow_only()
    if not legs.securities:
        gives = next(leg for leg in legs.cash if leg.amount < 0)
        return cash_event(legs, entry_id, "transfer", account=gives.account)
    legs_out = [posting for posting in legs.securities if posting.units < 0]
    legs_in = [posting for posting in legs.securities if posting.units > 0]
    accounts = [{posting.account for posting in group} for group in (legs_out, legs_in)]
    if any(len(each) > 1 for each in accounts) or accounts[0] == accounts[1] or legs.cash:
        raise UnreadableEntry("several security accounts in one entry; write one entry for each")
    currency = cost_of(legs_out[0]).currency
    lot_counts = [Counter[tuple[dt.date, Decimal, str | None]]() for _ in range(2)]
    for group, count in zip((legs_out, legs_in), lot_counts, strict=True):
        for lot in lots_of(group, currency):
            count[lot.acquired, lot.unit_cost, lot.currency] += lot.quantity  # type: ignore[assignment]
    if lot_counts[0] != lot_counts[1]:
        raise UnreadableEntry(
            "the lots that come are not those that go: between own accounts each keeps its date and cost"
        )
    return LedgerTransaction(
        entry_id=entry_id,
        date=entry.date,
        kind="transfer",
        account=legs_out[0].account,
        symbol=legs_out[0].commodity,
        quantity=sum((abs(posting.units) for posting in legs_out), ZERO),
        currency=currency,
        to_account=legs_in[0].account,
        settle_date=read_date(entry, "settle_date"),
        note=entry.narration,
        file=entry.file,
        line=entry.line,
        lots=lots_of(legs_out, currency),
    )
