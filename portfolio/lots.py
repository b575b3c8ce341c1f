"""Lots from transactions: the bridge between the ledger's events and the booking rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from typing import Literal, TypeAlias

from portfolio.analytics import booking
from portfolio.ledger.journal import LedgerLot, LedgerTransaction

Day: TypeAlias = date  # in classes that have a field named date
Method: TypeAlias = booking.Method | Literal["NAMED"]

BOOKED = frozenset({"buy", "sell", "split", "reinvested_dividend", "transfer_in", "transfer_out", "return_of_capital"})

LEDGER_METHODS: Mapping[str, Method] = {
    "FIFO": "FIFO",
    "LIFO": "LIFO",
    "HIFO": "HIFO",
    "STRICT": "NAMED",
    "STRICT_WITH_SIZE": "NAMED",
}
"""What a booking method that the ledger opens an account with means here."""


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
    opened_by: str


@dataclass(frozen=True, slots=True)
class MatchedState:
    """A row of portfolio.models.MatchedLot before it has a portfolio and a revision. Fees apart, whatever the setting."""

    entry_id: str
    opened_by: str
    date: Day
    kind: str
    symbol: str
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


@dataclass(frozen=True, slots=True)
class Derived:
    lots: tuple[LotState, ...]
    matched: tuple[MatchedState, ...]


def derive(
    transactions: Sequence[LedgerTransaction],
    *,
    base_currency: str,
    method: Method,
    fees_in_cost: bool,
    account_methods: Mapping[str, Method] | None = None,
) -> Derived:
    """Every state of every lot, and what was taken from each. Raises booking's named errors (Oversold ...).

    method           of accounts that have none of their own in `account_methods`; an AVERAGE portfolio has one pool per
                     account and security whatever the ledger's accounts say, for the ledger can't book averages
    """
    by_method: dict[Method, list[LedgerTransaction]] = {}
    for event in transactions:
        if event.kind in BOOKED:
            own = method if method == "AVERAGE" else (account_methods or {}).get(event.account, method)
            by_method.setdefault(own, []).append(event)
    parts = [_booked(chosen, base_currency, each, fees_in_cost) for each, chosen in by_method.items()]
    return Derived(
        tuple(lot for part in parts for lot in part.lots), tuple(match for part in parts for match in part.matched)
    )


def _booked(chosen: Sequence[LedgerTransaction], base_currency: str, method: Method, fees_in_cost: bool) -> Derived:
    """The lots of the accounts that share a method: accounts never meet."""
    pairs = [(event, each) for event in chosen for each in [_event(event, base_currency)]]
    if method == "NAMED":
        pairs = list(_named(pairs))
    booked = booking.book(
        [each for _, each in pairs], method="FIFO" if method == "NAMED" else method, fees_in_cost=fees_in_cost
    )
    events = [event for event, _ in pairs]
    # Where the ledger names no rate the booking ran on a neutral weight: that rate is nobody's, so it is not kept.
    rateless = {
        index for index, event in enumerate(events) if event.currency != base_currency and event.fx_rate is None
    }
    pooled = method == "AVERAGE" and bool(rateless)

    def known(fx: Decimal, place: int) -> Decimal | None:
        return None if pooled or place in rateless else fx

    lots = tuple(
        LotState(
            symbol=parcel.symbol,
            account=parcel.account,
            acquired=parcel.acquired,
            quantity=parcel.quantity,
            unit_cost=parcel.unit_cost,
            cost=parcel.cost,
            currency=parcel.currency or "",
            fx_to_base=known(parcel.fx_to_base, parcel.opened_by),
            valid_from=parcel.valid_from,
            valid_to=parcel.valid_to,
            opened_by=events[parcel.opened_by].entry_id,
        )
        for parcel in booked.parcels
    )
    with localcontext(booking.PRECISION):
        sold = [
            _matched(match, pairs, known(match.fx_in, match.opened_by), rateless, fees_in_cost)
            for match in booked.matched_lots
        ]
        moved = [
            _transferred(place, lot, events, known(lot.fx_to_base, lot.opened_by))
            for place, lot in booked.transferred_lots
        ]
    return Derived(lots, tuple(sorted(sold + moved, key=lambda one: one.date)))


def _matched(
    match: booking.MatchedLot,
    pairs: Sequence[tuple[LedgerTransaction, booking.Transaction]],
    fx_in: Decimal | None,
    rateless: set[int],
    fees_in_cost: bool,
) -> MatchedState:
    event, entry = pairs[match.closed_by]
    exit_fee = Decimal(0)
    if match.quantity and entry.fee and entry.quantity:
        exit_fee = entry.fee * match.quantity / entry.quantity
    entry_fee = max(match.fees - exit_fee, Decimal(0))
    cost, proceeds = match.cost, match.proceeds
    if fees_in_cost and match.quantity:
        cost, proceeds = cost - entry_fee, proceeds + exit_fee
    return MatchedState(
        entry_id=event.entry_id,
        opened_by=pairs[match.opened_by][0].entry_id,
        date=match.date,
        kind=match.kind,
        symbol=match.symbol,
        account=match.account,
        acquired=match.acquired,
        quantity=match.quantity,
        cost=cost,
        proceeds=proceeds,
        entry_fee=entry_fee,
        exit_fee=exit_fee,
        currency=match.currency or "",
        fx_in=fx_in,
        fx_out=None if match.closed_by in rateless else match.fx_out,
    )


def _transferred(
    place: int, lot: booking.Lot, events: Sequence[LedgerTransaction], fx_in: Decimal | None
) -> MatchedState:
    """A part that moved out at its cost: nothing is realised."""
    cost = lot.unit_cost * lot.quantity
    return MatchedState(
        entry_id=events[place].entry_id,
        opened_by=events[lot.opened_by].entry_id,
        date=events[place].date,
        kind=events[place].kind,
        symbol=lot.symbol,
        account=lot.account,
        acquired=lot.acquired,
        quantity=lot.quantity,
        cost=cost,
        proceeds=cost,
        entry_fee=Decimal(0),
        exit_fee=Decimal(0),
        currency=lot.currency or "",
        fx_in=fx_in,
        fx_out=fx_in,
    )


def _event(event: LedgerTransaction, base_currency: str) -> booking.Transaction:
    is_trade = event.kind in ("buy", "sell", "reinvested_dividend")
    return booking.Transaction(
        date=event.date,
        kind=event.kind,
        symbol=event.symbol or "",
        quantity=abs(event.quantity) if event.quantity is not None and event.kind != "split" else None,
        unit_price=event.unit_price if is_trade else None,
        amount=None,
        fee=event.fee,
        currency=event.currency,
        fx_to_base=Decimal(1) if event.currency == base_currency or event.fx_rate is None else event.fx_rate,
        ratio=event.ratio,
        acquired=event.acquired,
        account=event.account,
        cost=event.cost,
    )


@dataclass(slots=True)
class _Named:
    """A lot by the day and unit cost that the ledger knows it by; a split divides the cost."""

    acquired: date
    unit_cost: Decimal
    lot_id: str


def _named(
    pairs: Sequence[tuple[LedgerTransaction, booking.Transaction]],
) -> "Sequence[tuple[LedgerTransaction, booking.Transaction]]":
    """Purchases name the lot they open, and sales take, part by part, the lots that the ledger took."""
    lots: dict[tuple[str, str], list[_Named]] = {}
    found = []
    for event, entry in sorted(pairs, key=lambda pair: pair[1].date):
        open_lots = lots.setdefault((entry.account, entry.symbol), [])
        if entry.kind == "split" and entry.ratio:
            for lot in open_lots:
                lot.unit_cost /= entry.ratio
        if entry.kind in ("sell", "transfer_out") and event.lots and entry.quantity:
            found += [(event, part) for part in _parts(event, entry, open_lots)]
            continue
        if entry.kind in ("buy", "reinvested_dividend", "transfer_in") and len(event.lots) == 1:
            acquired, unit_cost = event.lots[0].acquired, event.lots[0].unit_cost
            same = next((lot for lot in open_lots if (lot.acquired, lot.unit_cost) == (acquired, unit_cost)), None)
            if same is None:
                same = _Named(acquired, unit_cost, event.entry_id)
                open_lots.append(same)
            entry = replace(entry, lot_id=same.lot_id)
        found.append((event, entry))
    return found


def _parts(
    event: LedgerTransaction, entry: booking.Transaction, open_lots: Sequence[_Named]
) -> list[booking.Transaction]:
    """A sale as one sale a lot, the fee shared by quantity; the last part takes the rest of it."""
    total, fee = sum(lot.quantity for lot in event.lots), entry.fee or Decimal(0)
    fee_left, parts = fee, []
    for place, lot in enumerate(event.lots):
        share = fee_left if place == len(event.lots) - 1 else fee * lot.quantity / total
        fee_left -= share
        parts.append(replace(entry, quantity=lot.quantity, fee=share, lot_id=_name(lot, open_lots)))
    return parts


def _name(lot: LedgerLot, open_lots: Sequence[_Named]) -> str | None:
    """The open lot of that day whose cost is nearest: a split rounds what it divides."""
    same_day = [each for each in open_lots if each.acquired == lot.acquired]
    return min(same_day, key=lambda each: abs(each.unit_cost - lot.unit_cost)).lot_id if same_day else None
