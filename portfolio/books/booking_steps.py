"""What the booking rules see of a ledger's events: one step each, or one for each part of it that is booked apart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, TypeAlias

from portfolio.analytics import booking
from portfolio.ledger.journal import LedgerLot, LedgerTransaction
from portfolio.ledger.screening import Finding, LedgerRefused

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


class EntryNotBooked(LedgerRefused):
    """An entry that no lots can be made of or taken from: it sells or moves more than is held, or lacks what its kind needs."""


@dataclass(frozen=True, slots=True)
class Methods:
    """The portfolio's booking method, and those of accounts that have one of their own."""

    portfolio: Method
    accounts: Mapping[str, Method]

    def for_account(self, account: str) -> Method:
        return self.portfolio if self.portfolio == "AVERAGE" else self.accounts.get(account, self.portfolio)


def all_steps(
    transactions: Sequence[LedgerTransaction], base_currency: str, methods: Methods, trading: Mapping[str, str]
) -> list[Step]:
    """The steps of all events that move lots, each with its event. Raises EntryNotBooked."""
    trades_in = _trading_currencies(transactions, trading)
    return [
        (event, step)
        for event in transactions
        if _moves_lots(event)
        for step in _steps_of(event, base_currency, methods.for_account(event.account), trades_in)
    ]


def _trading_currencies(transactions: Sequence[LedgerTransaction], currencies: Mapping[str, str]) -> Mapping[str, str]:
    """Symbol -> the currency that it trades in, as given or by the fixings of its entries."""
    currency_of = dict(currencies)
    for event in transactions:
        if event.symbol is not None and event.fixings:
            currency = currency_of.setdefault(event.symbol, event.fixings[0].quote)
            if currency != event.fixings[0].quote:
                reason = f"fixing in {event.fixings[0].quote}: {event.symbol} trades in {currency}"
                raise EntryNotBooked((Finding(event.file, event.line, reason),))
    return currency_of


def booked_as(method: Method) -> booking.Method:
    """The method of the booking rules. Where the ledger names lots, sales say which; what names none goes first in, first out."""
    return "FIFO" if method == "NAMED" else method


def _moves_lots(event: LedgerTransaction) -> bool:
    """A transfer between own accounts may be of cash alone, without a symbol."""
    return event.kind in BOOKED and event.symbol is not None


def _parts_booked_apart(event: LedgerTransaction, method: Method) -> Sequence[tuple[LedgerLot, ...]]:
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


def _steps_of(
    event: LedgerTransaction, base_currency: str, method: Method, trading: Mapping[str, str]
) -> Iterator[booking.Transaction]:
    """One step for an event, or one for each part of it; charges are shared by quantity."""
    whole, parts = _whole_step(event, base_currency, trading), _parts_booked_apart(event, method)
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
            step = _with_lot_name(step, event, lots[0], method, apart=len(parts) > 1)
        yield step


def _with_lot_name(
    step: booking.Transaction, event: LedgerTransaction, lot: LedgerLot, method: Method, *, apart: bool
) -> booking.Transaction:
    """The step with what the ledger knows the lot by."""
    if event.kind in _OPENING and (apart or lot.acquired != event.date):
        step = replace(step, unit_price=_paid_per_unit(event, lot), acquired=lot.acquired)
    if event.kind in _TAKING and method == "NAMED":
        step = replace(step, acquired=lot.acquired, lot_cost=lot.unit_cost, lot_currency=lot.currency or event.currency)
    return step if lot.label is None else replace(step, lot_id=lot.label)


def _paid_per_unit(event: LedgerTransaction, lot: LedgerLot) -> Decimal:
    """The lot's unit cost, scaled so that all lots come to what was paid: rounding may have made that another sum."""
    stated = sum((each.quantity * each.unit_cost for each in event.lots), Decimal(0))
    paid = -(event.amount + event.fee + event.tax + event.rounding)
    if event.kind != "buy" or paid == stated or not stated:
        return lot.unit_cost
    return lot.unit_cost * paid / stated


def _charged(event: LedgerTransaction) -> Decimal:
    """Fees, and taxes on the deal itself, which follow them; what is withheld of income is neither."""
    return event.fee + event.tax if event.kind in ("buy", "sell") else event.fee


def _rebate(charged: Decimal) -> Decimal | None:
    return -charged if charged < 0 else None


def _whole_step(event: LedgerTransaction, base_currency: str, trading: Mapping[str, str]) -> booking.Transaction:
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
