"""Lots from transactions: the bridge between the ledger's events and the booking rules."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from typing import Literal, TypeAlias

from portfolio.analytics import booking
from portfolio.analytics.errors import InvalidInput, Oversold
from portfolio.ledger.journal import LedgerLot, LedgerTransaction
from portfolio.ledger.screening import Finding, LedgerRefused

Day: TypeAlias = date  # in classes that have a field named date
Method: TypeAlias = booking.Method | Literal["NAMED"]
Step: TypeAlias = tuple[LedgerTransaction, booking.Transaction]

BOOKED = frozenset(
    {
        *("buy", "sell", "split", "reinvested_dividend", "transfer_in", "transfer_out", "transfer"),
        *("return_of_capital", "spin_off", "merger"),
    }
)
_TRADES = frozenset({"buy", "sell", "reinvested_dividend"})
_OPENING = frozenset({"buy", "reinvested_dividend"})
_TAKING = frozenset({"sell", "transfer_out", "transfer"})
_BY_NAME = frozenset({"buy", "sell", "reinvested_dividend", "transfer_in", "transfer_out", "transfer"})
"""Kinds that take or open lots one by one, by name where the ledger gives one; the others happen to all lots alike."""


WAY = 8
"""Hexadecimal digits."""


class EntryNotBooked(LedgerRefused):
    """An entry that no lots can be made of or taken from: it sells or moves more than is held, or lacks what its kind needs."""


@dataclass(frozen=True, slots=True)
class LayerState:
    """What one purchase adds to a cost, or a return of capital takes off it; as portfolio.books.Layer.

    cost  by the portfolio's fee setting; fee is what is kept apart of it
    """

    currency: str
    acquired: Day
    fx_to_base: Decimal | None
    cost: Decimal
    fee: Decimal


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
    layers: tuple[LayerState, ...] = ()


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
    cost_currency: str = ""
    layers: tuple[LayerState, ...] = ()


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
    trading: Mapping[str, str] | None = None,
) -> Derived:
    """Every state of every lot, and what was taken from each. Raises EntryNotBooked with the entry's file and line.

    account_methods  of accounts that the ledger opens with a method of their own. An AVERAGE portfolio has pools in all of
                     them, for the ledger can't book averages
    trading          security -> the currency that it trades in, where the fixings of the ledger do not tell it
    """
    methods = _Methods(method, account_methods or {})
    steps = _all_steps(transactions, base_currency, methods, trading or {})
    booked = _book(steps, methods, fees_in_cost)
    # Where the ledger names no rate the booking ran on a neutral weight: that rate is nobody's, so it is not kept.
    rates = [_rate_of(step) for step in steps]

    def layers(found: Sequence[booking.Layer]) -> tuple[LayerState, ...]:
        return tuple(
            LayerState(each.currency or "", each.acquired, rates[each.opened_by], each.cost, each.fee) for each in found
        )

    with localcontext(booking.PRECISION):
        lots = tuple(
            LotState(
                symbol=parcel.symbol,
                account=parcel.account,
                acquired=parcel.acquired,
                quantity=parcel.quantity,
                unit_cost=parcel.unit_cost,
                cost=parcel.cost,
                currency=parcel.currency or "",
                fx_to_base=None if parcel.layers else rates[parcel.opened_by],
                valid_from=parcel.valid_from,
                valid_to=parcel.valid_to,
                opened_by=_known_as(steps, parcel.opened_by, parcel.went_on),
                layers=layers(parcel.layers),
            )
            for parcel in booked.parcels
        )
        matched = [
            _matched(match, steps, rates, layers(match.layers), fees_in_cost=fees_in_cost)
            for match in booked.matched_lots
        ]
        moved = [_transferred(place, lot, steps, rates, layers(lot.layers)) for place, lot in booked.transferred_lots]
    return Derived(lots, tuple(sorted(matched + moved, key=lambda one: one.date)))


def _rate_of(step: Step) -> Decimal | None:
    """What the ledger says that the lots or the cash of a step are worth in the base currency; 1 for the base itself."""
    event, booked = step
    if event.kind == "transfer_in" and booked.cost_fx_to_base is not None:
        return booked.cost_fx_to_base
    if booked.fx_to_base is None:
        return Decimal(1)
    # The rate of the day on which lots come in says nothing of an older day on which they were bought.
    if event.kind == "transfer_in" and booked.acquired != event.date:
        return None
    return event.fx_rate


def _lineage(steps: Sequence[Step], place: int) -> str:
    """What a lot is known by: the entry that opened it, and which of its lots it is where that opened several."""
    event = steps[place][0]
    first = place
    while first and steps[first - 1][0] is event:
        first -= 1
    return event.entry_id if place == first else f"{event.entry_id}#{place - first + 1}"


def _known_as(steps: Sequence[Step], opened_by: int, went_on: Sequence[int]) -> str:
    """What a lot is known by; of parts of one purchase that came together again on several ways each has its own name."""
    name = _lineage(steps, opened_by)
    for place in went_on:
        name = gone_on(name, steps[place][0].entry_id)
    return name


def gone_on(name: str, entry_id: str) -> str:
    """What a lot of that name is known by after an entry took it into another account or under another symbol."""
    opened_by, way = way_of(name)
    return f"{opened_by}~{hashlib.sha256(f'{way}/{entry_id}'.encode()).hexdigest()[:WAY]}"


def way_of(name: str) -> tuple[str, str]:
    """What opened the lot, and what stands for the entries that it went on by; "" where it lies as it was opened."""
    opened_by, mark, way = name.rpartition("~")
    return (opened_by, way) if mark and len(way) == WAY and not set(way) - set("0123456789abcdef") else (name, "")


def _matched(
    match: booking.MatchedLot,
    steps: Sequence[Step],
    rates: Sequence[Decimal | None],
    layers: tuple[LayerState, ...],
    *,
    fees_in_cost: bool,
) -> MatchedState:
    event = steps[match.closed_by][0]
    cost, proceeds = match.cost, match.proceeds
    if fees_in_cost:
        cost, proceeds = cost - match.entry_fee, proceeds + match.exit_fee
    return MatchedState(
        entry_id=event.entry_id,
        opened_by=_known_as(steps, match.opened_by, match.went_on),
        date=match.date,
        kind=match.kind,
        symbol=match.symbol,
        account=match.account,
        acquired=match.acquired,
        quantity=match.quantity,
        cost=cost,
        proceeds=proceeds,
        entry_fee=match.entry_fee,
        exit_fee=match.exit_fee,
        currency=match.currency or "",
        fx_in=None if layers else rates[match.opened_by],
        fx_out=rates[match.closed_by],
        cost_currency="" if match.cost_currency == match.currency else match.cost_currency or "",
        layers=layers,
    )


def _transferred(
    place: int,
    lot: booking.Lot,
    steps: Sequence[Step],
    rates: Sequence[Decimal | None],
    layers: tuple[LayerState, ...],
) -> MatchedState:
    """A part that moved out at its cost: nothing is realised."""
    event, cost = steps[place][0], lot.unit_cost * lot.quantity
    fx_in = None if layers else rates[lot.opened_by]
    return MatchedState(
        entry_id=event.entry_id,
        opened_by=_known_as(steps, lot.opened_by, lot.went_on),
        date=event.date,
        kind=event.kind,
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
        layers=layers,
    )


def book(
    transactions: Sequence[LedgerTransaction],
    *,
    base_currency: str,
    method: Method,
    fees_in_cost: bool,
    account_methods: Mapping[str, Method] | None = None,
    trading: Mapping[str, str] | None = None,
) -> booking.Booked:
    """The books of a ledger's events. An event without a rate counts at the neutral weight 1: base amounts of what it
    opened or closed mean nothing then. Raises EntryNotBooked with the entry's file and line."""
    methods = _Methods(method, account_methods or {})
    return _book(_all_steps(transactions, base_currency, methods, trading or {}), methods, fees_in_cost)


