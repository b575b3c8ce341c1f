"""The events of a period in ledger order, each taken apart into the lines of the money bridge that it moves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

import numpy as np

from portfolio.books import Book, Event, lot_names
from portfolio.valuation.bridge_lots import NEGLIGIBLE, BridgeLots
from portfolio.valuation.bridge_pieces import ZERO, Piece, WayIn
from portfolio.valuation.deal_rates import DealRates
from portfolio.valuation.invariants import InvariantViolated
from pricing.fx import MissingRate
from pricing.market import History, MissingPrice

Required = TypeVar("Required")

LINES = (
    "contributions", "withdrawals", "realised_price", "unrealised_price", "fx", "cash_fx", "income", "fees", "taxes",
)  # fmt: skip
PARTS = ("interaction", "fx_dealing", "deal_rounding")


@dataclass(frozen=True, slots=True)
class Cause:
    """What moved a line, and where its rate and price are from.

    event     None: one end of the period
    currency  that its rate converts, of the pack day `place` or of the deal
    piece     the part of a lot whose gain it is
    """

    event: Event | None
    place: int
    currency: str
    security: int | None = None
    piece: Piece | None = None


@dataclass(slots=True)
class BridgeAmounts:
    """The lines and their parts, unrounded."""

    contributions: Decimal = ZERO
    withdrawals: Decimal = ZERO
    realised_price: Decimal = ZERO
    unrealised_price: Decimal = ZERO
    fx: Decimal = ZERO
    interaction: Decimal = ZERO
    cash_fx: Decimal = ZERO
    fx_dealing: Decimal = ZERO
    income: Decimal = ZERO
    fees: Decimal = ZERO
    deal_rounding: Decimal = ZERO
    taxes: Decimal = ZERO


class BridgeWalk:
    """A walk from the close of pack day `first` (-1: since inception) to that of `last`."""

    def __init__(self, book: Book, market: History, first: int, last: int) -> None:
        self.book, self.market, self.first, self.last = book, market, first, last
        self.rates = DealRates(market, book.base_currency, book.trade_fx)
        self.amounts = BridgeAmounts()
        self.lots = BridgeLots(book)
        self.symbols = dict(zip(market.security_ids, market.symbols, strict=True))

    def add_amount(self, line: str, amount: Decimal, formula: str, cause: Cause, /, **numbers: Decimal) -> None:
        """Add an amount to a line. `formula` says how it is made of the numbers, by their names."""
        setattr(self.amounts, line, getattr(self.amounts, line) + amount)

    def run(self) -> tuple[Decimal, Decimal]:
        """Fill `amounts`; the values at the opening and at the closing, unrounded."""
        opening = self.open() if self.first >= 0 else ZERO
        balances = self.book.cash(self.day(self.first)) if self.first >= 0 else dict[str, Decimal]()
        opening += self.revalue(balances, self.first, -1) if balances else ZERO
        for event in self.book.events:
            place = self.rates.pack_day(event.date)
            if place > self.last:
                break
            if place > self.first:
                self.add_event(event, place)
                for currency, amount in event.cash_legs():
                    balances[currency] = balances.get(currency, ZERO) + amount
        closing = self.close() + self.revalue(balances, self.last, 1)
        if self.book.accrual == "accrual":
            opening += self.accrue(self.first, -1) if self.first >= 0 else ZERO
            closing += self.accrue(self.last, 1)
        return opening, closing

    # The market

    def day(self, place: int) -> date:
        on: date = self.market.dates[place].item()
        return on

    def price(self, security: int, place: int) -> Decimal:
        price = float(self.market.close[place, self.market.security(security)])
        if np.isnan(price):
            raise MissingPrice(self.symbols[security], self.day(place))
        return Decimal(repr(price))

    def rate(self, currency: str, place: int) -> Decimal:
        rate = self.rates.on_pack_day(currency, place)
        if rate is None:
            raise MissingRate(currency, self.book.base_currency, self.day(place))
        return rate

    def currency_of(self, security: int) -> str:
        return self.market.security_currencies[self.market.security(security)]

    def rate_of(self, security: int, place: int) -> Decimal:
        return self.rate(self.currency_of(security), place)

    # Both ends

    def open(self) -> Decimal:
        """Every lot at the opening close and fixing."""
        on, total = self.day(self.first), ZERO
        for lot in self.book.lots:
            if lot.is_open(on):
                local = lot.quantity * self.price(lot.security, self.first)
                base = local * self.rate_of(lot.security, self.first)
                way_in = WayIn(None, lot.security, self.first, lot.quantity, local, base, lot.opened_by)
                self.lots.add((lot.account, lot.security), lot.opened_by, way_in)
                total += base
        return total

    def close(self) -> Decimal:
        """Value of what is left, at the closing close and fixing. Raises InvariantViolated where it is not what the lots hold."""
        total, left = ZERO, dict[int, Decimal]()
        for (_, security), pieces in self.lots.pieces.items():
            for piece in pieces.values():
                if piece.quantity:
                    left[security] = left.get(security, ZERO) + piece.quantity
                    price, rate = self.price(security, self.last), self.rate_of(security, self.last)
                    local = piece.quantity * price
                    total += local * rate
                    cause = Cause(None, self.last, self.currency_of(security), security, piece)
                    self.add_gain(cause, local, rate, "unrealised_price", units=piece.quantity, price=price)
        quantities = self.book.quantities(self.day(self.last))
        for security in left.keys() | quantities.keys():
            off = left.get(security, ZERO) - quantities.get(security, ZERO)
            if abs(off) > NEGLIGIBLE:
                raise InvariantViolated(
                    f"the bridge's quantity of {self.symbols[security]}", self.day(self.last), float(off)
                )
        return total

    def revalue(self, balances: Mapping[str, Decimal], place: int, sign: int) -> Decimal:
        """Cash at one end; with what the legs in between were counted at, the difference is its revaluation."""
        total = ZERO
        for currency, amount in balances.items():
            if amount:
                rate = self.rate(currency, place)
                total += amount * rate
                formula = "balance * rate" if sign > 0 else "-balance * rate"
                cause = Cause(None, place, currency)
                self.add_amount("cash_fx", sign * amount * rate, formula, cause, balance=amount, rate=rate)
        return total

    def accrue(self, place: int, sign: int) -> Decimal:
        """Dividends that are due at one end; they count as income from their ex-date on."""
        total = ZERO
        for event in self.book.events:
            if event.kind != "dividend" or event.ex_date is None:
                continue
            if self.rates.pack_day(event.ex_date) <= place < self.rates.pack_day(event.date):
                rate, due = self.rate(event.currency, place), "" if sign > 0 else "-"
                cause, owed = Cause(event, place, event.currency), event.amount + event.tax + event.fee
                numbers = {"amount": event.amount, "tax": event.tax, "fee": event.fee, "rate": rate}
                self.add_amount("income", sign * owed * rate, f"{due}(amount + tax + fee) * rate", cause, **numbers)
                back = "-" if sign > 0 else ""
                self.add_amount("taxes", -sign * event.tax * rate, f"{back}tax * rate", cause, tax=event.tax, rate=rate)
                self.add_amount("fees", -sign * event.fee * rate, f"{back}fee * rate", cause, fee=event.fee, rate=rate)
                total += event.amount * rate
        return total

    # Gains

    def add_gain(self, cause: Cause, value: Decimal, rate: Decimal, line: str, /, **made_of: Decimal) -> None:
        """Add the gain of the cause's piece, from its value on the way in to `value` (its currency) at `rate`.

        made_of  what the value is made of: units and price, or the proceeds and the rate `across` to the currency traded in
        """
        piece = cause.piece
        assert piece is not None
        entry_rate = piece.base / piece.local if piece.local else piece.entry_rate or rate
        gained = value - piece.local
        numbers = {"value": value, "local": piece.local, "base": piece.base, "entry_rate": entry_rate, "rate": rate}
        price = gained * entry_rate
        self.add_amount(line, price, "(value - local) * entry_rate", cause, **numbers, **made_of)
        fx = value * rate - piece.base - price
        self.add_amount("fx", fx, "value * rate - base - (value - local) * entry_rate", cause, **numbers, **made_of)
        both = gained * (rate - entry_rate)
        self.add_amount("interaction", both, "(value - local) * (rate - entry_rate)", cause, **numbers, **made_of)

    # Events

    def add_event(self, event: Event, place: int) -> None:
        if event.kind in ("deposit", "withdrawal"):
            rate, cause = self.rate(event.currency, place), Cause(event, place, event.currency)
            line, numbers = (
                "contributions" if event.amount > 0 else "withdrawals",
                {"amount": event.amount, "rate": rate},
            )
            self.add_amount(line, event.amount * rate, "amount * rate", cause, **numbers)
            self.add_amount("cash_fx", -event.amount * rate, "-amount * rate", cause, **numbers)
            return None
        if event.kind == "outside_fee":
            return None  # it is in neither value
        if event.counter_amount is not None:
            return self.convert(event, place)
        if event.kind == "split":
            for piece in self.lots.of(event.account, _required(event.security)).values():
                piece.quantity *= event.ratio or Decimal(1)
            return None
        if event.kind in ("transfer_in", "transfer_out"):
            return self.transfer(event, place)
        if event.kind == "transfer":
            return self.move(event, place)
        if event.kind in ("spin_off", "merger"):
            return self.exchange(event, place)
        return self.deal(event, place)

    def deal(self, event: Event, place: int) -> None:
        """What is dealt, paid or charged, at the rate of the deal."""
        rate, cause = self.rates.for_deal(event), Cause(event, place, event.currency, event.security)
        numbers = {"amount": event.amount, "fee": event.fee, "tax": event.tax, "deal_rate": rate}
        fixing = self.rate(event.currency, place)
        self.add_amount("cash_fx", -event.amount * rate, "-amount * deal_rate", cause, **numbers)
        dealing = event.amount * (fixing - rate)
        self.add_amount("fx_dealing", dealing, "amount * (rate - deal_rate)", cause, **numbers, rate=fixing)
        self.add_amount("fees", -event.fee * rate, "-fee * deal_rate", cause, **numbers)
        self.add_amount("taxes", -event.tax * rate, "-tax * deal_rate", cause, **numbers)
        rest, formula = event.amount + event.fee + event.tax, "(amount + fee + tax) * deal_rate"
        if event.kind in ("buy", "reinvested_dividend"):
            bought = self.buy(event, place, rate)
            rest, numbers = rest + bought, numbers | {"bought": bought}
            formula = "(amount + fee + tax + bought) * deal_rate"
        elif event.kind == "sell":
            for match, piece in self.lots.matched(event):
                rest -= match.proceeds
                value, out = self.as_traded(event, place, match.proceeds, rate)
                of_lot, across = replace(cause, piece=piece), value / match.proceeds if match.proceeds else Decimal(1)
                self.add_gain(
                    of_lot, value, out, "realised_price", proceeds=match.proceeds, across=across, deal_rate=rate
                )
            numbers["sold"] = event.amount + event.fee + event.tax - rest
            formula = "(amount + fee + tax - sold) * deal_rate"
        elif event.kind == "return_of_capital":
            return self.return_capital(cause, *self.as_traded(event, place, rest, rate), rest, rate)
        if event.kind in ("dividend", "interest", "reinvested_dividend"):
            return self.add_amount("income", rest * rate, formula, cause, **numbers)
        if event.kind == "tax":
            return self.add_amount("taxes", rest * rate, formula, cause, **numbers)
        if event.kind not in ("buy", "sell", "fee"):
            raise InvariantViolated(f"the bridge of a {event.kind}", event.date, float(rest))
        # What is left is what the ledger booked as rounding of the deal's cash; a fee leaves nothing.
        self.add_amount("fees", rest * rate, formula, cause, **numbers)
        return self.add_amount("deal_rounding", rest * rate, formula, cause, **numbers)

    def as_traded(self, event: Event, place: int, amount: Decimal, rate: Decimal) -> tuple[Decimal, Decimal]:
        """An amount of a deal in the currency that the security trades in, at the fixing of the day where it is another, and
        the rate that converts it to what the deal was in the base currency."""
        security = _required(event.security)
        if security not in self.symbols:  # no pack has a close of it: it came and went between two
            return amount, rate
        trades_in = self.market.security_currencies[self.market.security(security)]
        if event.currency == trades_in:
            return amount, rate
        across = self.rate(event.currency, place) / self.rate(trades_in, place)
        return amount * across, rate / across

    def buy(self, event: Event, place: int, rate: Decimal) -> Decimal:
        """Add units at what was paid for them; gives that in the deal's currency."""
        quantity = _required(event.quantity)
        value = -event.amount - event.fee - event.tax if event.unit_price is None else quantity * event.unit_price
        local, _ = self.as_traded(event, place, value, rate)
        security = _required(event.security)
        self.lots.add(
            (event.account, security), event.entry_id, WayIn(event, security, place, quantity, local, value * rate)
        )
        return value

    def convert(self, event: Event, place: int) -> None:
        """Both legs at the fixing: what they miss each other by is what dealing cost."""
        rate, counter_rate = self.rate(event.currency, place), self.rate(event.counter_currency, place)
        cause, counter_amount = Cause(event, place, event.currency), _required(event.counter_amount)
        numbers = {
            "amount": event.amount, "rate": rate, "fee": event.fee,
            "counter_amount": counter_amount, "counter_rate": counter_rate,
        }  # fmt: skip
        self.add_amount("cash_fx", -event.amount * rate, "-amount * rate", cause, **numbers)
        self.add_amount("cash_fx", -counter_amount * counter_rate, "-counter_amount * counter_rate", cause, **numbers)
        self.add_amount("fees", -event.fee * rate, "-fee * rate", cause, **numbers)
        dealing = event.amount * rate + counter_amount * counter_rate + event.fee * rate
        formula = "(amount + fee) * rate + counter_amount * counter_rate"
        self.add_amount("cash_fx", dealing, formula, cause, **numbers)
        self.add_amount("fx_dealing", dealing, formula, cause, **numbers)

    def transfer(self, event: Event, place: int) -> None:
        """In kind, at the close of the day: what comes in is measured from there, what goes out up to there."""
        security, quantity = _required(event.security), _required(event.quantity)
        price, rate = self.price(security, place), self.rate_of(security, place)
        cause = Cause(event, place, self.currency_of(security), security)
        if event.kind == "transfer_in":
            value = quantity * price
            way_in = WayIn(event, security, place, quantity, value, value * rate)
            self.lots.add((event.account, security), event.entry_id, way_in)
            numbers = {"units": quantity, "price": price, "rate": rate}
            self.add_amount("contributions", value * rate, "units * price * rate", cause, **numbers)
            return
        for match, piece in self.lots.matched(event):
            value, numbers = match.quantity * price, {"units": match.quantity, "price": price}
            self.add_gain(replace(cause, piece=piece), value, rate, "unrealised_price", **numbers)
            self.add_amount("withdrawals", -value * rate, "-units * price * rate", cause, **numbers, rate=rate)

    def move(self, event: Event, place: int) -> None:
        """Between own accounts: a lot goes on in the other, or cash does, of which the net is nothing."""
        if event.amount:
            rate, cause = self.rate(event.currency, place), Cause(event, place, event.currency)
            numbers = {"amount": event.amount, "rate": rate}
            self.add_amount("cash_fx", -event.amount * rate, "-amount * rate", cause, **numbers)
        for match, piece in list(self.lots.matched(event)):
            name = lot_names.after_move(self.lots.name(match.opened_by), event.entry_id)
            self.lots.add((event.to_account, match.security), name, piece, piece.entry_rate)

    def exchange(self, event: Event, place: int) -> None:
        """Lots go on under another security: with all that they are value, or in a spin-off with the part that the ledger gives
        it; by the day's closes where the lots had no cost to share."""
        ratio, share = event.ratio or Decimal(1), Decimal(1)
        gives, key = _required(event.to_security), (event.account, _required(event.security))
        if event.kind == "spin_off" and event.cost_share is not None:
            share = event.cost_share
        elif event.kind == "spin_off":
            new_value = ratio * self.price(gives, place)
            share = new_value / (new_value + self.price(key[1], place))
        to = (event.to_account or event.account, gives)
        for name, piece in list(self.lots.of(*key).items()):
            if piece.quantity:
                part, left = piece.part(share), piece.quantity
                piece.lose(part)
                if event.kind == "merger":
                    piece.quantity = ZERO
                goes_on = replace(part, quantity=left * ratio)
                self.lots.add(to, lot_names.after_move(name, event.entry_id), goes_on, piece.entry_rate)

    def return_capital(self, cause: Cause, received: Decimal, rate: Decimal, paid: Decimal, deal_rate: Decimal) -> None:
        """Lots give up what is paid out, unit by unit; beyond their value it is gain.

        received, rate   in the currency that the security trades in
        paid, deal_rate  in that of the payment
        """
        assert cause.event is not None
        key = (cause.event.account, _required(cause.event.security))
        pieces = [piece for piece in self.lots.of(*key).values() if piece.quantity]
        units = sum((piece.quantity for piece in pieces), ZERO)
        for piece in pieces:
            of_piece = received * piece.quantity / units
            share = Decimal(1) if of_piece >= piece.local else of_piece / piece.local
            given_back = piece.part(share)
            numbers = {"proceeds": paid * piece.quantity / units, "across": received / paid if paid else Decimal(1)}
            of_lot = replace(cause, piece=given_back)
            self.add_gain(of_lot, of_piece, rate, "realised_price", **numbers, deal_rate=deal_rate)
            piece.lose(given_back)


def _required(field: Required | None) -> Required:
    """The security, quantity or counter amount of an event whose kind has one: the journal refuses it without."""
    assert field is not None
    return field
