"""Lots from transactions: the bridge between the ledger's events and the booking rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolio.analytics import booking
from portfolio.ledger.journal import LedgerTransaction

BOOKED = frozenset({"buy", "sell", "split", "reinvested_dividend", "transfer_in", "transfer_out", "return_of_capital"})


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
    """Every state of every lot. Raises booking's named errors (Oversold ...)."""
    chosen = [event for event in transactions if event.kind in BOOKED]
    booked = booking.book([_event(event, base_currency) for event in chosen], method=method, fees_in_cost=fees_in_cost)
    # Where the ledger names no rate the booking ran on a neutral weight: that rate is nobody's, so it is not kept.
    rateless = {
        index for index, event in enumerate(chosen) if event.currency != base_currency and event.fx_rate is None
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