@dataclass(frozen=True, slots=True)
class _Methods:
    portfolio: Method
    accounts: Mapping[str, Method]

    def of(self, account: str) -> Method:
        return self.portfolio if self.portfolio == "AVERAGE" else self.accounts.get(account, self.portfolio)


def _all_steps(
    transactions: Sequence[LedgerTransaction], base_currency: str, methods: _Methods, trading: Mapping[str, str]
) -> list[Step]:
    trades_in = _trading(transactions, trading)
    return [
        (event, step)
        for event in transactions
        if _moves_lots(event)
        for step in _steps(event, base_currency, methods.of(event.account), trades_in)
    ]


def _trading(transactions: Sequence[LedgerTransaction], given: Mapping[str, str]) -> Mapping[str, str]:
    """Security -> the currency that it trades in, where it is given or a fixing tells it."""
    found = dict(given)
    for event in transactions:
        if event.symbol is not None and event.fixings:
            known = found.setdefault(event.symbol, event.fixings[0].quote)
            if known != event.fixings[0].quote:
                reason = f"fixing in {event.fixings[0].quote}: {event.symbol} trades in {known}"
                raise EntryNotBooked((Finding(event.file, event.line, reason),))
    return found


def _book(steps: Sequence[Step], methods: _Methods, fees_in_cost: bool) -> booking.Booked:
    try:
        return booking.book(
            [step for _, step in steps],
            method=_booked_as(methods.portfolio),
            fees_in_cost=fees_in_cost,
            account_methods={}
            if methods.portfolio == "AVERAGE"
            else {account: _booked_as(method) for account, method in methods.accounts.items()},
        )
    except (Oversold, InvalidInput) as wrong:
        if wrong.index is None:
            raise
        event = steps[wrong.index][0]
        reason = (
            f"{event.kind} of {wrong.asked:f} {wrong.symbol}, of which {wrong.held:f} is held"
            if isinstance(wrong, Oversold)
            else f"{event.kind}: {wrong.argument} {wrong.problem}{_suggestion(event, wrong)}"
        )
        raise EntryNotBooked((Finding(event.file, event.line, reason),)) from wrong


