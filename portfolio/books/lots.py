"""Lots from a ledger's transactions, by the booking rules of `portfolio.analytics.booking`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from portfolio.analytics import booking
from portfolio.analytics.errors import InvalidInput, Oversold
from portfolio.books import lot_names
from portfolio.books.booking_steps import EntryNotBooked, Method, Methods, Step, all_steps, booked_as
from portfolio.books.entries import ZERO, CostLayer, LotMatch, LotState
from portfolio.ledger.journal import LedgerTransaction
from portfolio.ledger.screening import Finding


@dataclass(frozen=True, slots=True)
class LotHistory:
    """Every state of every lot, and what was taken from each, one value for an entry and a lot; matches rise by day."""

    lots: tuple[LotState, ...]
    matches: tuple[LotMatch, ...]


def derive(
    transactions: Sequence[LedgerTransaction],
    *,
    securities: Mapping[str, int],
    base_currency: str,
    method: Method,
    fees_in_cost: bool,
    account_methods: Mapping[str, Method] | None = None,
    trading: Mapping[str, str] | None = None,
) -> LotHistory:
    """The lots of a ledger's events. Raises EntryNotBooked with the entry's file and line.

    securities       symbol -> id
    account_methods  of accounts that the ledger opens with a method of their own. An AVERAGE portfolio has pools in all of
                     them, for the ledger can't book averages
    trading          symbol -> the currency that it trades in, where the fixings of the ledger do not say it
    """
    methods = Methods(method, account_methods or {})
    steps = all_steps(transactions, base_currency, methods, trading or {})
    booked = _book(steps, methods, fees_in_cost)
    with localcontext(booking.PRECISION):
        origins = _Origins(steps, securities)
        lots = tuple(origins.lot_state(parcel) for parcel in booked.parcels)
        matches = [origins.match(each, fees_in_cost=fees_in_cost) for each in booked.matched_lots]
        moves = [origins.move(place, lot) for place, lot in booked.transferred_lots]
    in_order = sorted(matches + moves, key=lambda match: match.date)
    return LotHistory(lots, tuple(_one_a_lot(in_order, fees_in_cost=fees_in_cost)))


def book(
    transactions: Sequence[LedgerTransaction],
    *,
    base_currency: str,
    method: Method,
    fees_in_cost: bool,
    account_methods: Mapping[str, Method] | None = None,
    trading: Mapping[str, str] | None = None,
) -> booking.Booked:
    """The books of a ledger's events, as the booking rules give them. Raises EntryNotBooked with the entry's file and line.

    An event without a rate counts at the neutral weight 1: base amounts of what it opened or closed mean nothing then.
    """
    methods = Methods(method, account_methods or {})
    return _book(all_steps(transactions, base_currency, methods, trading or {}), methods, fees_in_cost)


def _book(steps: Sequence[Step], methods: Methods, fees_in_cost: bool) -> booking.Booked:
    try:
        return booking.book(
            [step for _, step in steps],
            method=booked_as(methods.portfolio),
            fees_in_cost=fees_in_cost,
            account_methods={}
            if methods.portfolio == "AVERAGE"
            else {account: booked_as(method) for account, method in methods.accounts.items()},
        )
    except (Oversold, InvalidInput) as wrong:
        if wrong.index is None:
            raise
        event = steps[wrong.index][0]
        reason = (
            f"{event.kind} of {wrong.quantity:f} {wrong.symbol}, of which {wrong.available:f} is held"
            if isinstance(wrong, Oversold)
            else f"{event.kind}: {wrong.argument} {wrong.problem}{_suggestion(event, wrong)}"
        )
        raise EntryNotBooked((Finding(event.file, event.line, reason),)) from wrong


def _suggestion(event: LedgerTransaction, wrong: InvalidInput) -> str:
    if wrong.argument != "fixing":
        return ""
    return f'; tell that of the day as metadata of the entry, such as fixing: "{event.currency}USD=1.0921"'


class _Origins:
    """The entries behind what was booked: the booking rules speak of steps by their place, the books of entries and ids."""

    def __init__(self, steps: Sequence[Step], securities: Mapping[str, int]) -> None:
        self.steps, self.securities = steps, securities
        # Where the ledger names no rate the booking ran on a neutral weight: that rate is nobody's, so it is not kept.
        self.rates = [_rate_of(step) for step in steps]

    def lot_state(self, parcel: booking.Parcel) -> LotState:
        return LotState(
            security=self.securities[parcel.symbol],
            account=parcel.account,
            acquired=parcel.acquired,
            quantity=parcel.quantity,
            unit_cost=parcel.unit_cost,
            cost=parcel.cost,
            currency=parcel.currency or "",
            fx_to_base=None if parcel.layers else self.rates[parcel.opened_by],
            valid_from=parcel.valid_from,
            valid_to=parcel.valid_to,
            opened_by=self.lot_name(parcel.opened_by, parcel.went_on),
            layers=self.layers(parcel.layers),
        )

    def match(self, match: booking.MatchedLot, *, fees_in_cost: bool) -> LotMatch:
        cost, proceeds = match.cost, match.proceeds
        if fees_in_cost:
            cost, proceeds = cost - match.entry_fee, proceeds + match.exit_fee
        return LotMatch(
            security=self.securities[match.symbol],
            entry_id=self.steps[match.closed_by][0].entry_id,
            opened_by=self.lot_name(match.opened_by, match.went_on),
            date=match.date,
            kind=match.kind,
            account=match.account,
            acquired=match.acquired,
            quantity=match.quantity,
            cost=cost,
            proceeds=proceeds,
            entry_fee=match.entry_fee,
            exit_fee=match.exit_fee,
            currency=match.currency or "",
            fx_in=None if match.layers else self.rates[match.opened_by],
            fx_out=self.rates[match.closed_by],
            cost_currency="" if match.cost_currency == match.currency else match.cost_currency or "",
            layers=self.layers(match.layers),
        )

    def move(self, place: int, lot: booking.Lot) -> LotMatch:
        """A part that moved out at its cost: nothing is realised."""
        event, cost = self.steps[place][0], lot.unit_cost * lot.quantity
        rate = None if lot.layers else self.rates[lot.opened_by]
        return LotMatch(
            security=self.securities[lot.symbol],
            entry_id=event.entry_id,
            opened_by=self.lot_name(lot.opened_by, lot.went_on),
            date=event.date,
            kind=event.kind,
            account=lot.account,
            acquired=lot.acquired,
            quantity=lot.quantity,
            cost=cost,
            proceeds=cost,
            entry_fee=ZERO,
            exit_fee=ZERO,
            currency=lot.currency or "",
            fx_in=rate,
            fx_out=rate,
            layers=self.layers(lot.layers),
        )

    def lot_name(self, opened_by: int, went_on: Sequence[int]) -> str:
        """The name of the lot that a step opened, after the steps that it went on by. Parts of one purchase that came
        together again on several ways have a name each."""
        event = self.steps[opened_by][0]
        first = opened_by
        while first and self.steps[first - 1][0] is event:
            first -= 1
        name = lot_names.opened_by(event.entry_id, opened_by - first + 1)
        for place in went_on:
            name = lot_names.after_move(name, self.steps[place][0].entry_id)
        return name

    def layers(self, booked: Sequence[booking.Layer]) -> tuple[CostLayer, ...]:
        return tuple(
            CostLayer(each.currency or "", each.acquired, self.rates[each.opened_by], each.cost, each.fee)
            for each in booked
        )


def _rate_of(step: Step) -> Decimal | None:
    """The ledger's rate of a step: base currency for one of the currency of its lots or cash; 1 for the base itself, None where
    the ledger names none."""
    event, booked = step
    if event.kind == "transfer_in" and booked.cost_fx_to_base is not None:
        return booked.cost_fx_to_base
    if booked.fx_to_base is None:
        return Decimal(1)
    # The rate of the day on which lots come in says nothing of an older day on which they were bought.
    if event.kind == "transfer_in" and booked.acquired != event.date:
        return None
    return event.fx_rate


def _one_a_lot(matches: Iterable[LotMatch], *, fees_in_cost: bool) -> Iterable[LotMatch]:
    """One match for an entry and a lot: a sale that names a lot twice has several parts of it."""
    merged: dict[tuple[str, str, str, int], LotMatch] = {}
    for match in matches:
        key = (match.entry_id, match.opened_by, match.account, match.security)
        merged[key] = _sum(merged[key], match, fees_in_cost=fees_in_cost) if key in merged else match
    return merged.values()


def _sum(one: LotMatch, other: LotMatch, *, fees_in_cost: bool) -> LotMatch:
    layered = bool(one.layers or other.layers)
    return replace(
        one,
        quantity=one.quantity + other.quantity,
        cost=one.cost + other.cost,
        proceeds=one.proceeds + other.proceeds,
        entry_fee=one.entry_fee + other.entry_fee,
        exit_fee=one.exit_fee + other.exit_fee,
        fx_in=None if layered else one.fx_in,
        layers=_sum_of_layers(one, other, fees_in_cost=fees_in_cost) if layered else (),
    )


def _sum_of_layers(*matches: LotMatch, fees_in_cost: bool) -> tuple[CostLayer, ...]:
    """One layer for each currency, day and rate. A match of one purchase alone counts as a layer of it."""
    sums: dict[tuple[object, ...], CostLayer] = {}
    for match in matches:
        for layer in match.cost_layers(fees_in_cost=fees_in_cost):
            key = (layer.currency, layer.acquired, layer.fx_to_base)
            same_layer = sums.get(key)
            sums[key] = (
                layer
                if same_layer is None
                else replace(same_layer, cost=same_layer.cost + layer.cost, fee=same_layer.fee + layer.fee)
            )
    return tuple(sums.values())
