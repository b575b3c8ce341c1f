"""Lots from transactions: the bridge between the ledger's events and the booking rules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from portfolio.analytics import booking
from portfolio.analytics.errors import InvalidInput, Oversold
from portfolio.ledger.journal import LedgerLot, LedgerTransaction
from portfolio.ledger.screening import Finding, LedgerRefused

BOOKED = frozenset(
    {
        *("buy", "sell", "split", "reinvested_dividend", "transfer_in", "transfer_out", "transfer"),
        *("return_of_capital", "spin_off", "merger"),
    }
)
_TRADES = frozenset({"buy", "sell", "reinvested_dividend"})
_BY_NAME = frozenset({"buy", "sell", "reinvested_dividend", "transfer_in", "transfer_out", "transfer"})
"""Kinds that take or open lots one by one, by name where the ledger gives one; the others happen to all lots alike."""


class EntryNotBooked(LedgerRefused):
    """An entry that no lots can be made of or taken from: it sells or moves more than is held, or lacks what its kind needs."""


@dataclass(frozen=True, slots=True)
class LotState:
    """A row of portfolio.models.Lot before it has a portfolio and a revision."""

    symbol: str
    account: str
    acquired: date
    quantity: Decimal
    unit_cost: Decimal
    cost: Decimal
    currency: str
    fx_to_base: Decimal | None
    valid_from: date
    valid_to: date | None


def derive(
    transactions: Sequence[LedgerTransaction], *, base_currency: str, method: booking.Method, fees_in_cost: bool
) -> tuple[LotState, ...]:
    """Every state of every lot. Raises EntryNotBooked with the entry's file and line."""
    booked = book(transactions, base_currency=base_currency, method=method, fees_in_cost=fees_in_cost)
    # Where the ledger names no rate the booking ran on a neutral weight: that rate is nobody's, so it is not kept.
    rateless = {
        opened_by
        for opened_by, event in enumerate(_sources(transactions, method))
        if event.currency != base_currency and event.fx_rate is None and event.cost_fx_rate is None
    }
    pooled = method == "AVERAGE" and bool(rateless)
    return tuple(
        LotState(
            symbol=parcel.symbol,
            account=parcel.account,
            acquired=parcel.acquired,
            quantity=parcel.quantity,
            unit_cost=parcel.unit_cost,
            cost=parcel.cost,
            currency=parcel.currency or "",
            fx_to_base=None if pooled or parcel.opened_by in rateless else parcel.fx_to_base,
            valid_from=parcel.valid_from,
            valid_to=parcel.valid_to,
        )
        for parcel in booked.parcels
    )


def book(
    transactions: Sequence[LedgerTransaction], *, base_currency: str, method: booking.Method, fees_in_cost: bool
) -> booking.Booked:
    """The books of a ledger's events. An event without a rate counts at the neutral weight 1: base amounts of what it
    opened or closed mean nothing then. Raises EntryNotBooked with the entry's file and line."""
    steps = [
        (event, step)
        for event in transactions
        if _moves_lots(event)
        for step in _steps(event, base_currency, named=method != "AVERAGE")
    ]
    try:
        return booking.book([step for _, step in steps], method=method, fees_in_cost=fees_in_cost)
    except (Oversold, InvalidInput) as wrong:
        if wrong.index is None:
            raise
        event = steps[wrong.index][0]
        reason = (
            f"{event.kind} of {wrong.asked:f} {wrong.symbol}, of which {wrong.held:f} is held"
            if isinstance(wrong, Oversold)
            else f"{event.kind}: {wrong.argument} {wrong.problem}"
        )
        raise EntryNotBooked((Finding(event.file, event.line, reason),)) from wrong


def _moves_lots(event: LedgerTransaction) -> bool:
    """Between own accounts cash moves too."""
    return event.kind in BOOKED and event.symbol is not None


def _sources(transactions: Sequence[LedgerTransaction], method: booking.Method) -> Iterator[LedgerTransaction]:
    """The event of each step that is booked, in their order."""
    for event in transactions:
        if _moves_lots(event):
            yield from (event for _ in _parts(event, named=method != "AVERAGE"))


def _parts(event: LedgerTransaction, *, named: bool) -> Sequence[tuple[LedgerLot, ...]]:
    """The lots of an event by what has to be booked apart: lots that have names, and lots that come in from elsewhere."""
    if event.kind == "transfer_in":
        return [(lot,) for lot in event.lots]
    if event.kind not in _BY_NAME or not named or all(lot.label is None for lot in event.lots):
        return [event.lots]
    groups: dict[str | None, list[LedgerLot]] = {}
    for lot in event.lots:
        groups.setdefault(lot.label, []).append(lot)
    return [tuple(lots) for lots in groups.values()]


def _steps(event: LedgerTransaction, base_currency: str, *, named: bool) -> Iterator[booking.Transaction]:
    """What the booking rules see of an event: one step, or one for each part of it; the fee goes by quantity."""
    whole, parts = _step(event, base_currency), _parts(event, named=named)
    fee_left = event.fee
    for number, lots in enumerate(parts, 1):
        step = whole
        if named and event.kind in _BY_NAME and lots:
            step = replace(step, lot_id=lots[0].label)
        if event.kind == "transfer_in":
            step = replace(
                step, quantity=lots[0].quantity, cost=lots[0].quantity * lots[0].unit_cost, acquired=lots[0].acquired
            )
        elif len(parts) > 1:
            quantity = sum((lot.quantity for lot in lots), Decimal(0))
            assert event.quantity is not None
            fee = fee_left if number == len(parts) else event.fee * quantity / event.quantity
            fee_left -= fee
            step = replace(step, quantity=quantity, fee=fee)
        yield step


def _step(event: LedgerTransaction, base_currency: str) -> booking.Transaction:
    ratio, unit_price, to_unit_price, amount = event.ratio, None, None, None
    if event.kind in _TRADES:
        unit_price = event.unit_price
    elif event.kind == "return_of_capital":
        amount = event.amount + event.fee + event.tax + event.rounding
    elif event.kind == "spin_off":
        # The rule shares cost by first-day values. The ledger has shared it already: its own shares stand for the values.
        assert event.cost is not None
        assert ratio is not None
        total = sum((lot.quantity * lot.unit_cost for lot in event.lots), Decimal(0))
        unit_price, to_unit_price = total - event.cost, event.cost / ratio
    return booking.Transaction(
        date=event.date,
        kind="move" if event.kind == "transfer" else event.kind,
        symbol=event.symbol or "",
        quantity=event.quantity if event.kind in _BY_NAME else None,
        unit_price=unit_price,
        amount=amount,
        fee=event.fee,
        currency=event.currency,
        fx_to_base=Decimal(1) if event.currency == base_currency or event.fx_rate is None else event.fx_rate,
        ratio=ratio,
        account=event.account,
        cost_fx_to_base=event.cost_fx_rate,
        to_symbol=event.to_symbol,
        to_unit_price=to_unit_price,
        to_account=event.to_account,
    )