def _suggestion(event: LedgerTransaction, wrong: InvalidInput) -> str:
    if wrong.argument != "fixing":
        return ""
    return f'; tell that of the day as metadata of the entry, such as fixing: "{event.currency}USD=1.0921"'


def _booked_as(method: Method) -> booking.Method:
    """Sales of named lots name them; what does not goes first in, first out."""
    return "FIFO" if method == "NAMED" else method


def _moves_lots(event: LedgerTransaction) -> bool:
    """Between own accounts cash moves too."""
    return event.kind in BOOKED and event.symbol is not None


def _parts(event: LedgerTransaction, method: Method) -> Sequence[tuple[LedgerLot, ...]]:
    """The lots of an event by what has to be booked apart: lots that come in from elsewhere, lots that are opened at several
    prices or by several names, and where the ledger chooses the lots, each that it took."""
    if event.kind == "transfer_in" or (method == "NAMED" and event.kind in _TAKING):
        return [(lot,) for lot in event.lots]
    if event.kind not in _BY_NAME or method == "AVERAGE" or len(event.lots) == 1:
        return [event.lots]
    groups: dict[object, list[LedgerLot]] = {}
    for lot in event.lots:
        name = (lot.label, lot.unit_cost, lot.acquired) if event.kind in _OPENING else lot.label
        groups.setdefault(name, []).append(lot)
    return [tuple(lots) for lots in groups.values()]


def _steps(
    event: LedgerTransaction, base_currency: str, method: Method, trading: Mapping[str, str]
) -> Iterator[booking.Transaction]:
    """What the booking rules see of an event: one step, or one for each part of it; what was charged goes by quantity."""
    whole, parts = _step(event, base_currency, trading), _parts(event, method)
    charged = _charged(event)
    left = charged
    for number, lots in enumerate(parts, 1):
        step = whole
        if event.kind == "transfer_in":
            step = replace(
                step, quantity=lots[0].quantity, cost=lots[0].quantity * lots[0].unit_cost, acquired=lots[0].acquired
            )
        elif len(parts) > 1:
            quantity = sum((lot.quantity for lot in lots), Decimal(0))
            assert event.quantity is not None
            fee = left if number == len(parts) else charged * quantity / event.quantity
            left -= fee
            step = replace(step, quantity=quantity, fee=max(fee, Decimal(0)), rebate=_rebate(fee))
        if event.kind in _BY_NAME and method != "AVERAGE":
            step = _named(step, event, lots[0], method, apart=len(parts) > 1)
        yield step


def _named(
    step: booking.Transaction, event: LedgerTransaction, lot: LedgerLot, method: Method, *, apart: bool
) -> booking.Transaction:
    """The step with what the ledger knows the lot by."""
    if event.kind in _OPENING and (apart or lot.acquired != event.date):
        step = replace(step, unit_price=_paid_per_unit(event, lot), acquired=lot.acquired)
    if event.kind in _TAKING and method == "NAMED":
        step = replace(step, acquired=lot.acquired, lot_cost=lot.unit_cost, lot_currency=lot.currency or event.currency)
    return step if lot.label is None else replace(step, lot_id=lot.label)


def _paid_per_unit(event: LedgerTransaction, lot: LedgerLot) -> Decimal:
    """What the lot says, in proportion to what was paid for all of them, which rounding may have made another sum."""
    worth = sum((each.quantity * each.unit_cost for each in event.lots), Decimal(0))
    paid = -(event.amount + event.fee + event.tax + event.rounding)
    if event.kind != "buy" or paid == worth or not worth:
        return lot.unit_cost
    return lot.unit_cost * paid / worth


def _charged(event: LedgerTransaction) -> Decimal:
    """Fees, and taxes on the deal itself, which follow them; what is withheld of income is neither."""
    return event.fee + event.tax if event.kind in ("buy", "sell") else event.fee


def _rebate(charged: Decimal) -> Decimal | None:
    return -charged if charged < 0 else None


def _step(event: LedgerTransaction, base_currency: str, trading: Mapping[str, str]) -> booking.Transaction:
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
        # Lots whose cost was given back have none to share: any value stands for it.
        unit_price, to_unit_price = (total - event.cost, event.cost / ratio) if total else (Decimal(1), Decimal(0))
    return booking.Transaction(
        date=event.date,
        kind="move" if event.kind == "transfer" else event.kind,
        symbol=event.symbol or "",
        quantity=event.quantity if event.kind in _BY_NAME else None,
        unit_price=unit_price,
        amount=amount,
        fee=max(_charged(event), Decimal(0)),
        rebate=_rebate(_charged(event)),
        currency=event.currency,
        fx_to_base=None if event.currency == base_currency else event.fx_rate or Decimal(1),
        ratio=ratio,
        account=event.account,
        cost_fx_to_base=event.cost_fx_rate,
        to_quantity=event.to_quantity,
        to_symbol=event.to_symbol,
        to_unit_price=to_unit_price,
        to_account=event.to_account,
        trading_currency=trading.get(event.symbol or ""),
        to_trading_currency=trading.get(event.to_symbol or ""),
        fixings={each.base: each.rate for each in event.fixings} or None,
    )
